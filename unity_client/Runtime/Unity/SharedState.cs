using System;
using System.Collections.Generic;
using DialogueServer.Protocol;

namespace DialogueServer
{
    /// <summary>What the server knows of the game's state in one conversation, and what it has to be told.</summary>
    internal sealed class SharedState
    {
        private readonly string _conversation;
        private Dictionary<string, object> _state;
        private bool _known;
        private long _revision;

        public SharedState(string conversation) => _conversation = conversation;

        /// <summary>What to send so that the server knows this state; null where nothing has changed.</summary>
        public StateMessage Update(Dictionary<string, object> given)
        {
            Dictionary<string, object> state = GameState.Copy(given);
            Dictionary<string, object> patch = _known ? GameState.Patch(_state, state) : null;
            if (patch != null && patch.Count == 0) return null;
            _state = state;
            _known = true;
            _revision++;
            return patch == null
                ? new StateMessage(_conversation, _revision, state)
                : new StateMessage(_conversation, _revision, null, patch);
        }

        /// <summary>All that was sent, once more; null if nothing was.</summary>
        public StateMessage Snapshot() => _known ? new StateMessage(_conversation, ++_revision, _state) : null;

        /// <summary>The server may know something else: a snapshot the next time.</summary>
        public void Forget() => _known = false;

        /// <summary>The conversation is open, with the state of a revision.</summary>
        public void Opened(long revision, bool loaded)
        {
            if (loaded || _revision < revision) _known = false;
            _revision = Math.Max(_revision, revision);
        }
    }
}
