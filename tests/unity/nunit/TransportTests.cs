using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using DialogueServer.Protocol;
using DialogueServer.Transport;
using NUnit.Framework;
using UnityEngine;

namespace DialogueServer.Tests
{
    /// <summary>
    /// The contract of a transport, against servers that behave and servers that do not. It runs
    /// twice: on ClientWebSocketTransport, and built for WebGL on WebGLTransport and the real
    /// DialogueSocket.jslib (browser/page.js).
    /// </summary>
    public static class TransportTests
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

        [SetUp]
        public static void EnterPlayMode() => StubPlayer.Start();

        [TearDown]
        public static void LeavePlayMode()
        {
            StubPlayer.Stop();
#if UNITY_WEBGL
            Assert.That(WebGLSocket.Count(), Is.EqualTo(0), "the library holds on to sockets or to memory");
#endif
        }

        [Test]
        public static void It_opens_and_exchanges_frames_with_the_real_server()
        {
            using (var transport = Connected(Rig.ServerUrl, out Sink sink))
            {
                Assert.That(sink.Until(() => sink.IsOpen, transport), sink.ToString());
                transport.Send(new ClientConnection("transport test").Hello());
                Assert.That(sink.Until(() => sink.Frames.Count == 1, transport), sink.ToString());
                Assert.That(sink.Frames[0][1], Is.EqualTo(WelcomeMessage.TypeNumber));
            }
        }

        [Test]
        public static void Everything_is_reported_on_the_polling_thread()
        {
            using (var transport = Connected(Rig.ServerUrl, out Sink sink))
            {
                Assert.That(sink.Until(() => sink.IsOpen, transport));
                Assert.That(sink.Threads, Is.EquivalentTo(new[] { Thread.CurrentThread.ManagedThreadId }));
            }
        }

        [Test]
        public static void A_refused_port_is_a_drop()
        {
            using (var transport = Connected("ws://127.0.0.1:" + ServerProcess.FreePort(), out Sink sink))
            {
                Assert.That(sink.Until(() => sink.ClosedWith != 0, transport));
                Assert.That(sink.ClosedWith, Is.EqualTo(1006));
                Assert.That(sink.Reason, Is.Not.Empty);
            }
        }

        [Test]
        public static void An_address_that_is_none_is_refused_at_once()
        {
            foreach (string url in new[] { "", "localhost", "http://localhost/", "ws:/" })
                using (var transport = NewTransport())
                    Assert.Throws<ArgumentException>(() => transport.Connect(url, ProtocolInfo.Subprotocol, Patience), url);
        }

        [Test]
        public static void A_handshake_that_hangs_ends_in_time()
        {
            using (var server = new RawServer(stream => Task.CompletedTask, upgrade: false))
            using (var transport = NewTransport())
            {
                var sink = new Sink();
                var watch = Stopwatch.StartNew();
                transport.Connect(server.Url, ProtocolInfo.Subprotocol, TimeSpan.FromSeconds(0.3));
                Assert.That(sink.Until(() => sink.ClosedWith != 0, transport));
                Assert.That(sink.ClosedWith, Is.EqualTo(1006));
                Assert.That(watch.Elapsed.TotalSeconds, Is.InRange(0.25, 3.0));
                Assert.That(sink.Reason, Does.Contain("within 0.3 s"));
            }
        }

        [Test]
        public static void A_server_of_another_protocol_is_not_tried_again()
        {
            using (var server = new RawServer(stream => Task.Delay(60000), subprotocol: null))
            using (var transport = Connected(server.Url, out Sink sink))
            {
                Assert.That(sink.Until(() => sink.ClosedWith != 0, transport));
#if !UNITY_WEBGL // a browser may refuse it by itself, and does not tell the page why
                Assert.That(ClosePolicies.For(sink.ClosedWith), Is.EqualTo(ClosePolicy.Stop));
#endif
                Assert.That(sink.IsOpen, Is.False);
            }
        }

        [Test]
        public static void Fragments_are_joined_also_when_the_last_one_is_empty()
        {
            var whole = new byte[70000];
            for (int index = 0; index < whole.Length; index++) whole[index] = (byte)index;
            var first = new byte[40000];
            var second = new byte[30000];
            Array.Copy(whole, first, 40000);
            Array.Copy(whole, 40000, second, 0, 30000);
            using (var server = new RawServer(async stream =>
            {
                await RawServer.Write(stream, RawServer.Frame(2, false, first));
                await RawServer.Write(stream, RawServer.Frame(9, true, new byte[] { 1 })); // a ping in between
                await RawServer.Write(stream, RawServer.Frame(0, false, second));
                await RawServer.Write(stream, RawServer.Frame(0, true, new byte[0]));
                await RawServer.Write(stream, RawServer.Frame(2, true, new byte[] { 7 }));
                await Task.Delay(60000);
            }))
            using (var transport = Connected(server.Url, out Sink sink))
            {
                Assert.That(sink.Until(() => sink.Frames.Count == 2, transport), sink.ToString());
                Assert.That(sink.Frames[0], Is.EqualTo(whole));
                Assert.That(sink.Frames[1], Is.EqualTo(new byte[] { 7 }));
            }
        }

