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
        private delegate void OpenedCallback(int id);

        private delegate void ReceivedCallback(int id, IntPtr bytes, int length);

        private delegate void ClosedCallback(int id, int code, string reason);

        private static readonly Dictionary<int, WebGLTransport> Open = new Dictionary<int, WebGLTransport>();

        private readonly Queue<byte[]> _received = new Queue<byte[]>();
        private int _id;
        private bool _opened;
        private bool _reportedOpen;
        private bool _closed;
        private int _closeCode;
        private string _closeReason = "";
        private double _deadline;

        public void Connect(string url, string subprotocol, TimeSpan timeout)
        {
            if (!Uri.TryCreate(url, UriKind.Absolute, out Uri address)
                || (address.Scheme != "ws" && address.Scheme != "wss"))
                throw new ArgumentException("Expected a URL such as ws://localhost:8765, got \"" + url + "\".");
            _deadline = Now() + timeout.TotalSeconds;
            _id = DialogueSocketOpen(url, subprotocol, WhenOpened, WhenReceived, WhenClosed);
            Open[_id] = this;
        }

        public void Send(byte[] frame)
        {
            if (_opened && !_closed) DialogueSocketSend(_id, frame, frame.Length);
        }

        public void Poll(ITransportSink sink)
        {
            if (_id == 0) return;
            if (!_opened && !_closed && Now() > _deadline)
            {
                Forget(1000, "");
                sink.Closed(1006, "no answer from the server in time");
                return;
            }
            if (_opened && !_reportedOpen)
            {
                _reportedOpen = true;
                sink.Opened();
            }
            while (_id != 0 && _received.Count > 0) sink.Received(new ArraySegment<byte>(_received.Dequeue()));
            if (_id == 0 || !_closed) return;
            _id = 0;
            sink.Closed(_closeCode, _closeReason);
        }

        public void Close(int code, string reason) => Forget(code, reason);

        public void Dispose() => Forget(1000, "");

        private void Forget(int code, string reason)
        {
            if (_id == 0) return;
            Open.Remove(_id);
            if (!_closed) DialogueSocketClose(_id, code, reason ?? "");
            _id = 0;
            _received.Clear();
        }

        private static double Now() => UnityEngine.Time.realtimeSinceStartupAsDouble;

        [MonoPInvokeCallback(typeof(OpenedCallback))]
        private static void WhenOpened(int id)
        {
            if (Open.TryGetValue(id, out WebGLTransport transport)) transport._opened = true;
        }

        [MonoPInvokeCallback(typeof(ReceivedCallback))]
        private static void WhenReceived(int id, IntPtr bytes, int length)
        {
            if (!Open.TryGetValue(id, out WebGLTransport transport)) return;
            var frame = new byte[length];
            Marshal.Copy(bytes, frame, 0, length);
            transport._received.Enqueue(frame);
        }

        [MonoPInvokeCallback(typeof(ClosedCallback))]
        private static void WhenClosed(int id, int code, string reason)
        {
            if (!Open.TryGetValue(id, out WebGLTransport transport)) return;
            Open.Remove(id);
            transport._closed = true;
            transport._closeCode = code;
            transport._closeReason = reason;
        }

        [DllImport("__Internal")]
        private static extern int DialogueSocketOpen(
            string url, string subprotocol, OpenedCallback opened, ReceivedCallback received, ClosedCallback closed);

        [DllImport("__Internal")]
        private static extern void DialogueSocketSend(int id, byte[] bytes, int length);

        [DllImport("__Internal")]
        private static extern void DialogueSocketClose(int id, int code, string reason);
    }
}
#endif
