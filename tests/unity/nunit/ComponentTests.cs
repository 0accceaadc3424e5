using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Threading;
using System.Threading.Tasks;
using DialogueServer.Protocol;
using DialogueServer.Transport;
using NUnit.Framework;
using TMPro;
using UnityEngine;
using static DialogueServer.Tests.Scene;

namespace DialogueServer.Tests
{
    /// <summary>The components in a stub of Unity's player loop, against the real server process.</summary>
    public sealed class ComponentTests
    {
        private readonly List<IDisposable> _rigs = new List<IDisposable>();

        [SetUp]
        public void EnterPlayMode() => StubPlayer.Start(Components);

        [TearDown]
        public void LeavePlayMode()
        {
            Scene.Leave();
            foreach (IDisposable rig in _rigs) rig.Dispose();
            _rigs.Clear();
        }

        [Test]
        public void A_line_is_answered_in_a_stream_and_can_be_awaited()
        {
            DialogueNpc npc = Npc(Client(Rig.ServerUrl), "mira");
            string greeting = null;
            var pieces = new List<string>();
            npc.Opened += text => greeting = text;
            npc.TextAdded += (turn, text) => pieces.Add(text);
            DialogueTurn answer = null;
            Task asked = Ask();
            Assert.That(StubPlayer.Until(() => asked.IsCompleted));
            Assert.That(asked.Exception, Is.Null);
            Assert.That(greeting, Is.EqualTo("Well met."));
            Assert.That(answer.Text, Is.EqualTo("Well met, friend."));
            Assert.That(string.Concat(pieces), Is.EqualTo(answer.Text));
            Assert.That(pieces.Count, Is.GreaterThan(1));
            Assert.That(answer.Reason, Is.EqualTo(EndReason.Complete));
            Assert.That(npc.DisplayName, Is.EqualTo("Mira"));
            Assert.That(npc.Mood, Is.EqualTo("calm"));

            async Task Ask()
            {
                answer = await npc.Say("Hello there!"); // before the connection is up
                StubPlayer.AssertMainThread();
            }
        }

        [Test]
        public void Cues_happen_when_the_reveal_reaches_them_and_markup_stays_text()
        {
            DialogueNpc npc = Npc(Client(Rig.ServerUrl), "npc1");
            DialogueText text = Text(npc, out TMP_Text label);
            var log = new List<string>();
            npc.CueReached += cue => log.Add(cue.Kind + ":" + cue.Name + "@" + text.Visible);
            bool finished = false;
            text.Finished += () => finished = true;
            DialogueTurn turn = npc.Say("Give me cues.");
            Assert.That(StubPlayer.Until(() => finished), label.text);
            Assert.That(turn.Text, Is.EqualTo("No. Well, take it, a <b>key</b> \ud83d\udd11."));
            Assert.That(log, Is.EqualTo(turn.Cues.Select(cue => cue.Kind + ":" + cue.Name + "@" + cue.Offset)));
            Assert.That(log.Select(entry => entry.Split('@')[0]), Is.EqualTo(new[] { "mood:cross", "pause:", "action:give_item" }));
            Assert.That(turn.Cues[2].Arguments["item"], Is.EqualTo("key"));
            Assert.That(turn.Cues[2].Offset, Is.EqualTo(CodePoints.Count(turn.Text)));
            Assert.That(npc.Mood, Is.EqualTo("cross"));
            Assert.That(label.text, Does.Contain("<noparse><</noparse>b>key"));
            Assert.That(label.parseCtrlCharacters, Is.False);
            Assert.That(label.maxVisibleCharacters, Is.EqualTo(int.MaxValue));
        }

        [Test]
        public void The_reveal_moves_a_number_and_does_not_lay_out_the_text_anew()
        {
            DialogueNpc npc = Npc(Client(Rig.ServerUrl), "npc2");
            DialogueText text = Text(npc, out TMP_Text label);
            text.CharactersPerSecond = 30;
            DialogueTurn turn = npc.Say("Hello");
            Assert.That(StubPlayer.Until(() => turn.Ended));
            StubPlayer.Frame();
            int before = label.TextSet;
            Assert.That(StubPlayer.Until(() => text.IsFinished));
            Assert.That(label.TextSet, Is.EqualTo(before));
            Assert.That(text.VisibleText, Is.EqualTo(turn.Text));
        }

