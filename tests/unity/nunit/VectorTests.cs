using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using DialogueServer.Protocol;
using NUnit.Framework;

namespace DialogueServer.Tests
{
    /// <summary>The conformance vectors of protocol/vectors, those that concern a client.</summary>
    public static class VectorTests
    {
        private static readonly string Folder = Environment.GetEnvironmentVariable("TEST_VECTORS");

        private static IEnumerable<TestCaseData> Cases(string file, string sender) =>
            ((List<object>)Json.Load(Path.Combine(Folder, file))).Cast<Dictionary<string, object>>()
                .Where(vector => (string)vector["sender"] == sender && vector["msgpack"] != null)
                .Select(vector => new TestCaseData(vector).SetName(sender + " - " + vector["name"]));

        public static IEnumerable<TestCaseData> ServerMessages() =>
            Cases("messages.json", "server").Concat(Cases("long.json", "server"));

        public static IEnumerable<TestCaseData> ClientMessages() => Cases("messages.json", "client");

        public static IEnumerable<TestCaseData> Invalid() => Cases("invalid.json", "server");

        public static IEnumerable<TestCaseData> Later() => Cases("later.json", "server");

        public static IEnumerable<TestCaseData> Transcripts() =>
            Directory.GetFiles(Path.Combine(Folder, "transcripts"), "*.json").OrderBy(path => path)
                .Select(path => new TestCaseData(path).SetName("transcript - " + Path.GetFileNameWithoutExtension(path)));

        [TestCaseSource(nameof(ServerMessages))]
        public static void A_server_message_is_read_as_the_vector_says(Dictionary<string, object> vector)
        {
            var handler = new ServerMessagesAsJson();
            Assert.That(Read(Bytes(vector), handler), Is.True);
            Assert.That(Json.Text(handler.Last), Is.EqualTo(Json.Text(vector["message"])));
        }

        [TestCaseSource(nameof(ClientMessages))]
        public static void A_client_message_is_written_as_the_vector_says(Dictionary<string, object> vector)
        {
            var writer = new MsgpackWriter();
            ClientMessagesFromJson.Read((Dictionary<string, object>)vector["message"]).Write(writer);
            byte[] written = writer.ToArray();
            byte[] expected = Bytes(vector);
            List<object> items = Items(expected);
            List<object> ours = Items(written);
            // A vector may leave out defaults, or add fields of a later version; we write all of ours.
            int common = Math.Min(items.Count, ours.Count);
            for (int index = 0; index < common; index++) AssertHolds(ours[index], items[index]);
            if (items.Count == ours.Count && Json.Text(items) == Json.Text(ours))
                Assert.That(Hex(written), Is.EqualTo(Hex(expected)));
        }

        [TestCaseSource(nameof(Invalid))]
        public static void A_frame_that_is_no_message_is_refused(Dictionary<string, object> vector)
        {
            var error = Assert.Throws<MessageFormatException>(() => Read(Bytes(vector), new ServerMessagesAsJson()));
            Console.WriteLine(error.Message);
        }

        [TestCaseSource(nameof(Later))]
        public static void A_message_of_a_later_version_is_ignored_and_counted(Dictionary<string, object> vector)
        {
            ClientConnection connection = Attached();
            long before = connection.Seq;
            var handler = new ServerMessagesAsJson();
            connection.Receive(Bytes(vector), handler);
            bool sequenced = (bool)((Dictionary<string, object>)vector["ignored"])["sequenced"];
            Assert.That(connection.Seq - before, Is.EqualTo(sequenced ? 1 : 0));
            Assert.That(handler.Last, Is.Null);
        }

        [TestCaseSource(nameof(Transcripts))]
        public static void A_session_goes_frame_by_frame_as_the_transcript_says(string path)
        {
            var steps = (List<object>)((Dictionary<string, object>)Json.Load(path))["steps"];
            var player = new TranscriptPlayer();
            foreach (Dictionary<string, object> step in steps.Cast<Dictionary<string, object>>()) player.Play(step);
            player.Finish();
        }

        internal static ClientConnection Attached()
        {
            var connection = new ClientConnection("test");
            connection.Hello();
            connection.Receive(Welcome(), new ServerMessagesAsJson());
            connection.Recover();
            return connection;
        }

