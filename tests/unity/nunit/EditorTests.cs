#if UNITY_EDITOR
using System;
using System.Reflection;
using System.Threading;
using NUnit.Framework;
using UnityEditor;
using UnityEngine;
using static DialogueServer.Tests.Scene;

namespace DialogueServer.Tests
{
    /// <summary>
    /// The window and the inspectors, drawn by stand-ins: what they would show, and what their
    /// buttons do, against the real server and outside of play mode.
    /// </summary>
    public sealed class EditorTests
    {
        private static readonly Assembly Editors = Assembly.Load("DialogueServer.Unity.Editor");

        [SetUp]
        public void StartTheEditor()
        {
            StubPlayer.Start(Components);
            EditorApplication.isPlaying = false;
            EditorGUILayout.Fields.Clear();
        }

        [TearDown]
        public void QuitTheEditor()
        {
            EditorApplication.isPlaying = false;
            Leave();
            Assert.That(EditorApplication.update, Is.Null, "a session is still driven");
        }

        [Test]
        public void The_window_tries_a_line_and_lists_what_the_server_has()
        {
            object window = New("DialogueWindow");
            Assert.That(Draw(window), Does.Contain("Choose settings"));
            EditorGUILayout.Fields["Settings"] = Settings(Rig.ServerUrl);
            Assert.That(Draw(window), Does.Contain("There is no Dialogue NPC in the open scenes."));
            EditorGUILayout.Fields["NPC"] = "npc7";
            EditorGUILayout.Fields["Line"] = "Give me cues.";
            Draw(window, "Say");
            Assert.That(Until(() => Draw(window).Contains("34: action give_item")), Draw(window));
            Assert.That(Draw(window), Does.Contain("Connected to ws:").And.Contain("[Try npc49]").And.Contain("No. Well, take it"));
            Call(window, "OnDisable");
        }

        [Test]
        public void The_window_says_what_is_wrong_with_the_NPCs_of_the_scene()
        {
            DialogueClient client = Client(Rig.ServerUrl, connect: false);
            Npc(client, "npc1");
            Npc(client, "nobody");
            object window = New("DialogueWindow");
            EditorGUILayout.Fields["Settings"] = Settings(Rig.ServerUrl);
            Draw(window, "Ask the server for its NPCs");
            Assert.That(Until(() => Draw(window).Contains("The server has no NPC \"nobody\"")), Draw(window));
            Assert.That(Draw(window), Does.Not.Contain("The server has no NPC \"npc1\""));
            Call(window, "OnDisable");
        }

        [Test]
        public void The_window_does_not_overlook_NPCs_of_which_every_one_is_wrong()
        {
            Npc(Client(Rig.ServerUrl, connect: false), "npc1", new string('c', 65));
            object window = New("DialogueWindow");
            EditorGUILayout.Fields["Settings"] = Settings(Rig.ServerUrl);
            Assert.That(Draw(window), Does.Contain("more than 64").And.Not.Contain("There is no Dialogue NPC"));
            Call(window, "OnDisable");
        }

        [Test]
        public void The_window_says_why_a_server_refuses()
        {
            object window = New("DialogueWindow");
            EditorGUILayout.Fields["Settings"] = Settings(Rig.GuardedUrl);
            EditorGUILayout.Fields["Token"] = "wrong";
            EditorGUILayout.Fields["NPC"] = "mira";
            Draw(window, "Say");
            Assert.That(Until(() => Draw(window).Contains("Failed: ")), Draw(window));
            Assert.That(Draw(window), Does.Contain("ticket").And.Contain("4201"));
            Call(window, "OnDisable");
        }

        [Test]
        public void The_client_s_inspector_tests_the_connection_and_shows_the_status_in_play_mode()
        {
            DialogueClient client = Client(Rig.ServerUrl, connect: false);
            object inspector = New("DialogueClientEditor");
            ((UnityEditor.Editor)inspector).target = client;
            Draw(inspector, "Test the connection");
            Assert.That(Until(() => Draw(inspector).Contains("Info: Connected to ws:")), Draw(inspector));
            Call(inspector, "OnDisable");

            EditorApplication.isPlaying = true;
            Assert.That(Draw(inspector), Does.Contain("Info: Offline"));
            client.Connect();
            Assert.That(Until(() => Draw(inspector).Contains("Info: Online")), Draw(inspector));
            client.Settings.url = "http://nonsense";
            Assert.That(Draw(inspector), Does.Contain("Error: The URL must be like"));
            client.Settings = null;
            Assert.That(Draw(inspector), Does.Contain("Warning: Create settings"));
        }

        [Test]
        public void The_NPC_s_inspector_says_a_line_and_shows_the_answer()
        {
            DialogueNpc npc = Npc(Client(Rig.ServerUrl), "npc1");
            object inspector = New("DialogueNpcEditor");
            ((UnityEditor.Editor)inspector).target = npc;
            Assert.That(Draw(inspector), Is.Empty);
            EditorApplication.isPlaying = true;
            Assert.That(Draw(inspector), Does.Contain("not open yet"));
            Assert.That(StubPlayer.Until(() => npc.IsOpen));
            EditorGUILayout.Fields["Line"] = "Hello";
            Draw(inspector, "Say");
            Assert.That(Until(() => Draw(inspector).Contains("Well met, friend.\n\ncomplete")), Draw(inspector));
            Assert.That(Draw(inspector), Does.Contain("Npc1, calm"));
        }

        private static DialogueSettings Settings(string url)
        {
            var settings = ScriptableObject.CreateInstance<DialogueSettings>();
            settings.url = url;
            return settings;
        }

        private static object New(string type) =>
            Activator.CreateInstance(Editors.GetType("DialogueServer.Editor." + type, true));

        /// <summary>Everything that is shown, a line each.</summary>
        private static string Draw(object drawn, string press = "")
        {
            EditorGUILayout.Shown.Clear();
            GUILayout.Pressed = press;
            Call(drawn, drawn is EditorWindow ? "OnGUI" : "OnInspectorGUI");
            return string.Join("\n", EditorGUILayout.Shown);
        }

        private static void Call(object target, string method) => target.GetType()
            .GetMethod(method, BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public).Invoke(target, null);

        private static bool Until(Func<bool> condition)
        {
            for (int count = 0; count < 2000 && !condition(); count++)
            {
                EditorApplication.update?.Invoke();
                StubPlayer.Frame();
                Thread.Sleep(2);
            }
            return condition();
        }
    }
}
#endif