        [Test]
        public void An_interrupt_keeps_only_what_was_seen_also_in_the_npc_s_memory()
        {
            DialogueNpc npc = Npc(Client(Rig.ServerUrl), "npc3");
            DialogueText text = Text(npc, out TMP_Text label);
            text.CharactersPerSecond = 200;
            DialogueTurn turn = npc.Say("Talk slowly");
            Assert.That(StubPlayer.Until(() => text.Visible > 20));
            npc.Interrupt();
            int seen = text.Visible;
            Assert.That(turn.Text.Length, Is.EqualTo(seen));
            Assert.That(StubPlayer.Until(() => turn.Ended));
            Assert.That(turn.Reason, Is.EqualTo(EndReason.Interrupted));
            Assert.That(turn.Text.Length, Is.EqualTo(seen));
            Task<SpokenLine[]> history = npc.HistoryAsync();
            Assert.That(StubPlayer.Until(() => history.IsCompleted));
            SpokenLine said = history.Result.Last(line => line.Kind == "npc");
            Assert.That(said.Text.TrimEnd(), Is.EqualTo(turn.Text.TrimEnd()));
        }

        [Test]
        public void A_new_line_cuts_in_or_waits()
        {
            DialogueClient client = Client(Rig.ServerUrl);
            DialogueNpc npc = Npc(client, "npc4");
            DialogueTurn first = npc.Say("Talk slowly");
            Assert.That(StubPlayer.Until(() => first.Text.Length > 0));
            DialogueTurn second = npc.Say("Hello");
            Assert.That(StubPlayer.Until(() => second.Ended));
            Assert.That(first.Reason, Is.EqualTo(EndReason.Interrupted));
            Assert.That(second.Text, Is.EqualTo("Well met, friend."));

            npc.Conversation.InterruptOnSay = false;
            first = npc.Say("Hello");
            second = npc.Say("Hello again");
            Assert.That(StubPlayer.Until(() => second.Ended));
            Assert.That(first.Reason, Is.EqualTo(EndReason.Complete));
            Assert.That(second.Reason, Is.EqualTo(EndReason.Complete));
        }

        [Test]
        public void The_state_reaches_the_prompt_and_only_changes_are_sent()
        {
            DialogueNpc npc = Npc(Client(Rig.ServerUrl), "npc5");
            var state = new Dictionary<string, object> { ["sky"] = "clear", ["gold"] = 3 };
            npc.StateProvider = () => state;
            DialogueTurn turn = npc.Say("How is the weather?");
            Assert.That(StubPlayer.Until(() => turn.Ended));
            Assert.That(turn.Text, Is.EqualTo("I cannot tell."));
            state["sky"] = "thunderstorm";
            turn = npc.Say("How is the weather now?");
            Assert.That(StubPlayer.Until(() => turn.Ended));
            Assert.That(turn.Text, Is.EqualTo("It rains."));
            Assert.That(Debug.Lines, Is.Empty);
        }

        [Test]
        public void What_all_may_know_is_under_what_one_of_them_knows()
        {
            DialogueClient client = Client(Rig.ServerUrl);
            var shared = new Dictionary<string, object> { ["sky"] = "clear", ["gold"] = 3 };
            client.StateProvider = () => shared;
            DialogueNpc first = Npc(client, "npc5");
            DialogueNpc second = Npc(client, "npc6");
            second.StateProvider = () => new Dictionary<string, object> { ["sky"] = "thunderstorm" };
            DialogueTurn one = first.Say("How is the weather?");
            DialogueTurn other = second.Say("How is the weather?");
            Assert.That(StubPlayer.Until(() => one.Ended && other.Ended));
            Assert.That(one.Text, Is.EqualTo("I cannot tell."));
            Assert.That(other.Text, Is.EqualTo("It rains."));
            Assert.That(shared["sky"], Is.EqualTo("clear"));
            shared["sky"] = "thunderstorm";
            Assert.That(Done(first.Say("How is the weather now?").Completion).Text, Is.EqualTo("It rains."));
        }

