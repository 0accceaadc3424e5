using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using DialogueServer.Protocol;
using UnityEngine;
using UnityEngine.Events;

namespace DialogueServer
{
    /// <summary>
    /// A character that talks. Say something to it, and watch the events or await the answer.
    /// </summary>
    [AddComponentMenu("Dialogue/Dialogue NPC")]
    public sealed class DialogueNpc : MonoBehaviour
    {
        [Tooltip("The client to talk through. Empty: the first one in the scene.")]
        [SerializeField]
        private DialogueClient client;

        [Tooltip("The NPC's id on the server: the name of its persona file.")]
        [SerializeField]
        private string npcId = "";

        [Tooltip("Other NPCs that take part in the same conversation and have no Dialogue NPC of their own.")]
        [SerializeField]
        private string[] others = Array.Empty<string>();

        [Tooltip("The conversation's name: under it the NPC remembers the player. Empty: the NPC's id. NPCs with the same name talk in one conversation.")]
        [SerializeField]
        private string conversationName = "";

        [Tooltip("Where they talk; may choose lore and conditions on the server.")]
        [SerializeField]
        private string sceneName = "";

        [Tooltip("Open the conversation at once, with the greeting, before the player walks up. Else when something is first asked of the NPC, or by Open(). A server allows only so many at once: 16 unless it was told otherwise.")]
        [SerializeField]
        private bool openOnEnable = true;

        [Tooltip("A new line of the player interrupts the NPC. Else it waits.")]
        [SerializeField]
        private bool interruptOnSay = true;

        [Tooltip("The conversation is open; the text is the greeting, often empty.")]
        [SerializeField]
        private UnityEvent<string> onOpened = new UnityEvent<string>();

        [SerializeField]
        private UnityEvent onTurnStarted = new UnityEvent();

        [Tooltip("More text has arrived: all of it so far. A Dialogue Text reveals it instead.")]
        [SerializeField]
        private UnityEvent<string> onText = new UnityEvent<string>();

        [SerializeField]
        private UnityEvent<string> onMood = new UnityEvent<string>();

        [SerializeField]
        private UnityEvent<string> onAction = new UnityEvent<string>();

        [Tooltip("A designer's condition has come true; the text is its name.")]
        [SerializeField]
        private UnityEvent<string> onTrigger = new UnityEvent<string>();

        [SerializeField]
        private UnityEvent<string> onTurnEnded = new UnityEvent<string>();

        [SerializeField]
        private UnityEvent<string> onError = new UnityEvent<string>();

        private Cast _cast;
        private DialogueClient _registeredWith;
        private DialogueTurn _lastTurn;
        private readonly Queue<(DialogueTurn, DialogueCue)> _unreached = new Queue<(DialogueTurn, DialogueCue)>();

        public string NpcId
        {
            get => npcId;
            set => npcId = Unregistered(value);
        }

        public string ConversationName
        {
            get => conversationName.Length > 0 ? conversationName : npcId;
            set => conversationName = Unregistered(value);
        }

        public DialogueClient Client
        {
            get => client;
            set => client = Unregistered(value);
        }

        /// <summary>Other NPCs of the same conversation that have no component of their own: this
        /// one tells what they say (<see cref="DialogueTurn.Npc"/>).</summary>
        public string[] Others
        {
            get => others;
            set => others = Unregistered(value ?? Array.Empty<string>());
        }

        /// <summary>Where they talk.</summary>
        public string SceneName
        {
            get => sceneName;
            set => sceneName = Unregistered(value);
        }

        /// <summary>Open at once; else by <see cref="Open"/> or when something is first asked.</summary>
        public bool OpenOnEnable
        {
            get => openOnEnable;
            set => openOnEnable = Unregistered(value);
        }

        /// <summary>A new line of the player interrupts; else it waits.</summary>
        public bool InterruptOnSay
        {
            get => interruptOnSay;
            set => interruptOnSay = Unregistered(value);
        }

