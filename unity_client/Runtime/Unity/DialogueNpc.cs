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

        [Tooltip("Other NPCs that take part in the same conversation.")]
        [SerializeField]
        private string[] others = Array.Empty<string>();

        [Tooltip("The conversation's name: under it the NPC remembers the player. Empty: the NPC's id.")]
        [SerializeField]
        private string conversationName = "";

        [Tooltip("Where they talk; may choose lore and conditions on the server.")]
        [SerializeField]
        private string sceneName = "";

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

        [SerializeField]
        private UnityEvent<string> onTurnEnded = new UnityEvent<string>();

        [SerializeField]
        private UnityEvent<string> onError = new UnityEvent<string>();

        private DialogueConversation _conversation;
        private DialogueClient _registeredWith;
        private Func<Dictionary<string, object>> _stateProvider;

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

        /// <summary>The display name; the id until the server has told it.</summary>
        public string DisplayName =>
            _conversation != null && _conversation.NpcInfos.Count > 0 ? _conversation.NpcInfos[0].Name : npcId;

        /// <summary>The last mood that was reached.</summary>
        public string Mood { get; private set; } = "";

        public bool IsOpen => _conversation != null && _conversation.IsOpen;

        public bool IsSpeaking => CurrentTurn != null && !CurrentTurn.Ended;

        /// <summary>The turn under way, or the last one; null at first.</summary>
        public DialogueTurn CurrentTurn => _conversation?.Current;

        /// <summary>The conversation itself; null until a client was found.</summary>
        public DialogueConversation Conversation => _conversation;

        /// <summary>
        /// Asked before each line for what the NPC may know of the game: null, bool, numbers,
        /// strings, lists and dictionaries. Only what has changed is sent.
        /// </summary>
        public Func<Dictionary<string, object>> StateProvider
        {
            get => _stateProvider;
            set
            {
                _stateProvider = value;
                if (_conversation != null) _conversation.StateProvider = value;
            }
        }

        public event Action<string> Opened;

        public event Action<DialogueTurn> TurnStarted;

        public event Action<DialogueTurn, string> TextAdded;

        /// <summary>A mood, action or other cue was reached: by the reveal of a
        /// <see cref="DialogueText"/>, or without one as soon as it arrived.</summary>
        public event Action<DialogueCue> CueReached;

        public event Action<DialogueTurn> TurnEnded;

        public event Action<DialogueException> Failed;

        /// <summary>What reveals the text; set by itself.</summary>
        internal DialogueText Presenter { get; set; }

        internal event Action<DialogueTurn> TurnRestarted;

        internal event Action<DialogueTurn> TurnInterrupted;

        internal event Action<DialogueTurn, DialogueCue> CueReceived;

        /// <summary>
        /// The player says a line; await the result for the finished answer. It may be called
        /// before the connection is there.
        /// </summary>
        public DialogueTurn Say(string text, string to = "") => Required().Say(text, to);

        /// <summary>For UnityEvents, such as that of an input field.</summary>
        public void SayLine(string text)
        {
            if (!string.IsNullOrWhiteSpace(text)) Say(text);
        }

        /// <summary>The player walks off or cuts in: the NPC stops, and remembers only what was shown.</summary>
        public void Interrupt() => _conversation?.Interrupt();

        /// <summary>Asks for another answer to the last line.</summary>
        public DialogueTurn Regenerate() => Required().Regenerate();

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

        internal void ReachCue(DialogueCue cue)
        {
            if (cue.Kind == DialogueCue.Mood)
            {
                Mood = cue.Name;
                onMood.Invoke(cue.Name);
            }
            else if (cue.Kind == DialogueCue.Action)
            {
                onAction.Invoke(cue.Name);
            }
            CueReached?.Invoke(cue);
        }

        private void OnEnable()
        {
            if (Problem().Length > 0)
            {
                Debug.LogError("Dialogue: " + Problem(), this);
                enabled = false;
                return;
            }
            TryRegister();
        }

        private void Update()
        {
            // The client may come later, with another scene, or have been replaced.
            if (_registeredWith == null) TryRegister();
        }

        private void OnDisable() => Unregister();

        private void OnDestroy()
        {
            Opened = null;
            TurnStarted = TurnEnded = TurnRestarted = TurnInterrupted = null;
            TextAdded = null;
            CueReached = null;
            CueReceived = null;
            Failed = null;
            _stateProvider = null;
        }

        private void TryRegister()
        {
            DialogueClient found = client != null ? client : DialogueClient.Default;
            if (found == null || !found.isActiveAndEnabled) return;
            Unregister();
            var npcs = new List<string> { npcId };
            npcs.AddRange(others);
            var conversation = new DialogueConversation(ConversationName, npcs.ToArray())
            {
                Scene = sceneName,
                InterruptOnSay = interruptOnSay,
                StateProvider = _stateProvider,
                SeenProvider = Seen,
            };
            Listen(conversation);
            _conversation = conversation;
            _registeredWith = found;
            try
            {
                found.Add(conversation);
            }
            catch (ArgumentException error)
            {
                _conversation = null;
                _registeredWith = null;
                enabled = false;
                Debug.LogError("Dialogue: " + error.Message, this);
            }
        }

        private void Unregister()
        {
            DialogueConversation conversation = _conversation;
            DialogueClient with = _registeredWith;
            _registeredWith = null;
            if (conversation == null) return;
            if (with != null) with.Remove(conversation);
            else conversation.Detach(null);
            _conversation = null;
        }

        private void Listen(DialogueConversation conversation)
        {
            conversation.Opened += greeting =>
            {
                if (conversation.NpcInfos.Count > 0) Mood = conversation.NpcInfos[0].Mood;
                onOpened.Invoke(greeting);
                Opened?.Invoke(greeting);
            };
            conversation.TurnStarted += turn =>
            {
                onTurnStarted.Invoke();
                TurnStarted?.Invoke(turn);
            };
            conversation.TurnRestarted += turn => TurnRestarted?.Invoke(turn);
            conversation.TurnInterrupted += turn => TurnInterrupted?.Invoke(turn);
            conversation.TextAdded += (turn, text) =>
            {
                if (onText.GetPersistentEventCount() > 0) onText.Invoke(turn.Text);
                TextAdded?.Invoke(turn, text);
            };
            conversation.CueReceived += (turn, cue) =>
            {
                if (Presenter == null) ReachCue(cue);
                else CueReceived?.Invoke(turn, cue);
            };
            conversation.TurnEnded += turn =>
            {
                onTurnEnded.Invoke(turn.Text);
                TurnEnded?.Invoke(turn);
            };
            conversation.Failed += error =>
            {
                onError.Invoke(error.Message);
                Failed?.Invoke(error);
            };
        }

        private int Seen() => Presenter == null ? int.MaxValue : Presenter.Visible;

        private DialogueConversation Required()
        {
            if (_registeredWith == null) TryRegister();
            if (_registeredWith == null)
                throw new InvalidOperationException(
                    "The NPC \"" + npcId + "\" has no client: add an enabled DialogueClient to the scene.");
            return _conversation;
        }

        private T Unregistered<T>(T value) => _registeredWith == null
            ? value
            : throw new InvalidOperationException("Disable the NPC \"" + npcId + "\" before you change it.");
    }
}
