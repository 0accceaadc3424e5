using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using DialogueServer.Protocol;

namespace DialogueServer.Transport
{
    public enum SessionStatus
    {
        /// <summary>Not started.</summary>
        Offline,

        /// <summary>On the way: waiting for the token, the socket or the welcome.</summary>
        Connecting,

        Online,

        /// <summary>Dropped; another attempt follows by itself.</summary>
        Waiting,

        /// <summary>Given up: <see cref="DialogueSession.Reason"/> says what a person has to change.</summary>
        Failed,
    }

    /// <summary>
    /// A session kept alive over any number of sockets. It does nothing but in
    /// <see cref="Update"/>, which the game calls every frame and from which the handler and the
    /// events are called; it starts no thread and keeps no clock.
    /// </summary>
    public sealed class DialogueSession : ITransportSink, IDisposable
    {
        private const int AbnormalClosure = 1006;

        /// <summary>After a longer frame the game was away, and has not listened: it loaded a level, or
        /// was in the background.</summary>
        private const double LongestFrame = 1.0;

        private readonly SessionOptions _options;
        private readonly SessionHandler _ownHandler;
        private ClientConnection _connection;
        private ITransport _transport;
        private CancellationTokenSource _cancelToken;
        private Task<string> _token;
        private double _now;
        private bool _wasAway;
        private double _deadline; // of the connection attempt, or of the wait
        private double _lastReceived;
        private double _pingedAt = double.NaN;
        private double _reconnectAfter = double.NaN; // as go_away or a refusal said
        private string _refusal = "";
        private int _attempt;
        private long _pings;

        public DialogueSession(SessionOptions options, IServerMessageHandler handler)
        {
            _options = options;
            _ownHandler = new SessionHandler(this) { Next = handler };
        }

        public SessionStatus Status { get; private set; } = SessionStatus.Offline;

        /// <summary>Why the session is Waiting or has Failed, for the developer; else "".</summary>
        public string Reason { get; private set; } = "";

        public string SessionId => _connection?.Session ?? "";

        /// <summary>What the server accepts; null before the first welcome.</summary>
        public Limits Limits => _connection?.Limits;

        /// <summary>The last welcome went on with the session before it: nothing was lost.</summary>
        public bool Resumed { get; private set; }

        /// <summary>What the server granted of <see cref="SessionOptions.Capabilities"/>.</summary>
        public IReadOnlyList<string> Granted { get; private set; } = Array.Empty<string>();

        /// <summary>The requests that have neither been answered nor refused.</summary>
        public IReadOnlyList<IClientRequest> Unanswered =>
            _connection == null ? Array.Empty<IClientRequest>() : _connection.Unanswered;

        /// <summary>Seconds until the next attempt, while Waiting.</summary>
        public double RetryIn => Status == SessionStatus.Waiting ? Math.Max(0, _deadline - _now) : 0;

        public event Action<SessionStatus> StatusChanged;

        /// <summary>The server could not resume: turns under way are void and come again.</summary>
        public event Action Lost;

        /// <summary>A frame that was skipped, or another oddity worth a line in the log.</summary>
        public event Action<string> Warned;

        /// <summary>The handler threw, or an event of the game did. The session goes on.</summary>
        public event Action<Exception> Threw;

        /// <summary>Called after a loss: the state of each open conversation, as snapshots.</summary>
        public Func<IEnumerable<StateMessage>> Snapshots;

        /// <summary>Starts, or starts again after a failure. Messages may be sent at once: they
        /// wait for the welcome.</summary>
        public void Start()
        {
            if (Status != SessionStatus.Offline && Status != SessionStatus.Failed) return;
            EnsureConnection();
            _attempt = 0;
            Begin();
        }

        /// <summary>Sends now, or after the next welcome.</summary>
        /// <exception cref="ArgumentException">The message holds what JSON cannot express.</exception>
        public void Send(IClientMessage message)
        {
            EnsureConnection();
            byte[] frame = _connection.Send(message);
            if (_connection.State == ConnectionState.Attached) _transport.Send(frame);
        }

        /// <summary>Call it every frame with a time in seconds that never goes back.</summary>
        public void Update(double now)
        {
            double away = now - _now;
            _now = now;
            if (away > LongestFrame)
            {
                _wasAway = Status == SessionStatus.Online;
                if (Status == SessionStatus.Connecting) _deadline += away;
            }
            switch (Status)
            {
                case SessionStatus.Connecting:
                    if (_transport != null) Poll();
                    else if (_token == null || _token.IsCompleted) OpenSocket();
                    if (Status == SessionStatus.Connecting && now >= _deadline) TimedOut();
                    break;
                case SessionStatus.Online:
                    Poll();
                    if (Status == SessionStatus.Online) KeepAlive();
                    break;
                case SessionStatus.Waiting:
                    if (now >= _deadline) Begin();
                    break;
            }
        }

        /// <summary>Says goodbye; the session cannot be resumed. It may be started again, anew.</summary>
        public void Stop()
        {
            DropSocket(1000, "");
            _connection?.End();
            _connection = null;
            Become(SessionStatus.Offline, "");
        }

        public void Dispose()
        {
            StatusChanged = null;
            Lost = null;
            Warned = null;
            Threw = null;
            Snapshots = null;
            Stop();
        }

        // ------------------------------------------------------------ connecting

        private void EnsureConnection()
        {
            if (_connection == null || _connection.State == ConnectionState.Ended)
                _connection = new ClientConnection(_options.Client, _options.Locale, _options.Capabilities);
        }