        /// <summary>The display name; the id until the server has told it.</summary>
        public string DisplayName => Info?.Name ?? npcId;

        /// <summary>What the server says about the NPC; null until the conversation is open.</summary>
        public NpcInfo Info => _cast?.InfoOf(npcId);

        /// <summary>The last mood that was reached.</summary>
        public string Mood { get; private set; } = "";

        /// <summary>How strong it is, 0 to 100.</summary>
        public int MoodIntensity { get; private set; }

        public bool IsOpen => _cast != null && _cast.Conversation.IsOpen;

        public bool IsSpeaking => CurrentTurn != null && !CurrentTurn.Ended;

        /// <summary>This NPC's turn under way, or its last one; null at first.</summary>
        public DialogueTurn CurrentTurn => _cast != null && _cast.IsOf(this, Conversation.Current)
            ? Conversation.Current
            : _lastTurn;

        /// <summary>The conversation itself; null until a client was found.</summary>
        public DialogueConversation Conversation => _cast?.Conversation;

        /// <summary>
        /// Asked before each line for what the NPC may know of the game: null, bool, numbers,
        /// strings, lists and dictionaries. Only what has changed is sent.
        /// </summary>
        public Func<Dictionary<string, object>> StateProvider { get; set; }

        public event Action<string> Opened;

        public event Action<DialogueTurn> TurnStarted;

        /// <summary>The server is too busy to answer at once: so many answers come first, this one
        /// included. Told again when it changes, until the answer begins.</summary>
        public event Action<DialogueTurn, long> TurnQueued;

        public event Action<DialogueTurn, string> TextAdded;

        /// <summary>The server lost the answer and tells it in other words: clear what was shown,
        /// <see cref="TextAdded"/> begins anew. A <see cref="DialogueText"/> does so by itself.</summary>
        public event Action<DialogueTurn> TurnRestarted;

        /// <summary>A mood, action or other cue was reached: by the reveal of a
        /// <see cref="DialogueText"/>, or without one as soon as it arrived.</summary>
        public event Action<DialogueCue> CueReached;

        /// <summary>The NPC does something, and the reveal is there: see <see cref="DialogueAction"/>.</summary>
        public event Action<DialogueAction> ActionRequested;

        /// <summary>A designer's condition on the conversation has come true; every NPC of the
        /// conversation tells it.</summary>
        public event Action<DialogueTrigger> Triggered;

        /// <summary>An answer that had begun is over.</summary>
        public event Action<DialogueTurn> TurnEnded;

        /// <summary>A request was refused, or its answer came to nothing; every NPC of the
        /// conversation tells it.</summary>
        public event Action<DialogueException> Failed;

        /// <summary>What reveals the text; set by itself.</summary>
        internal DialogueText Presenter { get; set; }

        /// <summary>What no label has shown yet; "" once the NPC has spoken.</summary>
        internal string Greeting { get; set; } = "";

        internal event Action Loaded;

        internal event Action<DialogueTurn> TurnInterrupted;

        internal event Action<DialogueTurn, DialogueCue> CueReceived;

        /// <summary>Opens the conversation, unless it is open: when the player walks up, for the
        /// greeting. Disabling the component leaves it, and makes room for another.</summary>
        public void Open() => Required().Open();

        /// <summary>
        /// The player says a line; await the result for the finished answer. It may be called
        /// before the connection is there.
        /// </summary>
        /// <param name="to">Who is spoken to; "" for this NPC, where several have components of
        /// their own, and else for whomever the line names.</param>
        public DialogueTurn Say(string text, string to = "")
        {
            DialogueConversation conversation = Required();
            return conversation.Say(text, to.Length == 0 && _cast.Count > 1 ? npcId : to);
        }

        /// <summary>For UnityEvents, such as that of an input field.</summary>
        public void SayLine(string text)
        {
            if (!string.IsNullOrWhiteSpace(text)) Say(text);
        }