        [Test]
        public void A_drop_in_mid_stream_is_resumed_without_gap_or_repeat()
        {
            Proxy proxy = Rigged(new Proxy(Rig.ServerUrl));
            DialogueClient client = Client(proxy.Url);
            DialogueNpc npc = Npc(client, "npc6");
            int restarted = 0;
            DialogueTurn turn = npc.Say("Talk slowly");
            for (int cut = 1; cut <= 3; cut++)
            {
                int length = turn.Text.Length;
                Assert.That(StubPlayer.Until(() => turn.Text.Length > length + 40), "cut " + cut);
                proxy.Cut();
                Assert.That(StubPlayer.Until(() => client.Status == SessionStatus.Waiting), "cut " + cut);
                if (npc.CurrentTurn != turn) restarted++;
            }
            Assert.That(StubPlayer.Until(() => turn.Ended));
            Assert.That(turn.Text.TrimEnd(), Is.EqualTo(string.Join(" ", Enumerable.Range(0, 60).Select(number => "word" + number))));
            Assert.That(restarted, Is.EqualTo(0));
        }

        [Test]
        public void A_killed_server_loses_the_session_but_not_the_line()
        {
            ServerProcess server = Rigged(new ServerProcess());
            server.Start();
            DialogueClient client = Client(server.Url);
            DialogueNpc npc = Npc(client, "npc7");
            npc.StateProvider = () => new Dictionary<string, object> { ["sky"] = "thunderstorm" };
            DialogueTurn first = npc.Say("Hello");
            Assert.That(StubPlayer.Until(() => first.Ended, 20));
            int starts = 0;
            npc.TurnStarted += turn => starts++;
            int ends = 0;
            npc.TurnEnded += turn => ends++;
            DialogueTurn second = npc.Say("Talk slowly");
            Assert.That(StubPlayer.Until(() => second.Text.Length > 40));
            server.Kill();
            Assert.That(StubPlayer.Until(() => client.Status == SessionStatus.Waiting));
            server.Start();
            Assert.That(StubPlayer.Until(() => second.Ended, 30), client.Status + " " + client.Reason);
            Assert.That(starts, Is.EqualTo(1));
            Assert.That(ends, Is.EqualTo(1));
            // What the server makes of a turn that died with it is its own affair; it ends once, and talk goes on.
            DialogueTurn third = npc.Say("How is the weather?");
            Assert.That(StubPlayer.Until(() => third.Ended, 20));
            Assert.That(third.Text, Is.EqualTo("It rains."));
            Assert.That(npc.Conversation.IsOpen);
            Console.WriteLine("the killed turn: " + second.Reason + ", " + second.Text.Length + " characters");
        }

        [Test]
        public void Save_load_regenerate_and_history()
        {
            DialogueNpc npc = Npc(Client(Rig.ServerUrl), "npc8");
            npc.StateProvider = () => new Dictionary<string, object> { ["sky"] = "clear" };
            Done(npc.Say("Hello").Completion);
            DialogueSave save = Done(npc.SaveAsync());
            Assert.That(save.IsEmpty, Is.False);
            Assert.That(save.conversation, Is.EqualTo("npc8"));
            Done(npc.Say("Something that never was").Completion);
            Assert.That(Done(npc.HistoryAsync()).Length, Is.EqualTo(4));
            Wait(npc.LoadAsync(save));
            Assert.That(Done(npc.HistoryAsync()).Select(line => line.Text), Is.EqualTo(new[] { "Hello", "Well met, friend." }));
            DialogueTurn again = Done(npc.Say("Hello again").Completion);
            DialogueTurn other = Done(npc.Regenerate().Completion);
            Assert.That(other.Id, Is.Not.EqualTo(again.Id));
            Assert.That(other.PlayerText, Is.EqualTo("Hello again"));
            Assert.That(Done(npc.HistoryAsync()).Length, Is.EqualTo(4));
            var bad = npc.LoadAsync(new DialogueSave { conversation = "npc8", checkpoint = "nonsense" });
            Assert.That(StubPlayer.Until(() => bad.IsCompleted));
            Assert.That(((DialogueException)bad.Exception.InnerException).Code, Is.EqualTo("unknown_checkpoint"));
        }

