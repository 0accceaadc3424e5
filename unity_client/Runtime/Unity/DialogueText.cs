using System;
using UnityEngine;
using UnityEngine.Events;
#if DIALOGUE_TMP
using TMPro;
#endif

namespace DialogueServer
{
    /// <summary>
    /// Shows what an NPC says, a character at a time, and lets its cues happen when the reveal
    /// reaches them. With TextMeshPro it writes into a label; without, it hands the visible text
    /// to an event.
    /// </summary>
    [AddComponentMenu("Dialogue/Dialogue Text")]
    public sealed class DialogueText : MonoBehaviour
    {
        [SerializeField]
        private DialogueNpc npc;

#if DIALOGUE_TMP
        [SerializeField]
        private TMP_Text label;
#endif

        [Min(1f)]
        [SerializeField]
        private float charactersPerSecond = 40f;

        [Tooltip("Seconds after . ! ? and the like.")]
        [Min(0f)]
        [SerializeField]
        private float sentencePause = 0.25f;

        [Tooltip("Seconds after , ; : and dashes.")]
        [Min(0f)]
        [SerializeField]
        private float clausePause = 0.1f;

        [Tooltip("Hurry when the reveal is more than so many seconds behind the text.")]
        [Min(0f)]
        [SerializeField]
        private float hurryAfter = 1.5f;

        [Tooltip("Show the greeting when the conversation opens.")]
        [SerializeField]
        private bool showGreeting = true;

        [Tooltip("Go on while the game is paused (Time.timeScale 0).")]
        [SerializeField]
        private bool ignoreTimeScale = true;

        [Tooltip("The text that is visible now, for labels that are no TextMeshPro.")]
        [SerializeField]
        private UnityEvent<string> onVisibleTextChanged = new UnityEvent<string>();

        [Tooltip("All of a text has been shown.")]
        [SerializeField]
        private UnityEvent onFinished = new UnityEvent();

        private readonly Typewriter _typewriter = new Typewriter();
        private DialogueNpc _listensTo;
        private DialogueTurn _turn;
        private string _filler = "";
        private bool _textChanged;
        private int _shown = -1;

        public DialogueNpc Npc
        {
            get => npc;
            set
            {
                npc = value;
                if (isActiveAndEnabled) Listen();
            }
        }

#if DIALOGUE_TMP
        public TMP_Text Label
        {
            get => label;
            set
            {
                label = value;
                Prepare();
            }
        }
#endif

        public float CharactersPerSecond
        {
            get => charactersPerSecond;
            set => charactersPerSecond = value;
        }

        /// <summary>How many code points of the text are shown.</summary>
        public int Visible => _typewriter.Visible;

        /// <summary>What is shown; the filler while nothing else is.</summary>
        public string VisibleText => _filler.Length > 0 ? _filler : _typewriter.VisibleText;

        /// <summary>Everything that has been said is shown.</summary>
        public bool IsFinished => _typewriter.Finished;

        public event Action Finished;

        /// <summary>One more character is shown: a place for a sound. Not told for white space, nor of
        /// what <see cref="Skip"/> shows.</summary>
        public event Action<string> LetterRevealed
        {
            add => _typewriter.LetterRevealed += value;
            remove => _typewriter.LetterRevealed -= value;
        }

        public event Action<string> VisibleTextChanged;

        /// <summary>How many code points of that turn the player has seen; all of it if this shows
        /// something else by now.</summary>
        internal int SeenOf(DialogueTurn turn) => turn == _turn ? _typewriter.Visible : int.MaxValue;

        /// <summary>Shows the whole text at once, cues included.</summary>
        public void Skip() => _typewriter.Skip();

        private void Awake()
        {
            _typewriter.CueReached += OnCueReached;
            _typewriter.Completed += OnCompleted;
        }

        private void OnEnable()
        {
            Prepare();
            Listen();
        }

        private void OnDisable() => StopListening();

        private void OnDestroy()
        {
            Finished = null;
            VisibleTextChanged = null;
        }

        private void LateUpdate()
        {
            _typewriter.CharactersPerSecond = charactersPerSecond;
            _typewriter.SentencePause = sentencePause;
            _typewriter.ClausePause = clausePause;
            _typewriter.HurryAfter = hurryAfter;
            // A frame after a minute in the background is as long as that minute.
            float real = Mathf.Min(Time.unscaledDeltaTime, Time.maximumDeltaTime);
            _typewriter.Update(ignoreTimeScale ? real : Time.deltaTime);
            Show();
        }

        private void Listen()
        {
            StopListening();
            if (npc == null) return;
            _listensTo = npc;
            npc.Presenter = this;
            npc.Opened += OnOpened;
            npc.Loaded += OnLoaded;
            npc.TurnStarted += OnTurnStarted;
            npc.TurnRestarted += OnTurnRestarted;
            npc.TextAdded += OnTextAdded;
            npc.CueReceived += OnCueReceived;
            npc.TurnInterrupted += OnTurnInterrupted;
            npc.TurnEnded += OnTurnEnded;
            CatchUp();
        }