        /// <summary>The player walks off or cuts in: the NPC stops, and remembers only what was shown.</summary>
        public void Interrupt() => Conversation?.Interrupt();

        /// <summary>Asks for another answer to the last line.</summary>
        public DialogueTurn Regenerate() => Required().Regenerate();

        /// <summary>Something happened in the world; see <see cref="DialogueConversation.SendEvent"/>.</summary>
        public DialogueTurn SendEvent(
            string text, Reaction react = Reaction.May, string npc = "", string name = "",
            Dictionary<string, object> data = null) => Required().SendEvent(text, react, npc, name, data);

        /// <summary>This NPC says a line of the game's author, with its tags, exactly as it is.</summary>
        public DialogueTurn Script(string text) => Required().Script(text, npcId);

        /// <summary>The player says a line of the game's author: remembered, and answered by nobody.</summary>
        public DialogueTurn ScriptPlayer(string text) => Required().Script(text);

        /// <summary>This NPC says something to the others, without the player.</summary>
        public DialogueTurn Advance() => Required().Advance(npcId);

        /// <summary>Lines that the player might say now.</summary>
        public Task<string[]> SuggestAsync(int count = 3) => Required().SuggestAsync(count);

        /// <summary>Marks this moment; put the result into the save file.</summary>
        public Task<DialogueSave> SaveAsync() => Required().SaveAsync();

        /// <summary>Returns to a saved moment, the NPC's memory included.</summary>
        public Task LoadAsync(DialogueSave save) => Required().LoadAsync(save);

        /// <summary>What was said lately, oldest first.</summary>
        public Task<SpokenLine[]> HistoryAsync(int last = 50) => Required().HistoryAsync(last);

        /// <summary>What is wrong with this component, as a sentence; "" if nothing is.</summary>
        public string Problem()
        {
            if (string.IsNullOrWhiteSpace(npcId)) return "The NPC has no id: write the name of its persona file, without .toml.";
            if (npcId.Length > 64) return "The NPC's id has more than 64 characters.";
            return ConversationName.Length > 64 ? "The conversation's name has more than 64 characters." : "";
        }

        /// <summary>Cues that a label has left behind, unreached, when it was hidden. They happen in
        /// the next frame: not if the NPC goes with it.</summary>
        internal void Leave(DialogueTurn turn, DialogueCue[] cues)
        {
            foreach (DialogueCue cue in cues) _unreached.Enqueue((turn, cue));
        }

        private void ReachWhatWasLeft()
        {
            while (_unreached.Count > 0)
            {
                (DialogueTurn turn, DialogueCue cue) = _unreached.Dequeue();
                ReachCue(turn, cue);
            }
        }

        /// <param name="turn">Null in a greeting.</param>
        internal void ReachCue(DialogueTurn turn, DialogueCue cue)
        {
            if (cue.Kind == DialogueCue.Mood)
            {
                Mood = cue.Name;
                MoodIntensity = cue.Intensity;
                onMood.Invoke(cue.Name);
            }
            else if (cue.Kind == DialogueCue.Action)
            {
                onAction.Invoke(cue.Name);
            }
            CueReached?.Invoke(cue);
            if (cue.Kind == DialogueCue.Action && turn != null && _cast != null)
                ActionRequested?.Invoke(new DialogueAction(Conversation, turn, cue));
        }

        private void OnEnable()
        {
            if (Problem().Length > 0)
            {
                Debug.LogError("Dialogue: " + Problem(), this);
                enabled = false;
                return;
            }
            if (_registeredWith == null) TryRegister();
        }

        private void Update()
        {
            // The client may come later, with another scene, or have been replaced.
            if (_registeredWith == null) TryRegister();
            ReachWhatWasLeft();
        }

        private void OnDisable()
        {
            _unreached.Clear();
            Unregister();
        }

