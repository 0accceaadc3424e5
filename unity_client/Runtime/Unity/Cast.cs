using System.Collections.Generic;
using DialogueServer.Protocol;

namespace DialogueServer
{
    /// <summary>
    /// The NPC components that share one conversation. What is said goes to the one that says it;
    /// what concerns the conversation goes to all.
    /// </summary>
    internal sealed class Cast
    {
        private readonly List<DialogueNpc> _members = new List<DialogueNpc>();
        private readonly DialogueClient _client;

        /// <summary>A conversation as its first member describes it; <see cref="Join"/> it next.</summary>
        public Cast(DialogueNpc first, DialogueClient client)
        {
            _client = client;
            Conversation = new DialogueConversation(first.ConversationName, new[] { first.NpcId })
            {
                Scene = first.SceneName,
                InterruptOnSay = first.InterruptOnSay,
                OpenAtOnce = first.OpenOnEnable,
                StateProvider = State,
                SeenProvider = Seen,
            };
            Listen();
        }

        public DialogueConversation Conversation { get; }

        public int Count => _members.Count;

        /// <exception cref="System.ArgumentException">The same NPC takes part already.</exception>
        public void Join(DialogueNpc npc)
        {
            foreach (DialogueNpc member in _members)
                if (member.NpcId == npc.NpcId)
                    throw new System.ArgumentException(
                        "There is already an NPC \"" + npc.NpcId + "\" in the conversation \"" + Conversation.Name
                        + "\"; give each of them a conversation name of its own.");
            _members.Add(npc);
            Conversation.OpenAtOnce |= npc.OpenOnEnable;
            Conversation.SetNpcs(Ids());
        }

        public void Leave(DialogueNpc npc)
        {
            if (IsOf(npc, Conversation.Current)) Conversation.Interrupt(); // only what was shown is remembered
            _members.Remove(npc);
            if (_members.Count > 0) Conversation.SetNpcs(Ids());
        }

        public NpcInfo InfoOf(string npc)
        {
            foreach (NpcInfo info in Conversation.NpcInfos)
                if (info.Id == npc) return info;
            return null;
        }

        public bool IsOf(DialogueNpc npc, DialogueTurn turn) => turn != null && Of(turn) == npc;

        /// <summary>Who tells a turn: its speaker, or who has the speaker among the others; null if
        /// the speaker has left.</summary>
        private DialogueNpc Of(DialogueTurn turn)
        {
            string id = turn.Npc.Length > 0 ? turn.Npc : turn.To;
            DialogueNpc other = null;
            foreach (DialogueNpc member in _members)
            {
                if (member.NpcId == id || id.Length == 0) return member;
                if (other is null && System.Array.IndexOf(member.Others, id) >= 0) other = member;
            }
            return other;
        }

        private string[] Ids()
        {
            var ids = new List<string>();
            foreach (DialogueNpc member in _members) Add(member.NpcId);
            foreach (DialogueNpc member in _members)
                foreach (string other in member.Others) Add(other);
            return ids.ToArray();

            void Add(string id)
            {
                if (!ids.Contains(id)) ids.Add(id);
            }
        }

        /// <summary>Null where nobody has anything to tell; of two with the same key the later wins.</summary>
        private Dictionary<string, object> State()
        {
            Dictionary<string, object> all = _client.StateProvider?.Invoke();
            bool own = false;
            foreach (DialogueNpc member in _members)
            {
                Dictionary<string, object> state = member.StateProvider?.Invoke();
                if (all == null || state == null)
                {
                    all = all ?? state;
                    continue;
                }
                if (!own) all = new Dictionary<string, object>(all);
                own = true;
                foreach (KeyValuePair<string, object> pair in state) all[pair.Key] = pair.Value;
            }
            return all;
        }

        private int Seen()
        {
            DialogueTurn turn = Conversation.Current;
            DialogueNpc speaker = turn == null ? null : Of(turn);
            return speaker is null ? int.MaxValue : speaker.SeenOf(turn);
        }

        private void Listen()
        {
            Conversation.Opened += greeting =>
            {
                DialogueNpc first = _members[0]; // who speaks the greeting
                ForAll(member => member.OnOpened(member == first ? greeting : ""));
            };
            Conversation.Loaded += () => ForAll(member => member.OnLoaded());
            Conversation.TurnStarted += turn => Of(turn)?.OnTurnStarted(turn);
            Conversation.TurnQueued += (turn, position) => Of(turn)?.OnTurnQueued(turn, position);
            Conversation.TurnRestarted += turn => Of(turn)?.OnTurnRestarted(turn);
            Conversation.TurnInterrupted += turn => Of(turn)?.OnTurnInterrupted(turn);
            Conversation.TextAdded += (turn, text) => Of(turn)?.OnTextAdded(turn, text);
            Conversation.CueReceived += (turn, cue) => Of(turn)?.OnCueReceived(turn, cue);
            Conversation.TurnEnded += turn => Of(turn)?.OnTurnEnded(turn);
            Conversation.Triggered += trigger => ForAll(member => member.OnTriggered(trigger));
            Conversation.Failed += error => ForAll(member => member.OnFailed(error));
        }

        /// <summary>What the game does in an event may add or remove members: those that have left
        /// are told nothing more.</summary>
        private void ForAll(System.Action<DialogueNpc> tell)
        {
            foreach (DialogueNpc member in _members.ToArray())
                if (_members.Contains(member)) tell(member);
        }
    }
}
