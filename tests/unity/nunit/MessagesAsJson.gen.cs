// Generated from protocol/dialogue_protocol/messages.py by `python -m dialogue_protocol.codegen`.
// Do not edit: change that file, run the command and commit both.

using System;
using System.Collections.Generic;
using System.Linq;
using DialogueServer.Protocol;

namespace DialogueServer.Tests
{
    /// <summary>Client messages out of the vectors' complete JSON.</summary>
    public static class ClientMessagesFromJson
    {
        public static IClientMessage Read(Dictionary<string, object> json)
        {
            switch ((string)json["type"])
            {
                case "hello": return new HelloMessage((long)json["version"], (string)json["client"], (string)json["token"], (string)json["locale"], ((List<object>)json["capabilities"]).Cast<string>().ToArray(), json["resume"] == null ? null : ResumeFrom((Dictionary<string, object>)json["resume"]));
                case "ack": return new AckMessage((long)json["seq"]);
                case "ping": return new PingMessage((long)json["nonce"]);
                case "open": return new OpenMessage((string)json["conversation"], ((List<object>)json["npcs"]).Cast<string>().ToArray(), PlayerFrom((Dictionary<string, object>)json["player"]), (string)json["scene"], (string)json["locale"], (string)json["checkpoint"], (string)json["model"]);
                case "state": return new StateMessage((string)json["conversation"], (long)json["revision"], json["snapshot"] == null ? null : (Dictionary<string, object>)json["snapshot"], json["patch"] == null ? null : (Dictionary<string, object>)json["patch"]);
                case "say": return new SayMessage((string)json["conversation"], (string)json["line"], (string)json["text"], (string)json["to"], (string)json["locale"]);
                case "interrupt": return new InterruptMessage((long)json["turn"], (long)json["seen"]);
                case "close": return new CloseMessage((string)json["conversation"]);
                case "regenerate": return new RegenerateMessage((string)json["conversation"], (string)json["id"], (string)json["line"]);
                case "save": return new SaveMessage((string)json["conversation"]);
                case "load": return new LoadMessage((string)json["conversation"], (string)json["checkpoint"]);
                case "history": return new HistoryMessage((string)json["conversation"], (long)json["last"], (string)json["until"]);
                case "event": return new EventMessage((string)json["conversation"], (string)json["line"], (string)json["text"], (string)json["react"], (string)json["npc"], (string)json["name"], (Dictionary<string, object>)json["data"]);
                case "script": return new ScriptMessage((string)json["conversation"], (string)json["line"], (string)json["text"], (string)json["npc"]);
                case "advance": return new AdvanceMessage((string)json["conversation"], (string)json["line"], (string)json["npc"], (string)json["locale"]);
                case "action_result": return new ActionResultMessage((string)json["conversation"], (string)json["line"], (string)json["id"], (long)json["action"], (bool)json["accepted"], (string)json["text"], (string)json["react"], (Dictionary<string, object>)json["data"]);
                case "suggest": return new SuggestMessage((string)json["conversation"], (string)json["line"], (long)json["count"], (string)json["locale"]);
                case "inspect": return new InspectMessage((string)json["conversation"], (long)json["turn"], (string)json["npc"], (string)json["text"]);
                case "npcs": return new NpcsMessage((string)json["locale"]);
                case "content": return new ContentMessage((bool)json["watch"]);
                case "source": return new SourceMessage((string)json["file"], (string)json["key"]);
                case "recordings": return new RecordingsMessage((long)json["last"]);
                case "read_recording": return new ReadRecordingMessage((string)json["name"], (long)json["offset"]);
                case "rerun": return new RerunMessage((string)json["name"], (bool)json["ask"], (string)json["model"]);
                default: throw new ArgumentException("no client message is called " + json["type"]);
            }
        }

        private static Resume ResumeFrom(Dictionary<string, object> json)
        {
            return new Resume((string)json["session"], (string)json["epoch"], (long)json["seq"]);
        }

        private static Player PlayerFrom(Dictionary<string, object> json)
        {
            return new Player((string)json["id"], (string)json["name"], (string)json["persona"]);
        }

        private static Limits LimitsFrom(Dictionary<string, object> json)
        {
            return new Limits((long)json["message_bytes"], (long)json["line_chars"], (long)json["state_bytes"], (long)json["state_depth"], (long)json["conversations"]);
        }

        private static NpcInfo NpcInfoFrom(Dictionary<string, object> json)
        {
            return new NpcInfo((string)json["id"], (string)json["name"], (string)json["mood"], ((List<object>)json["moods"]).Cast<string>().ToArray(), ((List<object>)json["actions"]).Cast<string>().ToArray(), (long)json["intensity"]);
        }

