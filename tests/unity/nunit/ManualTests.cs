using System.Linq;
using NUnit.Framework;
using UnityEngine;
using static DialogueServer.Tests.Scene;

namespace DialogueServer.Tests
{
    /// <summary>
    /// docs/unity.md, followed as far as it goes without an editor: its server, its settings, its
    /// objects and its script, which was taken out of the page.
    /// </summary>
    public sealed class ManualTests
    {
        [SetUp]
        public void EnterPlayMode() => StubPlayer.Start(Components);

        [TearDown]
        public void LeavePlayMode() => Leave();

        [Test]
        public void From_nothing_to_a_talking_NPC()
        {
            DialogueClient client = Client(Rig.Required("TEST_VILLAGE_URL"));
            DialogueNpc npc = Npc(client, "tove");
            DialogueText text = Text(npc, out TMPro.TMP_Text label);
            Tinsmith smith = npc.gameObject.AddComponent<Tinsmith>();
            var animator = npc.gameObject.AddComponent<Animator>();
            Set(smith, "animator", animator);
            Assert.That(StubPlayer.Until(() => text.IsFinished));
            Assert.That(label.text, Does.StartWith("Mind the bench"), "she greets");

            DialogueTurn turn = Done(npc.Say("Can I help you with the lamp?").Completion);
            Assert.That(turn.Text, Does.Contain("glass").IgnoreCase);
            Assert.That(StubPlayer.Until(() => text.IsFinished));
            smith.WhenTheLampIsLit();
            Assert.That(StubPlayer.Until(() => npc.CurrentTurn != turn && npc.CurrentTurn.Ended));
            Assert.That(npc.CurrentTurn.Text, Is.Not.Empty);
            Assert.That(animator.Triggers.All(name => npc.Info.Moods.Contains(name)), string.Join(", ", animator.Triggers));
            Assert.That(Debug.Lines, Is.Empty);
        }

        [Test]
        public void The_ten_lines_of_the_README()
        {
            DialogueNpc npc = Npc(Client(Rig.Required("TEST_VILLAGE_URL")), "wen");
            Set(new GameObject("Greeter").AddComponent<Greeter>(), "npc", npc);
            Assert.That(StubPlayer.Until(() => Debug.Lines.Count > 0));
            Assert.That(Debug.Lines.Single(), Does.StartWith("log: Wen: "));
        }
    }
}
