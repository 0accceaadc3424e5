using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using DialogueServer.Protocol;
using DialogueServer.Transport;

namespace DialogueServer
{
    /// <summary>Hands what the server sends to the conversation that it is about.</summary>
    public sealed class ConversationRouter : ServerMessageForwarder
    {
        private readonly Dictionary<string, DialogueConversation> _conversations =
            new Dictionary<string, DialogueConversation>();
        private readonly Dictionary<long, Speaking> _turns = new Dictionary<long, Speaking>();
        private readonly PendingRequests _pending = new PendingRequests();
        private DialogueSession _session;
        private DialogueException _failure; // why there is no session, if it was given up
        private bool _lost;
        private Player _player;

        /// <summary>An error that is about no conversation of ours.</summary>
        public event Action<DialogueException> Failed;

        /// <summary>The server restarts and asks to reconnect after so many milliseconds, by itself.</summary>
        public event Action<long> GoingAway;

        public IEnumerable<DialogueConversation> Conversations => _conversations.Values;

        /// <summary>The session is about to start: conversations open over it, now and later, in
        /// <see cref="Update"/> or before the first thing that is said in them.</summary>
        public void Attach(DialogueSession session, Player player)
        {
            _session = session;
            _player = player;
            _failure = null;
            session.Lost += OnLost;
            session.Snapshots = Snapshots;
            foreach (DialogueConversation conversation in _conversations.Values) conversation.Open(player, session.Send);
        }

        /// <summary>Call it every frame: opens the conversations that were added since. Not at once,
        /// so that NPCs that join one conversation in the same frame open it once.</summary>
        public void Update()
        {
            if (_lost)
            {
                _lost = false;
                _pending.FailLost();
                foreach (DialogueConversation conversation in All()) conversation.FailLost();
            }
            if (_session == null) return;
            foreach (DialogueConversation conversation in _conversations.Values) conversation.OpenByItself();
        }

        /// <summary>Every NPC that the server has. Needs the capability "designer".</summary>
        public Task<NpcInfo[]> NpcsAsync(string locale = "")
        {
            if (_session == null) throw new InvalidOperationException("There is no connection to a server.");
            Task<object> answer = _pending.Add(RequestKind.Npcs);
            _session.Send(new NpcsMessage(locale));
            return PendingRequests.As<NpcInfo[]>(answer);
        }

        /// <summary>The session is over. With an error every turn under way fails, else it is cancelled.</summary>
        public void Detach(DialogueException error)
        {
            if (_session != null) _session.Lost -= OnLost;
            if (error == null) // of our own will: the NPCs remember what the player has seen
                foreach (DialogueConversation conversation in All()) conversation.Interrupt();
            _session = null;
            _failure = error;
            _turns.Clear();
            _pending.Clear(error);
            foreach (DialogueConversation conversation in All()) conversation.Detach(error);
        }

        public void Add(DialogueConversation conversation)
        {
            if (_conversations.ContainsKey(conversation.Name))
                throw new ArgumentException(
                    "There is already a conversation called \"" + conversation.Name + "\"; give each its own name.");
            _conversations.Add(conversation.Name, conversation);
            if (_session != null) conversation.Open(_player, _session.Send);
            else if (_failure != null) conversation.Detach(_failure);
        }

        public void Remove(DialogueConversation conversation)
        {
            if (!_conversations.TryGetValue(conversation.Name, out DialogueConversation known)
                || known != conversation) return;
            if (_session != null)
            {
                conversation.Interrupt(); // the NPC remembers what the player has seen
                if (conversation.MayBeOpen) _session.Send(new CloseMessage(conversation.Name));
            }
            _conversations.Remove(conversation.Name);
            var over = new List<long>();
            foreach (KeyValuePair<long, Speaking> pair in _turns)
                if (pair.Value.Conversation == conversation) over.Add(pair.Key);
            foreach (long turn in over) _turns.Remove(turn);
            conversation.Detach(null);
        }