        [Test]
        public void A_refused_request_tells_why_and_the_session_lives_on()
        {
            DialogueClient client = Client(Rig.ServerUrl);
            DialogueNpc nobody = Npc(client, "nobody");
            DialogueException opened = null;
            nobody.Failed += error => opened = opened ?? error;
            Assert.That(StubPlayer.Until(() => opened != null));
            Assert.That(opened.Code, Is.EqualTo(ErrorCode.UnknownNpc));
            DialogueNpc npc = Npc(client, "npc9");
            Task<DialogueTurn> tooLong = npc.Say(new string('x', 5000)).Completion;
            Assert.That(StubPlayer.Until(() => tooLong.IsCompleted));
            Assert.That(((DialogueException)tooLong.Exception.InnerException).Code, Is.EqualTo(ErrorCode.LineTooLong));
            Assert.Throws<ArgumentException>(() => npc.Say("  "));
            npc.StateProvider = () => new Dictionary<string, object> { ["bad"] = new object() };
            Assert.Throws<ArgumentException>(() => npc.Say("Hello"));
            npc.StateProvider = null;
            Assert.That(Done(npc.Say("Hello").Completion).Text, Is.EqualTo("Well met, friend."));
        }

        [Test]
        public void A_wrong_ticket_fails_for_good_and_a_right_one_gets_in()
        {
            string token = "k-7f3a";
            DialogueClient client = Client(Rig.GuardedUrl, connect: false);
            client.Player = new Player("ann", "Ann");
            client.SetToken(() => token);
            DialogueNpc npc = Npc(client, "mira", Guid.NewGuid().ToString("N")); // other programs play Ann as well
            client.Connect();
            Task<DialogueTurn> said = npc.Say("Hello").Completion;
            Assert.That(StubPlayer.Until(() => client.Status == SessionStatus.Failed));
            Assert.That(client.Reason, Does.Contain("ticket").And.Contain("4201").And.Not.Contain(token));
            Assert.That(((DialogueException)said.Exception.InnerException).Code, Is.EqualTo(DialogueException.Disconnected));
            Assert.That(Debug.Lines.Single(), Does.Not.Contain(token));
            for (int frame = 0; frame < 50; frame++) StubPlayer.Frame();
            Assert.That(client.Status, Is.EqualTo(SessionStatus.Failed));
            token = Rig.Ticket;
            client.Connect();
            Assert.That(Done(npc.Say("Hello").Completion).Text, Is.EqualTo("Well met, friend."));
            Assert.That(string.Concat(Debug.Lines), Does.Not.Contain(token));
        }

        [Test]
        public void A_token_may_come_late_or_not_at_all()
        {
            var late = new TaskCompletionSource<string>();
            DialogueClient client = Client(Rig.GuardedUrl, connect: false);
            client.TokenProvider = cancel => late.Task;
            client.Connect();
            for (int frame = 0; frame < 20; frame++) StubPlayer.Frame();
            Assert.That(client.Status, Is.EqualTo(SessionStatus.Connecting));
            ThreadPool.QueueUserWorkItem(_ => late.SetResult(Rig.Ticket));
            Assert.That(StubPlayer.Until(() => client.Status == SessionStatus.Online));
            client.Disconnect();
            client.TokenProvider = cancel => Task.FromException<string>(new InvalidOperationException("no login"));
            client.Connect();
            Assert.That(StubPlayer.Until(() => client.Status == SessionStatus.Waiting));
            Assert.That(client.Reason, Does.Contain("no login"));
        }

        [Test]
        public void An_absent_server_is_tried_again_until_it_is_there()
        {
            Proxy proxy = Rigged(new Proxy(Rig.ServerUrl) { Refuse = true });
            DialogueClient client = Client(proxy.Url);
            var seen = new HashSet<SessionStatus>();
            client.StatusChanged += status => seen.Add(status);
            DialogueTurn turn = Npc(client, "npc10").Say("Hello");
            Assert.That(StubPlayer.Until(() => client.Status == SessionStatus.Waiting));
            Assert.That(client.Reason, Is.Not.Empty);
            proxy.Refuse = false;
            Assert.That(StubPlayer.Until(() => turn.Ended));
            Assert.That(turn.Text, Is.EqualTo("Well met, friend."));
            Assert.That(seen, Is.SupersetOf(new[] { SessionStatus.Connecting, SessionStatus.Waiting, SessionStatus.Online }));
        }