        private void Begin()
        {
            _deadline = double.PositiveInfinity; // set by the first Update, which knows the time
            _refusal = "";
            _cancelToken = new CancellationTokenSource();
            try
            {
                _token = _options.Token?.Invoke(_cancelToken.Token);
            }
            catch (Exception error)
            {
                Retry("The token callback failed: " + error.Message);
                return;
            }
            Become(SessionStatus.Connecting, "");
        }

        private void OpenSocket()
        {
            _deadline = _now + _options.ConnectTimeout.TotalSeconds;
            if (_token != null && (_token.IsFaulted || _token.IsCanceled))
            {
                Retry("The token callback failed: " + (_token.Exception?.GetBaseException().Message ?? "cancelled"));
                return;
            }
            _connection.Token = _token?.Result ?? "";
            _token = null;
            _transport = _options.CreateTransport();
            try
            {
                _transport.Connect(_options.Url, ProtocolInfo.Subprotocol, _options.ConnectTimeout);
            }
            catch (ArgumentException error)
            {
                Fail(error.Message);
            }
        }

        private void TimedOut()
        {
            DropSocket(1000, "no welcome in time");
            Disconnected(AbnormalClosure, "no welcome within " + _options.ConnectTimeout.TotalSeconds + " s");
        }

        private void KeepAlive()
        {
            if (double.IsNaN(_pingedAt) || _wasAway)
            {
                // The socket may have died meanwhile without a word: that is asked at once.
                if (!_wasAway && _now - _lastReceived < _options.HeartbeatInterval.TotalSeconds) return;
                _wasAway = false;
                _pingedAt = _now;
                Send(new PingMessage(++_pings));
            }
            else if (_now - _pingedAt >= _options.HeartbeatTimeout.TotalSeconds)
            {
                DropSocket(1000, "no answer to a ping");
                Disconnected(AbnormalClosure, "the server has gone silent");
            }
        }

        private void Poll()
        {
            try
            {
                _transport.Poll(this);
            }
            catch (ProtocolViolationException error)
            {
                DropSocket(error.Code, error.Message);
                Disconnected(error.Code, error.Message);
            }
        }

        private void DropSocket(int code, string reason)
        {
            _cancelToken?.Cancel();
            _cancelToken = null;
            _token = null;
            _transport?.Close(code, reason);
            _transport = null;
            _pingedAt = double.NaN;
            _wasAway = false;
        }

        private void Disconnected(int code, string reason)
        {
            ClosePolicy policy = _connection.Disconnected(code);
            string why = _refusal.Length > 0 ? _refusal : reason.Length > 0 ? reason : "the socket closed";
            if (policy == ClosePolicy.Stop) Fail(why + " (" + code + ")");
            else Retry(why + " (" + code + ")");
        }

        private void Retry(string reason)
        {
            double delay = ClientConnection.ReconnectDelay(
                _attempt++, _options.Random(), _options.FirstDelay.TotalSeconds, _options.LongestDelay.TotalSeconds);
            if (!double.IsNaN(_reconnectAfter)) delay += _reconnectAfter;
            _reconnectAfter = double.NaN;
            _deadline = _now + delay;
            DropSocket(1000, "");
            Become(SessionStatus.Waiting, reason);
        }

        private void Fail(string reason)
        {
            DropSocket(1000, "");
            _connection.End();
            Become(SessionStatus.Failed, reason);
        }

        private void Become(SessionStatus status, string reason)
        {
            Reason = reason;
            if (Status == status) return;
            Status = status;
            StatusChanged?.Invoke(status);
        }

        // ------------------------------------------------------------ what the socket reports

        void ITransportSink.Opened() => _transport.Send(_connection.Hello());

        void ITransportSink.Received(ArraySegment<byte> frame)
        {
            _lastReceived = _now;
            _pingedAt = double.NaN;
            ITransport transport = _transport;
            try
            {
                _connection.Receive(frame, _ownHandler);
            }
            catch (MessageFormatException error)
            {
                Warned?.Invoke("A frame of the server was skipped: " + error.Message);
            }
            catch (Exception error) when (!(error is ProtocolViolationException) && Threw != null)
            {
                Threw(error);
            }
            // The game may have stopped the session in an event.
            if (_transport != transport || _connection == null) return;
            byte[] ack = _connection.State == ConnectionState.Attached ? _connection.TakeAck() : null;
            if (ack != null) _transport.Send(ack);
        }

        void ITransportSink.Closed(int code, string reason)
        {
            _transport.Dispose();
            _transport = null;
            Disconnected(code, reason);
        }

        private void Welcomed()
        {
            bool lost = _connection.Lost;
            if (lost) Lost?.Invoke();
            if (_connection == null || _connection.State != ConnectionState.Recovering) return;
            foreach (byte[] frame in _connection.Recover(lost ? Snapshots?.Invoke() : null)) _transport.Send(frame);
            _attempt = 0;
            Become(SessionStatus.Online, "");
        }

        /// <summary>Sees what concerns the session itself, and passes everything on.</summary>
        private sealed class SessionHandler : ServerMessageForwarder
        {
            private readonly DialogueSession _session;

            public SessionHandler(DialogueSession session) => _session = session;

            public override void OnWelcome(in WelcomeMessage message)
            {
                _session.Granted = message.Capabilities;
                _session.Resumed = message.Resumed;
                try
                {
                    base.OnWelcome(in message);
                }
                finally
                {
                    _session.Welcomed();
                }
            }

            public override void OnGoAway(in GoAwayMessage message)
            {
                _session._reconnectAfter = message.ReconnectMs / 1000.0;
                base.OnGoAway(in message);
            }

            public override void OnError(in ErrorMessage message)
            {
                if (_session.Status == SessionStatus.Connecting)
                {
                    _session._refusal = message.Detail;
                    _session._reconnectAfter = message.RetryAfterMs / 1000.0;
                }
                base.OnError(in message);
            }
        }
    }
}
