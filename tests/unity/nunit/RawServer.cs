using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Tasks;

namespace DialogueServer.Tests
{
    /// <summary>A WebSocket server of bytes: what a well-behaved one never does, it does.</summary>
    internal sealed class RawServer : IDisposable
    {
        private readonly TcpListener _listener = new TcpListener(IPAddress.Loopback, 0);
        private readonly Func<Stream, Task> _afterUpgrade;
        private readonly string _subprotocol;
        private readonly bool _upgrade;

        /// <param name="upgrade">False: accept the connection and never answer.</param>
        public RawServer(Func<Stream, Task> afterUpgrade, string subprotocol = "dialogue.v1.msgpack", bool upgrade = true)
        {
            _afterUpgrade = afterUpgrade;
            _subprotocol = subprotocol;
            _upgrade = upgrade;
            _listener.Start();
            Task.Run(AcceptAsync);
        }

        public string Url => "ws://127.0.0.1:" + ((IPEndPoint)_listener.LocalEndpoint).Port;

        /// <summary>The payload of the last close frame of the client, as hex; null before one came.</summary>
        public volatile string ClosedWith;

        public void Dispose() => _listener.Stop();

        public static byte[] Frame(int opcode, bool final, byte[] payload)
        {
            var frame = new MemoryStream();
            frame.WriteByte((byte)((final ? 0x80 : 0) | opcode));
            if (payload.Length < 126)
            {
                frame.WriteByte((byte)payload.Length);
            }
            else if (payload.Length < 65536)
            {
                frame.Write(new byte[] { 126, (byte)(payload.Length >> 8), (byte)payload.Length }, 0, 3);
            }
            else
            {
                frame.WriteByte(127);
                for (int shift = 56; shift >= 0; shift -= 8) frame.WriteByte((byte)((long)payload.Length >> shift));
            }
            frame.Write(payload, 0, payload.Length);
            return frame.ToArray();
        }

        public static Task Write(Stream stream, byte[] bytes) => stream.WriteAsync(bytes, 0, bytes.Length);

        /// <summary>Reads frames of the client until it closes, small ones only.</summary>
        public async Task ReadToClose(Stream stream)
        {
            while (true)
            {
                byte[] head = await ReadExactly(stream, 2);
                int length = head[1] & 0x7f;
                if (length == 126)
                {
                    byte[] size = await ReadExactly(stream, 2);
                    length = size[0] << 8 | size[1];
                }
                byte[] mask = await ReadExactly(stream, 4);
                byte[] payload = await ReadExactly(stream, length);
                for (int index = 0; index < length; index++) payload[index] ^= mask[index % 4];
                if ((head[0] & 0x0f) != 8) continue;
                ClosedWith = BitConverter.ToString(payload).Replace("-", "").ToLowerInvariant();
                return;
            }
        }

        private async Task AcceptAsync()
        {
            try
            {
                while (true) _ = ServeAsync(await _listener.AcceptTcpClientAsync());
            }
            catch (Exception)
            {
                // Stopped.
            }
        }

        private async Task ServeAsync(TcpClient client)
        {
            try
            {
                using (client)
                {
                    NetworkStream stream = client.GetStream();
                    var request = new StringBuilder();
                    while (!request.ToString().EndsWith("\r\n\r\n"))
                        request.Append((char)(await ReadExactly(stream, 1))[0]);
                    if (!_upgrade)
                    {
                        await Task.Delay(60000);
                    }
                    string head = request.ToString();
                    int at = head.IndexOf("sec-websocket-key: ", StringComparison.OrdinalIgnoreCase) + 19;
                    string key = head.Substring(at, head.IndexOf('\r', at) - at);
                    using (SHA1 sha = SHA1.Create())
                        key = Convert.ToBase64String(sha.ComputeHash(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
                    string answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        + "Sec-WebSocket-Accept: " + key + "\r\n"
                        + (_subprotocol == null ? "" : "Sec-WebSocket-Protocol: " + _subprotocol + "\r\n") + "\r\n";
                    await Write(stream, Encoding.ASCII.GetBytes(answer));
                    await _afterUpgrade(stream);
                }
            }
            catch (Exception)
            {
                // The client is gone.
            }
        }

        private static async Task<byte[]> ReadExactly(Stream stream, int count)
        {
            var bytes = new byte[count];
            for (int got = 0; got < count;)
            {
                int read = await stream.ReadAsync(bytes, got, count - got);
                if (read == 0) throw new EndOfStreamException();
                got += read;
            }
            return bytes;
        }
    }
}
