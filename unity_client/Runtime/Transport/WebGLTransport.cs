#if UNITY_WEBGL && !UNITY_EDITOR
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using AOT;

namespace DialogueServer.Transport
{
    /// <summary>
    /// A WebSocket of the browser, by Plugins/WebGL/DialogueSocket.jslib: in WebGL there are no
    /// threads and no System.Net. The browser's callbacks run on the only thread, between frames;
    /// they are kept until <see cref="Poll"/>.
    /// </summary>
    public sealed class WebGLTransport : ITransport
    {
        /// <summary>
        /// When so much waits for Poll the socket is dropped, to be resumed later: a page in the
        /// background gets messages but no frames, and nothing can hold a browser back.
        /// </summary>
        public const int MaxWaitingBytes = 4 * 1024 * 1024;

        private static readonly Dictionary<int, WebGLTransport> Open = new Dictionary<int, WebGLTransport>();

        private readonly Queue<byte[]> _received = new Queue<byte[]>();
        private int _id;
        private int _waitingBytes;
        private bool _opened;
        private bool _reportedOpen;
        private bool _closed;
        private int _closeCode;
        private string _closeReason = "";
        private double _deadline;
        private string _failure = "";

        public void Connect(string url, string subprotocol, TimeSpan timeout)
        {
            if (!Uri.TryCreate(url, UriKind.Absolute, out Uri address)
                || (address.Scheme != "ws" && address.Scheme != "wss"))
                throw new ArgumentException("Expected a URL such as ws://127.0.0.1:8765, got \"" + url + "\".");
            _deadline = Now() + timeout.TotalSeconds;
            _failure = "no answer from " + address + " within " + timeout.TotalSeconds + " s";
            _id = WebGLSocket.Open(url, subprotocol, WhenOpened, WhenReceived, WhenClosed);
            Open[_id] = this;
        }

        public void Send(byte[] frame)
        {
            if (_opened && !_closed) WebGLSocket.Send(_id, frame, frame.Length);
        }

        public void Poll(ITransportSink sink)
        {
            if (_id == 0) return;
            if (!_opened && !_closed && Now() > _deadline)
            {
                Forget(1000, "");
                sink.Closed(1006, _failure);
                return;
            }
            if (_opened && !_reportedOpen)
            {
                _reportedOpen = true;
                sink.Opened();
            }
            while (_id != 0 && _received.Count > 0)
            {
                byte[] frame = _received.Dequeue();
                _waitingBytes -= frame.Length;
                sink.Received(new ArraySegment<byte>(frame));
            }
            if (_id == 0 || !_closed) return;
            _id = 0;
            // A browser hides from the page why a connection could not be made.
            sink.Closed(_closeCode, _opened || _closeReason.Length > 0 ? _closeReason : "the browser could not connect");
        }

        public void Close(int code, string reason) => Forget(code, reason);

        public void Dispose() => Forget(1000, "");

        private void Forget(int code, string reason)
        {
            if (_id == 0) return;
            Open.Remove(_id);
            if (!_closed) WebGLSocket.Close(_id, code, reason ?? "");
            _id = 0;
            _received.Clear();
        }

        private static double Now() => UnityEngine.Time.realtimeSinceStartupAsDouble;

        [MonoPInvokeCallback(typeof(WebGLSocket.OpenedCallback))]
        private static void WhenOpened(int id)
        {
            if (Open.TryGetValue(id, out WebGLTransport transport)) transport._opened = true;
        }

        [MonoPInvokeCallback(typeof(WebGLSocket.ReceivedCallback))]
        private static void WhenReceived(int id, IntPtr bytes, int length)
        {
            if (!Open.TryGetValue(id, out WebGLTransport transport)) return;
            var frame = new byte[length];
            Marshal.Copy(bytes, frame, 0, length);
            transport._received.Enqueue(frame);
            transport._waitingBytes += length;
            if (transport._waitingBytes <= MaxWaitingBytes) return;
            WebGLSocket.Close(id, 1000, "");
            WhenClosed(id, 1006, "the game did not read for too long");
        }

        [MonoPInvokeCallback(typeof(WebGLSocket.ClosedCallback))]
        private static void WhenClosed(int id, int code, string reason)
        {
            if (!Open.TryGetValue(id, out WebGLTransport transport)) return;
            Open.Remove(id);
            transport._closed = true;
            transport._closeCode = code;
            transport._closeReason = reason;
        }
    }
}
#endif
