using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using DialogueServer.Protocol;
using DialogueServer.Transport;
using NUnit.Framework;
using UnityEngine;
using static DialogueServer.Tests.Scene;

namespace DialogueServer.Tests
{
    /// <summary>Clients and NPCs that come, go and come again, and what is under way meanwhile. The
    /// test plays the server.</summary>
    public sealed class LifetimeTests
    {
        private FakeSocket _socket;

        [SetUp]
        public void EnterPlayMode()
        {
            StubPlayer.Start(Components);
            _socket = new FakeSocket();
        }

        [TearDown]
        public void LeavePlayMode() => Leave();

        [Test]
        public void A_client_that_is_switched_off_and_on_again_connects_again()
        {
            DialogueClient client = Online();
            DialogueNpc npc = Opened(client);
            client.gameObject.SetActive(false);
            Assert.That(client.Status, Is.EqualTo(SessionStatus.Offline));
            Assert.That(DialogueClient.Default == null);
            client.gameObject.SetActive(true);
            Welcome();
            Assert.That(client.Status, Is.EqualTo(SessionStatus.Online));
            Assert.That(_socket.Sent.Last(), Is.EqualTo(OpenMessage.TypeNumber));
            _socket.Tell(OpenedMessage.TypeNumber, "mira", new string[0]);
            StubPlayer.Frame();
            Assert.That(npc.IsOpen);
        }

        [Test]
        public void A_client_that_was_never_to_connect_by_itself_does_not_when_it_is_switched_on_again()
        {
            DialogueClient client = Client("ws://127.0.0.1:1", connect: false);
            StubPlayer.Frame();
            client.enabled = false;
            client.enabled = true;
            StubPlayer.Frame();
            Assert.That(client.Status, Is.EqualTo(SessionStatus.Offline));
        }

        [Test]
        public void A_scene_that_is_loaded_again_does_not_bring_a_second_client()
        {
            DialogueClient kept = Online();
            StubPlayer.LoadScene();
            var home = new GameObject("Client");
            home.SetActive(false);
            DialogueClient again = home.AddComponent<DialogueClient>();
            again.Settings = kept.Settings;
            again.CreateTransport = () => throw new InvalidOperationException("a second connection");
            home.SetActive(true);
            DialogueNpc npc = NpcOf(again);
            StubPlayer.Frame();
            Assert.That(again.enabled, Is.False);
            Assert.That(again.Status, Is.EqualTo(SessionStatus.Offline));
            Assert.That(DialogueClient.Default, Is.SameAs(kept));
            Assert.That(_socket.Sent.Last(), Is.EqualTo(OpenMessage.TypeNumber), "the NPC talks over the first one");
            StubPlayer.LoadScene();
            Assert.That(kept.Status, Is.EqualTo(SessionStatus.Online));
            Assert.That(again == null);
        }

        [Test]
        public void A_client_for_another_server_is_one_of_its_own()
        {
            DialogueClient kept = Online();
            DialogueClient other = Client("ws://127.0.0.1:2", connect: false);
            Assert.That(other.enabled);
            Assert.That(DialogueClient.Default, Is.SameAs(kept));
        }

        [Test]
        public void A_request_that_is_made_again_when_a_loss_has_failed_it_is_answered()
        {
            DialogueNpc npc = Opened(Online());
            Task<SpokenLine[]> lines = Insist();
            StubPlayer.Frame();
            Break();
            Welcome();
            StubPlayer.Frame();
            Assert.That(_socket.Sent.Last(), Is.EqualTo(HistoryMessage.TypeNumber));
            _socket.Tell(OpenedMessage.TypeNumber, "mira", new string[0]);
            _socket.Tell(TranscriptMessage.TypeNumber, "mira", new string[0]);
            StubPlayer.Frame();
            Assert.That(lines.IsCompleted);
            Assert.That(lines.Result, Is.Empty);

            async Task<SpokenLine[]> Insist()
            {
                while (true)
                {
                    try
                    {
                        return await npc.HistoryAsync();
                    }
                    catch (DialogueException error) when (error.Retryable)
                    {
                        // As the exception says: try again.
                    }
                }
            }
        }