        private static SpokenLine SpokenLineFrom(Dictionary<string, object> json)
        {
            return new SpokenLine((string)json["id"], (string)json["kind"], (string)json["speaker"], (string)json["text"], (string)json["line"], (string)json["reason"], (string)json["mood"], (long)json["intensity"]);
        }

        private static PromptMessage PromptMessageFrom(Dictionary<string, object> json)
        {
            return new PromptMessage((string)json["role"], (string)json["content"], (string)json["name"]);
        }

        private static PromptPart PromptPartFrom(Dictionary<string, object> json)
        {
            return new PromptPart((string)json["source"], (string)json["text"], (long)json["tokens"], (string)json["why"]);
        }

        private static ContentProblem ContentProblemFrom(Dictionary<string, object> json)
        {
            return new ContentProblem((string)json["file"], (string)json["problem"], (long)json["line"], (string)json["place"], (string)json["severity"]);
        }

        private static RecordingInfo RecordingInfoFrom(Dictionary<string, object> json)
        {
            return new RecordingInfo((string)json["name"], (long)json["size"]);
        }

        private static ChangedAnswer ChangedAnswerFrom(Dictionary<string, object> json)
        {
            return new ChangedAnswer((long)json["place"], (string)json["npc"], (string)json["asked"], ((List<object>)json["what"]).Cast<string>().ToArray(), (string)json["before"], (string)json["now"], ((List<object>)json["sources"]).Cast<string>().ToArray(), ((List<object>)json["prompt"]).Cast<string>().ToArray());
        }
    }

    /// <summary>Keeps the last server message as the vectors' complete JSON.</summary>
    public sealed class ServerMessagesAsJson : IServerMessageHandler
    {
        public Dictionary<string, object> Last;

        public void OnWelcome(in WelcomeMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "welcome", ["session"] = message.Session, ["epoch"] = message.Epoch, ["seq"] = message.Seq, ["limits"] = Json(message.Limits), ["server"] = message.Server, ["version"] = message.Version, ["capabilities"] = message.Capabilities.Cast<object>().ToList(), ["resumed"] = message.Resumed, ["received"] = message.Received };

        public void OnPong(in PongMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "pong", ["nonce"] = message.Nonce };

        public void OnGoAway(in GoAwayMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "go_away", ["reconnect_ms"] = message.ReconnectMs, ["detail"] = message.Detail };

        public void OnOpened(in OpenedMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "opened", ["conversation"] = message.Conversation, ["npcs"] = message.Npcs.Select(i => (object)Json(i)).ToList(), ["greeting"] = message.Greeting, ["history"] = message.History, ["revision"] = message.Revision };

        public void OnStateOk(in StateOkMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "state_ok", ["conversation"] = message.Conversation, ["revision"] = message.Revision };

        public void OnTurn(in TurnMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "turn", ["turn"] = message.Turn, ["id"] = message.Id, ["conversation"] = message.Conversation, ["npc"] = message.Npc, ["line"] = message.Line };

        public void OnDelta(in DeltaMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "delta", ["turn"] = message.Turn, ["text"] = message.Text };

        public void OnCue(in CueMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "cue", ["turn"] = message.Turn, ["offset"] = message.Offset, ["kind"] = message.Kind, ["name"] = message.Name, ["args"] = message.Args, ["action"] = message.Action };

        public void OnTurnEnd(in TurnEndMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "turn_end", ["turn"] = message.Turn, ["reason"] = message.Reason, ["length"] = message.Length, ["first_token_ms"] = message.FirstTokenMs, ["total_ms"] = message.TotalMs, ["input_tokens"] = message.InputTokens, ["output_tokens"] = message.OutputTokens, ["cached_tokens"] = message.CachedTokens, ["code"] = message.Code, ["detail"] = message.Detail };

        public void OnError(in ErrorMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "error", ["code"] = message.Code, ["detail"] = message.Detail, ["conversation"] = message.Conversation, ["line"] = message.Line, ["turn"] = message.Turn, ["retryable"] = message.Retryable, ["retry_after_ms"] = message.RetryAfterMs };

        public void OnClosed(in ClosedMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "closed", ["conversation"] = message.Conversation };

        public void OnSaved(in SavedMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "saved", ["conversation"] = message.Conversation, ["checkpoint"] = message.Checkpoint };

        public void OnTranscript(in TranscriptMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "transcript", ["conversation"] = message.Conversation, ["lines"] = message.Lines.Select(i => (object)Json(i)).ToList() };

        public void OnNoted(in NotedMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "noted", ["conversation"] = message.Conversation, ["line"] = message.Line };

        public void OnTrigger(in TriggerMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "trigger", ["conversation"] = message.Conversation, ["name"] = message.Name, ["stage"] = message.Stage, ["args"] = message.Args };

        public void OnSuggestions(in SuggestionsMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "suggestions", ["conversation"] = message.Conversation, ["line"] = message.Line, ["texts"] = message.Texts.Cast<object>().ToList() };

