using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using DialogueServer.Protocol;
using DialogueServer.Transport;
using UnityEngine;
using UnityEngine.Events;

namespace DialogueServer
{
    /// <summary>
    /// The game's connection to the dialogue server: one for all NPCs. It reconnects and resumes
    /// by itself. Everything is called and raised on the main thread, in Update.
    /// </summary>
    [AddComponentMenu("Dialogue/Dialogue Client")]
    [DefaultExecutionOrder(-100)]
    [DisallowMultipleComponent]
    public sealed class DialogueClient : MonoBehaviour
    {
        private const string PlayerIdKey = "DialogueServer.PlayerId";

        [SerializeField]
        private DialogueSettings settings;

        [Tooltip("Connect as soon as the object is enabled. Switch it off to set a token or a player first.")]
        [SerializeField]
        private bool connectOnEnable = true;

        [Tooltip("Stay when another scene is loaded. Only an object at the top of the hierarchy can stay; where the scene is loaded again, the first client goes on and the second is switched off.")]
        [SerializeField]
        private bool keepBetweenScenes = true;

        [SerializeField]
        private UnityEvent onOnline = new UnityEvent();

        [Tooltip("The connection is gone; the text says why. It comes back by itself unless it failed.")]
        [SerializeField]
        private UnityEvent<string> onOffline = new UnityEvent<string>();

        private readonly ConversationRouter _router = new ConversationRouter();
        private readonly Dictionary<string, Cast> _casts = new Dictionary<string, Cast>();
        private DialogueSession _session;
        private DialogueClient _first;
        private bool _kept;
        private bool _started;

        /// <summary>The client that NPCs use when none is assigned to them: the first one enabled.</summary>
        public static DialogueClient Default { get; private set; }

        /// <summary>
        /// Asked before every connection, so that a token may expire. It may take its time, even for a
        /// player to log in, but the client waits for it: give a request of your own a timeout. When
        /// it fails the client tries again later. Set it before connecting: in Awake of another
        /// component, or with "Connect On Enable" switched off.
        /// </summary>
        public Func<CancellationToken, Task<string>> TokenProvider { get; set; }

        /// <summary>What every NPC may know of the game; asked before each line, and what an NPC's own
        /// <see cref="DialogueNpc.StateProvider"/> says is laid over it.</summary>
        public Func<Dictionary<string, object>> StateProvider { get; set; }

        /// <summary>Who plays; from the settings unless it was set. Set it before connecting.</summary>
        public Player Player { get; set; }

        public DialogueSettings Settings
        {
            get => settings;
            set => settings = value;
        }

        public SessionStatus Status => _session == null ? SessionStatus.Offline : _session.Status;

        /// <summary>Why the client is Waiting or has Failed.</summary>
        public string Reason => _session == null ? "" : _session.Reason;

        /// <summary>Seconds until the next attempt, while Waiting.</summary>
        public double RetryIn => _session == null ? 0 : _session.RetryIn;

        /// <summary>What the server accepts; null before it was first reached.</summary>
        public Limits Limits => _session?.Limits;

        /// <summary>The connection came back without a loss the last time.</summary>
        public bool Resumed => _session != null && _session.Resumed;

        /// <summary>What to ask for beyond talking, such as "designer". Set it before connecting.</summary>
        public string[] Capabilities { get; set; } = Array.Empty<string>();

        /// <summary>What the server granted of them; empty before it was first reached.</summary>
        public IReadOnlyList<string> Granted => _session == null ? Array.Empty<string>() : _session.Granted;

        public event Action<SessionStatus> StatusChanged;

        /// <summary>The server restarts: the client reconnects after so many milliseconds, by itself.</summary>
        public event Action<long> GoingAway;

        /// <summary>An error that is about no NPC.</summary>
        public event Action<DialogueException> Failed;

        /// <summary>This one, or the one kept from before, where the scene was loaded again.</summary>
        internal DialogueClient InUse => _first != null ? _first : this;

        /// <summary>For tests: makes the sockets.</summary>
        internal Func<ITransport> CreateTransport { get; set; }

        /// <summary>A token that never changes.</summary>
        public void SetToken(Func<string> token) => TokenProvider = cancel => Task.FromResult(token());

        public void Connect()
        {
            if (!isActiveAndEnabled)
                throw new InvalidOperationException("Enable the DialogueClient \"" + name + "\" before it connects.");
            if (Status != SessionStatus.Offline && Status != SessionStatus.Failed) return;
            if (settings == null)
                throw new InvalidOperationException(
                    "The DialogueClient \"" + name + "\" has no settings: create them with Assets > Create > Dialogue > "
                    + "Settings and assign them.");
            Disconnect();
            _session = new DialogueSession(Options(), _router);
            _session.StatusChanged += OnStatusChanged;
            _session.Warned += OnWarned;
            _session.Threw += OnThrew;
            _router.Attach(_session, Player ?? DefaultPlayer());
            _session.Start();
        }

