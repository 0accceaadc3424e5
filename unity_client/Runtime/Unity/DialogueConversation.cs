using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using DialogueServer.Protocol;

namespace DialogueServer
{
    /// <summary>
    /// One conversation of the player with one NPC or several. Plain C#: <see cref="DialogueNpc"/>
    /// is its component. Everything happens on the thread that updates the session.
    /// </summary>
    public sealed partial class DialogueConversation
    {
        private readonly TurnQueue _turns = new TurnQueue();
        private readonly PendingRequests _pending = new PendingRequests();
        private Action<IClientMessage> _send;
        private Player _player;
        private DialogueException _failure; // why there is no session, if it was given up
        private bool _openDue;
        private bool _wanted; // it was opened before
        private bool _closed; // on the server: it is opened again for the next thing that is asked
        private readonly SharedState _state;

        public DialogueConversation(string name, string[] npcs)
        {
            if (string.IsNullOrEmpty(name)) throw new ArgumentException("A conversation needs a name.");
            if (npcs == null || npcs.Length == 0) throw new ArgumentException("A conversation needs an NPC.");
            Name = name;
            Npcs = npcs;
            _state = new SharedState(name);
        }

        public string Name { get; }

        public string[] Npcs { get; private set; }

        public string Scene { get; set; } = "";

        public string Locale { get; set; } = "";

        /// <summary>Open as soon as there is a session; else by <see cref="Open()"/> or with the first
        /// thing that is asked.</summary>
        public bool OpenAtOnce { get; set; } = true;

        /// <summary>A new line of the player interrupts the NPC; else it waits for the end.</summary>
        public bool InterruptOnSay { get; set; } = true;

        /// <summary>Asked before each line for the game's state: what NPCs may know. Only what has
        /// changed since is sent.</summary>
        public Func<Dictionary<string, object>> StateProvider { get; set; }

        /// <summary>How many code points of the current turn the player has seen; null: all that arrived.</summary>
        public Func<int> SeenProvider { get; set; }

        public bool IsOpen { get; private set; }

        /// <summary>What the server says about the NPCs; empty until it is open.</summary>
        public IReadOnlyList<NpcInfo> NpcInfos { get; private set; } = Array.Empty<NpcInfo>();

        /// <summary>How many turns the NPCs remember.</summary>
        public long History { get; private set; }

        /// <summary>The turn under way, or the last one; null at first. What answers the player is
        /// under way as soon as it is asked for, every other turn when it starts.</summary>
        public DialogueTurn Current { get; private set; }

        /// <summary>The conversation is open, or back at a checkpoint; with a greeting if it is new.</summary>
        public event Action<string> Opened;

        /// <summary>The conversation is back at a checkpoint: what was said last never was.</summary>
        public event Action Loaded;

        public event Action<DialogueTurn> TurnStarted;

        /// <summary>The server is too busy to answer at once: so many answers come first, this one
        /// included. Told again when it changes, until the answer begins.</summary>
        public event Action<DialogueTurn, long> TurnQueued;

        /// <summary>After a loss the turn comes again in other words: what was told of it never was,
        /// and <see cref="TextAdded"/> begins anew. Where the words are the same, nothing is told twice.</summary>
        public event Action<DialogueTurn> TurnRestarted;

        public event Action<DialogueTurn, string> TextAdded;

        public event Action<DialogueTurn, DialogueCue> CueReceived;

        /// <summary>The turn's text ends here.</summary>
        public event Action<DialogueTurn> TurnInterrupted;

        /// <summary>A turn that was told as started is over. One that was refused only fails.</summary>
        public event Action<DialogueTurn> TurnEnded;

        /// <summary>The server remembers a request, and nobody answers it.</summary>
        public event Action<DialogueTurn> Noted;

        /// <summary>A designer's condition on the conversation has come true.</summary>
        public event Action<DialogueTrigger> Triggered;

        /// <summary>A request was refused, or its answer came to nothing.</summary>
        public event Action<DialogueException> Failed;

        /// <summary>Random, not counted: ids stay unique over all branches of a conversation.</summary>
        internal Func<string> NewLine { get; set; } = () => Guid.NewGuid().ToString("N");

        // ------------------------------------------------------------ what the game does

        /// <summary>Opens it, unless it is open: for the greeting, and so that the model reads the
        /// personas before the player speaks.</summary>
        public void Open() => RequireConnection();

        /// <summary>
        /// The player says a line. Returns at once; await the turn, or watch the events.
        /// </summary>
        /// <param name="to">The NPC that is spoken to, where there are several.</param>
        public DialogueTurn Say(string text, string to = "")
        {
            RequireText(text);
            string line = NewLine();
            return Ask(new DialogueTurn(line, text, to), new SayMessage(Name, line, text, to, Locale), true);
        }

        /// <summary>Asks for another answer in the place of the last one.</summary>
        public DialogueTurn Regenerate()
        {
            if (Current == null || Current.Id.Length == 0)
                throw new InvalidOperationException("There is no answer yet that could be replaced.");
            string line = NewLine();
            var turn = new DialogueTurn(line, Current.PlayerText, Current.To);
            return Ask(turn, new RegenerateMessage(Name, Current.Id, line), true);
        }

        /// <summary>
        /// Something happened in the world, and all NPCs of the conversation perceive it. It waits
        /// for the end of the turn under way. Await the result for what an NPC says about it;
        /// <see cref="DialogueTurn.Noted"/> if nobody does.
        /// </summary>
        /// <param name="text">What happened, in a sentence.</param>
        /// <param name="npc">Who reacts; "" leaves it to the server.</param>
        /// <param name="name">What kind of event this is, for triggers; <paramref name="data"/> its
        /// details. No model sees either.</param>
        public DialogueTurn SendEvent(
            string text, Reaction react = Reaction.May, string npc = "", string name = "",
            Dictionary<string, object> data = null)
        {
            RequireText(text);
            string line = NewLine();
            return Ask(
                new DialogueTurn(line, "", npc),
                new EventMessage(Name, line, text, react.OnWire(), npc, name, GameState.CopyOrNull(data)));
        }

