using System;
using System.Linq;
using System.Threading.Tasks;
using DialogueServer.Protocol;
using DialogueServer.Transport;
using UnityEditor;

namespace DialogueServer.Editor
{
    /// <summary>A session outside of play mode, driven by the editor's own update.</summary>
    internal sealed class EditorSession : IDisposable
    {
        private readonly Action _changed;
        private readonly ConversationRouter _router;
        private readonly string _url;

        public EditorSession(DialogueSettings settings, ConversationRouter router, Action changed, string token = "")
        {
            _changed = changed;
            _router = router;
            _url = settings.url;
            Session = new DialogueSession(
                new SessionOptions
                {
                    Url = settings.url,
                    Client = "Unity editor",
                    Locale = settings.locale,
                    Capabilities = new[] { "designer" },
                    ConnectTimeout = TimeSpan.FromSeconds(settings.connectTimeout),
                    Token = cancel => Task.FromResult(token),
                },
                router);
            Session.StatusChanged += status =>
            {
                if (status == SessionStatus.Failed)
                    _router.Detach(new DialogueException(DialogueException.Disconnected, Session.Reason));
                else if (status == SessionStatus.Online && Session.Granted.Contains("designer"))
                    AskForNpcs();
            };
            // A player of its own: what is tried in the editor stays out of the players' memories.
            router.Attach(Session, new Player("unity-editor", settings.playerName, settings.playerPersona));
            Session.Start();
            EditorApplication.update += Update;
            AssemblyReloadEvents.beforeAssemblyReload += Dispose;
        }

        public DialogueSession Session { get; }

        /// <summary>The ids of the server's NPCs; null while it has not told them.</summary>
        public string[] ServerNpcs { get; private set; }

        public string Describe()
        {
            switch (Session.Status)
            {
                case SessionStatus.Online: return "Connected to " + _url + ".";
                case SessionStatus.Connecting: return "Connecting to " + _url + " ...";
                default: return Session.Status + ": " + Session.Reason;
            }
        }

        public void Dispose()
        {
            EditorApplication.update -= Update;
            AssemblyReloadEvents.beforeAssemblyReload -= Dispose;
            _router.Detach(null);
            Session.Dispose();
        }

        private async void AskForNpcs()
        {
            try
            {
                NpcInfo[] all = await _router.NpcsAsync();
                ServerNpcs = all.Select(npc => npc.Id).ToArray();
                _changed();
            }
            catch (DialogueException)
            {
                // The connection is gone, or the right to it; the next one asks again.
            }
            catch (OperationCanceledException)
            {
                // The session is over.
            }
        }

        private void Update()
        {
            _router.Update();
            Session.Update(EditorApplication.timeSinceStartup);
            _changed();
        }
    }
}
