using System;
using System.Collections.Generic;
using DialogueServer.Protocol;
using DialogueServer.Transport;

namespace DialogueServer.Tests
{
    /// <summary>A socket whose other end is the test. One object serves for any number of connections.</summary>
    internal sealed class FakeSocket : ITransport
    {
        public readonly Queue<byte[]> Arriving = new Queue<byte[]>();

        /// <summary>The types of the messages that were sent, oldest first.</summary>
        public readonly List<int> Sent = new List<int>();

        /// <summary>The close code with which the socket breaks in the next poll; 0 for not at all.</summary>
        public int BrokenWith;
        private bool _opening;

        /// <summary>A message of the server: its type and its fields.</summary>
        public void Tell(int type, params object[] fields)
        {
            var writer = new MsgpackWriter();
            writer.WriteArrayHeader(fields.Length + 1);
            writer.WriteInteger(type);
            foreach (object field in fields)
            {
                if (field is string text) writer.WriteString(text);
                else if (field is int number) writer.WriteInteger(number);
                else if (field is bool flag) writer.WriteBoolean(flag);
                else writer.WriteStrings((string[])field);
            }
            Arriving.Enqueue(writer.ToArray());
        }

        public void Connect(string url, string subprotocol, TimeSpan timeout) => _opening = true;

        public void Send(byte[] frame)
        {
            var reader = new MsgpackReader(new ArraySegment<byte>(frame));
            reader.ReadArrayHeader("message");
            Sent.Add(reader.ReadType());
        }

        public void Poll(ITransportSink sink)
        {
            if (_opening)
            {
                _opening = false;
                sink.Opened();
            }
            while (Arriving.Count > 0) sink.Received(new ArraySegment<byte>(Arriving.Dequeue()));
            if (BrokenWith == 0) return;
            int code = BrokenWith;
            BrokenWith = 0;
            sink.Closed(code, "");
        }

        public void Close(int code, string reason)
        {
        }

        public void Dispose()
        {
        }
    }
}