        /// <summary>What was said while this was hidden: the turn under way, else a greeting that
        /// nobody has seen, else the rest of what it was showing.</summary>
        private void CatchUp()
        {
            DialogueTurn turn = npc.CurrentTurn;
            bool speaks = turn != null && turn.Started && !turn.Ended;
            if (!speaks)
            {
                OnOpened(npc.Greeting);
                if (turn == null && _turn != null) Begin(null); // somebody else's, or undone by a load
                turn = _turn;
            }
            if (turn == null) return;
            bool over = turn.Ended || turn.Interrupted;
            if (turn == _turn && over) _typewriter.End(turn.Length);
            if (turn != _turn || !turn.Text.StartsWith(_typewriter.Text, StringComparison.Ordinal)) Begin(turn);
            string missed = turn.Text.Substring(_typewriter.Text.Length);
            if (missed.Length > 0) OnTextAdded(turn, missed);
            if (over) _typewriter.End(turn.Length);
        }

        private void StopListening()
        {
            DialogueNpc old = _listensTo;
            _listensTo = null;
            if (ReferenceEquals(old, null)) return;
            if (old.Presenter == this)
            {
                old.Presenter = null;
                old.Leave(_turn, _typewriter.TakeCues());
            }
            old.Opened -= OnOpened;
            old.Loaded -= OnLoaded;
            old.TurnStarted -= OnTurnStarted;
            old.TurnRestarted -= OnTurnRestarted;
            old.TextAdded -= OnTextAdded;
            old.CueReceived -= OnCueReceived;
            old.TurnInterrupted -= OnTurnInterrupted;
            old.TurnEnded -= OnTurnEnded;
        }

        private void OnOpened(string greeting)
        {
            if (!showGreeting || greeting.Length == 0) return;
            _listensTo.Greeting = "";
            Begin(null);
            _typewriter.Append(greeting);
            _typewriter.End();
            _textChanged = true;
        }

        private void OnLoaded()
        {
            Begin(null);
            Show();
        }

        private void OnTurnStarted(DialogueTurn turn)
        {
            // The end of an answer that was not interrupted happens, even if there is no time to show it.
            if (_turn != null && !_turn.Interrupted && !_typewriter.Finished) _typewriter.Skip();
            Begin(turn);
        }

        private void OnTurnRestarted(DialogueTurn turn)
        {
            DialogueCue[] waiting = _typewriter.TakeCues();
            Begin(turn);
            foreach (DialogueCue cue in waiting)
                if (turn.Has(in cue)) _typewriter.Add(cue);
        }

        private void OnTextAdded(DialogueTurn turn, string text)
        {
            _filler = "";
            _typewriter.Append(text);
            _textChanged = true;
        }

        private void OnCueReceived(DialogueTurn turn, DialogueCue cue)
        {
            if (cue.Kind == DialogueCue.Filler && _typewriter.Total == 0)
            {
                _filler = cue.FillerText;
                _textChanged = true;
            }
            _typewriter.Add(cue);
        }

        private void OnTurnInterrupted(DialogueTurn turn)
        {
            if (turn != _turn) return; // a line that waits for its answer: what is shown has been said
            _filler = "";
            _typewriter.End(turn.Length);
            _textChanged = true;
        }

        private void OnTurnEnded(DialogueTurn turn)
        {
            if (turn != _turn) return;
            _filler = "";
            _textChanged = true;
            _typewriter.End(turn.Length);
        }

        private void OnCueReached(DialogueCue cue)
        {
            // Of several labels for one NPC, the last one lets its cues happen.
            if (_listensTo != null && _listensTo.Presenter == this) _listensTo.ReachCue(_turn, cue);
        }

        private void OnCompleted()
        {
            Show();
            onFinished.Invoke();
            Finished?.Invoke();
        }

        private void Begin(DialogueTurn turn)
        {
            _turn = turn;
            _typewriter.Clear();
            _filler = "";
            _textChanged = true;
        }

        private void Prepare()
        {
#if DIALOGUE_TMP
            if (label == null) return;
            label.parseCtrlCharacters = false; // a model may well write \n for two characters
            _textChanged = true;
#endif
        }

        /// <summary>The label's text changes only when text arrives; the reveal only moves a
        /// number, so that no line is laid out anew.</summary>
        private void Show()
        {
            if (!_textChanged && _shown == Visible) return;
#if DIALOGUE_TMP
            if (label != null)
            {
                if (_textChanged)
                {
                    string text = _filler.Length > 0 ? _filler : _typewriter.Text;
                    label.text = label.richText ? RichText.Escape(text) : text;
                }
                label.maxVisibleCharacters = _filler.Length > 0 || IsFinished ? int.MaxValue : Visible;
            }
#endif
            _textChanged = false;
            _shown = Visible;
            if (VisibleTextChanged == null && onVisibleTextChanged.GetPersistentEventCount() == 0) return;
            string visible = VisibleText;
            onVisibleTextChanged.Invoke(visible);
            VisibleTextChanged?.Invoke(visible);
        }
    }
}
