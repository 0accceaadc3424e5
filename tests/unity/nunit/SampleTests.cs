using System;
using System.Linq;
using DialogueServer.Samples;
using DialogueServer.Transport;
using NUnit.Framework;
using TMPro;
using UnityEngine;
using UnityEngine.EventSystems;
using UnityEngine.UI;
using static DialogueServer.Tests.Scene;

namespace DialogueServer.Tests
{
    /// <summary>The package's samples, each put on an empty GameObject, against the real server.</summary>
    public sealed class SampleTests
    {
        [SetUp]
        public void EnterPlayMode() => StubPlayer.Start(typeof(DialogueClient).Assembly);

        [TearDown]
        public void LeavePlayMode()
        {
            Leave();
            Assert.That(Debug.Lines, Is.Empty);
        }

        [Test]
        public void The_talk_sample_makes_its_own_interface_and_talks_to_every_NPC_of_the_server()
        {
            Sample<TalkSample>();
            Assert.That(EventSystem.current, Is.Not.Null);
            Assert.That(StubPlayer.Until(() => Button("npc7") != null), "the server's list of NPCs");
            InputField input = StubPlayer.All<InputField>().Single();
            input.onEndEdit.Invoke("Hello there!");
            Assert.That(StubPlayer.Until(() => Shows("Well met, friend.")), Screen());
            Button("npc7").onClick.Invoke();
            Assert.That(StubPlayer.Until(() => Shows("Npc7 (calm, ")));
            input.onEndEdit.Invoke("Give me cues.");
            Assert.That(StubPlayer.Until(() => Shows("No. Well, take it, a <b>key</b>")));
            Assert.That(StubPlayer.Until(() => Shows("Npc7: give_item item=key")));
            Assert.That(Shows("Npc7 (cross, "));
        }

        [Test]
        public void The_talk_sample_may_be_left_while_it_asks_for_the_NPCs()
        {
            Sample<TalkSample>();
            Assert.That(StubPlayer.Until(() => StubPlayer.All<DialogueClient>().Single().Status == SessionStatus.Online));
        }

        [Test]
        public void The_TextMeshPro_sample_lets_two_NPCs_talk_to_each_other()
        {
            SpeechBubbleSample sample = Sample<SpeechBubbleSample>(npcs: new[] { "npc1", "npc2" });
            TMP_Text[] bubbles = Array.Empty<TMP_Text>();
            Assert.That(StubPlayer.Until(() =>
            {
                sample.Skip();
                bubbles = StubPlayer.All<TMP_Text>();
                return bubbles.All(bubble => bubble.text.EndsWith("friend."));
            }));
            Assert.That(bubbles.Length, Is.EqualTo(2));
            Assert.That(bubbles.Select(bubble => bubble.text), Is.All.EqualTo("Well met, friend."));
        }

        private static T Sample<T>(string[] npcs = null) where T : MonoBehaviour, new()
        {
            var settings = ScriptableObject.CreateInstance<DialogueSettings>();
            settings.url = Rig.ServerUrl;
            settings.playerId = Guid.NewGuid().ToString("N");
            var home = new GameObject("Sample");
            home.SetActive(false);
            T sample = home.AddComponent<T>();
            Set(sample, "settings", settings);
            if (npcs != null) Set(sample, "npcIds", npcs);
            home.SetActive(true);
            StubPlayer.Frame();
            return sample;
        }

        private static Button Button(string name) =>
            StubPlayer.All<Button>().FirstOrDefault(button => button.gameObject.name == name);

        private static string Screen() => string.Join(" | ", StubPlayer.All<Text>().Select(label => label.text));

        private static bool Shows(string text) => StubPlayer.All<Text>().Any(label => label.text.Contains(text));
    }
}