        private void OnDestroy()
        {
            Opened = null;
            Loaded = null;
            TurnStarted = TurnEnded = TurnRestarted = TurnInterrupted = null;
            TurnQueued = null;
            TextAdded = null;
            CueReached = null;
            CueReceived = null;
            ActionRequested = null;
            Triggered = null;
            Failed = null;
            StateProvider = null;
        }

        private void TryRegister()
        {
            DialogueClient found = client != null ? client.InUse : DialogueClient.Default;
            if (found == null || !found.isActiveAndEnabled) return;
            Unregister();
            try
            {
                _cast = found.Join(this);
                _registeredWith = found;
            }
            catch (ArgumentException error)
            {
                enabled = false;
                Debug.LogError("Dialogue: " + error.Message, this);
            }
        }

        private void Unregister()
        {
            Cast cast = _cast;
            DialogueClient with = _registeredWith;
            _registeredWith = null;
            if (cast == null) return;
            if (with != null) with.Leave(this, cast);
            else cast.Conversation.Detach(null);
            _cast = null;
            _lastTurn = null;
        }

        // ------------------------------------------------------------ what the cast tells

        internal void OnOpened(string greeting)
        {
            Mood = Info?.Mood ?? "";
            MoodIntensity = (int)(Info?.Intensity ?? 0);
            if (greeting.Length > 0) Greeting = greeting;
            onOpened.Invoke(greeting);
            Opened?.Invoke(greeting);
        }

        internal void OnLoaded()
        {
            _lastTurn = null;
            Greeting = "";
            _unreached.Clear();
            Loaded?.Invoke();
        }

        internal void OnTurnStarted(DialogueTurn turn)
        {
            _lastTurn = turn;
            Greeting = "";
            ReachWhatWasLeft();
            onTurnStarted.Invoke();
            TurnStarted?.Invoke(turn);
        }

        internal void OnTurnQueued(DialogueTurn turn, long position) => TurnQueued?.Invoke(turn, position);

        internal void OnTurnRestarted(DialogueTurn turn) => TurnRestarted?.Invoke(turn);

        internal void OnTurnInterrupted(DialogueTurn turn) => TurnInterrupted?.Invoke(turn);

        internal void OnTextAdded(DialogueTurn turn, string text)
        {
            if (onText.GetPersistentEventCount() > 0) onText.Invoke(turn.Text);
            TextAdded?.Invoke(turn, text);
        }

        internal void OnCueReceived(DialogueTurn turn, DialogueCue cue)
        {
            ReachWhatWasLeft();
            if (Presenter != null) CueReceived?.Invoke(turn, cue);
            else ReachCue(turn, cue);
        }

        internal void OnTurnEnded(DialogueTurn turn)
        {
            onTurnEnded.Invoke(turn.Text);
            TurnEnded?.Invoke(turn);
        }

        internal void OnTriggered(DialogueTrigger trigger)
        {
            onTrigger.Invoke(trigger.Name);
            Triggered?.Invoke(trigger);
        }

        internal void OnFailed(DialogueException error)
        {
            onError.Invoke(error.Message);
            Failed?.Invoke(error);
        }

        internal int SeenOf(DialogueTurn turn) => Presenter == null ? int.MaxValue : Presenter.SeenOf(turn);

        private DialogueConversation Required()
        {
            if (!enabled || !gameObject.activeInHierarchy)
                throw new InvalidOperationException("The NPC \"" + npcId + "\" is switched off: enable it first.");
            if (_registeredWith == null) TryRegister();
            if (_registeredWith == null)
                throw new InvalidOperationException(
                    "The NPC \"" + npcId + "\" has no client: add an enabled DialogueClient to the scene.");
            return Conversation;
        }

        private T Unregistered<T>(T value) => _registeredWith == null
            ? value
            : throw new InvalidOperationException("Disable the NPC \"" + npcId + "\" before you change it.");
    }
}
