using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using DialogueServer.Protocol;
using DialogueServer.Transport;
using NUnit.Framework;
using UnityEngine;

namespace DialogueServer.Tests
{
    /// <summary>
    /// The transcripts of protocol/vectors, played by the whole client, from its socket to the
    /// events of its components. What a game is told in each step is in the files, the same for
    /// every engine.
    /// </summary>
    public sealed class TranscriptTests
    {
        [SetUp]
        public void EnterPlayMode() => StubPlayer.Start(typeof(DialogueClient).Assembly);

        [TearDown]
        public void LeavePlayMode() => StubPlayer.Stop();

        [TestCaseSource(typeof(VectorTests), nameof(VectorTests.Transcripts))]
        public void A_game_is_told_what_the_transcript_says(string path)
        {
            var game = new Game();
            int number = 0;
            foreach (object step in (List<object>)((Dictionary<string, object>)Json.Load(path))["steps"])
            {
                var fields = (Dictionary<string, object>)step;
                game.Told.Clear();
                game.Do(fields);
                string expected = Json.Text(fields.TryGetValue("events", out object events) ? events : new List<object>());
                Assert.That(Json.Text(game.Told), Is.EqualTo(expected), "step " + ++number + ", " + fields["step"]);
            }
        }

        /// <summary>A game with two NPCs that does what a transcript says, and notes what it is told.</summary>
        private sealed class Game
        {
            public readonly List<object> Told = new List<object>();
            private readonly FakeSocket _socket = new FakeSocket();
            private readonly DialogueClient _client;
            private readonly List<DialogueNpc> _npcs = new List<DialogueNpc>();
            private DialogueAction _action;
            private int _lines;

            public Game()
            {
                var settings = ScriptableObject.CreateInstance<DialogueSettings>();
                settings.clientName = "vectors";
                settings.locale = "en";
                var home = new GameObject("Client");
                home.SetActive(false);
                _client = home.AddComponent<DialogueClient>();
                _client.Settings = settings;
                _client.Player = new Player("p1", "Ada", "A smith.");
                _client.SetToken(() => "secret");
                _client.CreateTransport = () => _socket;
                _client.StatusChanged += status =>
                {
                    if (status == SessionStatus.Online) Tell("online", _client.Resumed);
                    else if (status == SessionStatus.Waiting) Tell("offline", true);
                    else if (status == SessionStatus.Failed || status == SessionStatus.Offline) Tell("offline", false);
                };
                _client.GoingAway += milliseconds => Tell("going_away", milliseconds);
                home.SetActive(true);
            }

            public void Do(Dictionary<string, object> step)
            {
                switch ((string)step["step"])
                {
                    case "connect":
                        StubPlayer.SkipTime(60); // it tries again, if it waits
                        StubPlayer.Frame();
                        break;
                    case "send":
                        Send((Dictionary<string, object>)step["message"]);
                        break;
                    case "server":
                        if (!step.ContainsKey("lost")) _socket.Arriving.Enqueue(VectorTests.Bytes(step));
                        break;
                    case "disconnect":
                        // Left by the game itself, the transcript's goodbye; else the socket breaks.
                        _socket.BrokenWith = (int)(long)step["code"];
                        break;
                }
                StubPlayer.Frame();
            }

            private void Send(Dictionary<string, object> message)
            {
                DialogueConversation talk = _npcs.Count > 0 ? _npcs[0].Conversation : null;
                var text = message.TryGetValue("text", out object value) ? (string)value : "";
                var npc = message.TryGetValue("npc", out value) ? (string)value : "";
                switch ((string)message["type"])
                {
                    case "open":
                        foreach (object id in (List<object>)message["npcs"]) Join((string)id, (string)message["scene"]);
                        StubPlayer.Frame();
                        break;
                    case "say":
                        if (text.Trim().Length > 0) talk.Say(text, (string)message["to"]);
                        else Assert.Throws<ArgumentException>(() => talk.Say(text), "the client refuses it by itself: {0}", talk.NewLine());
                        break;
                    case "interrupt":
                        talk.SeenProvider = () => (int)(long)message["seen"];
                        talk.Interrupt();
                        break;
                    case "event":
                        talk.SendEvent(text, Reaction.May, npc, (string)message["name"], (Dictionary<string, object>)message["data"]);
                        break;
                    case "script":
                        talk.Script(text, npc);
                        break;
                    case "advance":
                        talk.Advance(npc);
                        break;
                    case "action_result":
                        Assert.That(_action.Waits);
                        _action.Refuse(text);
                        Assert.That(_action.Refuse(text), Is.Null, "it is answered once");
                        break;
                    case "suggest":
                        NoteSuggestions(talk.SuggestAsync((int)(long)message["count"]), "l" + _lines);
                        break;
                    case "state":
                        talk.StateProvider = () => (Dictionary<string, object>)message["snapshot"];
                        talk.SendState();
                        break;
                    case "close":
                        foreach (DialogueNpc each in _npcs) UnityEngine.Object.Destroy(each.gameObject);
                        break;
                    case "ping":
                        break; // the session's own affair
                    default:
                        Assert.Fail("no game sends " + message["type"]);
                        break;
                }
            }

            private void Join(string id, string scene)
            {
                var home = new GameObject(id);
                home.SetActive(false);
                var npc = home.AddComponent<DialogueNpc>();
                npc.NpcId = id;
                npc.ConversationName = "c1";
                npc.SceneName = scene;
                npc.Client = _client;
                npc.Opened += greeting => Tell("opened", id, greeting);
                npc.TurnStarted += turn => Tell("began", id, turn.Id, turn.Line);
                npc.TurnQueued += (turn, position) => Tell("queued", id, position);
                npc.CueReached += cue => Tell(
                    "cue", id, cue.Offset, cue.Kind, cue.Name, new Dictionary<string, object>(cue.Arguments), cue.ActionNumber);
                npc.ActionRequested += action => _action = action;
                npc.TurnEnded += turn => Tell("ended", id, turn.Id, turn.Reason, turn.Text);
                home.SetActive(true);
                npc.Conversation.NewLine = () => "l" + ++_lines;
                if (_npcs.Count == 0)
                {
                    npc.Failed += error => Tell("failed", error.Line, error.Code);
                    npc.Triggered += trigger => Tell(
                        "triggered", trigger.Name, trigger.Stage, new Dictionary<string, object>(trigger.Arguments));
                    npc.Conversation.Noted += turn => Tell("noted", turn.Line);
                }
                _npcs.Add(npc);
            }

            private async void NoteSuggestions(Task<string[]> asked, string line) =>
                Tell("suggested", line, (await asked).Cast<object>().ToList());

            private void Tell(params object[] happened) =>
                Told.Add(happened.Select(value => value is int number ? (long)number : value).ToList());
        }
    }
}
