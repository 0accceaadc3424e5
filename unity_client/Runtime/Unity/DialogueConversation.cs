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
    public sealed class DialogueConversation
    {
        private readonly TurnQueue _turns = new TurnQueue();
        private readonly PendingRequests _pending = new PendingRequests();
        private Action<IClientMessage> _send;
        private Player _player;
        private bool _openDue;
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

        /// <summary>A turn that had started is over. One that was refused only fails.</summary>
        public event Action<DialogueTurn> TurnEnded;

        /// <summary>The server remembers a request, and nobody answers it.</summary>
        public event Action<DialogueTurn> Noted;

        /// <summary>A designer's condition on the conversation has come true.</summary>
        public event Action<DialogueTrigger> Triggered;

        /// <summary>A request was refused.</summary>
        public event Action<DialogueException> Failed;

        /// <summary>Random, not counted: ids stay unique over all branches of a conversation.</summary>
        internal Func<string> NewLine { get; set; } = () => Guid.NewGuid().ToString("N");

        // ------------------------------------------------------------ what the game does

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
            Task<object> answer = _pending.Add(RequestKind.Suggest, line);
            SendState();
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
            _pending.Add(RequestKind.State);
            Send(update);
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

        // ------------------------------------------------------------ what the router does

        /// <summary>A session is there: the conversation opens before anything else is sent, at
        /// the latest by <see cref="OpenIfDue"/>.</summary>
        internal void Open(Player player, Action<IClientMessage> send)
        {
            _send = send;
            _player = player;
            _state.Forget();
            Current?.ForgetNumber();
            _pending.Clear(null);
            SetNpcs(Npcs);
        }

        /// <summary>Others take part from now on: the server opens the conversation anew, and stops
        /// the turn under way.</summary>
        internal void SetNpcs(string[] npcs)
        {
            Npcs = npcs;
            IsOpen = false;
            _openDue = true;
        }

        internal void OpenIfDue()
        {
            if (!_openDue || _send == null) return;
            _openDue = false;
            _pending.Add(RequestKind.Open);
            Send(new OpenMessage(Name, Npcs, _player, Scene, Locale));
            SendNext();
        }

        /// <summary>The conversation is left, or the session is over: what is under way is cancelled.</summary>
        internal void Detach(DialogueException error)
        {
            _send = null;
            IsOpen = false;
            _openDue = false;
            _pending.Clear(error);
            DialogueTurn turn = _turns.Clear();
            if (turn == null) return;
            if (error == null) turn.Cancel();
            else turn.Fail(error);
            if (turn.Started) TurnEnded?.Invoke(turn);
        }

        /// <summary>The session was lost: it is being opened again by itself, and so are the lines.</summary>
        internal void Lost()
        {
            IsOpen = false;
            Current?.ForgetNumber();
            _pending.Lose(DialogueException.Lost());
            if (!_openDue) _pending.AddFirst(RequestKind.Open);
        }

        /// <summary>The state as a snapshot, to be sent after a loss; null if there is none.</summary>
        internal StateMessage Snapshot()
        {
            StateMessage snapshot = _send == null ? null : _state.Snapshot();
            if (snapshot != null) _pending.Add(RequestKind.State);
            return snapshot;
        }

        internal void OnOpened(in OpenedMessage message)
        {
            bool loaded = _pending.Answered(RequestKind.Open, RequestKind.Load, null) == RequestKind.Load;
            IsOpen = true;
            NpcInfos = message.Npcs;
            History = message.History;
            _state.Opened(message.Revision, loaded);
            Opened?.Invoke(message.Greeting);
        }

        internal void OnStateOk(in StateOkMessage message) =>
            _pending.Answered(RequestKind.State, RequestKind.State, null);

        internal void OnSaved(in SavedMessage message) => _pending.Answered(
            RequestKind.Save, RequestKind.Save,
            new DialogueSave { conversation = message.Conversation, checkpoint = message.Checkpoint });

        internal void OnTranscript(in TranscriptMessage message) =>
            _pending.Answered(RequestKind.History, RequestKind.History, message.Lines);

        internal DialogueTurn OnTurn(in TurnMessage message)
        {
            if (!_turns.Find(message.Line, out DialogueTurn turn)) turn = new DialogueTurn(message.Line);
            bool again = turn.Begin(in message);
            Current = _turns.UnderWay = turn;
            if (turn.Interrupted) Send(new InterruptMessage(turn.Number, turn.InterruptedAt));
            else if (!again) TurnStarted?.Invoke(turn);
            return turn;
        }

        internal void OnQueued(DialogueTurn turn, long position)
        {
            if (!turn.Interrupted) TurnQueued?.Invoke(turn, position);
        }

        internal void OnDelta(DialogueTurn turn, string text)
        {
            if (turn.Interrupted) return;
            string fresh = turn.Append(text);
            if (fresh == null)
            {
                TurnRestarted?.Invoke(turn);
                fresh = turn.Text;
            }
            if (fresh.Length > 0) TextAdded?.Invoke(turn, fresh);
        }

        internal void OnCue(DialogueTurn turn, in CueMessage message)
        {
            if (turn.Interrupted) return;
            var cue = new DialogueCue(in message);
            if (turn.Add(in cue)) CueReceived?.Invoke(turn, cue);
        }

        internal void OnTurnEnd(DialogueTurn turn, in TurnEndMessage message)
        {
            turn.End(in message);
            try
            {
                Over(turn);
            }
            finally
            {
                turn.Complete();
            }
        }

        internal void OnNoted(in NotedMessage message)
        {
            if (!_turns.Find(message.Line, out DialogueTurn turn)) return;
            turn.Note();
            try
            {
                Noted?.Invoke(turn);
                Over(turn);
            }
            finally
            {
                turn.Complete();
            }
        }

        internal void OnTrigger(in TriggerMessage message) => Triggered?.Invoke(new DialogueTrigger(in message));
        internal void OnSuggestions(in SuggestionsMessage message) => _pending.Answered(message.Line, message.Texts);

        internal void OnError(in ErrorMessage message)
        {
            var error = new DialogueException(in message);
            if (message.Line.Length > 0 && _turns.Find(message.Line, out DialogueTurn turn))
            {
                turn.Fail(error);
                Over(turn);
            }
            else if (message.Line.Length > 0)
            {
                _pending.Refused(message.Line, error);
            }
            else if (message.Turn == 0)
            {
                if (_pending.Refused(error) == RequestKind.State) _state.Forget();
            }
            Failed?.Invoke(error);
        }

        internal DialogueTurn Ask(DialogueTurn turn, IClientMessage request, bool ofPlayer = false)
        {
            if (ofPlayer && InterruptOnSay) Interrupt();
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
            catch (ArgumentException error)
            {
                // What the game gave us cannot be sent: as if the server had refused it.
                turn.Fail(new DialogueException(ErrorCode.BadMessage, error.Message));
                Over(turn);
                throw;
            }
        }

        private void Over(DialogueTurn turn)
        {
            _turns.Forget(turn);
            try
            {
                if (turn.Started) TurnEnded?.Invoke(turn);
            }
            finally
            {
                SendNext();
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
            OpenIfDue();
        }
    }
}