        [Test]
        public void A_conversation_that_was_refused_is_opened_again_for_the_next_line()
        {
            DialogueNpc npc = Opened(Online(), refused: true);
            _socket.Sent.Clear();
            npc.Say("Hello");
            Assert.That(_socket.Sent, Is.EqualTo(new[] { OpenMessage.TypeNumber, SayMessage.TypeNumber }));
        }

        [Test]
        public void A_conversation_that_was_refused_is_opened_again_after_a_loss()
        {
            DialogueNpc npc = Opened(Online(), refused: true);
            Break();
            _socket.Sent.Clear();
            Welcome();
            StubPlayer.Frame();
            Assert.That(_socket.Sent, Is.EqualTo(new[] { HelloMessage.TypeNumber, OpenMessage.TypeNumber }));
            _socket.Tell(OpenedMessage.TypeNumber, "mira", new string[0]);
            StubPlayer.Frame();
            Assert.That(npc.IsOpen);
            Task load = npc.LoadAsync(new DialogueSave { conversation = "mira", checkpoint = "p1" });
            _socket.Tell(ErrorMessage.TypeNumber, "unknown_checkpoint", "no such checkpoint", "mira");
            StubPlayer.Frame();
            Assert.That(load.IsFaulted, "the refusal is about the load");
        }

        [Test]
        public void A_conversation_that_the_server_does_not_know_any_more_is_opened_again_for_the_next_line()
        {
            DialogueNpc npc = Opened(Online());
            DialogueTurn turn = npc.Say("Hello");
            _socket.Tell(ErrorMessage.TypeNumber, ErrorCode.UnknownConversation, "it is not open", "mira", turn.Line);
            StubPlayer.Frame();
            Assert.That(turn.Completion.IsFaulted);
            Assert.That(npc.IsOpen, Is.False);
            _socket.Sent.Clear();
            npc.Say("Hello");
            Assert.That(_socket.Sent, Is.EqualTo(new[] { OpenMessage.TypeNumber, SayMessage.TypeNumber }));
        }

        [Test]
        public void A_token_callback_that_throws_is_asked_again()
        {
            int asked = 0;
            DialogueClient client = Online(begin: false);
            client.TokenProvider = cancel => ++asked == 1
                ? throw new InvalidOperationException("no network")
                : Task.FromResult("t");
            client.Connect();
            Assert.That(client.Status, Is.EqualTo(SessionStatus.Waiting));
            Assert.That(client.Reason, Does.Contain("no network"));
            StubPlayer.SkipTime(60);
            StubPlayer.Frame();
            Welcome();
            Assert.That(client.Status, Is.EqualTo(SessionStatus.Online));
            Assert.That(asked, Is.EqualTo(2));
        }

        [Test]
        public void A_turn_that_was_interrupted_before_it_began_is_not_told()
        {
            DialogueNpc npc = Opened(Online());
            int told = 0;
            npc.TurnStarted += each => told++;
            npc.TurnEnded += each => told++;
            DialogueTurn turn = npc.Say("Hello");
            npc.Interrupt();
            _socket.Tell(TurnMessage.TypeNumber, 1, "t-1", "mira", "mira", turn.Line);
            _socket.Tell(TurnEndMessage.TypeNumber, 1, EndReason.Interrupted, 0);
            StubPlayer.Frame();
            Assert.That(turn.Completion.IsCompleted);
            Assert.That(turn.Reason, Is.EqualTo(EndReason.Interrupted));
            Assert.That(told, Is.EqualTo(0));
        }

        [Test]
        public void A_turn_that_failed_is_told_as_a_failure_too()
        {
            DialogueNpc npc = Opened(Online());
            var told = new List<string>();
            npc.Failed += error => told.Add(error.Code + " " + error.Line);
            npc.TurnEnded += each => told.Add(each.Reason);
            DialogueTurn turn = npc.Say("Hello");
            _socket.Tell(TurnMessage.TypeNumber, 1, "t-1", "mira", "mira", turn.Line);
            _socket.Tell(TurnEndMessage.TypeNumber, 1, EndReason.Failed, 0, 0, 0, 0, 0, 0, "model_failed", "it is away");
            StubPlayer.Frame();
            Assert.That(told, Is.EqualTo(new[] { EndReason.Failed, "model_failed " + turn.Line }));
            Assert.That(turn.Completion.IsCompleted && !turn.Completion.IsFaulted);
        }