        public void OnInspected(in InspectedMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "inspected", ["conversation"] = message.Conversation, ["turn"] = message.Turn, ["npc"] = message.Npc, ["layout"] = message.Layout, ["tokens"] = message.Tokens, ["budget"] = message.Budget, ["messages"] = message.Messages.Select(i => (object)Json(i)).ToList(), ["parts"] = message.Parts.Select(i => (object)Json(i)).ToList(), ["dropped"] = message.Dropped.Select(i => (object)Json(i)).ToList(), ["timings"] = message.Timings };

        public void OnNpcList(in NpcListMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "npc_list", ["npcs"] = message.Npcs.Select(i => (object)Json(i)).ToList() };

        public void OnContentInfo(in ContentInfoMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "content_info", ["revision"] = message.Revision, ["world"] = message.World, ["npcs"] = message.Npcs.Select(i => (object)Json(i)).ToList(), ["scenes"] = message.Scenes.Cast<object>().ToList(), ["models"] = message.Models.Cast<object>().ToList(), ["state"] = message.State, ["hints"] = message.Hints, ["problems"] = message.Problems.Select(i => (object)Json(i)).ToList() };

        public void OnSourceText(in SourceTextMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "source_text", ["file"] = message.File, ["text"] = message.Text, ["line"] = message.Line };

        public void OnQueued(in QueuedMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "queued", ["turn"] = message.Turn, ["position"] = message.Position };

        public void OnRecordingList(in RecordingListMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "recording_list", ["recording"] = message.Recording, ["files"] = message.Files.Select(i => (object)Json(i)).ToList() };

        public void OnRecordingText(in RecordingTextMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "recording_text", ["name"] = message.Name, ["offset"] = message.Offset, ["text"] = message.Text, ["next"] = message.Next };

        public void OnRerunReport(in RerunReportMessage message) =>
            Last = new Dictionary<string, object> { ["type"] = "rerun_report", ["name"] = message.Name, ["answers"] = message.Answers, ["changed"] = message.Changed, ["first"] = message.First.Select(i => (object)Json(i)).ToList(), ["notes"] = message.Notes.Cast<object>().ToList() };

        private static Dictionary<string, object> Json(Resume message) =>
            new Dictionary<string, object> { ["session"] = message.Session, ["epoch"] = message.Epoch, ["seq"] = message.Seq };

        private static Dictionary<string, object> Json(Player message) =>
            new Dictionary<string, object> { ["id"] = message.Id, ["name"] = message.Name, ["persona"] = message.Persona };

        private static Dictionary<string, object> Json(Limits message) =>
            new Dictionary<string, object> { ["message_bytes"] = message.MessageBytes, ["line_chars"] = message.LineChars, ["state_bytes"] = message.StateBytes, ["state_depth"] = message.StateDepth, ["conversations"] = message.Conversations };

        private static Dictionary<string, object> Json(NpcInfo message) =>
            new Dictionary<string, object> { ["id"] = message.Id, ["name"] = message.Name, ["mood"] = message.Mood, ["moods"] = message.Moods.Cast<object>().ToList(), ["actions"] = message.Actions.Cast<object>().ToList(), ["intensity"] = message.Intensity };

        private static Dictionary<string, object> Json(SpokenLine message) =>
            new Dictionary<string, object> { ["id"] = message.Id, ["kind"] = message.Kind, ["speaker"] = message.Speaker, ["text"] = message.Text, ["line"] = message.Line, ["reason"] = message.Reason, ["mood"] = message.Mood, ["intensity"] = message.Intensity };

        private static Dictionary<string, object> Json(PromptMessage message) =>
            new Dictionary<string, object> { ["role"] = message.Role, ["content"] = message.Content, ["name"] = message.Name };

        private static Dictionary<string, object> Json(PromptPart message) =>
            new Dictionary<string, object> { ["source"] = message.Source, ["text"] = message.Text, ["tokens"] = message.Tokens, ["why"] = message.Why };

        private static Dictionary<string, object> Json(ContentProblem message) =>
            new Dictionary<string, object> { ["file"] = message.File, ["problem"] = message.Problem, ["line"] = message.Line, ["place"] = message.Place, ["severity"] = message.Severity };

        private static Dictionary<string, object> Json(RecordingInfo message) =>
            new Dictionary<string, object> { ["name"] = message.Name, ["size"] = message.Size };

        private static Dictionary<string, object> Json(ChangedAnswer message) =>
            new Dictionary<string, object> { ["place"] = message.Place, ["npc"] = message.Npc, ["asked"] = message.Asked, ["what"] = message.What.Cast<object>().ToList(), ["before"] = message.Before, ["now"] = message.Now, ["sources"] = message.Sources.Cast<object>().ToList(), ["prompt"] = message.Prompt.Cast<object>().ToList() };
    }
}
