using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using DialogueServer.Protocol;
using DialogueServer.Transport;
using NUnit.Framework;
using TMPro;
using UnityEngine;
using static DialogueServer.Tests.Scene;

namespace DialogueServer.Tests
{
    /// <summary>What a game can do besides saying lines, and NPCs that talk together.</summary>
    public sealed class TalkTests
    {
        [SetUp]
        public void EnterPlayMode() => StubPlayer.Start(Components);

        [TearDown]
        public void LeavePlayMode() => Leave();

        [Test]
        public void An_event_is_noted_or_spoken_of_and_may_set_off_a_trigger()
        {
            DialogueNpc npc = Npc(Client(Rig.ServerUrl), "npc1");
            DialogueTrigger trigger = default;
            npc.Triggered += fired => trigger = fired;
            DialogueTurn quiet = Done(npc.SendEvent("A gull flies in.", Reaction.Never).Completion);
            Assert.That(quiet.Noted);
            Assert.That(quiet.Ended);
            Assert.That(quiet.Started, Is.False);
            Assert.That(npc.CurrentTurn, Is.Null, "nobody has spoken");
            var data = new Dictionary<string, object> { ["count"] = 2 };
            DialogueTurn spoken = Done(npc.SendEvent("A gull steals the bread.", Reaction.Must, name: "gull", data: data).Completion);
            Assert.That(spoken.Noted, Is.False);
            Assert.That(spoken.Text, Is.EqualTo("A gull!"));
            Assert.That(npc.CurrentTurn, Is.SameAs(spoken));
            Assert.That(StubPlayer.Until(() => trigger.Name == "gull_seen"));
            Assert.That(trigger.Arguments["feathers"], Is.EqualTo(3L));
            Assert.That(Done(npc.HistoryAsync()).Select(line => line.Kind), Is.EqualTo(new[] { "event", "event", "npc" }));
        }

        [Test]
        public void An_action_that_waits_is_answered_and_the_NPC_speaks_of_what_happened()
        {
            DialogueNpc npc = Npc(Client(Rig.ServerUrl), "npc2");
            DialogueAction action = null;
            npc.ActionRequested += asked => action = asked;
            Done(npc.Say("Open the door").Completion);
            Assert.That(action.Name, Is.EqualTo("open_door"));
            Assert.That(action.Waits);
            DialogueTurn answer = action.Refuse("It is stuck.", Reaction.Must);
            Assert.That(action.Waits, Is.False);
            Assert.That(action.Accept(), Is.Null, "it is answered once");
            Done(answer.Completion);
            Assert.That(answer.Text, Is.EqualTo("Then push it!"));
            Assert.That(npc.Mood, Is.EqualTo("cross"));
            Assert.That(npc.MoodIntensity, Is.EqualTo(80));

            Done(npc.Say("Give me cues").Completion);
            Assert.That(action.Name, Is.EqualTo("give_item"));
            Assert.That(action.Waits, Is.False);
            Assert.That(action.Text("item"), Is.EqualTo("key"));
            Assert.That(action.Accept(), Is.Null, "nobody waits for it");
        }

        [Test]
        public void An_action_may_be_answered_when_the_reveal_comes_to_it()
        {
            DialogueNpc npc = Npc(Client(Rig.ServerUrl), "npc3");
            DialogueText text = Text(npc, out TMP_Text label);
            text.CharactersPerSecond = 60;
            DialogueTurn answer = null;
            int shown = 0;
            npc.ActionRequested += action =>
            {
                shown = text.Visible;
                answer = action.Accept("The door is open.", Reaction.Never);
            };
            DialogueTurn turn = npc.Say("Open the door");
            Assert.That(StubPlayer.Until(() => answer != null && answer.Ended));
            Assert.That(answer.Noted);
            Assert.That(shown, Is.EqualTo("After you.".Length));
            Assert.That(turn.Text, Is.EqualTo("After you."));
        }

        [Test]
        public void Written_lines_are_said_exactly_and_remembered()
        {
            DialogueNpc npc = Npc(Client(Rig.ServerUrl), "npc4");
            DialogueTurn said = Done(npc.Script("[mood: cross] Out, you <i>thief</i>!").Completion);
            Assert.That(said.Text, Is.EqualTo("Out, you <i>thief</i>!"));
            Assert.That(npc.Mood, Is.EqualTo("cross"));
            DialogueTurn player = Done(npc.ScriptPlayer("I took nothing.").Completion);
            Assert.That(player.Noted);
            Assert.That(player.PlayerText, Is.EqualTo("I took nothing."));
            Assert.That(
                Done(npc.HistoryAsync()).Select(line => line.Text),
                Is.EqualTo(new[] { "Out, you <i>thief</i>!", "I took nothing." }));
        }