        internal static byte[] Welcome()
        {
            var writer = new MsgpackWriter();
            writer.WriteArrayHeader(5);
            writer.WriteInteger(0);
            writer.WriteString("s1");
            writer.WriteString("e1");
            writer.WriteInteger(0);
            writer.WriteObject(new Dictionary<string, object>
            {
                ["message_bytes"] = 262144,
                ["line_chars"] = 2000,
                ["state_bytes"] = 65536,
                ["state_depth"] = 16,
                ["conversations"] = 16,
            });
            return writer.ToArray();
        }

        private static bool Read(byte[] frame, IServerMessageHandler handler)
        {
            var reader = new MsgpackReader(new ArraySegment<byte>(frame));
            int items = reader.ReadArrayHeader("message");
            return DialogueServer.Protocol.ServerMessages.Read(ref reader, reader.ReadType(), items, handler);
        }

        private static List<object> Items(byte[] frame)
        {
            // Wrapped into a map, so that the reader's own decoder of free-form values takes it.
            var wrapped = new List<byte> { 0x81, 0xa1, (byte)'m' };
            wrapped.AddRange(frame);
            var reader = new MsgpackReader(new ArraySegment<byte>(wrapped.ToArray()));
            return (List<object>)reader.ReadObject("vector")["m"];
        }

        private static void AssertHolds(object ours, object theirs)
        {
            if (ours is Dictionary<string, object> map && theirs is Dictionary<string, object> part && part.Count > 0)
                foreach (KeyValuePair<string, object> pair in part) AssertHolds(map[pair.Key], pair.Value);
            else
                Assert.That(Json.Text(ours), Is.EqualTo(Json.Text(theirs)));
        }

        internal static byte[] Bytes(Dictionary<string, object> vector)
        {
            var hex = (string)vector["msgpack"];
            var bytes = new byte[hex.Length / 2];
            for (int index = 0; index < bytes.Length; index++)
                bytes[index] = Convert.ToByte(hex.Substring(index * 2, 2), 16);
            return bytes;
        }

        internal static string Hex(byte[] bytes) => BitConverter.ToString(bytes).Replace("-", "").ToLowerInvariant();
    }

    /// <summary>Plays one transcript: every frame that the client must write, and nothing else.</summary>
    internal sealed class TranscriptPlayer
    {
        private readonly ClientConnection _connection = new ClientConnection("vectors", "en") { Token = "secret" };
        private readonly Queue<string> _written = new Queue<string>();
        private readonly ServerMessagesAsJson _handler = new ServerMessagesAsJson();

        public void Play(Dictionary<string, object> step)
        {
            switch ((string)step["step"])
            {
                case "connect":
                    Finish();
                    Write(_connection.Hello());
                    break;
                case "send":
                    Finish();
                    IClientMessage message = ClientMessagesFromJson.Read((Dictionary<string, object>)step["message"]);
                    byte[] frame = _connection.Send(message);
                    if (_connection.State == ConnectionState.Attached) Write(frame);
                    break;
                case "client":
                    Assert.That(_written, Is.Not.Empty, "the client wrote nothing");
                    Assert.That(_written.Dequeue(), Is.EqualTo((string)step["msgpack"]));
                    break;
                case "server":
                    Finish();
                    if (!step.ContainsKey("lost")) Receive(step);
                    break;
                case "disconnect":
                    Finish();
                    ClosePolicy policy = _connection.Disconnected((int)(long)step["code"]);
                    Assert.That(policy.ToString().ToLowerInvariant(), Is.EqualTo((string)step["policy"]));
                    break;
                default:
                    Assert.Fail("no step is called " + step["step"]);
                    break;
            }
        }

        public void Finish() => Assert.That(_written, Is.Empty, "the client wrote too much");

        private void Receive(Dictionary<string, object> step)
        {
            _connection.Receive(VectorTests.Bytes(step), _handler);
            Assert.That(_handler.Last["type"], Is.EqualTo(((Dictionary<string, object>)Json.Parse((string)step["json"]))["type"]));
            if (step.TryGetValue("seq", out object seq)) Assert.That(_connection.Seq, Is.EqualTo(seq));
            if (_connection.State == ConnectionState.Recovering)
                foreach (byte[] frame in _connection.Recover()) Write(frame);
            byte[] ack = _connection.TakeAck();
            if (ack != null) Write(ack);
        }

        private void Write(byte[] frame) => _written.Enqueue(VectorTests.Hex(frame));
    }
}