        /// <summary>Ends the session. NPCs stay registered and open again after another Connect.</summary>
        public void Disconnect()
        {
            DialogueSession session = _session;
            if (session == null) return;
            _router.Detach(null);
            _session = null; // the game may connect again when it is told
            session.Stop();
            session.Dispose();
        }

        /// <summary>
        /// Every NPC that the server has, for tools and test scenes. Needs the capability "designer":
        /// put it into <see cref="Capabilities"/>; a server that does not grant it answers with
        /// a <see cref="DialogueException"/> of the code "forbidden".
        /// </summary>
        public Task<NpcInfo[]> NpcsAsync() => _router.NpcsAsync(settings == null ? "" : settings.locale);

        /// <summary>The NPC takes part in the conversation of its name, alone or with others.</summary>
        internal Cast Join(DialogueNpc npc)
        {
            if (!_casts.TryGetValue(npc.ConversationName, out Cast cast))
            {
                cast = new Cast(npc, this);
                _router.Add(cast.Conversation);
                _casts.Add(npc.ConversationName, cast);
            }
            cast.Join(npc);
            return cast;
        }

        internal void Leave(DialogueNpc npc, Cast cast)
        {
            if (cast.Count == 1)
            {
                _casts.Remove(cast.Conversation.Name);
                _router.Remove(cast.Conversation);
            }
            cast.Leave(npc);
        }

        private void Awake()
        {
            _router.Failed += error => Failed?.Invoke(error);
            _router.GoingAway += milliseconds => GoingAway?.Invoke(milliseconds);
            if (!keepBetweenScenes || transform.parent != null || !Application.isPlaying) return;
            if (settings != null && Default != null && Default._kept && Default.settings == settings)
            {
                _first = Default;
                enabled = false;
                return;
            }
            _kept = true;
            DontDestroyOnLoad(gameObject);
        }

        private void OnEnable()
        {
            if (Default == null) Default = this;
            if (_started && connectOnEnable) Connect();
        }

        // The first time not in OnEnable: others set the token and the player in their Awake and OnEnable.
        private void Start()
        {
            _started = true;
            if (connectOnEnable) Connect();
        }

        private void Update()
        {
            _router.Update();
            _session?.Update(Time.realtimeSinceStartupAsDouble);
        }

        private void OnDisable()
        {
            if (Default == this) Default = null;
            Disconnect();
        }

        private void OnDestroy()
        {
            StatusChanged = null;
            GoingAway = null;
            Failed = null;
            TokenProvider = null;
            StateProvider = null;
        }

        private void OnApplicationQuit() => Disconnect();

        private SessionOptions Options()
        {
            var options = new SessionOptions
            {
                Url = settings.url,
                Client = settings.clientName.Length > 0
                    ? settings.clientName
                    : Application.productName + " " + Application.version,
                Locale = settings.locale,
                Capabilities = Capabilities,
                Token = TokenProvider,
                ConnectTimeout = TimeSpan.FromSeconds(settings.connectTimeout),
                HeartbeatInterval = TimeSpan.FromSeconds(settings.heartbeat),
                LongestDelay = TimeSpan.FromSeconds(settings.longestRetry),
            };
            if (CreateTransport != null) options.CreateTransport = CreateTransport;
            return options;
        }

        private Player DefaultPlayer()
        {
            string id = settings.playerId;
            if (id.Length == 0)
            {
                id = PlayerPrefs.GetString(PlayerIdKey, "");
                if (id.Length == 0)
                {
                    id = Guid.NewGuid().ToString("N");
                    PlayerPrefs.SetString(PlayerIdKey, id);
                    PlayerPrefs.Save(); // pages and phones do not quit a game, they end it
                }
            }
            return new Player(id, settings.playerName, settings.playerPersona);
        }

        private void OnStatusChanged(SessionStatus status)
        {
            if (status == SessionStatus.Failed)
            {
                Debug.LogError("Dialogue: " + Reason, this);
                _router.Detach(new DialogueException(DialogueException.Disconnected, Reason));
            }
            StatusChanged?.Invoke(status);
            if (status == SessionStatus.Online) onOnline.Invoke();
            else if (status == SessionStatus.Waiting || status == SessionStatus.Failed) onOffline.Invoke(Reason);
        }

        private void OnWarned(string warning) => Debug.LogWarning("Dialogue: " + warning, this);

        private void OnThrew(Exception error) => Debug.LogException(error, this);

        /// <summary>With domain reload switched off, statics survive from one play to the next.</summary>
        [RuntimeInitializeOnLoadMethod(RuntimeInitializeLoadType.SubsystemRegistration)]
        private static void ResetStatics() => Default = null;
    }
}