        /// <summary>
        /// A line that the game's author wrote, said exactly so and remembered: an NPC's is a turn
        /// with its cues ("[mood: angry] Out!"), the player's is only noted.
        /// </summary>
        /// <param name="npc">Who says it; "" for the player.</param>
        public DialogueTurn Script(string text, string npc = "")
        {
            RequireText(text);
            string line = NewLine();
            return Ask(new DialogueTurn(line, npc.Length == 0 ? text : "", npc), new ScriptMessage(Name, line, text, npc));
        }

        /// <summary>The talk goes on without the player: an NPC says something to the others.</summary>
        /// <param name="npc">Who speaks; "" for whoever is next.</param>
        public DialogueTurn Advance(string npc = "")
        {
            string line = NewLine();
            return Ask(new DialogueTurn(line, "", npc), new AdvanceMessage(Name, line, npc, Locale));
        }

        /// <summary>Lines that the player might say now, at most <paramref name="count"/>.</summary>
        public Task<string[]> SuggestAsync(int count = 3)
        {
            RequireConnection();
            string line = NewLine();
            SendState();
            Task<object> answer = _pending.Add(RequestKind.Suggest, line);
            Send(new SuggestMessage(Name, line, count, Locale));
            return PendingRequests.As<string[]>(answer);
        }

        /// <summary>
        /// The player walks off or speaks: the answer stops where the player has read to, and the
        /// NPC remembers only that. Lines of the player that wait are dropped; events, scripts and
        /// answers to actions are not. Without effect when everything was read.
        /// </summary>
        public void Interrupt()
        {
            _turns.CancelWaitingOfPlayer();
            DialogueTurn turn = Current;
            if (turn == null || turn.Interrupted || (turn.Ended && (turn.Number == 0 || _send == null))) return;
            int seen = turn.Started ? Math.Min(turn.Length, SeenProvider?.Invoke() ?? turn.Length) : 0;
            if (turn.Ended && seen == turn.Length) return;
            turn.Cut(seen);
            if (turn.Number > 0) Send(new InterruptMessage(turn.Number, turn.InterruptedAt)); // else when it begins again
            TurnInterrupted?.Invoke(turn);
        }

        /// <summary>Sends the state now if it has changed; before a line this happens by itself.</summary>
        public void SendState()
        {
            OpenIfDue();
            if (_send == null || StateProvider == null) return;
            Dictionary<string, object> given = StateProvider();
            if (given == null) return;
            StateMessage update = _state.Update(given);
            if (update == null) return;
            try
            {
                Send(update);
            }
            catch
            {
                _state.Forget(); // a number that JSON does not have, say
                throw;
            }
            _pending.Add(RequestKind.State);
        }

        /// <summary>Marks this moment, for the save file.</summary>
        public Task<DialogueSave> SaveAsync()
        {
            RequireConnection();
            Task<object> answer = _pending.Add(RequestKind.Save);
            Send(new SaveMessage(Name));
            return PendingRequests.As<DialogueSave>(answer);
        }

        /// <summary>Returns to a moment: the NPCs' memory and the state are as they were then.</summary>
        public Task LoadAsync(DialogueSave save)
        {
            RequireConnection();
            if (save.IsEmpty) throw new ArgumentException("The save is empty.");
            if (save.conversation != Name)
                throw new ArgumentException("The save is of \"" + save.conversation + "\", not of \"" + Name + "\".");
            Interrupt();
            Task<object> answer = _pending.Add(RequestKind.Load);
            Send(new LoadMessage(Name, save.checkpoint));
            return answer;
        }

        /// <summary>The newest lines of the conversation, oldest first.</summary>
        public Task<SpokenLine[]> HistoryAsync(int last = 50)
        {
            RequireConnection();
            Task<object> answer = _pending.Add(RequestKind.History);
            Send(new HistoryMessage(Name, last));
            return PendingRequests.As<SpokenLine[]>(answer);
        }

        internal DialogueTurn Ask(DialogueTurn turn, IClientMessage request, bool ofPlayer = false)
        {
            if (_failure != null)
            {
                turn.Fail(_failure);
                Failed?.Invoke(_failure);
                return turn;
            }
            if (ofPlayer && InterruptOnSay) Interrupt();
            if (_closed) _openDue = true;
            _turns.Add(turn, request, ofPlayer);
            SendNext();
            return turn;
        }

        private void SendNext()
        {
            OpenIfDue();
            if (_send == null || !_turns.TryNext(out TurnQueue.Entry next)) return;
            DialogueTurn turn = next.Turn;
            if (next.OfPlayer) Current = turn;
            try
            {
                SendState();
                Send(next.Request);
            }
            catch (Exception error)
            {
                // What the game gave us cannot be sent, or its state provider threw: as if the server
                // had refused it.
                turn.Fail(new DialogueException(ErrorCode.BadMessage, error.Message));
                Over(turn);
                throw;
            }
        }

        private void Send(IClientMessage message) => _send?.Invoke(message);

        private static void RequireText(string text)
        {
            if (string.IsNullOrWhiteSpace(text)) throw new ArgumentException("The line has no text.");
        }

        private void RequireConnection()
        {
            if (_send == null)
                throw new InvalidOperationException("The conversation \"" + Name + "\" is not connected to a server.");
            if (_closed) _openDue = true;
            OpenIfDue();
        }
    }
}
