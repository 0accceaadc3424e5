using System;
using System.Threading;
using System.Threading.Tasks;

namespace DialogueServer.Transport
{
    /// <summary>How a <see cref="DialogueSession"/> connects and when it gives up on a socket.</summary>
    public sealed class SessionOptions
    {
        public string Url = "ws://127.0.0.1:8765";

        /// <summary>Name and version of the game, for the server's log; at most 128 characters.</summary>
        public string Client = "";

        public string Locale = "";

        /// <summary>What to ask for beyond talking, such as "designer" (the list of NPCs, prompts).</summary>
        public string[] Capabilities = Array.Empty<string>();

        /// <summary>
        /// Asked before every connection, so that a token may expire. Null where the server wants
        /// none. The task is watched, not awaited: it need not finish on any particular thread.
        /// </summary>
        public Func<CancellationToken, Task<string>> Token;

        /// <summary>From the attempt to connect to the welcome.</summary>
        public TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

        /// <summary>After so much silence the session sends a ping.</summary>
        public TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(15);

        /// <summary>After so much silence since that ping the socket counts as dropped.</summary>
        public TimeSpan HeartbeatTimeout = TimeSpan.FromSeconds(10);

        /// <summary>The first and the longest wait before another attempt; see
        /// <see cref="Protocol.ClientConnection.ReconnectDelay"/>.</summary>
        public TimeSpan FirstDelay = TimeSpan.FromSeconds(0.5);
        public TimeSpan LongestDelay = TimeSpan.FromSeconds(30);

        public Func<ITransport> CreateTransport = DefaultTransport;

        /// <summary>A number in [0, 1) for the jitter.</summary>
        public Func<double> Random = new Random().NextDouble;

        private static ITransport DefaultTransport()
        {
#if UNITY_WEBGL && !UNITY_EDITOR
            return new WebGLTransport();
#else
            return new ClientWebSocketTransport();
#endif
        }
    }
}