        [Test]
        public void A_state_provider_that_throws_fails_the_line_and_not_the_talk()
        {
            DialogueNpc npc = Opened(Online());
            npc.StateProvider = () => throw new NullReferenceException("a bug of the game");
            Assert.Throws<NullReferenceException>(() => npc.Say("Hello"));
            Assert.That(npc.CurrentTurn.Completion.IsFaulted);
            Assert.Throws<NullReferenceException>(() => npc.SuggestAsync());
            npc.StateProvider = null;
            _socket.Sent.Clear();
            npc.Say("Hello");
            Assert.That(_socket.Sent, Is.EqualTo(new[] { SayMessage.TypeNumber }));
        }

        [Test]
        public void What_was_said_last_is_gone_when_an_earlier_moment_was_loaded()
        {
            DialogueNpc npc = Opened(Online());
            DialogueText text = Text(npc, out TMPro.TMP_Text label);
            DialogueTurn turn = npc.Say("Hello");
            _socket.Tell(TurnMessage.TypeNumber, 1, "t-1", "mira", "mira", turn.Line);
            _socket.Tell(DeltaMessage.TypeNumber, 1, "What never was. ");
            for (int frame = 0; frame < 20; frame++) StubPlayer.Frame(0.05f);
            Task load = npc.LoadAsync(new DialogueSave { conversation = "mira", checkpoint = "p1" });
            _socket.Tell(TurnEndMessage.TypeNumber, 1, EndReason.Interrupted, 16);
            _socket.Tell(OpenedMessage.TypeNumber, "mira", new string[0]);
            StubPlayer.Frame();
            Assert.That(load.IsCompleted);
            Assert.That(npc.CurrentTurn, Is.Null);
            Assert.That(text.VisibleText, Is.Empty);
            Assert.That(label.text, Is.Empty);
            Assert.Throws<InvalidOperationException>(() => npc.Regenerate(), "the branch that was left");
        }

        [Test]
        public void A_game_that_was_away_asks_at_once_whether_the_server_is_there_and_takes_its_time_for_the_answer()
        {
            DialogueClient client = Online();
            StubPlayer.Frame();
            for (int away = 0; away < 3; away++)
            {
                _socket.Sent.Clear();
                StubPlayer.SkipTime(away == 0 ? 5 : 60);
                StubPlayer.Frame();
                Assert.That(_socket.Sent, Is.EqualTo(new[] { PingMessage.TypeNumber }));
                Assert.That(client.Status, Is.EqualTo(SessionStatus.Online));
            }
            for (int frame = 0; frame < 12; frame++)
            {
                StubPlayer.SkipTime(0.9);
                StubPlayer.Frame();
            }
            Assert.That(client.Status, Is.EqualTo(SessionStatus.Waiting), "there was no answer");
        }

        [Test]
        public void A_game_that_was_away_while_it_connected_gives_the_server_its_time()
        {
            DialogueClient client = Online(begin: false);
            client.Connect();
            StubPlayer.Frame();
            StubPlayer.Frame();
            StubPlayer.SkipTime(60);
            StubPlayer.Frame();
            Assert.That(client.Status, Is.EqualTo(SessionStatus.Connecting));
            for (int frame = 0; frame < 12; frame++)
            {
                StubPlayer.SkipTime(0.9);
                StubPlayer.Frame();
            }
            Assert.That(client.Status, Is.EqualTo(SessionStatus.Waiting), "no welcome came");
        }

        [TestCase(SessionStatus.Offline)]
        [TestCase(SessionStatus.Failed)]
        public void A_client_that_an_event_connects_again_is_connected(SessionStatus because)
        {
            DialogueClient client = Online();
            DialogueNpc npc = Opened(client);
            client.StatusChanged += status =>
            {
                if (status == because) client.Connect();
            };
            if (because == SessionStatus.Offline)
            {
                client.Disconnect();
            }
            else
            {
                _socket.BrokenWith = 4201;
                StubPlayer.Frame();
                Debug.Lines.Clear();
            }
            Welcome();
            Assert.That(client.Status, Is.EqualTo(SessionStatus.Online));
            _socket.Tell(OpenedMessage.TypeNumber, "mira", new string[0]);
            StubPlayer.Frame();
            Assert.That(npc.IsOpen);
        }