        [Test]
        public void A_hung_handshake_is_given_up_and_tried_again()
        {
            RawServer hung = Rigged(new RawServer(stream => Task.CompletedTask, upgrade: false));
            DialogueClient client = Client(hung.Url, settings => settings.connectTimeout = 0.3f);
            Assert.That(StubPlayer.Until(() => client.Status == SessionStatus.Waiting, 3));
            RawServer silent = Rigged(new RawServer(stream => Task.Delay(60000)));
            DialogueClient other = Client(silent.Url, settings => settings.connectTimeout = 0.3f);
            Assert.That(StubPlayer.Until(() => other.Status == SessionStatus.Waiting, 3), "no welcome came");
        }

        [Test]
        public void A_connection_that_goes_silent_is_noticed_and_resumed()
        {
            Proxy proxy = Rigged(new Proxy(Rig.ServerUrl));
            var options = new SessionOptions
            {
                Url = proxy.Url,
                HeartbeatInterval = TimeSpan.FromSeconds(0.2),
                HeartbeatTimeout = TimeSpan.FromSeconds(0.3),
                FirstDelay = TimeSpan.FromSeconds(0.05),
            };
            using (var session = new DialogueSession(options, new ServerMessagesAsJson()))
            {
                session.Start();
                Assert.That(Until(session, () => session.Status == SessionStatus.Online));
                string id = session.SessionId;
                Assert.That(Until(session, () => false, 0.8), Is.False);
                Assert.That(session.Status, Is.EqualTo(SessionStatus.Online), "pings keep it alive");
                proxy.Swallow = true;
                Assert.That(Until(session, () => session.Status == SessionStatus.Waiting));
                Assert.That(session.Reason, Does.Contain("silent"));
                proxy.Swallow = false;
                Assert.That(Until(session, () => session.Status == SessionStatus.Online));
                Assert.That(session.SessionId, Is.EqualTo(id));
            }
        }

        [Test]
        public void Fifty_NPCs_talk_at_once()
        {
            DialogueClient client = Client(Rig.ServerUrl);
            List<DialogueTurn> turns = Enumerable.Range(0, 50)
                .Select(number => Npc(client, number == 0 ? "mira" : "npc" + number, "crowd" + number).Say("Hello")).ToList();
            Assert.That(StubPlayer.Until(() => turns.All(turn => turn.Ended), 20), turns.Count(turn => turn.Ended) + " ended");
            Assert.That(turns.Select(turn => turn.Text).Distinct(), Is.EqualTo(new[] { "Well met, friend." }));
            Assert.That(turns.Select(turn => turn.Npc).Distinct().Count(), Is.EqualTo(50));
        }

        [Test]
        public void Destroying_the_npc_in_mid_stream_cancels_the_turn_and_nothing_comes_after()
        {
            DialogueClient client = Client(Rig.ServerUrl);
            DialogueNpc npc = Npc(client, "npc11");
            int events = 0;
            npc.TextAdded += (turn, text) => events++;
            npc.TurnEnded += turn => events++;
            DialogueTurn said = npc.Say("Talk slowly");
            Assert.That(StubPlayer.Until(() => said.Text.Length > 0));
            UnityEngine.Object.Destroy(npc.gameObject);
            StubPlayer.Frame();
            Assert.That(said.Completion.IsCanceled);
            int before = events;
            for (int frame = 0; frame < 60; frame++)
            {
                StubPlayer.Frame();
                Thread.Sleep(2);
            }
            Assert.That(events, Is.EqualTo(before));
            Assert.That(Done(Npc(client, "npc11").Say("Hello").Completion).Text, Is.EqualTo("Well met, friend."));
        }

        [Test]
        public void Destroying_the_client_in_mid_stream_leaves_nothing_behind()
        {
            DialogueClient client = Client(Rig.ServerUrl);
            DialogueNpc npc = Npc(client, "npc12");
            DialogueTurn said = npc.Say("Talk slowly");
            Assert.That(StubPlayer.Until(() => said.Text.Length > 0));
            UnityEngine.Object.Destroy(client.gameObject);
            StubPlayer.Frame();
            Assert.That(said.Completion.IsCanceled);
            Assert.That(DialogueClient.Default == null);
            StubPlayer.Frame();
            Assert.Throws<InvalidOperationException>(() => npc.Say("Anybody?"));
            DialogueClient another = Client(Rig.ServerUrl);
            Assert.That(StubPlayer.Until(() => npc.IsOpen), "the NPC found the new client");
            Assert.That(Done(npc.Say("Hello").Completion).Text, Is.EqualTo("Well met, friend."));
            Assert.That(another.Status, Is.EqualTo(SessionStatus.Online));
        }

