using System;
using System.Linq;
using System.Reflection;
using System.Threading.Tasks;
using NUnit.Framework;
using TMPro;
using UnityEngine;

namespace DialogueServer.Tests
{
    /// <summary>Objects as a scene would hold them, and what a test does with them.</summary>
    internal static class Scene
    {
        public static readonly Assembly Components = typeof(DialogueClient).Assembly;

        /// <summary>Leaves play mode: nothing of it may be left, and nothing may have gone wrong.</summary>
        public static void Leave()
        {
            StubPlayer.Stop();
            Assert.That(DialogueClient.Default == null);
            Assert.That(StubPlayer.All<MonoBehaviour>(), Is.Empty);
            Assert.That(Debug.Lines.Where(line => line.StartsWith("exception")), Is.Empty);
        }

        public static DialogueClient Client(string url, Action<DialogueSettings> change = null, bool connect = true)
        {
            var settings = ScriptableObject.CreateInstance<DialogueSettings>();
            settings.url = url;
            settings.playerId = Guid.NewGuid().ToString("N");
            settings.longestRetry = 0.5f;
            change?.Invoke(settings);
            Assert.That(settings.Problem(), Is.Empty);
            var home = new GameObject("Client");
            home.SetActive(false);
            DialogueClient client = home.AddComponent<DialogueClient>();
            Set(client, "settings", settings);
            Set(client, "connectOnEnable", connect);
            home.SetActive(true);
            return client;
        }

        public static DialogueNpc Npc(DialogueClient client, string id, string conversation = "")
        {
            var home = new GameObject(id);
            home.SetActive(false);
            DialogueNpc npc = home.AddComponent<DialogueNpc>();
            npc.NpcId = id;
            npc.ConversationName = conversation;
            npc.Client = client;
            home.SetActive(true);
            Set(npc, "client", null); // found again by itself, should this one go
            return npc;
        }

        public static DialogueText Text(DialogueNpc npc, out TMP_Text label)
        {
            var home = new GameObject("Text");
            label = home.AddComponent<TMP_Text>();
            DialogueText text = home.AddComponent<DialogueText>();
            text.CharactersPerSecond = 300;
            text.Label = label;
            text.Npc = npc;
            return text;
        }

        public static void Set(object target, string field, object value) =>
            target.GetType().GetField(field, BindingFlags.Instance | BindingFlags.NonPublic).SetValue(target, value);

        public static T Done<T>(Task<T> task)
        {
            Wait(task);
            return task.Result;
        }

        public static void Wait(Task task)
        {
            Assert.That(StubPlayer.Until(() => task.IsCompleted));
            if (task.IsFaulted) throw task.Exception.InnerException;
        }
    }
}