        [Test]
        public void Events_wait_for_the_end_of_a_turn_and_outlive_an_interrupt()
        {
            DialogueNpc npc = Npc(Client(Rig.ServerUrl), "npc5");
            DialogueTurn first = npc.Say("Talk slowly");
            Assert.That(StubPlayer.Until(() => first.Text.Length > 0));
            DialogueTurn happened = npc.SendEvent("It begins to snow.", Reaction.Never);
            DialogueTurn second = npc.Say("Hello");
            Done(second.Completion);
            Assert.That(first.Reason, Is.EqualTo(EndReason.Interrupted));
            Assert.That(happened.Noted);
            Assert.That(second.Text, Is.EqualTo("Well met, friend."));
        }

        [Test]
        public void Lines_are_suggested_to_the_player()
        {
            DialogueNpc npc = Npc(Client(Rig.ServerUrl), "npc6");
            Assert.That(StubPlayer.Until(() => npc.IsOpen));
            string[] lines = Done(npc.SuggestAsync(2));
            Assert.That(lines.Length, Is.InRange(1, 2));
            Assert.That(lines, Has.Member("What is behind the door?"));
        }

        [Test]
        public void NPCs_with_the_same_conversation_share_it_and_each_tells_what_it_says()
        {
            DialogueClient client = Client(Rig.ServerUrl);
            DialogueNpc first = Npc(client, "npc7", "together");
            DialogueNpc second = Npc(client, "npc8", "together");
            int opened = 0;
            first.Opened += greeting => opened++;
            DialogueText one = Text(first, out TMP_Text left);
            DialogueText two = Text(second, out TMP_Text right);
            Assert.That(StubPlayer.Until(() => second.IsOpen));
            Assert.That(opened, Is.EqualTo(1), "both joined in one frame");
            Assert.That(second.Conversation, Is.SameAs(first.Conversation));
            Assert.That(second.DisplayName, Is.EqualTo("Npc8"));
            DialogueTurn turn = Done(second.Say("Hello").Completion);
            Assert.That(turn.Npc, Is.EqualTo("npc8"));
            Assert.That(StubPlayer.Until(() => two.IsFinished));
            Assert.That(right.text, Is.EqualTo("Well met, friend."));
            Assert.That(left.text, Is.Empty);
            Assert.That(first.CurrentTurn, Is.Null);
            DialogueTurn reply = Done(first.Advance().Completion);
            Assert.That(reply.Npc, Is.EqualTo("npc7"));
            Assert.That(first.CurrentTurn, Is.SameAs(reply));
            Assert.That(second.CurrentTurn, Is.SameAs(turn));

            UnityEngine.Object.Destroy(first.gameObject);
            StubPlayer.Frame();
            Assert.That(StubPlayer.Until(() => second.IsOpen), "the talk goes on without the one who left");
            Assert.That(second.Conversation.Npcs, Is.EqualTo(new[] { "npc8" }));
            Assert.That(Done(second.Say("Hello").Completion).Npc, Is.EqualTo("npc8"));
            Assert.That(Done(second.HistoryAsync()).Count(line => line.Kind == "npc"), Is.EqualTo(3));
        }

        [Test]
        public void An_NPC_without_an_object_is_told_by_the_one_that_lists_it()
        {
            DialogueClient client = Client(Rig.ServerUrl);
            var home = new GameObject("npc9");
            home.SetActive(false);
            DialogueNpc npc = home.AddComponent<DialogueNpc>();
            npc.NpcId = "npc9";
            npc.Others = new[] { "npc10" };
            npc.Client = client;
            home.SetActive(true);
            DialogueTurn turn = Done(npc.Say("Hello", "npc10").Completion);
            Assert.That(turn.Npc, Is.EqualTo("npc10"));
            Assert.That(npc.CurrentTurn, Is.SameAs(turn));
        }

        [Test]
        public void The_same_NPC_twice_in_one_conversation_is_a_mistake_and_is_told()
        {
            DialogueClient client = Client(Rig.ServerUrl);
            DialogueNpc first = Npc(client, "npc11");
            DialogueNpc second = Npc(client, "npc11");
            Assert.That(second.enabled, Is.False);
            Assert.That(Debug.Lines.Single(), Does.Contain("already an NPC").And.Contain("npc11"));
            Assert.That(StubPlayer.Until(() => first.IsOpen));
        }

        [Test]
        public void A_cue_that_comes_again_after_a_loss_is_not_told_twice()
        {
            var turn = new DialogueTurn("l1");
            var first = new DialogueCue(0, DialogueCue.Mood, "calm");
            var second = new DialogueCue(5, DialogueCue.Action, "give");
            turn.Begin(new TurnMessage(1, "t-1", "c1", "mira", "l1"));
            Assert.That(turn.Add(in first));
            Assert.That(turn.Begin(new TurnMessage(1, "t-1", "c1", "mira", "l1")), "it begins again");
            Assert.That(turn.Add(in first), Is.False);
            Assert.That(turn.Add(in second));
        }

