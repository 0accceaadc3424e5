using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Text;
using System.Threading.Tasks;
using DialogueServer.Protocol;

namespace DialogueServer
{
    /// <summary>
    /// One answer of an NPC, from the player's line to its end. Awaiting it gives the turn when it
    /// has ended, throws <see cref="DialogueException"/> when the line was refused, and
    /// TaskCanceledException when the NPC or the client is gone.
    /// </summary>
    public sealed class DialogueTurn
    {
        private readonly StringBuilder _text = new StringBuilder();
        private List<DialogueCue> _cues = new List<DialogueCue>();
        private List<DialogueCue> _toldCues;
        private StringBuilder _again; // since a loss, until it has come as far as it was told before
        private readonly TaskCompletionSource<DialogueTurn> _done = new TaskCompletionSource<DialogueTurn>();
        private string _wholeText;

        internal DialogueTurn(string line, string playerText = "", string to = "")
        {
            Line = line;
            PlayerText = playerText;
            To = to;
        }

        /// <summary>The id of the request that it answers; "" for a turn that answers none.</summary>
        public string Line { get; }

        /// <summary>The player's line; "" where the turn answers an event, a script or an advance.</summary>
        public string PlayerText { get; }

        /// <summary>Whom the request addressed; "" for nobody in particular.</summary>
        public string To { get; }

        /// <summary>The NPC that speaks; "" until the turn has started.</summary>
        public string Npc { get; private set; } = "";

        /// <summary>The stored turn, for good; "" until the turn has started.</summary>
        public string Id { get; private set; } = "";

        /// <summary>What has arrived so far.</summary>
        public string Text => _wholeText ?? (_wholeText = _text.ToString());

        public IReadOnlyList<DialogueCue> Cues => _cues;

        public bool Started { get; private set; }

        public bool Ended { get; private set; }

        /// <summary>The server remembers the request, and nobody says anything to it: the turn has
        /// ended without having started.</summary>
        public bool Noted { get; private set; }

        /// <summary>Why it ended: a value of <see cref="EndReason"/>, or of a later server; "" until then.</summary>
        public string Reason { get; private set; } = "";

        /// <summary>What went wrong, if something did: a value of <see cref="ErrorCode"/>.</summary>
        public string Code { get; private set; } = "";

        public string Detail { get; private set; } = "";

        public long FirstTokenMs { get; private set; }

        public long TotalMs { get; private set; }

        public long InputTokens { get; private set; }

        public long OutputTokens { get; private set; }

        public Task<DialogueTurn> Completion => _done.Task;

        public TaskAwaiter<DialogueTurn> GetAwaiter() => _done.Task.GetAwaiter();

        /// <summary>The turn's number in the session; 0 if it has none there.</summary>
        internal long Number { get; private set; }

        /// <summary>The game knows that it has started: it was not interrupted before.</summary>
        internal bool Told { get; set; }

        internal bool Interrupted => InterruptedAt >= 0;

        /// <summary>How many code points the player had seen; -1 if nobody interrupted.</summary>
        internal int InterruptedAt { get; private set; } = -1;

        internal int Length { get; private set; }

        /// <summary>Begins, or begins again after a loss; true in the second case.</summary>
        internal bool Begin(in TurnMessage message)
        {
            bool again = Started;
            Started = true;
            Number = message.Turn;
            Id = message.Id;
            Npc = message.Npc;
            if (!again || Interrupted) return again;
            if (Length > 0) _again = new StringBuilder();
            if (_toldCues == null || _toldCues.Count < _cues.Count) _toldCues = _cues;
            _cues = new List<DialogueCue>();
            return true;
        }

        /// <summary>The session is another one: its numbers say nothing any more.</summary>
        internal void ForgetNumber() => Number = 0;

        /// <summary>Takes more text, and returns what of it was not told before. Null if the turn
        /// comes in other words this time: then all of it is new.</summary>
        internal string Append(string text)
        {
            if (_again != null)
            {
                string now = _again.Append(text).ToString();
                string told = Text;
                if (told.StartsWith(now, StringComparison.Ordinal)) return "";
                _again = null;
                if (!now.StartsWith(told, StringComparison.Ordinal))
                {
                    _toldCues = null;
                    _text.Clear().Append(now);
                    _wholeText = now;
                    Length = CodePoints.Count(now);
                    return null;
                }
                text = now.Substring(told.Length);
            }
            _text.Append(text);
            _wholeText = null;
            Length += CodePoints.Count(text);
            return text;
        }

        /// <summary>Takes a cue; false if it was told before.</summary>
        internal bool Add(in DialogueCue cue)
        {
            int index = _cues.Count;
            _cues.Add(cue);
            return _toldCues == null || index >= _toldCues.Count || !_toldCues[index].IsLike(cue);
        }

        internal bool Has(in DialogueCue cue)
        {
            foreach (DialogueCue own in _cues)
                if (own.IsLike(cue)) return true;
            return false;
        }

        /// <summary>The player has seen so much of it; the rest never was.</summary>
        internal void Cut(int seen)
        {
            _again = null;
            InterruptedAt = Math.Min(seen, Length);
            Shorten(seen);
        }

        private void Shorten(int seen)
        {
            if (seen >= Length) return;
            string kept = CodePoints.Take(Text, seen);
            _text.Clear().Append(kept);
            _wholeText = kept;
            Length = seen;
        }

        internal void End(in TurnEndMessage message)
        {
            Reason = message.Reason;
            Code = message.Code;
            Detail = message.Detail;
            FirstTokenMs = message.FirstTokenMs;
            TotalMs = message.TotalMs;
            InputTokens = message.InputTokens;
            OutputTokens = message.OutputTokens;
            Shorten((int)Math.Min(message.Length, int.MaxValue)); // what was seen of it is all that was said
            Ended = true;
        }

        internal void Note()
        {
            Noted = true;
            Ended = true;
        }

        internal void Complete() => _done.TrySetResult(this);

        internal void Fail(DialogueException error)
        {
            Ended = true;
            Reason = EndReason.Failed;
            Code = error.Code;
            Detail = error.Message;
            _done.TrySetException(error);
            _ = _done.Task.Exception; // nobody has to await it
        }

        internal void Cancel()
        {
            Ended = true;
            _done.TrySetCanceled();
        }
    }
}
