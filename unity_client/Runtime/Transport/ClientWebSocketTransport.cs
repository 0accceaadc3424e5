using System;
using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Net.WebSockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace DialogueServer.Transport
{
    /// <summary>
    /// A WebSocket by System.Net.WebSockets, for every platform but WebGL. The socket lives on the
    /// thread pool; only <see cref="Poll"/> touches the caller's thread.
    /// </summary>
    public sealed class ClientWebSocketTransport : ITransport
    {
        /// <summary>A larger message closes the socket with 1009.</summary>
        public const int MaxMessageBytes = 4 * 1024 * 1024;

        /// <summary>While so much waits for Poll, nothing more is read, so that a game that does
        /// not poll costs bounded memory: the server notices and lets it resume later.</summary>
        public const int MaxWaitingBytes = 1024 * 1024;

        private const int ReceiveBytes = 16 * 1024;
        private const int AbnormalClosure = 1006;
        private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(1);

        private readonly ClientWebSocket _socket = new ClientWebSocket();
        private readonly CancellationTokenSource _disposed = new CancellationTokenSource();
        private readonly ConcurrentQueue<Report> _reports = new ConcurrentQueue<Report>();
        private readonly SemaphoreSlim _room = new SemaphoreSlim(0);
        private readonly Queue<byte[]> _outgoing = new Queue<byte[]>();
        private int _waitingBytes;
        private int _aborted;
        private bool _connected; // under _outgoing
        private bool _sending; // under _outgoing
        private bool _closing; // under _outgoing
        private int _closeCode;
        private string _closeReason;
        private volatile bool _silent;

        public void Connect(string url, string subprotocol, TimeSpan timeout)
        {
            if (!Uri.TryCreate(url, UriKind.Absolute, out Uri address)
                || (address.Scheme != "ws" && address.Scheme != "wss"))
                throw new ArgumentException("Expected a URL such as ws://127.0.0.1:8765, got \"" + url + "\".");
            _socket.Options.AddSubProtocol(subprotocol);
            Task.Run(() => RunAsync(address, subprotocol, timeout));
        }

        public void Send(byte[] frame)
        {
            lock (_outgoing)
            {
                if (!_connected || _closing) return;
                _outgoing.Enqueue(frame);
                StartSending();
            }
        }

        public void Poll(ITransportSink sink)
        {
            while (!_silent && _reports.TryDequeue(out Report report))
            {
                switch (report.Kind)
                {
                    case ReportKind.Opened:
                        sink.Opened();
                        break;
                    case ReportKind.Received:
                        try
                        {
                            sink.Received(new ArraySegment<byte>(report.Bytes, 0, report.Number));
                        }
                        finally
                        {
                            Release(report);
                        }
                        break;
                    default:
                        _silent = true;
                        sink.Closed(report.Number, report.Text);
                        break;
                }
            }
        }

        public void Close(int code, string reason)
        {
            _silent = true;
            lock (_outgoing)
            {
                if (_closing) return;
                _closing = true;
                _closeCode = code;
                _closeReason = Shortened(reason);
                if (_connected) StartSending();
                else Abort(); // CloseAsync throws while connecting; there is nobody to say goodbye to
            }
        }

        public void Dispose()
        {
            _silent = true;
            Abort();
        }

        // ------------------------------------------------------------ on the thread pool

        private async Task RunAsync(Uri address, string subprotocol, TimeSpan timeout)
        {
            int code = AbnormalClosure;
            string reason;
            try
            {
                reason = await ConnectAsync(address, subprotocol, timeout).ConfigureAwait(false);
                if (reason == null)
                {
                    lock (_outgoing) _connected = true; // before it is told: the hello comes at once
                    _reports.Enqueue(new Report(ReportKind.Opened, 0, null, null));
                    (code, reason) = await ReceiveAsync().ConfigureAwait(false);
                }
                else if (reason == WrongSubprotocol)
                {
                    code = (int)WebSocketCloseStatus.ProtocolError;
                }
            }
            catch (Exception error)
            {
                reason = Explained(error);
            }
            lock (_outgoing)
            {
                _connected = false;
                _outgoing.Clear();
            }
            _reports.Enqueue(new Report(ReportKind.Closed, code, null, reason));
            Abort();
        }

        private const string WrongSubprotocol = "the server does not speak this protocol";

        /// <summary>Null when the socket is open, else why it is not.</summary>
        private async Task<string> ConnectAsync(Uri address, string subprotocol, TimeSpan timeout)
        {
            // Mono ignores the token during the upgrade: race it, and see to the loser's error.
            Task connecting = _socket.ConnectAsync(address, _disposed.Token);
            using (var stop = CancellationTokenSource.CreateLinkedTokenSource(_disposed.Token))
            {
                Task late = Task.Delay(timeout, stop.Token);
                await Task.WhenAny(connecting, late).ConfigureAwait(false);
                stop.Cancel();
            }
            if (!connecting.IsCompleted)
            {
                _ = connecting.ContinueWith(orphan => orphan.Exception, TaskScheduler.Default);
                return "no answer from " + address + " within " + timeout.TotalSeconds + " s";
            }
            await connecting.ConfigureAwait(false);
            return _socket.SubProtocol == subprotocol ? null : WrongSubprotocol;
        }

        private async Task<(int, string)> ReceiveAsync()
        {
            var buffer = new byte[ReceiveBytes];
            int length = 0;
            while (true)
            {
                // Never cancelled alone: that would abort the socket. Close and Dispose abort it.
                var free = new ArraySegment<byte>(buffer, length, buffer.Length - length);
                ValueWebSocketReceiveResult part = await _socket
                    .ReceiveAsync(free.AsMemory(), _disposed.Token).ConfigureAwait(false);
                if (part.MessageType == WebSocketMessageType.Close)
                    return await ClosedByServerAsync().ConfigureAwait(false);
                if (part.MessageType == WebSocketMessageType.Text)
                    return await RefuseAsync(WebSocketCloseStatus.InvalidMessageType, "expected binary messages")
                        .ConfigureAwait(false);
                length += part.Count; // the last part may well be empty
                if (part.EndOfMessage)
                {
                    await DeliverAsync(buffer, length).ConfigureAwait(false);
                    length = 0;
                    if (buffer.Length > ReceiveBytes) buffer = new byte[ReceiveBytes];
                }
                else if (length > MaxMessageBytes)
                {
                    return await RefuseAsync(WebSocketCloseStatus.MessageTooBig, "a message is too big")
                        .ConfigureAwait(false);
                }
                else if (length == buffer.Length)
                {
                    Array.Resize(ref buffer, buffer.Length * 2);
                }
            }
        }

        private async Task DeliverAsync(byte[] buffer, int length)
        {
            byte[] bytes = ArrayPool<byte>.Shared.Rent(length);
            Buffer.BlockCopy(buffer, 0, bytes, 0, length);
            int waiting = Interlocked.Add(ref _waitingBytes, length);
            _reports.Enqueue(new Report(ReportKind.Received, length, bytes, null));
            while (waiting > MaxWaitingBytes)
            {
                await _room.WaitAsync(_disposed.Token).ConfigureAwait(false);
                waiting = Volatile.Read(ref _waitingBytes);
            }
        }

        private void Release(Report report)
        {
            ArrayPool<byte>.Shared.Return(report.Bytes);
            int before = Interlocked.Add(ref _waitingBytes, -report.Number) + report.Number;
            if (before > MaxWaitingBytes && before - report.Number <= MaxWaitingBytes) _room.Release();
        }

        private async Task<(int, string)> ClosedByServerAsync()
        {
            int code = (int)(_socket.CloseStatus ?? WebSocketCloseStatus.Empty);
            string reason = _socket.CloseStatusDescription ?? "";
            await SayGoodbyeAsync(WebSocketCloseStatus.NormalClosure, "").ConfigureAwait(false);
            return (code, reason);
        }

        private async Task<(int, string)> RefuseAsync(WebSocketCloseStatus code, string reason)
        {
            await SayGoodbyeAsync(code, reason).ConfigureAwait(false);
            return ((int)code, reason);
        }

        private async Task SayGoodbyeAsync(WebSocketCloseStatus code, string reason)
        {
            try
            {
                Task closing = _socket.CloseOutputAsync(code, reason, _disposed.Token);
                await Task.WhenAny(closing, Task.Delay(CloseTimeout, _disposed.Token)).ConfigureAwait(false);
                if (closing.IsCompleted) await closing.ConfigureAwait(false);
                else _ = closing.ContinueWith(orphan => orphan.Exception, TaskScheduler.Default);
            }
            catch (Exception)
            {
                // The other end did not wait for it, and it is gone either way.
            }
        }

        /// <summary>Under the lock: there is something to send, or to close.</summary>
        private void StartSending()
        {
            if (_sending) return;
            _sending = true;
            Task.Run(SendAsync);
        }

        private async Task SendAsync()
        {
            try
            {
                bool closing;
                while (TryTakeOutgoing(out byte[] frame, out closing))
                    await _socket.SendAsync(
                        new ArraySegment<byte>(frame), WebSocketMessageType.Binary, true, _disposed.Token)
                        .ConfigureAwait(false);
                if (!closing) return;
                await SayGoodbyeAsync((WebSocketCloseStatus)_closeCode, _closeReason).ConfigureAwait(false);
                await Task.Delay(CloseTimeout, _disposed.Token).ConfigureAwait(false); // for its answer
                Abort();
            }
            catch (Exception)
            {
                Abort(); // the receiving side reports it
            }
        }

        private bool TryTakeOutgoing(out byte[] frame, out bool closing)
        {
            lock (_outgoing)
            {
                closing = _closing;
                if (_outgoing.Count > 0)
                {
                    frame = _outgoing.Dequeue();
                    return true;
                }
                frame = null;
                _sending = _closing; // nobody starts a second sender while this one says goodbye
                return false;
            }
        }

        private void Abort()
        {
            if (Interlocked.Exchange(ref _aborted, 1) != 0) return;
            _disposed.Cancel();
            try
            {
                _socket.Abort();
                _socket.Dispose();
            }
            catch (Exception)
            {
                // Mono's Abort throws in some states; the socket is of no use any more.
            }
        }

        // ------------------------------------------------------------ words

        /// <summary>A close frame has room for 123 bytes of reason.</summary>
        private static string Shortened(string reason)
        {
            if (reason == null) return "";
            int length = Math.Min(reason.Length, 123);
            while (length > 0
                && (char.IsHighSurrogate(reason[length - 1])
                    || Encoding.UTF8.GetByteCount(reason.Substring(0, length)) > 123))
                length--;
            return reason.Substring(0, length);
        }

        /// <summary>The innermost message says what happened; the outer ones only that it did.</summary>
        private static string Explained(Exception error)
        {
            while (error.InnerException != null) error = error.InnerException;
            return error.Message;
        }

        private enum ReportKind
        {
            Opened,
            Received,
            Closed,
        }

        private readonly struct Report
        {
            public readonly ReportKind Kind;
            public readonly int Number; // the length, or the close code
            public readonly byte[] Bytes;
            public readonly string Text;

            public Report(ReportKind kind, int number, byte[] bytes, string text)
            {
                Kind = kind;
                Number = number;
                Bytes = bytes;
                Text = text;
            }
        }
    }
}
