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
        private readonly StringBuilder _text = new StringBuilder();
        private readonly Queue<DialogueCue> _cues = new Queue<DialogueCue>();
        private int _total;
        private int _limit;
        private int _visibleUnits;
        private float _budget;
        private float _pause;
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
        /// does not jump to the next line. Only for scripts that put spaces between words.
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

        public event Action Completed;

        /// <summary>Starts a new text.</summary>
        public void Clear()
        {
            _text.Clear();
            _cues.Clear();
            _total = _limit = 0;
            Ended = _finished = false;
            Visible = _visibleUnits = 0;
            _budget = _pause = 0;
            _skipping = _rested = false;
        }

        public void Append(string text)
        {
            _text.Append(text);
            _total += CodePoints.Count(text);
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
            _budget += seconds * Rate();
            while (true)
            {
                HandOutCues();
                if (_finished || (_pause > 0 && !Waited(ref seconds))) return;
                int limit = _skipping ? _total : _limit;
                if (Visible >= limit || (_budget < 1 && !_skipping)) break;
                if (!_skipping && RestsBefore()) continue;
                RevealOne();
                _budget -= 1;
            }
            if (Visible >= _limit) _budget = 0; // do not save up while there is nothing to show
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

        /// <summary>Punctuation with a space behind it: the number 3.14 does not stop the reveal.</summary>
        private bool RestsBefore()
        {
            if (_rested || _visibleUnits == 0 || !char.IsWhiteSpace(_text[_visibleUnits])) return false;
            float pause = PauseAfter(_text[_visibleUnits - 1]);
            if (pause <= 0) return false;
            _pause += pause;
            _rested = true;
            return true;
        }

        private float PauseAfter(char c)
        {
            if (".!?\u2026".IndexOf(c) >= 0) return SentencePause;
            return ",;:\u2013\u2014".IndexOf(c) >= 0 ? ClausePause : 0;
        }

        private void RevealOne()
        {
            int previous;
            do
            {
                previous = CodePoints.At(_text, _visibleUnits);
                _visibleUnits += CodePoints.UnitsAt(_text, _visibleUnits);
                Visible++;
            }
            while (_visibleUnits < _text.Length
                && CodePoints.Continues(previous, CodePoints.At(_text, _visibleUnits)));
            _rested = false;
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
