using System;
using System.Collections.Generic;
using System.Linq;
using DialogueServer.Protocol;
using NUnit.Framework;

namespace DialogueServer.Tests
{
    /// <summary>What the transcripts do not show of the connection's rules, as client_connection.py has them.</summary>
    public static class ConnectionTests
    {
        private static readonly Player Ada = new Player("p1", "Ada");

        [Test]
        public static void After_a_loss_loads_and_saves_without_an_answer_are_repeated_between_opens_and_lines()
        {
            ClientConnection connection = VectorTests.Attached();
            connection.Send(new OpenMessage("c1", new[] { "mira" }, Ada));
            Receive(connection, 16, "c1", new List<object>(), "Hello.");
            connection.Send(new SayMessage("c1", "l1", "Hello"));
            connection.Send(new SaveMessage("c1"));
            connection.Send(new HistoryMessage("c1"));
            connection.Send(new SuggestMessage("c1", "l2"));
            connection.Disconnected(4100); // reconnect, without resuming
            connection.Hello();
            connection.Receive(VectorTests.Welcome(), new ServerMessagesAsJson());
            Assert.That(connection.Lost);
            int[] types = connection.Recover().Select(Type).ToArray();
            Assert.That(types, Is.EqualTo(new[]
            {
                OpenMessage.TypeNumber, SaveMessage.TypeNumber, SayMessage.TypeNumber, SuggestMessage.TypeNumber,
            }));
            Assert.That(connection.Sent, Is.EqualTo(4));
        }

        [Test]
        public static void A_request_that_is_noted_suggested_or_refused_is_not_repeated()
        {
            ClientConnection connection = VectorTests.Attached();
            connection.Send(new EventMessage("c1", "l1", "It rains."));
            connection.Send(new SuggestMessage("c1", "l2"));
            connection.Send(new AdvanceMessage("c1", "l3"));
            Assert.That(connection.Unanswered.Count, Is.EqualTo(3));
            Receive(connection, NotedMessage.TypeNumber, "c1", "l1");
            Receive(connection, SuggestionsMessage.TypeNumber, "c1", "l2", new List<object> { "Yes." });
            Assert.That(connection.Unanswered.Single().Line, Is.EqualTo("l3"));
            Receive(connection, ErrorMessage.TypeNumber, "busy", "later", "c1", "l3");
            Assert.That(connection.Unanswered, Is.Empty);
        }

        [Test]
        public static void A_session_taken_over_by_a_late_hello_of_our_own_is_taken_back_once()
        {
            ClientConnection connection = VectorTests.Attached();
            connection.Disconnected(1006);
            connection.Hello();
            connection.Disconnected(1006); // given up before the welcome; the server may see it later
            connection.Hello();
            connection.Receive(Resumed(connection, connection.Sent), new ServerMessagesAsJson());
            connection.Recover();
            Assert.That(connection.Disconnected(CloseCode.Replaced), Is.EqualTo(ClosePolicy.Resume));
            connection.Hello();
            connection.Receive(Resumed(connection, connection.Sent), new ServerMessagesAsJson());
            connection.Recover();
            Assert.That(connection.Disconnected(CloseCode.Replaced), Is.EqualTo(ClosePolicy.Stop));
            Assert.That(connection.State, Is.EqualTo(ConnectionState.Ended));
        }

        [Test]
        public static void The_answer_to_an_older_open_leaves_the_checkpoint_of_a_newer_one()
        {
            ClientConnection connection = VectorTests.Attached();
            connection.Send(new OpenMessage("c1", new[] { "mira" }, Ada, checkpoint: "k1"));
            connection.Send(new OpenMessage("c1", new[] { "mira" }, Ada, checkpoint: "k2"));
            Receive(connection, OpenedMessage.TypeNumber, "c1", new List<object>());
            Assert.That(VectorTests.Hex(ReopenedAfterALoss(connection)), Does.Contain("6b32"));
        }

        [Test]
        public static void A_conversation_that_is_opened_again_keeps_the_model_that_was_chosen()
        {
            ClientConnection connection = VectorTests.Attached();
            connection.Send(new OpenMessage("c1", new[] { "mira" }, Ada, checkpoint: "k1", model: "zz9"));
            Receive(connection, OpenedMessage.TypeNumber, "c1", new List<object>());
            string open = VectorTests.Hex(ReopenedAfterALoss(connection));
            Assert.That(open, Does.Contain("7a7a39").And.Not.Contain("6b31"));
        }

        [Test]
        public static void An_older_open_that_is_refused_does_not_take_the_newer_one_along()
        {
            ClientConnection connection = VectorTests.Attached();
            connection.Send(new OpenMessage("c1", new[] { "nobody" }, Ada));
            connection.Send(new OpenMessage("c1", new[] { "mira" }, Ada));
            Receive(connection, ErrorMessage.TypeNumber, "unknown_npc", "no such NPC", "c1");
            Receive(connection, OpenedMessage.TypeNumber, "c1", new List<object>());
            ReopenedAfterALoss(connection);
        }

        private static byte[] ReopenedAfterALoss(ClientConnection connection)
        {
            connection.Disconnected(4100);
            connection.Hello();
            connection.Receive(VectorTests.Welcome(), new ServerMessagesAsJson());
            return connection.Recover().Single();
        }