        [Test]
        public void A_scene_change_keeps_the_client_and_closes_the_npcs()
        {
            DialogueClient client = Client(Rig.ServerUrl);
            DialogueNpc npc = Npc(client, "npc13");
            Assert.That(StubPlayer.Until(() => npc.IsOpen));
            StubPlayer.LoadScene();
            Assert.That(npc == null);
            Assert.That(client.Status, Is.EqualTo(SessionStatus.Online));
            Assert.That(Done(Npc(client, "npc13").Say("Hello").Completion).Text, Is.EqualTo("Well met, friend."));
        }

        [Test]
        public void With_domain_reload_off_a_second_play_starts_clean()
        {
            Client(Rig.ServerUrl);
            StubPlayer.Frame();
            StubPlayer.Start(Components); // as if play mode was entered again and nothing was torn down
            Assert.That(DialogueClient.Default == null);
        }

        [Test]
        public void An_exception_of_the_game_in_an_event_does_not_stop_the_talk()
        {
            DialogueNpc npc = Npc(Client(Rig.ServerUrl), "npc14");
            npc.TextAdded += (turn, text) => throw new InvalidOperationException("a bug of the game");
            DialogueTurn said = npc.Say("Hello");
            Assert.That(StubPlayer.Until(() => said.Ended));
            Assert.That(said.Text, Is.EqualTo("Well met, friend."));
            Assert.That(Debug.Lines.Count(line => line.Contains("a bug of the game")), Is.GreaterThan(1));
            Debug.Lines.Clear();
        }

        [Test]
        public void A_delta_allocates_nothing_but_its_text()
        {
            var router = new ConversationRouter();
            var talk = new DialogueConversation("c1", new[] { "mira" });
            long told = 0;
            talk.TextAdded += (turn, text) => told += text.Length;
            router.Add(talk);
            var connection = new ClientConnection("bench");
            connection.Hello();
            connection.Receive(VectorTests.Welcome(), router);
            connection.Recover();
            router.OnTurn(new TurnMessage(1, "t-1", "c1", "mira", "l1"));
            var writer = new MsgpackWriter();
            writer.WriteArrayHeader(3);
            writer.WriteInteger(DeltaMessage.TypeNumber);
            writer.WriteInteger(1);
            writer.WriteString("word ");
            var frame = new ArraySegment<byte>(writer.ToArray());
            const int count = 200000;
            for (int index = 0; index < count / 10; index++) connection.Receive(frame, router);
            long before = GC.GetAllocatedBytesForCurrentThread();
            int collections = GC.CollectionCount(0);
            var watch = System.Diagnostics.Stopwatch.StartNew();
            for (int index = 0; index < count; index++) connection.Receive(frame, router);
            double microseconds = watch.Elapsed.TotalMilliseconds * 1000 / count;
            double bytes = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)count;
            Console.WriteLine("a delta of 5 characters: " + bytes + " bytes allocated, " + microseconds.ToString("0.00") + " us, "
                + (GC.CollectionCount(0) - collections) + " collections in " + count);
            Assert.That(told, Is.EqualTo(5L * (count + count / 10)));
            // A string of 5 characters takes 32 bytes on a 64-bit runtime, and 10 bytes in the turn's
            // text, which grows by blocks. The tenths are the measurement's own.
            Assert.That(bytes, Is.LessThan(42.1));
        }

        private static bool Until(DialogueSession session, Func<bool> condition, double seconds = 8)
        {
            var watch = System.Diagnostics.Stopwatch.StartNew();
            while (!condition())
            {
                if (watch.Elapsed.TotalSeconds > seconds) return false;
                StubPlayer.Frame();
                session.Update(watch.Elapsed.TotalSeconds + Offset);
                Thread.Sleep(1);
            }
            Offset += watch.Elapsed.TotalSeconds;
            return true;
        }

        private static double Offset;

        private T Rigged<T>(T rig) where T : IDisposable
        {
            _rigs.Add(rig);
            return rig;
        }
    }
}
