using System;
using DialogueServer.Protocol;

namespace DialogueServer
{
    /// <content>What the router tells: the session's coming and going, and what the server says.</content>
    public sealed partial class DialogueConversation
    {
        /// <summary>A session is there: the conversation opens before anything else is sent, at
        /// the latest by <see cref="OpenIfDue"/>.</summary>
        internal void Open(Player player, Action<IClientMessage> send)
        {
            _send = send;
            _failure = null;
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

        /// <summary>On the server, as far as we know.</summary>
        internal bool MayBeOpen => _wanted && !_closed;

        /// <summary>Every frame.</summary>
        internal void OpenByItself()
        {
            if (OpenAtOnce || _wanted) OpenIfDue();
        }

        internal void OpenIfDue()
        {
            if (!_openDue || _send == null) return;
            _openDue = _closed = false;
            _wanted = true;
            _pending.Add(RequestKind.Open);
            Send(new OpenMessage(Name, Npcs, _player, Scene, Locale));
            SendNext();
        }

        /// <summary>The conversation is left, or the session is over: what is under way is cancelled.</summary>
        internal void Detach(DialogueException error)
        {
            _send = null;
            _failure = error;
            IsOpen = false;
            _openDue = false;
            _pending.Clear(error);
            DialogueTurn turn = _turns.Clear();
            if (turn == null) return;
            if (error == null) turn.Cancel();
            else turn.Fail(error);
            if (turn.Told) TurnEnded?.Invoke(turn);
        }

        /// <summary>The session was lost: it is being opened again by itself, and so are the lines.</summary>
        internal void Lost()
        {
            IsOpen = false;
            Current?.ForgetNumber();
            _pending.Lose();
            if (_closed) _openDue = true;
            if (!_openDue) _pending.AddFirst(RequestKind.Open);
        }

        internal void FailLost() => _pending.FailLost();

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
            if (loaded)
            {
                Current = null; // of a branch that was left: there is nothing to regenerate in it
                Loaded?.Invoke();
            }
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
            else if (!again) Tell(turn);
            return turn;
        }

        private void Tell(DialogueTurn turn)
        {
            turn.Told = true;
            TurnStarted?.Invoke(turn);
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
                if (turn.Reason == EndReason.Failed)
                    Failed?.Invoke(new DialogueException(turn.Code, turn.Detail, line: turn.Line));
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
                RequestKind refused = _pending.Refused(error);
                if (refused == RequestKind.State) _state.Forget();
                if (refused == RequestKind.Open) Close();
            }
            if (message.Code == ErrorCode.UnknownConversation) Close();
            Failed?.Invoke(error);
        }

        /// <summary>The server does not have it open, unless a later request opens it.</summary>
        private void Close()
        {
            if (_pending.Awaits(RequestKind.Open)) return;
            _closed = true;
            IsOpen = false;
            _state.Forget();
        }

        private void Over(DialogueTurn turn)
        {
            _turns.Forget(turn);
            try
            {
                if (turn.Told) TurnEnded?.Invoke(turn);
            }
            finally
            {
                SendNext();
            }
        }
    }
}