        [Test]
        public static void A_load_does_not_forget_the_checkpoint_that_an_open_waits_for()
        {
            ClientConnection connection = VectorTests.Attached();
            connection.Send(new OpenMessage("c1", new[] { "mira" }, Ada, checkpoint: "k1"));
            connection.Disconnected(4100);
            connection.Hello();
            connection.Receive(VectorTests.Welcome(), new ServerMessagesAsJson());
            byte[] open = connection.Recover().Single();
            Assert.That(VectorTests.Hex(open), Does.Contain("6b31"), "it still asks for the checkpoint");
            Receive(connection, OpenedMessage.TypeNumber, "c1", new List<object>());
            connection.Disconnected(4100);
            connection.Hello();
            connection.Receive(VectorTests.Welcome(), new ServerMessagesAsJson());
            Assert.That(VectorTests.Hex(connection.Recover().Single()), Does.Not.Contain("6b31"), "it was there once");
        }

        [Test]
        public static void The_answer_to_a_line_that_was_sent_again_shows_only_that_the_first_has_arrived()
        {
            ClientConnection connection = VectorTests.Attached();
            var say = new SayMessage("c1", "l1", "Hello");
            connection.Send(new OpenMessage("c1", new[] { "mira" }, Ada));
            connection.Send(say);
            connection.Send(new EventMessage("c1", "e1", "Rain."));
            connection.Send(say);
            ComeBack(connection, received: 2);
            Receive(connection, TurnMessage.TypeNumber, 1, "t1", "c1", "mira", "l1");
            Receive(connection, TurnEndMessage.TypeNumber, 1, "complete", 0);
            Assert.That(
                ComeBack(connection, received: 2),
                Is.EqualTo(new[] { EventMessage.TypeNumber, SayMessage.TypeNumber }));
        }

        [Test]
        public static void An_answer_is_that_of_the_older_of_two_like_requests_also_when_it_has_arrived()
        {
            ClientConnection connection = VectorTests.Attached();
            connection.Send(new OpenMessage("c1", new[] { "mira" }, Ada));
            connection.Send(new SaveMessage("c1"));
            connection.Send(new InterruptMessage(1, 0));
            ComeBack(connection, received: 3);
            connection.Send(new EventMessage("c1", "e1", "Rain."));
            connection.Send(new SaveMessage("c1"));
            Receive(connection, OpenedMessage.TypeNumber, "c1", new List<object>());
            Receive(connection, SavedMessage.TypeNumber, "c1", "p1");
            Assert.That(
                ComeBack(connection, received: 3),
                Is.EqualTo(new[] { EventMessage.TypeNumber, SaveMessage.TypeNumber }));
            Receive(connection, NotedMessage.TypeNumber, "c1", "e1");
            Receive(connection, SavedMessage.TypeNumber, "c1", "p2");
            Assert.That(ComeBack(connection, received: 5), Is.Empty);
        }

        [Test]
        public static void A_save_that_arrived_and_had_no_answer_is_made_again_after_a_loss()
        {
            ClientConnection connection = VectorTests.Attached();
            connection.Send(new OpenMessage("c1", new[] { "mira" }, Ada));
            connection.Send(new SaveMessage("c1"));
            Receive(connection, OpenedMessage.TypeNumber, "c1", new List<object>());
            ComeBack(connection, received: 2);
            connection.Disconnected(1006);
            connection.Hello();
            connection.Receive(VectorTests.Welcome(), new ServerMessagesAsJson());
            Assert.That(
                connection.Recover().Select(Type),
                Is.EqualTo(new[] { OpenMessage.TypeNumber, SaveMessage.TypeNumber }));
        }

        private static int Type(byte[] frame)
        {
            var reader = new MsgpackReader(new ArraySegment<byte>(frame));
            reader.ReadArrayHeader("message");
            return reader.ReadType();
        }

        /// <summary>The types of what is sent again after a drop.</summary>
        private static int[] ComeBack(ClientConnection connection, long received)
        {
            connection.Disconnected(1006);
            connection.Hello();
            connection.Receive(Resumed(connection, received), new ServerMessagesAsJson());
            return connection.Recover().Select(Type).ToArray();
        }

        private static byte[] Resumed(ClientConnection connection, long received)
        {
            var frame = new List<byte>(VectorTests.Welcome());
            frame[0] = 0x9a; // ten items: server, version, capabilities, resumed, received
            frame[8] = (byte)connection.Seq; // after the type, "s1" and "e1"
            frame.AddRange(new byte[] { 0xa0, 0x01, 0x90, 0xc3, (byte)received });
            return frame.ToArray();
        }

        private static void Receive(ClientConnection connection, int type, params object[] fields)
        {
            var writer = new MsgpackWriter();
            writer.WriteArrayHeader(fields.Length + 1);
            writer.WriteInteger(type);
            foreach (object field in fields)
            {
                if (field is string text) writer.WriteString(text);
                else if (field is int number) writer.WriteInteger(number);
                else writer.WriteStrings(((List<object>)field).Cast<string>().ToArray());
            }
            connection.Receive(writer.ToArray(), new ServerMessagesAsJson());
        }
    }
}
