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
        private readonly Queue<DialogueTurn> _waiting = new Queue<DialogueTurn>();
        private readonly Dictionary<string, DialogueTurn> _byLine = new Dictionary<string, DialogueTurn>();
        private readonly Dictionary<DialogueTurn, IClientMessage> _requests = new Dictionary<DialogueTurn, IClientMessage>();
        private readonly PendingRequests _pending = new PendingRequests();
        private Action<IClientMessage> _send;
        private Dictionary<string, object> _state;
        private bool _stateKnown;
        private long _revision;

        public DialogueConversation(string name, string[] npcs)
        {
            if (string.IsNullOrEmpty(name)) throw new ArgumentException("A conversation needs a name.");
            if (npcs == null || npcs.Length == 0) throw new ArgumentException("A conversation needs an NPC.");
            Name = name;
            Npcs = npcs;
        }

        public string Name { get; }

        public string[] Npcs { get; }

        public string Scene { get; set; } = "";

        public string Locale { get; set; } = "";

        /// <summary>A new line of the player interrupts the NPC; else it waits for the end.</summary>
        public bool InterruptOnSay { get; set; } = true;

        /// <summary>Asked before each line for the game's state: what NPCs may know. Only what has
        /// changed since is sent.</summary>
        public Func<Dictionary<string, object>> StateProvider { get; set; }

        /// <summary>How many code points of the current turn the player has seen; null: all that arrived.</summary>
        public Func<int> SeenProvider { get; set; }

        /// <summary>The server has opened it.</summary>
        public bool IsOpen { get; private set; }

        /// <summary>What the server says about the NPCs; empty until it is open.</summary>
        public IReadOnlyList<NpcInfo> NpcInfos { get; private set; } = Array.Empty<NpcInfo>();

        /// <summary>How many turns the NPCs remember.</summary>
        public long History { get; private set; }

        /// <summary>The turn under way, or the last one; null at first.</summary>
        public DialogueTurn Current { get; private set; }

        /// <summary>The conversation is open, or back at a checkpoint; with a greeting if it is new.</summary>
        public event Action<string> Opened;

        public event Action<DialogueTurn> TurnStarted;

        /// <summary>After a loss the turn's text comes again, from its start.</summary>
        public event Action<DialogueTurn> TurnRestarted;

        public event Action<DialogueTurn, string> TextAdded;

        public event Action<DialogueTurn, DialogueCue> CueReceived;

        /// <summary>The player interrupted the turn: its text ends here.</summary>
        public event Action<DialogueTurn> TurnInterrupted;

        public event Action<DialogueTurn> TurnEnded;

        /// <summary>A request was refused.</summary>
        public event Action<DialogueException> Failed;

        // ------------------------------------------------------------ what the game does

        /// <summary>
        /// The player says a line. Returns at once; await the turn, or watch the events.
        /// </summary>
        /// <param name="to">The NPC that is spoken to, where there are several.</param>
        public DialogueTurn Say(string text, string to = "")
        {
            if (string.IsNullOrWhiteSpace(text)) throw new ArgumentException("The line has no text.");
            string line = NewId();
            return Ask(new DialogueTurn(line, text), new SayMessage(Name, line, text, to, Locale));
        }

        /// <summary>Asks for another answer in the place of the last one.</summary>
        public DialogueTurn Regenerate()
        {
            if (Current == null || Current.Id.Length == 0)
                throw new InvalidOperationException("There is no answer yet that could be replaced.");
            string line = NewId();
            var turn = new DialogueTurn(line, Current.PlayerText);
            return Ask(turn, new RegenerateMessage(Name, Current.Id, line));
        }

        /// <summary>
        /// The player walks off or speaks: the answer stops where the player has read to, and the
        /// NPC remembers only that. Without effect when nobody speaks.
        /// </summary>
        public void Interrupt()
        {
            while (_waiting.Count > 0) CancelWaiting(_waiting.Dequeue());
            DialogueTurn turn = Current;
            if (turn == null || turn.Ended || turn.Interrupted) return;
            turn.Cut(turn.Started ? Math.Min(turn.Length, SeenProvider?.Invoke() ?? turn.Length) : 0);
            if (turn.Started) Send(new InterruptMessage(turn.Number, turn.InterruptedAt));
            TurnInterrupted?.Invoke(turn);
        }

        /// <summary>Sends the state now if it has changed; before a line this happens by itself.</summary>
        public void SendState()
        {
            if (_send == null || StateProvider == null) return;
            Dictionary<string, object> given = StateProvider();
            if (given == null) return;
            Dictionary<string, object> state = GameState.Copy(given);
            Dictionary<string, object> patch = _stateKnown ? GameState.Patch(_state, state) : null;
            if (patch != null && patch.Count == 0) return;
            _state = state;
            _stateKnown = true;
            _revision++;
            _pending.Add(RequestKind.State);
            Send(patch == null
                ? new StateMessage(Name, _revision, state)
                : new StateMessage(Name, _revision, null, patch));
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

        internal void Open(Player player, Action<IClientMessage> send)
        {
            _send = send;
            IsOpen = false;
            _stateKnown = false;
            _pending.Clear(null);
            _pending.Add(RequestKind.Open);
            Send(new OpenMessage(Name, Npcs, player, Scene, Locale));
            SendNext();
        }

        /// <summary>The conversation is left, or the session is over: what is under way is cancelled.</summary>
        internal void Detach(DialogueException error)
        {
            _send = null;
            IsOpen = false;
            _pending.Clear(error);
            while (_waiting.Count > 0) CancelWaiting(_waiting.Dequeue());
            _byLine.Clear();
            DialogueTurn turn = Current;
            if (turn == null || turn.Ended) return;
            if (error == null) turn.Cancel();
            else turn.Fail(error);
            TurnEnded?.Invoke(turn);
        }

        /// <summary>The session was lost: it is being opened again by itself, and so are the lines.</summary>
        internal void Lost()
        {
            IsOpen = false;
            _pending.Clear(new DialogueException(
                DialogueException.Disconnected, "The connection was lost before the server answered; try again.", true));
            _pending.Add(RequestKind.Open);
        }

        /// <summary>The state as a snapshot, to be sent after a loss; null if there is none.</summary>
        internal StateMessage Snapshot()
        {
            if (_send == null || !_stateKnown) return null;
            _pending.Add(RequestKind.State);
            return new StateMessage(Name, ++_revision, _state);
        }

        internal void OnOpened(in OpenedMessage message)
        {
            bool loaded = _pending.Answered(RequestKind.Open, RequestKind.Load, null) == RequestKind.Load;
            IsOpen = true;
            NpcInfos = message.Npcs;
            History = message.History;
            if (loaded || _revision < message.Revision) _stateKnown = false;
            _revision = Math.Max(_revision, message.Revision);
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
            if (!_byLine.TryGetValue(message.Line, out DialogueTurn turn)) turn = new DialogueTurn(message.Line, "");
            bool again = turn.Begin(in message);
            Current = turn;
            if (turn.Interrupted) Send(new InterruptMessage(turn.Number, turn.InterruptedAt));
            else if (again) TurnRestarted?.Invoke(turn);
            else TurnStarted?.Invoke(turn);
            return turn;
        }

        internal void OnDelta(DialogueTurn turn, string text)
        {
            if (turn.Interrupted) return;
            turn.Append(text);
            TextAdded?.Invoke(turn, text);
        }

        internal void OnCue(DialogueTurn turn, in CueMessage message)
        {
            if (turn.Interrupted) return;
            var cue = new DialogueCue(in message);
            turn.Add(in cue);
            CueReceived?.Invoke(turn, cue);
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

        internal void OnError(in ErrorMessage message)
        {
            var error = new DialogueException(in message);
            if (message.Line.Length > 0 && _byLine.TryGetValue(message.Line, out DialogueTurn turn))
            {
                turn.Fail(error);
                Over(turn);
            }
            else if (message.Line.Length == 0 && message.Turn == 0)
            {
                if (_pending.Refused(error) == RequestKind.State) _stateKnown = false; // a snapshot next time
            }
            Failed?.Invoke(error);
        }

        // ------------------------------------------------------------ lines

        private DialogueTurn Ask(DialogueTurn turn, IClientMessage request)
        {
            if (InterruptOnSay) Interrupt();
            _requests[turn] = request;
            _waiting.Enqueue(turn);
            SendNext();
            return turn;
        }

        /// <summary>One turn at a time: the server would refuse a second one as busy.</summary>
        private void SendNext()
        {
            if (_send == null || _waiting.Count == 0 || (Current != null && !Current.Ended)) return;
            DialogueTurn turn = _waiting.Dequeue();
            IClientMessage request = _requests[turn];
            _requests.Remove(turn);
            _byLine[turn.Line] = turn;
            Current = turn;
            try
            {
                SendState();
                Send(request);
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
            _byLine.Remove(turn.Line);
            try
            {
                TurnEnded?.Invoke(turn);
            }
            finally
            {
                SendNext();
            }
        }

        private void CancelWaiting(DialogueTurn turn)
        {
            _requests.Remove(turn);
            turn.Cancel();
        }

        private void Send(IClientMessage message) => _send?.Invoke(message);

        private void RequireConnection()
        {
            if (_send == null)
                throw new InvalidOperationException("The conversation \"" + Name + "\" is not connected to a server.");
        }

        /// <summary>Random, not counted: ids stay unique over all branches of a conversation.</summary>
        private static string NewId() => Guid.NewGuid().ToString("N");
    }
}
