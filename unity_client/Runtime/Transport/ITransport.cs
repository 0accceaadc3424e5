using System;

namespace DialogueServer.Transport
{
    /// <summary>
    /// One WebSocket, for one connection. Nothing happens on the caller's thread but in
    /// <see cref="Poll"/>, which reports what has arrived since the last call.
    /// </summary>
    public interface ITransport : IDisposable
    {
        /// <summary>
        /// Begins to connect; call it once. Throws ArgumentException for an address that is no
        /// ws:// or wss:// URL; every later failure is reported as closed.
        /// </summary>
        void Connect(string url, string subprotocol, TimeSpan timeout);

        /// <summary>Sends one binary message. Before the socket is open, and after it has closed,
        /// the message is dropped.</summary>
        void Send(byte[] frame);

        /// <summary>Reports to <paramref name="sink"/>, on this thread.</summary>
        void Poll(ITransportSink sink);

        /// <summary>Closes with a code and a reason. Nothing is reported afterwards.</summary>
        void Close(int code, string reason);
    }

    /// <summary>Takes what a socket reports: opened at most once, then frames, closed once.</summary>
    public interface ITransportSink
    {
        void Opened();

        /// <summary>One message. The bytes are valid only until the method returns.</summary>
        void Received(ArraySegment<byte> frame);

        /// <summary>The socket is gone; 1006 where it broke without a close frame.</summary>
        void Closed(int code, string reason);
    }
}
