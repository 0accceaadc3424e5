using System;
using System.Collections.Generic;
using System.Text;

namespace DialogueServer
{
    /// <summary>
    /// Reveals a text that is still arriving, a character at a time: rests at punctuation and
    /// pause cues, hurries when it falls behind, and hands out each cue when the reveal reaches
    /// it. Plain C#; positions are code points.
    /// </summary>
    public sealed class Typewriter
    {
        private const int LongestHeldWord = 24;
        private const float HurriedRate = 4f;
        private const float StallSeconds = 0.6f;
        // Marks that rest where a space follows, and those of scripts that put none.
        private const string SentenceEnds = ".!?\u2026\u061f\u0964";
        private const string ClauseEnds = ",;:\u2013\u2014\u060c\u061b";
        private const string WideSentenceEnds = "\u3002\uff01\uff1f";
        private const string WideClauseEnds = "\u3001\uff0c\uff1b\uff1a";
        private const string Closing = "\"')]\u00bb\u2019\u201d\u300d\u300f\u3011\uff09";
        private readonly StringBuilder _text = new StringBuilder();
        private readonly Queue<DialogueCue> _cues = new Queue<DialogueCue>();
        private int _total;
        private int _limit;
        private int _visibleUnits;
        private float _budget;
        private float _pause;
        private float _sinceText;
        private bool _rested;
        private bool _skipping;
        private bool _finished;

        public float CharactersPerSecond = 40f;

        /// <summary>Seconds at . ! ? and the like, before the next word.</summary>
        public float SentencePause = 0.25f;

        /// <summary>Seconds at , ; : and dashes.</summary>
        public float ClausePause = 0.1f;

        /// <summary>The reveal hurries, up to four times, when it is more than so many seconds behind.</summary>
        public float HurryAfter = 1.5f;

        /// <summary>
        /// Waits for the end of a word before showing its beginning, so that a word that grows
        /// does not jump to the next line; if no more of it comes, only for a while. Only for scripts
        /// that put spaces between words.
        /// </summary>
        public bool HoldUnfinishedWords = true;

        /// <summary>How many code points are shown.</summary>
        public int Visible { get; private set; }

        /// <summary>How many code points have arrived.</summary>
        public int Total => _total;

        /// <summary>The whole text has arrived.</summary>
        public bool Ended { get; private set; }

        /// <summary>Everything is shown and every cue handed out.</summary>
        public bool Finished => _finished;

        public string Text => _text.ToString();

        public string VisibleText => _text.ToString(0, _visibleUnits);

        public event Action<DialogueCue> CueReached;

        /// <summary>One more character is shown, with its accents; not told for white space, nor of
        /// what is skipped.</summary>
        public event Action<string> LetterRevealed;

        public event Action Completed;

        /// <summary>Starts a new text.</summary>
        public void Clear()
        {
            _text.Clear();
            _cues.Clear();
            _total = _limit = 0;
            Ended = _finished = false;
            Visible = _visibleUnits = 0;
            _budget = _pause = _sinceText = 0;
            _skipping = _rested = false;
        }

        public void Append(string text)
        {
            _text.Append(text);
            _total += CodePoints.Count(text);
            _sinceText = 0;
            FindLimit();
        }

        public void Add(DialogueCue cue) => _cues.Enqueue(cue);

        /// <summary>Hands the cues that were not reached to somebody else.</summary>
        public DialogueCue[] TakeCues()
        {
            DialogueCue[] cues = _cues.ToArray();
            _cues.Clear();
            return cues;
        }

        /// <summary>No more text comes. With <paramref name="length"/>, only so much of it counts:
        /// the rest is taken back, even if it is shown.</summary>
        public void End(int length = int.MaxValue)
        {
            if (length < _total)
            {
                string kept = CodePoints.Take(_text.ToString(), length);
                _text.Clear().Append(kept);
                _total = length;
                if (Visible > length)
                {
                    Visible = length;
                    _visibleUnits = kept.Length;
                }
                DropCuesBehind(length);
            }
            Ended = true;
            FindLimit();
        }

        /// <summary>Shows everything at once, also what is still to come of this text.</summary>
        public void Skip()
        {
            _skipping = true;
            _pause = 0;
            Update(0);
        }

