using System;
using System.Collections.Generic;
using DialogueServer.Protocol;
using NUnit.Framework;

namespace DialogueServer.Tests
{
    public static class MsgpackTests
    {
        [Test]
        public static void Every_JSON_value_comes_back_as_it_was()
        {
            var value = new Dictionary<string, object>
            {
                ["null"] = null,
                ["yes"] = true,
                ["integers"] = new List<object> { 0L, 127L, 128L, 65536L, -1L, -32L, -33L, -129L, -32769L, long.MaxValue, long.MinValue },
                ["real"] = 0.5,
                ["text"] = "\u00fc \ud83d\udd11 " + new string('x', 70000),
                ["map"] = new Dictionary<string, object> { ["empty"] = new List<object>() },
            };
            var copy = Read(Written(value));
            Assert.That(copy["null"], Is.Null);
            Assert.That(copy["yes"], Is.True);
            Assert.That(copy["integers"], Is.EqualTo(value["integers"]));
            Assert.That(copy["real"], Is.EqualTo(0.5));
            Assert.That(copy["text"], Is.EqualTo(value["text"]));
            Assert.That(((Dictionary<string, object>)copy["map"])["empty"], Is.Empty);
        }

        [Test]
        public static void The_games_own_types_are_written_as_JSON_values()
        {
            var copy = Read(Written(new Dictionary<string, object>
            {
                ["int"] = 3,
                ["byte"] = (byte)4,
                ["float"] = 0.25f,
                ["enum"] = DayOfWeek.Friday,
                ["array"] = new[] { 1, 2 },
                ["typed"] = new Dictionary<string, int> { ["a"] = 1 },
            }));
            Assert.That(copy["int"], Is.EqualTo(3L));
            Assert.That(copy["byte"], Is.EqualTo(4L));
            Assert.That(copy["float"], Is.EqualTo(0.25));
            Assert.That(copy["enum"], Is.EqualTo("Friday"));
            Assert.That(copy["array"], Is.EqualTo(new List<object> { 1L, 2L }));
            Assert.That(((Dictionary<string, object>)copy["typed"])["a"], Is.EqualTo(1L));
        }

        [Test]
        public static void What_JSON_cannot_say_is_refused_with_a_reason()
        {
            var circle = new Dictionary<string, object>();
            circle["self"] = circle;
            foreach (object bad in new object[] { double.NaN, float.PositiveInfinity, new object(), new Dictionary<int, int> { [1] = 2 }, "\ud800", circle })
            {
                var error = Assert.Throws<ArgumentException>(() => Written(new Dictionary<string, object> { ["bad"] = bad }));
                Assert.That(error.Message.Length, Is.GreaterThan(20));
            }
        }

        [Test]
        public static void Any_bytes_give_values_or_a_format_error()
        {
            var random = new Random(20260101);
            byte[] seed = Written(new Dictionary<string, object> { ["a"] = new List<object> { 1, "two", 3.5, null }, ["b"] = new Dictionary<string, object> { ["c"] = true } });
            int refused = 0;
            for (int round = 0; round < 200000; round++)
            {
                byte[] bytes;
                if (round % 2 == 0)
                {
                    bytes = new byte[random.Next(40)];
                    random.NextBytes(bytes);
                    if (bytes.Length > 0) bytes[0] = (byte)(0x90 | random.Next(8));
                }
                else
                {
                    bytes = (byte[])seed.Clone();
                    for (int change = 0; change < 2; change++) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                }
                try
                {
                    var reader = new MsgpackReader(new ArraySegment<byte>(bytes));
                    if (round % 2 == 0) ServerMessages.Read(ref reader, random.Next(30), reader.ReadArrayHeader("m"), new ServerMessageForwarder { Next = Ignored });
                    else reader.ReadObject("fuzz");
                }
                catch (MessageFormatException)
                {
                    refused++;
                }
            }
            Assert.That(refused, Is.InRange(1000, 199999));
        }

        private static readonly IServerMessageHandler Ignored = new Ignore();

        private sealed class Ignore : ServerMessageForwarder
        {
            public Ignore() => Next = null;

            public override void OnWelcome(in WelcomeMessage message) { }
            public override void OnPong(in PongMessage message) { }
            public override void OnGoAway(in GoAwayMessage message) { }
            public override void OnOpened(in OpenedMessage message) { }
            public override void OnStateOk(in StateOkMessage message) { }
            public override void OnTurn(in TurnMessage message) { }
            public override void OnDelta(in DeltaMessage message) { }
            public override void OnCue(in CueMessage message) { }
            public override void OnTurnEnd(in TurnEndMessage message) { }
            public override void OnError(in ErrorMessage message) { }
            public override void OnClosed(in ClosedMessage message) { }
            public override void OnSaved(in SavedMessage message) { }
            public override void OnTranscript(in TranscriptMessage message) { }
        }

        private static byte[] Written(Dictionary<string, object> value)
        {
            var writer = new MsgpackWriter();
            writer.WriteObject(value);
            return writer.ToArray();
        }

        private static Dictionary<string, object> Read(byte[] bytes)
        {
            var reader = new MsgpackReader(new ArraySegment<byte>(bytes));
            Dictionary<string, object> value = reader.ReadObject("value");
            reader.Finish(0);
            return value;
        }
    }
}