        [Test]
        public void One_text_for_several_NPCs_shortens_nobody_s_memory()
        {
            DialogueClient client = Client(Rig.ServerUrl);
            DialogueNpc first = Npc(client, "npc13");
            DialogueNpc second = Npc(client, "npc14");
            DialogueText text = Text(first, out TMP_Text label);
            DialogueTurn said = Done(first.Say("Hello").Completion);
            Assert.That(StubPlayer.Until(() => text.IsFinished));
            text.Npc = second;
            text.CharactersPerSecond = 1;
            Done(second.Say("Hello").Completion);
            text.Npc = first;
            Done(first.Say("Hello again").Completion);
            Assert.That(said.Text, Is.EqualTo("Well met, friend."));
            Assert.That(Done(first.HistoryAsync()).Count(line => line.Text == "Well met, friend."), Is.EqualTo(2));
        }

        [Test]
        public void A_turn_of_a_lost_session_is_interrupted_only_when_it_begins_again()
        {
            var sent = new List<IClientMessage>();
            var talk = new DialogueConversation("c1", new[] { "mira" }) { SeenProvider = () => 2 };
            talk.Open(new Player("p1"), sent.Add);
            DialogueTurn turn = talk.Say("Hello");
            talk.OnTurn(new TurnMessage(7, "t-1", "c1", "mira", turn.Line));
            talk.OnDelta(turn, "Well met.");
            talk.Lost(); // turn 7 is somebody else's from now on
            sent.Clear();
            talk.Interrupt();
            Assert.That(sent, Is.Empty);
            talk.OnTurn(new TurnMessage(1, "t-1", "c1", "mira", turn.Line));
            Assert.That(((InterruptMessage)sent.Single()).Turn, Is.EqualTo(1));
            talk.OnTurnEnd(turn, new TurnEndMessage(1, EndReason.Interrupted, 2));
            Assert.That(turn.Text, Is.EqualTo("We"));

            DialogueTurn next = talk.Say("Hello again");
            talk.OnTurn(new TurnMessage(2, "t-2", "c1", "mira", next.Line));
            talk.OnDelta(next, "Well met.");
            talk.OnTurnEnd(next, new TurnEndMessage(2, EndReason.Complete, 9));
            talk.Lost();
            sent.Clear();
            talk.Interrupt();
            Assert.That(sent, Is.Empty);
        }

        [Test]
        public void A_turn_that_waits_for_room_on_the_server_says_so_until_it_is_interrupted()
        {
            var router = new ConversationRouter();
            var talk = new DialogueConversation("c1", new[] { "mira" });
            var positions = new List<long>();
            talk.TurnQueued += (turn, position) => positions.Add(position);
            router.Add(talk);
            router.OnTurn(new TurnMessage(3, "t-1", "c1", "mira", "l1"));
            router.OnQueued(new QueuedMessage(3, 2));
            router.OnQueued(new QueuedMessage(3, 1));
            router.OnQueued(new QueuedMessage(4, 9)); // nobody's
            talk.Interrupt();
            router.OnQueued(new QueuedMessage(3, 1));
            Assert.That(positions, Is.EqualTo(new long[] { 2, 1 }));
        }

        [Test]
        public void What_was_not_yet_shown_when_the_player_speaks_was_never_said()
        {
            DialogueNpc npc = Npc(Client(Rig.ServerUrl), "npc12");
            DialogueText text = Text(npc, out TMP_Text label);
            text.CharactersPerSecond = 20;
            DialogueTurn first = npc.Say("Hello");
            Assert.That(StubPlayer.Until(() => first.Ended));
            Assert.That(StubPlayer.Until(() => text.Visible > 2));
            DialogueTurn second = npc.Say("Hello again");
            string seen = first.Text;
            Assert.That(seen.Length, Is.LessThan("Well met, friend.".Length));
            Done(second.Completion);
            SpokenLine[] history = Done(npc.HistoryAsync());
            Assert.That(history.Where(line => line.Kind == "npc").Select(line => line.Text.TrimEnd()).First(), Is.EqualTo(seen.TrimEnd()));
        }

        [Test]
        public void The_list_of_NPCs_is_for_designers()
        {
            DialogueClient client = Client(Rig.ServerUrl, connect: false);
            client.Capabilities = new[] { "designer" };
            client.Connect();
            Assert.That(StubPlayer.Until(() => client.Status == SessionStatus.Online));
            Assert.That(client.Granted, Has.Member("designer"));
            Assert.That(Done(client.NpcsAsync()).Length, Is.EqualTo(50));

            DialogueClient player = Client(Rig.ServerUrl);
            Assert.That(StubPlayer.Until(() => player.Status == SessionStatus.Online));
            Assert.That(player.Granted, Is.Empty);
            var error = Assert.Throws<DialogueException>(() => Done(player.NpcsAsync()));
            Assert.That(error.Code, Is.EqualTo(ErrorCode.Forbidden));
        }
    }
}