        /// <summary>Call it every frame.</summary>
        public void Update(float seconds)
        {
            if (_finished) return;
            _sinceText += seconds;
            _budget += seconds * Rate();
            int limit = _skipping || _sinceText > StallSeconds ? _total : _limit;
            while (true)
            {
                HandOutCues();
                if (_finished || (_pause > 0 && !Waited(ref seconds))) return;
                if (Visible >= limit || (_budget < 1 && !_skipping)) break;
                if (!_skipping && RestsBefore()) continue;
                RevealOne();
                _budget -= 1;
            }
            if (Visible >= limit) _budget = 0; // do not save up while there is nothing to show
            if (!Ended || Visible < _total || _cues.Count > 0) return;
            _finished = true;
            Completed?.Invoke();
        }

        private float Rate()
        {
            float behind = (_total - Visible) / Math.Max(CharactersPerSecond, 1f) - HurryAfter;
            float hurry = behind <= 0 ? 1f : Math.Min(HurriedRate, 1f + behind / Math.Max(HurryAfter, 0.1f));
            return CharactersPerSecond * hurry;
        }

        /// <summary>Uses up time for the pause; true when it is over.</summary>
        private bool Waited(ref float seconds)
        {
            float waited = Math.Min(_pause, seconds);
            _pause -= waited;
            seconds -= waited;
            _budget = _pause > 0 ? 0 : seconds * CharactersPerSecond;
            return _pause <= 0;
        }

        private void HandOutCues()
        {
            while (_cues.Count > 0 && _cues.Peek().Offset <= Visible && _pause <= 0)
            {
                DialogueCue cue = _cues.Dequeue();
                if (cue.Kind == DialogueCue.Pause && !_skipping) _pause += cue.PauseSeconds;
                CueReached?.Invoke(cue);
            }
        }

        private bool RestsBefore()
        {
            if (_rested || _visibleUnits == 0) return false;
            float pause = PauseBefore(_visibleUnits);
            if (pause <= 0) return false;
            _pause += pause * CharactersPerSecond / Rate(); // shorter in a hurry
            _rested = true;
            return true;
        }

        /// <summary>Behind punctuation and what closes it, with a space next: the number 3.14 does not
        /// stop the reveal. Behind a wide mark there need not be a space.</summary>
        private float PauseBefore(int unit)
        {
            char next = _text[unit];
            int last = unit - 1;
            while (last > 0 && Closing.IndexOf(_text[last]) >= 0) last--;
            char mark = _text[last];
            if (char.IsWhiteSpace(next))
            {
                if (SentenceEnds.IndexOf(mark) >= 0) return SentencePause;
                if (ClauseEnds.IndexOf(mark) >= 0) return ClausePause;
            }
            if (Closing.IndexOf(next) >= 0 || WideSentenceEnds.IndexOf(next) >= 0) return 0;
            if (WideSentenceEnds.IndexOf(mark) >= 0) return SentencePause;
            return WideClauseEnds.IndexOf(mark) >= 0 ? ClausePause : 0;
        }

        private void RevealOne()
        {
            int start = _visibleUnits;
            int previous;
            int flags = 0;
            do
            {
                previous = CodePoints.At(_text, _visibleUnits);
                flags = CodePoints.IsHalfAFlag(previous) ? flags + 1 : 0;
                _visibleUnits += CodePoints.UnitsAt(_text, _visibleUnits);
                Visible++;
            }
            while (_visibleUnits < _text.Length
                && CodePoints.Continues(previous, CodePoints.At(_text, _visibleUnits), flags));
            _rested = false;
            if (LetterRevealed != null && !_skipping && !char.IsWhiteSpace(_text[start]))
                LetterRevealed(_text.ToString(start, _visibleUnits - start));
        }

        private void FindLimit()
        {
            _limit = _total;
            if (Ended || !HoldUnfinishedWords) return;
            int held = 0;
            for (int unit = _text.Length - 1; unit >= 0 && held <= LongestHeldWord; unit--, held++)
            {
                char c = _text[unit];
                // From U+2E80 on a line may break between any two characters.
                if (char.IsWhiteSpace(c) || c >= '\u2e80')
                {
                    _limit = _total - held;
                    return;
                }
            }
            if (held <= LongestHeldWord) _limit = 0; // the first word
        }

        /// <summary>What was to happen behind the place where the text ends now never does.</summary>
        private void DropCuesBehind(int end)
        {
            for (int count = _cues.Count; count > 0; count--)
            {
                DialogueCue cue = _cues.Dequeue();
                if (cue.Offset <= end) _cues.Enqueue(cue);
            }
        }
    }
}