        public override void OnGoAway(in GoAwayMessage message) => GoingAway?.Invoke(message.ReconnectMs);

        public override void OnOpened(in OpenedMessage message)
        {
            if (Find(message.Conversation, out DialogueConversation conversation)) conversation.OnOpened(in message);
        }

        public override void OnStateOk(in StateOkMessage message)
        {
            if (Find(message.Conversation, out DialogueConversation conversation)) conversation.OnStateOk(in message);
        }

        public override void OnSaved(in SavedMessage message)
        {
            if (Find(message.Conversation, out DialogueConversation conversation)) conversation.OnSaved(in message);
        }

        public override void OnTranscript(in TranscriptMessage message)
        {
            if (Find(message.Conversation, out DialogueConversation conversation)) conversation.OnTranscript(in message);
        }

        public override void OnTurn(in TurnMessage message)
        {
            if (Find(message.Conversation, out DialogueConversation conversation))
                _turns[message.Turn] = new Speaking(conversation, conversation.OnTurn(in message));
        }

        public override void OnQueued(in QueuedMessage message)
        {
            if (_turns.TryGetValue(message.Turn, out Speaking speaking))
                speaking.Conversation.OnQueued(speaking.Turn, message.Position);
        }

        public override void OnDelta(in DeltaMessage message)
        {
            if (_turns.TryGetValue(message.Turn, out Speaking speaking))
                speaking.Conversation.OnDelta(speaking.Turn, message.Text);
        }

        public override void OnCue(in CueMessage message)
        {
            if (_turns.TryGetValue(message.Turn, out Speaking speaking))
                speaking.Conversation.OnCue(speaking.Turn, in message);
        }

        public override void OnTurnEnd(in TurnEndMessage message)
        {
            if (!_turns.TryGetValue(message.Turn, out Speaking speaking)) return;
            _turns.Remove(message.Turn);
            speaking.Conversation.OnTurnEnd(speaking.Turn, in message);
        }

        public override void OnError(in ErrorMessage message)
        {
            if (Find(message.Conversation, out DialogueConversation conversation))
            {
                conversation.OnError(in message);
                return;
            }
            var error = new DialogueException(in message);
            if (message.Code == ErrorCode.Forbidden) _pending.Refused(error);
            Failed?.Invoke(error);
        }

        public override void OnNoted(in NotedMessage message)
        {
            if (Find(message.Conversation, out DialogueConversation conversation)) conversation.OnNoted(in message);
        }

        public override void OnTrigger(in TriggerMessage message)
        {
            if (Find(message.Conversation, out DialogueConversation conversation)) conversation.OnTrigger(in message);
        }

        public override void OnSuggestions(in SuggestionsMessage message)
        {
            if (Find(message.Conversation, out DialogueConversation conversation)) conversation.OnSuggestions(in message);
        }

        public override void OnNpcList(in NpcListMessage message) =>
            _pending.Answered(RequestKind.Npcs, RequestKind.Npcs, message.Npcs);

        internal void OnLost()
        {
            _turns.Clear();
            _pending.Lose();
            _lost = true;
            foreach (DialogueConversation conversation in All()) conversation.Lost();
        }

        private IEnumerable<StateMessage> Snapshots()
        {
            foreach (DialogueConversation conversation in All())
            {
                StateMessage snapshot = conversation.Snapshot();
                if (snapshot != null) yield return snapshot;
            }
        }

        private bool Find(string name, out DialogueConversation conversation) =>
            _conversations.TryGetValue(name, out conversation);

        private List<DialogueConversation> All() => new List<DialogueConversation>(_conversations.Values);

        private readonly struct Speaking
        {
            public readonly DialogueConversation Conversation;
            public readonly DialogueTurn Turn;

            public Speaking(DialogueConversation conversation, DialogueTurn turn)
            {
                Conversation = conversation;
                Turn = turn;
            }
        }
    }
}