        [Test]
        public void A_line_that_nobody_will_carry_fails_at_once()
        {
            DialogueClient client = Online();
            DialogueNpc npc = Opened(client);
            _socket.BrokenWith = 4201;
            StubPlayer.Frame();
            Assert.That(client.Status, Is.EqualTo(SessionStatus.Failed));
            string failed = "";
            npc.Failed += error => failed += error.Code;
            DialogueTurn turn = npc.Say("Hello");
            Assert.That(turn.Completion.IsFaulted);
            Assert.That(turn.Code, Is.EqualTo(DialogueException.Disconnected));
            Assert.That(failed, Is.EqualTo(DialogueException.Disconnected));
            Assert.That(npc.IsSpeaking, Is.False);
            Assert.That(NpcOf(client, "jory").Say("Hello").Completion.IsFaulted, "of an NPC that comes later, too");
            client.Connect();
            Welcome();
            Assert.That(_socket.Sent, Has.None.EqualTo(SayMessage.TypeNumber));
            Assert.That(npc.Say("Hello").Ended, Is.False);
        }

        [Test]
        public void An_NPC_that_is_switched_off_says_so_and_stays_out_of_the_talk()
        {
            DialogueNpc npc = Opened(Online());
            npc.enabled = false;
            _socket.Sent.Clear();
            var error = Assert.Throws<InvalidOperationException>(() => npc.Say("Hello"));
            Assert.That(error.Message, Does.Contain("mira").And.Contain("nable"));
            StubPlayer.Frame();
            Assert.That(_socket.Sent, Is.Empty);
        }

        [Test]
        public void A_line_that_is_said_in_an_Awake_is_not_lost_when_the_NPC_wakes_up()
        {
            DialogueClient client = Online();
            var home = new GameObject("mira");
            home.SetActive(false);
            EarlySpeaker early = home.AddComponent<EarlySpeaker>();
            DialogueNpc npc = home.AddComponent<DialogueNpc>();
            npc.NpcId = "mira";
            npc.Client = client;
            home.SetActive(true);
            StubPlayer.Frame();
            Assert.That(early.Said.Completion.IsCanceled, Is.False);
            Assert.That(_socket.Sent.Count(type => type == SayMessage.TypeNumber), Is.EqualTo(1));
        }

        private sealed class EarlySpeaker : MonoBehaviour
        {
            public DialogueTurn Said;

            private void Awake() => Said = GetComponent<DialogueNpc>().Say("Hello");
        }

        [Test]
        public void A_state_that_cannot_be_sent_leaves_no_trace()
        {
            DialogueNpc npc = Opened(Online());
            npc.StateProvider = () => new Dictionary<string, object> { ["tide"] = double.NaN };
            Assert.Throws<ArgumentException>(() => npc.Say("Hello"));
            Task load = npc.LoadAsync(new DialogueSave { conversation = "mira", checkpoint = "p1" });
            _socket.Tell(ErrorMessage.TypeNumber, "unknown_checkpoint", "no such checkpoint", "mira");
            StubPlayer.Frame();
            Assert.That(load.IsFaulted, "the refusal is about the load");
        }

        [Test]
        public void A_player_s_made_up_id_is_kept_even_if_the_game_is_never_quit()
        {
            PlayerPrefs.DeleteKey("DialogueServer.PlayerId");
            DialogueClient client = Online(begin: false);
            client.Settings.playerId = "";
            client.Connect();
            Assert.That(PlayerPrefs.GetString("DialogueServer.PlayerId", ""), Has.Length.EqualTo(32));
            Assert.That(PlayerPrefs.Unsaved, Is.False);
        }