        [Test]
        public static void An_abrupt_end_is_a_drop()
        {
            using (var server = new RawServer(stream => RawServer.Write(stream, new byte[] { 0x82, 0x05, 1 })))
            using (var transport = Connected(server.Url, out Sink sink))
            {
                Assert.That(sink.Until(() => sink.ClosedWith != 0, transport));
                Assert.That(sink.ClosedWith, Is.EqualTo(1006));
                Assert.That(sink.Frames, Is.Empty);
            }
        }

        [Test]
        public static void The_server_s_close_code_and_reason_arrive_after_its_last_frame()
        {
            byte[] reason = Encoding.UTF8.GetBytes("..wrong token");
            reason[0] = 4201 >> 8;
            reason[1] = 4201 & 0xff;
            using (var server = new RawServer(async stream =>
            {
                await RawServer.Write(stream, RawServer.Frame(2, true, new byte[] { 1, 2 }));
                await RawServer.Write(stream, RawServer.Frame(8, true, reason));
                await Task.Delay(500);
            }))
            using (var transport = Connected(server.Url, out Sink sink))
            {
                Assert.That(sink.Until(() => sink.ClosedWith != 0, transport));
                Assert.That(sink.Frames.Count, Is.EqualTo(1));
                Assert.That(sink.ClosedWith, Is.EqualTo(4201));
                Assert.That(sink.Reason, Is.EqualTo("wrong token"));
            }
        }

        [Test]
        public static void A_text_frame_and_a_message_without_end_close_the_socket()
        {
            using (var server = new RawServer(async stream =>
            {
                await RawServer.Write(stream, RawServer.Frame(1, true, Encoding.ASCII.GetBytes("{}")));
                await Task.Delay(500);
            }))
            using (var transport = Connected(server.Url, out Sink sink))
            {
                Assert.That(sink.Until(() => sink.ClosedWith != 0, transport));
                Assert.That(sink.ClosedWith, Is.EqualTo(1003));
            }
#if !UNITY_WEBGL // the limit is the browser's own
            using (var server = new RawServer(async stream =>
            {
                var part = new byte[1 << 20];
                await RawServer.Write(stream, RawServer.Frame(2, false, part));
                while (true) await RawServer.Write(stream, RawServer.Frame(0, false, part));
            }))
            using (var transport = Connected(server.Url, out Sink sink))
            {
                Assert.That(sink.Until(() => sink.ClosedWith != 0, transport));
                Assert.That(sink.ClosedWith, Is.EqualTo(1009));
            }
#endif
        }

        [Test]
        public static void Closing_sends_what_was_written_and_then_the_code()
        {
            RawServer server = null;
            using (server = new RawServer(async stream =>
            {
                await server.ReadToClose(stream);
                await RawServer.Write(stream, RawServer.Frame(8, true, new byte[] { 0x10, 0x68 }));
            }))
            using (var transport = Connected(server.Url, out Sink sink))
            {
                Assert.That(sink.Until(() => sink.IsOpen, transport));
                for (int index = 0; index < 20; index++) transport.Send(new byte[] { 1 });
                transport.Close(4200, "a very long reason " + new string('\u00fc', 200));
                Assert.That(sink.Until(() => server.ClosedWith != null, transport), "no close frame came");
                Assert.That(server.ClosedWith, Does.StartWith("1068"));
                Assert.That(server.ClosedWith.Length / 2, Is.LessThanOrEqualTo(125));
                Assert.That(sink.ClosedWith, Is.EqualTo(0), "nothing is reported after Close");
            }
        }

