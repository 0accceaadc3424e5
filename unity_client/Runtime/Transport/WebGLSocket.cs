#if UNITY_WEBGL && !UNITY_EDITOR
using System;
using System.Runtime.InteropServices;

namespace DialogueServer.Transport
{
    /// <summary>The functions of Plugins/WebGL/DialogueSocket.jslib.</summary>
    internal static class WebGLSocket
    {
        public delegate void OpenedCallback(int id);

        public delegate void ReceivedCallback(int id, IntPtr bytes, int length);

        public delegate void ClosedCallback(int id, int code, string reason);

        /// <summary>Begins to connect. No callback is called before it returns the socket's id.</summary>
        [DllImport("__Internal", EntryPoint = "DialogueSocketOpen")]
        public static extern int Open(
            string url, string subprotocol, OpenedCallback opened, ReceivedCallback received, ClosedCallback closed);

        [DllImport("__Internal", EntryPoint = "DialogueSocketSend")]
        public static extern void Send(int id, byte[] bytes, int length);

        /// <summary>Closes, after which no callback of this socket is called.</summary>
        [DllImport("__Internal", EntryPoint = "DialogueSocketClose")]
        public static extern void Close(int id, int code, string reason);
    }
}
#endif