        [Test]
        public void An_NPC_that_is_not_to_open_at_once_opens_when_it_is_asked_to_or_for_its_first_line()
        {
            DialogueClient client = Online();
            DialogueNpc[] npcs = { Later("jory"), Later("pell"), Later("wen") };
            _socket.Sent.Clear();
            StubPlayer.Frame();
            Assert.That(_socket.Sent, Is.Empty);
            npcs[0].Open();
            npcs[0].Open();
            npcs[1].Say("Hello");
            StubPlayer.Frame();
            Assert.That(_socket.Sent, Is.EqualTo(new[] { OpenMessage.TypeNumber, OpenMessage.TypeNumber, SayMessage.TypeNumber }));
            Break();
            _socket.Sent.Clear();
            Welcome();
            StubPlayer.Frame();
            Assert.That(_socket.Sent.Count(type => type == OpenMessage.TypeNumber), Is.EqualTo(2));
            npcs[2].gameObject.SetActive(false);
            Assert.That(_socket.Sent, Has.None.EqualTo(CloseMessage.TypeNumber), "it was never open");

            DialogueNpc Later(string id)
            {
                var home = new GameObject(id);
                home.SetActive(false);
                DialogueNpc npc = home.AddComponent<DialogueNpc>();
                npc.NpcId = id;
                npc.Client = client;
                npc.OpenOnEnable = false;
                home.SetActive(true);
                return npc;
            }
        }

        [Test]
        public void An_NPC_that_an_event_switches_off_is_told_nothing_more()
        {
            DialogueClient client = Online();
            DialogueNpc first = NpcOf(client, "mira", "inn");
            DialogueNpc second = NpcOf(client, "jory", "inn");
            int told = 0;
            first.Opened += greeting =>
            {
                first.enabled = false;
                second.enabled = false;
            };
            second.Opened += greeting => told++;
            StubPlayer.Frame();
            _socket.Tell(OpenedMessage.TypeNumber, "inn", new string[0]);
            StubPlayer.Frame();
            Assert.That(told, Is.EqualTo(0));
        }

        [Test]
        public void A_server_that_is_full_is_left_alone_for_as_long_as_it_says()
        {
            var options = new SessionOptions { CreateTransport = () => _socket, Random = () => 0.5 };
            using (var session = new DialogueSession(options, new ServerMessagesAsJson()))
            {
                session.Start();
                session.Update(0);
                session.Update(0.1);
                _socket.Tell(ErrorMessage.TypeNumber, "too_many_sessions", "full", "", "", 0, true, 30000);
                _socket.BrokenWith = 4101;
                session.Update(0.2);
                Assert.That(session.RetryIn, Is.EqualTo(30.25).Within(1e-9), "and not as all the others do");
                session.Update(31);
                session.Update(31.1);
                session.Update(31.2);
                _socket.BrokenWith = 1006;
                session.Update(31.3);
                Assert.That(session.RetryIn, Is.EqualTo(0.5).Within(1e-9), "it was for that attempt");
            }
        }

        private DialogueClient Online(bool begin = true)
        {
            DialogueClient client = Client("ws://127.0.0.1:1", connect: false);
            client.CreateTransport = () => _socket;
            if (!begin) return client;
            Set(client, "connectOnEnable", true);
            Welcome();
            Assert.That(client.Status, Is.EqualTo(SessionStatus.Online));
            return client;
        }

        private static DialogueNpc NpcOf(DialogueClient client, string id = "mira", string conversation = "")
        {
            var home = new GameObject(id);
            home.SetActive(false);
            DialogueNpc npc = home.AddComponent<DialogueNpc>();
            npc.NpcId = id;
            npc.ConversationName = conversation;
            npc.Client = client;
            home.SetActive(true);
            return npc;
        }

        private DialogueNpc Opened(DialogueClient client, bool refused = false)
        {
            DialogueNpc npc = NpcOf(client);
            StubPlayer.Frame();
            if (refused) _socket.Tell(ErrorMessage.TypeNumber, "too_many_conversations", "close another one", "mira");
            else _socket.Tell(OpenedMessage.TypeNumber, "mira", new string[0]);
            StubPlayer.Frame();
            Assert.That(npc.IsOpen, Is.Not.EqualTo(refused));
            return npc;
        }

        /// <summary>A new session, for a client that connects or tries again.</summary>
        private void Welcome()
        {
            StubPlayer.SkipTime(60);
            StubPlayer.Frame();
            StubPlayer.Frame();
            _socket.Arriving.Enqueue(VectorTests.Welcome());
            StubPlayer.Frame();
        }

        private void Break()
        {
            _socket.BrokenWith = 1006;
            StubPlayer.Frame();
        }
    }
}