        [Test]
        public static void Closing_and_disposing_at_any_moment_throw_nothing_and_report_nothing()
        {
            for (int milliseconds = 0; milliseconds < 20; milliseconds += 2)
            {
                var sink = new Sink();
                ITransport transport = NewTransport();
                transport.Connect(Rig.ServerUrl, ProtocolInfo.Subprotocol, Patience);
                Thread.Sleep(milliseconds);
                transport.Send(new byte[] { 0x90 });
                if (milliseconds % 4 == 0) transport.Close(1000, "");
                transport.Dispose();
                transport.Dispose();
                transport.Send(new byte[] { 0x90 });
                Thread.Sleep(2);
                StubPlayer.Frame();
                transport.Poll(sink);
                Assert.That(sink.IsOpen, Is.False);
                Assert.That(sink.ClosedWith, Is.EqualTo(0));
            }
        }

#if UNITY_WEBGL
        [Test]
        public static void A_page_in_the_background_drops_the_socket_before_it_fills_the_memory()
        {
            using (var server = new RawServer(async stream =>
            {
                byte[] frame = RawServer.Frame(2, true, new byte[100000]);
                for (int index = 0; index < 60; index++) await RawServer.Write(stream, frame);
                await Task.Delay(60000);
            }))
            using (var transport = Connected(server.Url, out Sink sink))
            {
                var watch = Stopwatch.StartNew();
                while (WebGLSocket.Count() > 0 && watch.Elapsed.TotalSeconds < 20)
                {
                    StubPlayer.Frame(); // events come, and nobody polls
                    Thread.Sleep(5);
                }
                Assert.That(sink.Until(() => sink.ClosedWith != 0, transport), sink.ToString());
                Assert.That(sink.ClosedWith, Is.EqualTo(1006));
                Assert.That(sink.Reason, Does.Contain("did not read"));
                Assert.That(sink.Frames.Count, Is.InRange(40, 45));
            }
        }
#else
        [Test]
        public static void Who_does_not_poll_costs_bounded_memory_and_loses_nothing()
        {
            const int frames = 250; // more than the kernel's own buffers hold
            int written = 0;
            using (var server = new RawServer(async stream =>
            {
                var payload = new byte[100000];
                for (int index = 0; index < frames; index++)
                {
                    payload[0] = (byte)index;
                    await RawServer.Write(stream, RawServer.Frame(2, true, payload));
                    written = index + 1;
                }
                await Task.Delay(60000);
            }))
            using (var transport = Connected(server.Url, out Sink sink))
            {
                Thread.Sleep(400);
                Assert.That(written, Is.LessThan(frames), "the server could write everything: nothing held it back");
                Assert.That(sink.Until(() => sink.Frames.Count == frames, transport), sink.ToString());
                for (int index = 0; index < frames; index++) Assert.That(sink.Frames[index][0], Is.EqualTo((byte)index));
            }
        }
#endif

        [Test]
        public static void No_task_fails_unobserved()
        {
            int unobserved = 0;
            EventHandler<UnobservedTaskExceptionEventArgs> count = (_, error) => Interlocked.Increment(ref unobserved);
            TaskScheduler.UnobservedTaskException += count;
            Closing_and_disposing_at_any_moment_throw_nothing_and_report_nothing();
            A_handshake_that_hangs_ends_in_time();
            A_refused_port_is_a_drop();
            for (int index = 0; index < 3; index++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                Thread.Sleep(20);
            }
            TaskScheduler.UnobservedTaskException -= count;
            Assert.That(unobserved, Is.EqualTo(0));
        }

        private static ITransport NewTransport() => new SessionOptions().CreateTransport();

        private static ITransport Connected(string url, out Sink sink)
        {
            sink = new Sink();
            ITransport transport = NewTransport();
            transport.Connect(url, ProtocolInfo.Subprotocol, Patience);
            return transport;
        }

        private sealed class Sink : ITransportSink
        {
            public readonly List<byte[]> Frames = new List<byte[]>();
            public readonly HashSet<int> Threads = new HashSet<int>();
            public bool IsOpen;
            public int ClosedWith;
            public string Reason = "";

            public void Opened()
            {
                Threads.Add(Thread.CurrentThread.ManagedThreadId);
                IsOpen = true;
            }

            public void Received(ArraySegment<byte> frame)
            {
                Threads.Add(Thread.CurrentThread.ManagedThreadId);
                var copy = new byte[frame.Count];
                Buffer.BlockCopy(frame.Array, frame.Offset, copy, 0, frame.Count);
                Frames.Add(copy);
            }

            public void Closed(int code, string reason)
            {
                Threads.Add(Thread.CurrentThread.ManagedThreadId);
                ClosedWith = code;
                Reason = reason;
            }

            public bool Until(Func<bool> condition, ITransport transport)
            {
                var watch = Stopwatch.StartNew();
                while (!condition())
                {
                    if (watch.Elapsed > TimeSpan.FromSeconds(8)) return false;
                    StubPlayer.Frame();
                    transport.Poll(this);
                    Thread.Sleep(1);
                }
                return true;
            }

            public override string ToString() => "open " + IsOpen + ", frames " + Frames.Count + ", closed " + ClosedWith + " " + Reason;
        }
    }
}
