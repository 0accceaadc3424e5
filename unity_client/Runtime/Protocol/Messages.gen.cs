// Generated from protocol/dialogue_protocol/messages.py by `python -m dialogue_protocol.codegen`.
// Do not edit: change that file, run the command and commit both.

using System;
using System.Collections.Generic;

namespace DialogueServer.Protocol
{
    /// <summary>What both ends agree on.</summary>
    public static class ProtocolInfo
    {
        public const int Version = 1;
        public const string Subprotocol = "dialogue.v1.msgpack";

        /// <summary>Messages of this type and up have sequence numbers; both ends count.</summary>
        public const int FirstSequencedType = 16;
    }

    /// <summary>The <c>code</c> of an <c>error</c> message, or of a <c>turn_end</c> that fell back (spec.md, "Errors").</summary>
    public static class ErrorCode
    {
        public const string BadMessage = "bad_message";
        public const string TooLarge = "too_large";
        public const string UnknownNpc = "unknown_npc";
        public const string UnknownConversation = "unknown_conversation";
        public const string UnknownTurn = "unknown_turn";
        public const string UnknownCheckpoint = "unknown_checkpoint";
        public const string UnknownAction = "unknown_action";
        public const string EmptyLine = "empty_line";
        public const string LineTooLong = "line_too_long";
        public const string StateInvalid = "state_invalid";
        public const string StateTooLarge = "state_too_large";
        public const string StateConflict = "state_conflict";
        public const string Busy = "busy";
        public const string TooManyConversations = "too_many_conversations";
        public const string TooManySessions = "too_many_sessions";
        public const string RateLimited = "rate_limited";
        public const string Unauthorized = "unauthorized";
        public const string Forbidden = "forbidden";
        public const string ModelUnreachable = "model_unreachable";
        public const string ModelTimeout = "model_timeout";
        public const string ModelRateLimited = "model_rate_limited";
        public const string ModelUnauthorized = "model_unauthorized";
        public const string ModelNoCredit = "model_no_credit";
        public const string ModelRefused = "model_refused";
        public const string ModelBadRequest = "model_bad_request";
        public const string ModelContextOverflow = "model_context_overflow";
        public const string ModelEmpty = "model_empty";
        public const string ModelFailed = "model_failed";
        public const string Guarded = "guarded";
        public const string BudgetExhausted = "budget_exhausted";
        public const string ContentInvalid = "content_invalid";
        public const string SettingsInvalid = "settings_invalid";
        public const string StoreFailed = "store_failed";
        public const string ShuttingDown = "shutting_down";
        public const string Internal = "internal";
    }

    /// <summary>Why a turn ended: the <c>reason</c> of <c>turn_end</c> (spec.md, "A turn").</summary>
    public static class EndReason
    {
        public const string Complete = "complete";
        public const string Length = "length";
        public const string Interrupted = "interrupted";
        public const string Truncated = "truncated";
        public const string Filtered = "filtered";
        public const string Fallback = "fallback";
        public const string Failed = "failed";
    }

    /// <summary>WebSocket close codes of this protocol; standard codes keep their meaning (RFC 6455, 7.4).
    ///
    /// 4000-4099: reconnect and resume. 4100-4199: reconnect with a fresh hello.
    /// 4200-4299: do not reconnect; a person has to change something.</summary>
    public static class CloseCode
    {
        public const int GoingAway = 4000;
        public const int SlowReader = 4001;
        public const int HandshakeTimeout = 4100;
        public const int SessionLimit = 4101;
        public const int Flooding = 4102;
        public const int ProtocolError = 4200;
        public const int Unauthorized = 4201;
        public const int UnsupportedVersion = 4202;
        public const int Replaced = 4203;
    }

    /// <summary>What a client does after a close code.</summary>
    public enum ClosePolicy
    {
        Resume,
        Reconnect,
        Stop,
    }

    /// <summary>What a client does after any WebSocket close code, known or not.</summary>
    public static class ClosePolicies
    {
        public static ClosePolicy For(int code)
        {
            if (code <= 1000) return ClosePolicy.Stop;
            if (code <= 1001) return ClosePolicy.Resume;
            if (code <= 1003) return ClosePolicy.Stop;
            if (code <= 1006) return ClosePolicy.Resume;
            if (code <= 1007) return ClosePolicy.Stop;
            if (code <= 1008) return ClosePolicy.Resume;
            if (code <= 1010) return ClosePolicy.Stop;
            if (code <= 4099) return ClosePolicy.Resume;
            if (code <= 4199) return ClosePolicy.Reconnect;
            if (code <= 4299) return ClosePolicy.Stop;
            if (code <= 4999) return ClosePolicy.Resume;
            return ClosePolicy.Stop;
        }
    }

    /// <summary>Where a client wants to go on: the session, its epoch, the last sequence number it has.</summary>
    [Serializable]
    public sealed class Resume
    {
        public string Session;
        public string Epoch;
        public long Seq;

        public Resume(string session, string epoch, long seq)
        {
            Session = session;
            Epoch = epoch;
            Seq = seq;
        }

        internal static Resume Read(ref MsgpackReader reader)
        {
            string session = default;
            string epoch = default;
            long seq = default;
            bool seenSession = false;
            bool seenEpoch = false;
            bool seenSeq = false;
            int count = reader.ReadMapHeader("Resume");
            for (int index = 0; index < count; index++)
            {
                switch (reader.ReadString("Resume"))
                {
                    case "session": session = reader.ReadString("Resume.session"); seenSession = true; break;
                    case "epoch": epoch = reader.ReadString("Resume.epoch"); seenEpoch = true; break;
                    case "seq": seq = reader.ReadCount("Resume.seq"); seenSeq = true; break;
                    default: reader.Skip(); break;
                }
            }
            if (!seenSession) throw reader.Missing("Resume.session");
            if (!seenEpoch) throw reader.Missing("Resume.epoch");
            if (!seenSeq) throw reader.Missing("Resume.seq");
            return new Resume(session, epoch, seq);
        }

        internal void Write(MsgpackWriter writer)
        {
            writer.WriteMapHeader(3);
            writer.WriteString("session");
            writer.WriteString(Session);
            writer.WriteString("epoch");
            writer.WriteString(Epoch);
            writer.WriteString("seq");
            writer.WriteInteger(Seq);
        }
    }

    /// <summary>The person who speaks. <c>persona</c> is a sentence or two on who they are in the game.</summary>
    [Serializable]
    public sealed class Player
    {
        public string Id;
        public string Name;
        public string Persona;

        public Player(string id, string name = "Traveller", string persona = "")
        {
            Id = id;
            Name = name;
            Persona = persona;
        }

        internal static Player Read(ref MsgpackReader reader)
        {
            string id = default;
            string name = "Traveller";
            string persona = "";
            bool seenId = false;
            int count = reader.ReadMapHeader("Player");
            for (int index = 0; index < count; index++)
            {
                switch (reader.ReadString("Player"))
                {
                    case "id": id = reader.ReadString("Player.id"); seenId = true; break;
                    case "name": name = reader.ReadString("Player.name"); break;
                    case "persona": persona = reader.ReadString("Player.persona"); break;
                    default: reader.Skip(); break;
                }
            }
            if (!seenId) throw reader.Missing("Player.id");
            return new Player(id, name, persona);
        }

        internal void Write(MsgpackWriter writer)
        {
            writer.WriteMapHeader(3);
            writer.WriteString("id");
            writer.WriteString(Id);
            writer.WriteString("name");
            writer.WriteString(Name);
            writer.WriteString("persona");
            writer.WriteString(Persona);
        }
    }

    /// <summary>What the server accepts, so that a client can refuse early. Sizes in bytes unless said.</summary>
    [Serializable]
    public sealed class Limits
    {
        public long MessageBytes;
        public long LineChars;
        public long StateBytes;
        public long StateDepth;
        public long Conversations;

        public Limits(long messageBytes, long lineChars, long stateBytes, long stateDepth, long conversations)
        {
            MessageBytes = messageBytes;
            LineChars = lineChars;
            StateBytes = stateBytes;
            StateDepth = stateDepth;
            Conversations = conversations;
        }

        internal static Limits Read(ref MsgpackReader reader)
        {
            long messageBytes = default;
            long lineChars = default;
            long stateBytes = default;
            long stateDepth = default;
            long conversations = default;
            bool seenMessageBytes = false;
            bool seenLineChars = false;
            bool seenStateBytes = false;
            bool seenStateDepth = false;
            bool seenConversations = false;
            int count = reader.ReadMapHeader("Limits");
            for (int index = 0; index < count; index++)
            {
                switch (reader.ReadString("Limits"))
                {
                    case "message_bytes": messageBytes = reader.ReadCount("Limits.message_bytes"); seenMessageBytes = true; break;
                    case "line_chars": lineChars = reader.ReadCount("Limits.line_chars"); seenLineChars = true; break;
                    case "state_bytes": stateBytes = reader.ReadCount("Limits.state_bytes"); seenStateBytes = true; break;
                    case "state_depth": stateDepth = reader.ReadCount("Limits.state_depth"); seenStateDepth = true; break;
                    case "conversations": conversations = reader.ReadCount("Limits.conversations"); seenConversations = true; break;
                    default: reader.Skip(); break;
                }
            }
            if (!seenMessageBytes) throw reader.Missing("Limits.message_bytes");
            if (!seenLineChars) throw reader.Missing("Limits.line_chars");
            if (!seenStateBytes) throw reader.Missing("Limits.state_bytes");
            if (!seenStateDepth) throw reader.Missing("Limits.state_depth");
            if (!seenConversations) throw reader.Missing("Limits.conversations");
            return new Limits(messageBytes, lineChars, stateBytes, stateDepth, conversations);
        }

        internal void Write(MsgpackWriter writer)
        {
            writer.WriteMapHeader(5);
            writer.WriteString("message_bytes");
            writer.WriteInteger(MessageBytes);
            writer.WriteString("line_chars");
            writer.WriteInteger(LineChars);
            writer.WriteString("state_bytes");
            writer.WriteInteger(StateBytes);
            writer.WriteString("state_depth");
            writer.WriteInteger(StateDepth);
            writer.WriteString("conversations");
            writer.WriteInteger(Conversations);
        }
    }

    /// <summary>What a game may show of an NPC before it speaks.</summary>
    [Serializable]
    public sealed class NpcInfo
    {
        public string Id;
        public string Name;
        public string Mood;
        public string[] Moods;
        public string[] Actions;
        public long Intensity;

        public NpcInfo(string id, string name, string mood = "", string[] moods = null, string[] actions = null, long intensity = 0)
        {
            Id = id;
            Name = name;
            Mood = mood;
            Moods = moods ?? Array.Empty<string>();
            Actions = actions ?? Array.Empty<string>();
            Intensity = intensity;
        }

        internal static NpcInfo Read(ref MsgpackReader reader)
        {
            string id = default;
            string name = default;
            string mood = "";
            string[] moods = Array.Empty<string>();
            string[] actions = Array.Empty<string>();
            long intensity = 0;
            bool seenId = false;
            bool seenName = false;
            int count = reader.ReadMapHeader("NpcInfo");
            for (int index = 0; index < count; index++)
            {
                switch (reader.ReadString("NpcInfo"))
                {
                    case "id": id = reader.ReadString("NpcInfo.id"); seenId = true; break;
                    case "name": name = reader.ReadString("NpcInfo.name"); seenName = true; break;
                    case "mood": mood = reader.ReadString("NpcInfo.mood"); break;
                    case "moods": moods = reader.ReadStrings("NpcInfo.moods"); break;
                    case "actions": actions = reader.ReadStrings("NpcInfo.actions"); break;
                    case "intensity": intensity = reader.ReadCount("NpcInfo.intensity"); break;
                    default: reader.Skip(); break;
                }
            }
            if (!seenId) throw reader.Missing("NpcInfo.id");
            if (!seenName) throw reader.Missing("NpcInfo.name");
            return new NpcInfo(id, name, mood, moods, actions, intensity);
        }

        internal void Write(MsgpackWriter writer)
        {
            writer.WriteMapHeader(6);
            writer.WriteString("id");
            writer.WriteString(Id);
            writer.WriteString("name");
            writer.WriteString(Name);
            writer.WriteString("mood");
            writer.WriteString(Mood);
            writer.WriteString("moods");
            writer.WriteStrings(Moods);
            writer.WriteString("actions");
            writer.WriteStrings(Actions);
            writer.WriteString("intensity");
            writer.WriteInteger(Intensity);
        }
    }

    /// <summary>One line of a transcript. <c>kind</c> is player, npc or event; <c>id</c> is a turn's stored id (kind
    /// npc); <c>line</c> the client's id that it answers or has; <c>reason</c> how the turn ended; <c>mood</c> the
    /// last one of the turn, and <c>intensity</c> its strength, 0 to 100.</summary>
    [Serializable]
    public sealed class SpokenLine
    {
        public string Id;
        public string Kind;
        public string Speaker;
        public string Text;
        public string Line;
        public string Reason;
        public string Mood;
        public long Intensity;

        public SpokenLine(string id, string kind, string speaker, string text, string line = "", string reason = "", string mood = "", long intensity = 0)
        {
            Id = id;
            Kind = kind;
            Speaker = speaker;
            Text = text;
            Line = line;
            Reason = reason;
            Mood = mood;
            Intensity = intensity;
        }

        internal static SpokenLine Read(ref MsgpackReader reader)
        {
            string id = default;
            string kind = default;
            string speaker = default;
            string text = default;
            string line = "";
            string reason = "";
            string mood = "";
            long intensity = 0;
            bool seenId = false;
            bool seenKind = false;
            bool seenSpeaker = false;
            bool seenText = false;
            int count = reader.ReadMapHeader("SpokenLine");
            for (int index = 0; index < count; index++)
            {
                switch (reader.ReadString("SpokenLine"))
                {
                    case "id": id = reader.ReadString("SpokenLine.id"); seenId = true; break;
                    case "kind": kind = reader.ReadString("SpokenLine.kind"); seenKind = true; break;
                    case "speaker": speaker = reader.ReadString("SpokenLine.speaker"); seenSpeaker = true; break;
                    case "text": text = reader.ReadString("SpokenLine.text"); seenText = true; break;
                    case "line": line = reader.ReadString("SpokenLine.line"); break;
                    case "reason": reason = reader.ReadString("SpokenLine.reason"); break;
                    case "mood": mood = reader.ReadString("SpokenLine.mood"); break;
                    case "intensity": intensity = reader.ReadCount("SpokenLine.intensity"); break;
                    default: reader.Skip(); break;
                }
            }
            if (!seenId) throw reader.Missing("SpokenLine.id");
            if (!seenKind) throw reader.Missing("SpokenLine.kind");
            if (!seenSpeaker) throw reader.Missing("SpokenLine.speaker");
            if (!seenText) throw reader.Missing("SpokenLine.text");
            return new SpokenLine(id, kind, speaker, text, line, reason, mood, intensity);
        }

        internal void Write(MsgpackWriter writer)
        {
            writer.WriteMapHeader(8);
            writer.WriteString("id");
            writer.WriteString(Id);
            writer.WriteString("kind");
            writer.WriteString(Kind);
            writer.WriteString("speaker");
            writer.WriteString(Speaker);
            writer.WriteString("text");
            writer.WriteString(Text);
            writer.WriteString("line");
            writer.WriteString(Line);
            writer.WriteString("reason");
            writer.WriteString(Reason);
            writer.WriteString("mood");
            writer.WriteString(Mood);
            writer.WriteString("intensity");
            writer.WriteInteger(Intensity);
        }
    }

    /// <summary>One message of a prompt, as the model gets it.</summary>
    [Serializable]
    public sealed class PromptMessage
    {
        public string Role;
        public string Content;
        public string Name;

        public PromptMessage(string role, string content, string name = "")
        {
            Role = role;
            Content = content;
            Name = name;
        }

        internal static PromptMessage Read(ref MsgpackReader reader)
        {
            string role = default;
            string content = default;
            string name = "";
            bool seenRole = false;
            bool seenContent = false;
            int count = reader.ReadMapHeader("PromptMessage");
            for (int index = 0; index < count; index++)
            {
                switch (reader.ReadString("PromptMessage"))
                {
                    case "role": role = reader.ReadString("PromptMessage.role"); seenRole = true; break;
                    case "content": content = reader.ReadString("PromptMessage.content"); seenContent = true; break;
                    case "name": name = reader.ReadString("PromptMessage.name"); break;
                    default: reader.Skip(); break;
                }
            }
            if (!seenRole) throw reader.Missing("PromptMessage.role");
            if (!seenContent) throw reader.Missing("PromptMessage.content");
            return new PromptMessage(role, content, name);
        }

        internal void Write(MsgpackWriter writer)
        {
            writer.WriteMapHeader(3);
            writer.WriteString("role");
            writer.WriteString(Role);
            writer.WriteString("content");
            writer.WriteString(Content);
            writer.WriteString("name");
            writer.WriteString(Name);
        }
    }

    /// <summary>A stretch of a prompt and where it comes from, such as
    /// "personas/mira.toml:knowledge[2]"; <c>why</c> says why it was left out, "" if it is in.</summary>
    [Serializable]
    public sealed class PromptPart
    {
        public string Source;
        public string Text;
        public long Tokens;
        public string Why;

        public PromptPart(string source, string text, long tokens, string why = "")
        {
            Source = source;
            Text = text;
            Tokens = tokens;
            Why = why;
        }

        internal static PromptPart Read(ref MsgpackReader reader)
        {
            string source = default;
            string text = default;
            long tokens = default;
            string why = "";
            bool seenSource = false;
            bool seenText = false;
            bool seenTokens = false;
            int count = reader.ReadMapHeader("PromptPart");
            for (int index = 0; index < count; index++)
            {
                switch (reader.ReadString("PromptPart"))
                {
                    case "source": source = reader.ReadString("PromptPart.source"); seenSource = true; break;
                    case "text": text = reader.ReadString("PromptPart.text"); seenText = true; break;
                    case "tokens": tokens = reader.ReadCount("PromptPart.tokens"); seenTokens = true; break;
                    case "why": why = reader.ReadString("PromptPart.why"); break;
                    default: reader.Skip(); break;
                }
            }
            if (!seenSource) throw reader.Missing("PromptPart.source");
            if (!seenText) throw reader.Missing("PromptPart.text");
            if (!seenTokens) throw reader.Missing("PromptPart.tokens");
            return new PromptPart(source, text, tokens, why);
        }

        internal void Write(MsgpackWriter writer)
        {
            writer.WriteMapHeader(4);
            writer.WriteString("source");
            writer.WriteString(Source);
            writer.WriteString("text");
            writer.WriteString(Text);
            writer.WriteString("tokens");
            writer.WriteInteger(Tokens);
            writer.WriteString("why");
            writer.WriteString(Why);
        }
    }

    /// <summary>Something wrong in a designer's file. <c>severity</c> is error or warning; <c>line</c> counts from 1,
    /// 0 for the whole file; <c>place</c> is the key.</summary>
    [Serializable]
    public sealed class ContentProblem
    {
        public string File;
        public string Problem;
        public long Line;
        public string Place;
        public string Severity;

        public ContentProblem(string file, string problem, long line = 0, string place = "", string severity = "error")
        {
            File = file;
            Problem = problem;
            Line = line;
            Place = place;
            Severity = severity;
        }

        internal static ContentProblem Read(ref MsgpackReader reader)
        {
            string file = default;
            string problem = default;
            long line = 0;
            string place = "";
            string severity = "error";
            bool seenFile = false;
            bool seenProblem = false;
            int count = reader.ReadMapHeader("ContentProblem");
            for (int index = 0; index < count; index++)
            {
                switch (reader.ReadString("ContentProblem"))
                {
                    case "file": file = reader.ReadString("ContentProblem.file"); seenFile = true; break;
                    case "problem": problem = reader.ReadString("ContentProblem.problem"); seenProblem = true; break;
                    case "line": line = reader.ReadCount("ContentProblem.line"); break;
                    case "place": place = reader.ReadString("ContentProblem.place"); break;
                    case "severity": severity = reader.ReadString("ContentProblem.severity"); break;
                    default: reader.Skip(); break;
                }
            }
            if (!seenFile) throw reader.Missing("ContentProblem.file");
            if (!seenProblem) throw reader.Missing("ContentProblem.problem");
            return new ContentProblem(file, problem, line, place, severity);
        }

        internal void Write(MsgpackWriter writer)
        {
            writer.WriteMapHeader(5);
            writer.WriteString("file");
            writer.WriteString(File);
            writer.WriteString("problem");
            writer.WriteString(Problem);
            writer.WriteString("line");
            writer.WriteInteger(Line);
            writer.WriteString("place");
            writer.WriteString(Place);
            writer.WriteString("severity");
            writer.WriteString(Severity);
        }
    }

    /// <summary>A recorded session: the name of its (first) file, which begins with its time in UTC, and
    /// the bytes of all its files.</summary>
    [Serializable]
    public sealed class RecordingInfo
    {
        public string Name;
        public long Size;

        public RecordingInfo(string name, long size)
        {
            Name = name;
            Size = size;
        }

        internal static RecordingInfo Read(ref MsgpackReader reader)
        {
            string name = default;
            long size = default;
            bool seenName = false;
            bool seenSize = false;
            int count = reader.ReadMapHeader("RecordingInfo");
            for (int index = 0; index < count; index++)
            {
                switch (reader.ReadString("RecordingInfo"))
                {
                    case "name": name = reader.ReadString("RecordingInfo.name"); seenName = true; break;
                    case "size": size = reader.ReadCount("RecordingInfo.size"); seenSize = true; break;
                    default: reader.Skip(); break;
                }
            }
            if (!seenName) throw reader.Missing("RecordingInfo.name");
            if (!seenSize) throw reader.Missing("RecordingInfo.size");
            return new RecordingInfo(name, size);
        }

        internal void Write(MsgpackWriter writer)
        {
            writer.WriteMapHeader(2);
            writer.WriteString("name");
            writer.WriteString(Name);
            writer.WriteString("size");
            writer.WriteInteger(Size);
        }
    }

    /// <summary>An answer of a recording that is otherwise today. <c>place</c> counts the recording's requests
    /// from 1; <c>what</c> is otherwise: prompt, history, who, text, moods, actions, triggers, end;
    /// <c>before</c> and <c>now</c> are a line each; <c>sources</c> are the prompt's parts that changed, <c>prompt</c>
    /// the lines of its difference.</summary>
    [Serializable]
    public sealed class ChangedAnswer
    {
        public long Place;
        public string Npc;
        public string Asked;
        public string[] What;
        public string Before;
        public string Now;
        public string[] Sources;
        public string[] Prompt;

        public ChangedAnswer(long place, string npc, string asked, string[] what, string before, string now, string[] sources = null, string[] prompt = null)
        {
            Place = place;
            Npc = npc;
            Asked = asked;
            What = what ?? Array.Empty<string>();
            Before = before;
            Now = now;
            Sources = sources ?? Array.Empty<string>();
            Prompt = prompt ?? Array.Empty<string>();
        }

        internal static ChangedAnswer Read(ref MsgpackReader reader)
        {
            long place = default;
            string npc = default;
            string asked = default;
            string[] what = Array.Empty<string>();
            string before = default;
            string now = default;
            string[] sources = Array.Empty<string>();
            string[] prompt = Array.Empty<string>();
            bool seenPlace = false;
            bool seenNpc = false;
            bool seenAsked = false;
            bool seenWhat = false;
            bool seenBefore = false;
            bool seenNow = false;
            int count = reader.ReadMapHeader("ChangedAnswer");
            for (int index = 0; index < count; index++)
            {
                switch (reader.ReadString("ChangedAnswer"))
                {
                    case "place": place = reader.ReadCount("ChangedAnswer.place"); seenPlace = true; break;
                    case "npc": npc = reader.ReadString("ChangedAnswer.npc"); seenNpc = true; break;
                    case "asked": asked = reader.ReadString("ChangedAnswer.asked"); seenAsked = true; break;
                    case "what": what = reader.ReadStrings("ChangedAnswer.what"); seenWhat = true; break;
                    case "before": before = reader.ReadString("ChangedAnswer.before"); seenBefore = true; break;
                    case "now": now = reader.ReadString("ChangedAnswer.now"); seenNow = true; break;
                    case "sources": sources = reader.ReadStrings("ChangedAnswer.sources"); break;
                    case "prompt": prompt = reader.ReadStrings("ChangedAnswer.prompt"); break;
                    default: reader.Skip(); break;
                }
            }
            if (!seenPlace) throw reader.Missing("ChangedAnswer.place");
            if (!seenNpc) throw reader.Missing("ChangedAnswer.npc");
            if (!seenAsked) throw reader.Missing("ChangedAnswer.asked");
            if (!seenWhat) throw reader.Missing("ChangedAnswer.what");
            if (!seenBefore) throw reader.Missing("ChangedAnswer.before");
            if (!seenNow) throw reader.Missing("ChangedAnswer.now");
            return new ChangedAnswer(place, npc, asked, what, before, now, sources, prompt);
        }

        internal void Write(MsgpackWriter writer)
        {
            writer.WriteMapHeader(8);
            writer.WriteString("place");
            writer.WriteInteger(Place);
            writer.WriteString("npc");
            writer.WriteString(Npc);
            writer.WriteString("asked");
            writer.WriteString(Asked);
            writer.WriteString("what");
            writer.WriteStrings(What);
            writer.WriteString("before");
            writer.WriteString(Before);
            writer.WriteString("now");
            writer.WriteString(Now);
            writer.WriteString("sources");
            writer.WriteStrings(Sources);
            writer.WriteString("prompt");
            writer.WriteStrings(Prompt);
        }
    }

    /// <summary>The first message of every socket. <c>resume</c> asks to go on with an earlier session.</summary>
    public sealed class HelloMessage : IClientMessage
    {
        public const int TypeNumber = 0;

        public readonly long Version;
        public readonly string Client;
        public readonly string Token;
        public readonly string Locale;
        public readonly string[] Capabilities;
        public readonly Resume Resume;

        public HelloMessage(long version = 1, string client = "", string token = "", string locale = "", string[] capabilities = null, Resume resume = null)
        {
            Version = version;
            Client = client;
            Token = token;
            Locale = locale;
            Capabilities = capabilities ?? Array.Empty<string>();
            Resume = resume;
        }

        int IClientMessage.Type => TypeNumber;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(7);
            writer.WriteInteger(0);
            writer.WriteInteger(Version);
            writer.WriteString(Client);
            writer.WriteString(Token);
            writer.WriteString(Locale);
            writer.WriteStrings(Capabilities);
            if (Resume == null) writer.WriteNil(); else Resume.Write(writer);
        }
    }

    /// <summary>The client has processed everything up to <c>seq</c>; the server may forget it.</summary>
    public sealed class AckMessage : IClientMessage
    {
        public const int TypeNumber = 1;

        public readonly long Seq;

        public AckMessage(long seq)
        {
            Seq = seq;
        }

        int IClientMessage.Type => TypeNumber;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(2);
            writer.WriteInteger(1);
            writer.WriteInteger(Seq);
        }
    }

    /// <summary>Answered by a pong with the same number.</summary>
    public sealed class PingMessage : IClientMessage
    {
        public const int TypeNumber = 2;

        public readonly long Nonce;

        public PingMessage(long nonce = 0)
        {
            Nonce = nonce;
        }

        int IClientMessage.Type => TypeNumber;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(2);
            writer.WriteInteger(2);
            writer.WriteInteger(Nonce);
        }
    }

    /// <summary>Start, or return to, a conversation of this player with some NPCs.
    ///
    /// <c>conversation</c> is the client's own name for it, at most 64 characters; the same player and
    /// name bring the history back. <c>checkpoint</c>, of an earlier <c>saved</c>, brings back that moment
    /// instead of the newest. <c>model</c>, one of <c>content_info.models</c>, answers in place of the
    /// server's; it needs the right "designer". Answered by <c>opened</c>.</summary>
    public sealed class OpenMessage : IClientMessage
    {
        public const int TypeNumber = 16;

        public readonly string Conversation;
        public readonly string[] Npcs;
        public readonly Player Player;
        public readonly string Scene;
        public readonly string Locale;
        public readonly string Checkpoint;
        public readonly string Model;

        public OpenMessage(string conversation, string[] npcs, Player player, string scene = "", string locale = "", string checkpoint = "", string model = "")
        {
            Conversation = conversation;
            Npcs = npcs ?? Array.Empty<string>();
            Player = player;
            Scene = scene;
            Locale = locale;
            Checkpoint = checkpoint;
            Model = model;
        }

        int IClientMessage.Type => TypeNumber;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(8);
            writer.WriteInteger(16);
            writer.WriteString(Conversation);
            writer.WriteStrings(Npcs);
            Player.Write(writer);
            writer.WriteString(Scene);
            writer.WriteString(Locale);
            writer.WriteString(Checkpoint);
            writer.WriteString(Model);
        }
    }

    /// <summary>The game's state: a whole <c>snapshot</c>, or a JSON Merge Patch (RFC 7396) on the one before.
    ///
    /// <c>revision</c> is the client's own counter. A patch must carry the revision that follows the
    /// server's (current + 1); a snapshot may carry any. Answered by <c>state_ok</c>, or by an error
    /// <c>state_conflict</c>, after which the client sends a snapshot.</summary>
    public sealed class StateMessage : IClientMessage
    {
        public const int TypeNumber = 17;

        public readonly string Conversation;
        public readonly long Revision;
        public readonly Dictionary<string, object> Snapshot;
        public readonly Dictionary<string, object> Patch;

        public StateMessage(string conversation, long revision, Dictionary<string, object> snapshot = null, Dictionary<string, object> patch = null)
        {
            Conversation = conversation;
            Revision = revision;
            Snapshot = snapshot;
            Patch = patch;
        }

        int IClientMessage.Type => TypeNumber;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(5);
            writer.WriteInteger(17);
            writer.WriteString(Conversation);
            writer.WriteInteger(Revision);
            if (Snapshot == null) writer.WriteNil(); else writer.WriteObject(Snapshot);
            if (Patch == null) writer.WriteNil(); else writer.WriteObject(Patch);
        }
    }

    /// <summary>The player's line. <c>line</c> is an id the client makes up (at most 64 characters, unique in
    /// the conversation); <c>to</c> is the NPC addressed, if any. Answered by one turn, or one error.</summary>
    public sealed class SayMessage : IClientRequest
    {
        public const int TypeNumber = 18;

        public readonly string Conversation;
        public readonly string Line;
        public readonly string Text;
        public readonly string To;
        public readonly string Locale;

        public SayMessage(string conversation, string line, string text, string to = "", string locale = "")
        {
            Conversation = conversation;
            Line = line;
            Text = text;
            To = to;
            Locale = locale;
        }

        int IClientMessage.Type => TypeNumber;

        string IClientRequest.Conversation => Conversation;

        string IClientRequest.Line => Line;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(6);
            writer.WriteInteger(18);
            writer.WriteString(Conversation);
            writer.WriteString(Line);
            writer.WriteString(Text);
            writer.WriteString(To);
            writer.WriteString(Locale);
        }
    }

    /// <summary>Stop a turn. Only the first <c>seen</c> code points of its text enter the NPC's memory.</summary>
    public sealed class InterruptMessage : IClientMessage
    {
        public const int TypeNumber = 19;

        public readonly long Turn;
        public readonly long Seen;

        public InterruptMessage(long turn, long seen)
        {
            Turn = turn;
            Seen = seen;
        }

        int IClientMessage.Type => TypeNumber;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(3);
            writer.WriteInteger(19);
            writer.WriteInteger(Turn);
            writer.WriteInteger(Seen);
        }
    }

    /// <summary>The client leaves the conversation; a running turn is cancelled. Answered by <c>closed</c>.</summary>
    public sealed class CloseMessage : IClientMessage
    {
        public const int TypeNumber = 20;

        public readonly string Conversation;

        public CloseMessage(string conversation)
        {
            Conversation = conversation;
        }

        int IClientMessage.Type => TypeNumber;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(2);
            writer.WriteInteger(20);
            writer.WriteString(Conversation);
        }
    }

    /// <summary>Answer a line anew. <c>id</c> is the stored one of a turn (<c>turn.id</c>); the new one becomes its
    /// sibling, and the talk goes on from it. <c>line</c> is an id for this request, as in <c>say</c>.
    /// Answered by one turn, or one error.</summary>
    public sealed class RegenerateMessage : IClientRequest
    {
        public const int TypeNumber = 21;

        public readonly string Conversation;
        public readonly string Id;
        public readonly string Line;

        public RegenerateMessage(string conversation, string id, string line)
        {
            Conversation = conversation;
            Id = id;
            Line = line;
        }

        int IClientMessage.Type => TypeNumber;

        string IClientRequest.Conversation => Conversation;

        string IClientRequest.Line => Line;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(4);
            writer.WriteInteger(21);
            writer.WriteString(Conversation);
            writer.WriteString(Id);
            writer.WriteString(Line);
        }
    }

    /// <summary>Mark this moment of the conversation, for the game's save slot. Answered by <c>saved</c>.</summary>
    public sealed class SaveMessage : IClientMessage
    {
        public const int TypeNumber = 22;

        public readonly string Conversation;

        public SaveMessage(string conversation)
        {
            Conversation = conversation;
        }

        int IClientMessage.Type => TypeNumber;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(2);
            writer.WriteInteger(22);
            writer.WriteString(Conversation);
        }
    }

    /// <summary>Return to a marked moment: history, memory and state are as they were. A running turn is
    /// stopped; what was said since stays stored, on a branch of its own. Answered by <c>opened</c>.</summary>
    public sealed class LoadMessage : IClientMessage
    {
        public const int TypeNumber = 23;

        public readonly string Conversation;
        public readonly string Checkpoint;

        public LoadMessage(string conversation, string checkpoint)
        {
            Conversation = conversation;
            Checkpoint = checkpoint;
        }

        int IClientMessage.Type => TypeNumber;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(3);
            writer.WriteInteger(23);
            writer.WriteString(Conversation);
            writer.WriteString(Checkpoint);
        }
    }

    /// <summary>Ask what was said: the newest <c>last</c> lines of the branch in force, or of the branch that
    /// ends in the turn of the stored id <c>until</c>. Answered by <c>transcript</c>.</summary>
    public sealed class HistoryMessage : IClientMessage
    {
        public const int TypeNumber = 24;

        public readonly string Conversation;
        public readonly long Last;
        public readonly string Until;

        public HistoryMessage(string conversation, long last = 50, string until = "")
        {
            Conversation = conversation;
            Last = last;
            Until = until;
        }

        int IClientMessage.Type => TypeNumber;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(4);
            writer.WriteInteger(24);
            writer.WriteString(Conversation);
            writer.WriteInteger(Last);
            writer.WriteString(Until);
        }
    }

    /// <summary>Something happened in the world that the cast of a conversation perceives: <c>text</c> says it
    /// in a sentence. <c>react</c> is never, may or must: whether an NPC (<c>npc</c>, or one that the server
    /// chooses) says something about it. <c>name</c> and <c>data</c> are for triggers. <c>line</c> is an id for
    /// this request, as in <c>say</c>. Answered by one turn, or <c>noted</c>, or one error.</summary>
    public sealed class EventMessage : IClientRequest
    {
        public const int TypeNumber = 25;

        public readonly string Conversation;
        public readonly string Line;
        public readonly string Text;
        public readonly string React;
        public readonly string Npc;
        public readonly string Name;
        public readonly Dictionary<string, object> Data;

        public EventMessage(string conversation, string line, string text, string react = "may", string npc = "", string name = "", Dictionary<string, object> data = null)
        {
            Conversation = conversation;
            Line = line;
            Text = text;
            React = react;
            Npc = npc;
            Name = name;
            Data = data ?? new Dictionary<string, object>();
        }

        int IClientMessage.Type => TypeNumber;

        string IClientRequest.Conversation => Conversation;

        string IClientRequest.Line => Line;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(8);
            writer.WriteInteger(25);
            writer.WriteString(Conversation);
            writer.WriteString(Line);
            writer.WriteString(Text);
            writer.WriteString(React);
            writer.WriteString(Npc);
            writer.WriteString(Name);
            writer.WriteObject(Data);
        }
    }

    /// <summary>A line that the game's author wrote: spoken by <c>npc</c> exactly as it is, without a model,
    /// and remembered like any other; tags in it become cues. With "" for <c>npc</c> the player says it.
    /// Answered by one turn (an NPC's), or <c>noted</c> (the player's), or one error.</summary>
    public sealed class ScriptMessage : IClientRequest
    {
        public const int TypeNumber = 26;

        public readonly string Conversation;
        public readonly string Line;
        public readonly string Text;
        public readonly string Npc;

        public ScriptMessage(string conversation, string line, string text, string npc = "")
        {
            Conversation = conversation;
            Line = line;
            Text = text;
            Npc = npc;
        }

        int IClientMessage.Type => TypeNumber;

        string IClientRequest.Conversation => Conversation;

        string IClientRequest.Line => Line;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(5);
            writer.WriteInteger(26);
            writer.WriteString(Conversation);
            writer.WriteString(Line);
            writer.WriteString(Text);
            writer.WriteString(Npc);
        }
    }

    /// <summary>Let the talk go on without the player: <c>npc</c>, or whoever is next, says something to the
    /// others. Answered by one turn, or one error.</summary>
    public sealed class AdvanceMessage : IClientRequest
    {
        public const int TypeNumber = 27;

        public readonly string Conversation;
        public readonly string Line;
        public readonly string Npc;
        public readonly string Locale;

        public AdvanceMessage(string conversation, string line, string npc = "", string locale = "")
        {
            Conversation = conversation;
            Line = line;
            Npc = npc;
            Locale = locale;
        }

        int IClientMessage.Type => TypeNumber;

        string IClientRequest.Conversation => Conversation;

        string IClientRequest.Line => Line;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(5);
            writer.WriteInteger(27);
            writer.WriteString(Conversation);
            writer.WriteString(Line);
            writer.WriteString(Npc);
            writer.WriteString(Locale);
        }
    }

    /// <summary>What became of an action that waits for it (<c>cue.action</c>): whether the game did it, and
    /// <c>text</c>, what really happened or why not. <c>id</c> is the stored one of its turn (<c>turn.id</c>).
    /// <c>react</c> as in <c>event</c>. Answered by one turn, or <c>noted</c>, or one error.</summary>
    public sealed class ActionResultMessage : IClientRequest
    {
        public const int TypeNumber = 28;

        public readonly string Conversation;
        public readonly string Line;
        public readonly string Id;
        public readonly long Action;
        public readonly bool Accepted;
        public readonly string Text;
        public readonly string React;
        public readonly Dictionary<string, object> Data;

        public ActionResultMessage(string conversation, string line, string id, long action, bool accepted, string text = "", string react = "may", Dictionary<string, object> data = null)
        {
            Conversation = conversation;
            Line = line;
            Id = id;
            Action = action;
            Accepted = accepted;
            Text = text;
            React = react;
            Data = data ?? new Dictionary<string, object>();
        }

        int IClientMessage.Type => TypeNumber;

        string IClientRequest.Conversation => Conversation;

        string IClientRequest.Line => Line;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(9);
            writer.WriteInteger(28);
            writer.WriteString(Conversation);
            writer.WriteString(Line);
            writer.WriteString(Id);
            writer.WriteInteger(Action);
            writer.WriteBoolean(Accepted);
            writer.WriteString(Text);
            writer.WriteString(React);
            writer.WriteObject(Data);
        }
    }

    /// <summary>Ask for at most <c>count</c> lines that the player might say now. Answered by <c>suggestions</c>, or
    /// one error.</summary>
    public sealed class SuggestMessage : IClientRequest
    {
        public const int TypeNumber = 29;

        public readonly string Conversation;
        public readonly string Line;
        public readonly long Count;
        public readonly string Locale;

        public SuggestMessage(string conversation, string line, long count = 3, string locale = "")
        {
            Conversation = conversation;
            Line = line;
            Count = count;
            Locale = locale;
        }

        int IClientMessage.Type => TypeNumber;

        string IClientRequest.Conversation => Conversation;

        string IClientRequest.Line => Line;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(5);
            writer.WriteInteger(29);
            writer.WriteString(Conversation);
            writer.WriteString(Line);
            writer.WriteInteger(Count);
            writer.WriteString(Locale);
        }
    }

    /// <summary>Ask for a prompt and its account: that of a recent turn of this session, or, with 0 for
    /// <c>turn</c>, the one that <c>text</c> said to <c>npc</c> now would make. Needs the right "designer".
    /// Answered by <c>inspected</c> or <c>error</c>.</summary>
    public sealed class InspectMessage : IClientMessage
    {
        public const int TypeNumber = 30;

        public readonly string Conversation;
        public readonly long Turn;
        public readonly string Npc;
        public readonly string Text;

        public InspectMessage(string conversation, long turn = 0, string npc = "", string text = "")
        {
            Conversation = conversation;
            Turn = turn;
            Npc = npc;
            Text = text;
        }

        int IClientMessage.Type => TypeNumber;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(5);
            writer.WriteInteger(30);
            writer.WriteString(Conversation);
            writer.WriteInteger(Turn);
            writer.WriteString(Npc);
            writer.WriteString(Text);
        }
    }

    /// <summary>Ask which NPCs there are. Needs the right "designer". Answered by <c>npc_list</c> or <c>error</c>.</summary>
    public sealed class NpcsMessage : IClientMessage
    {
        public const int TypeNumber = 31;

        public readonly string Locale;

        public NpcsMessage(string locale = "")
        {
            Locale = locale;
        }

        int IClientMessage.Type => TypeNumber;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(2);
            writer.WriteInteger(31);
            writer.WriteString(Locale);
        }
    }

    /// <summary>Ask for an account of the designers' files; with <c>watch</c>, again whenever they change.
    /// Needs the right "designer". Answered by <c>content_info</c> or <c>error</c>.</summary>
    public sealed class ContentMessage : IClientMessage
    {
        public const int TypeNumber = 32;

        public readonly bool Watch;

        public ContentMessage(bool watch = false)
        {
            Watch = watch;
        }

        int IClientMessage.Type => TypeNumber;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(2);
            writer.WriteInteger(32);
            writer.WriteBoolean(Watch);
        }
    }

    /// <summary>Ask for a designer's file and where a key stands in it. Needs the right "designer".
    /// Answered by <c>source_text</c> or <c>error</c>.</summary>
    public sealed class SourceMessage : IClientMessage
    {
        public const int TypeNumber = 33;

        public readonly string File;
        public readonly string Key;

        public SourceMessage(string file, string key = "")
        {
            File = file;
            Key = key;
        }

        int IClientMessage.Type => TypeNumber;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(3);
            writer.WriteInteger(33);
            writer.WriteString(File);
            writer.WriteString(Key);
        }
    }

    /// <summary>Ask which sessions this server has recorded: the newest <c>last</c>. Needs the right "designer".
    /// Answered by <c>recording_list</c> or <c>error</c>.</summary>
    public sealed class RecordingsMessage : IClientMessage
    {
        public const int TypeNumber = 34;

        public readonly long Last;

        public RecordingsMessage(long last = 100)
        {
            Last = last;
        }

        int IClientMessage.Type => TypeNumber;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(2);
            writer.WriteInteger(34);
            writer.WriteInteger(Last);
        }
    }

    /// <summary>Ask for a piece of a recording, from <c>offset</c> on: 0, or the <c>next</c> of the piece before.
    /// Needs the right "designer". Answered by <c>recording_text</c> or <c>error</c>.</summary>
    public sealed class ReadRecordingMessage : IClientMessage
    {
        public const int TypeNumber = 35;

        public readonly string Name;
        public readonly long Offset;

        public ReadRecordingMessage(string name, long offset = 0)
        {
            Name = name;
            Offset = offset;
        }

        int IClientMessage.Type => TypeNumber;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(3);
            writer.WriteInteger(35);
            writer.WriteString(Name);
            writer.WriteInteger(Offset);
        }
    }

    /// <summary>Say a recording again to today's content. Nobody is asked, the recorded answers are given
    /// again; or, with <c>ask</c>, <c>model</c> is asked, one of <c>content_info.models</c> or "" for the server's.
    /// Needs the right "designer". Answered by <c>rerun_report</c> or <c>error</c>, when it is done.</summary>
    public sealed class RerunMessage : IClientMessage
    {
        public const int TypeNumber = 36;

        public readonly string Name;
        public readonly bool Ask;
        public readonly string Model;

        public RerunMessage(string name, bool ask = false, string model = "")
        {
            Name = name;
            Ask = ask;
            Model = model;
        }

        int IClientMessage.Type => TypeNumber;

        void IClientMessage.Write(MsgpackWriter writer)
        {
            writer.WriteArrayHeader(4);
            writer.WriteInteger(36);
            writer.WriteString(Name);
            writer.WriteBoolean(Ask);
            writer.WriteString(Model);
        }
    }

    /// <summary>The answer to a hello. What follows begins with sequence number <c>seq + 1</c>.
    ///
    /// <c>resumed</c> is false when a resume was asked for and could not be had: then the session is
    /// new, and the client opens its conversations again. <c>received</c> counts the client's sequenced
    /// messages that reached the session; the client sends the later ones again.</summary>
    public readonly struct WelcomeMessage
    {
        public const int TypeNumber = 0;

        public readonly string Session;
        public readonly string Epoch;
        public readonly long Seq;
        public readonly Limits Limits;
        public readonly string Server;
        public readonly long Version;
        public readonly string[] Capabilities;
        public readonly bool Resumed;
        public readonly long Received;

        public WelcomeMessage(string session, string epoch, long seq, Limits limits, string server = "", long version = 1, string[] capabilities = null, bool resumed = false, long received = 0)
        {
            Session = session;
            Epoch = epoch;
            Seq = seq;
            Limits = limits;
            Server = server;
            Version = version;
            Capabilities = capabilities ?? Array.Empty<string>();
            Resumed = resumed;
            Received = received;
        }

        internal static WelcomeMessage Read(ref MsgpackReader reader, int items)
        {
            string session = items > 1 ? reader.ReadString("welcome.session") : throw reader.Missing("welcome.session");
            string epoch = items > 2 ? reader.ReadString("welcome.epoch") : throw reader.Missing("welcome.epoch");
            long seq = items > 3 ? reader.ReadCount("welcome.seq") : throw reader.Missing("welcome.seq");
            Limits limits = items > 4 ? Limits.Read(ref reader) : throw reader.Missing("welcome.limits");
            string server = items > 5 ? reader.ReadString("welcome.server") : "";
            long version = items > 6 ? reader.ReadCount("welcome.version") : 1;
            string[] capabilities = items > 7 ? reader.ReadStrings("welcome.capabilities") : Array.Empty<string>();
            bool resumed = items > 8 ? reader.ReadBoolean("welcome.resumed") : false;
            long received = items > 9 ? reader.ReadCount("welcome.received") : 0;
            reader.Finish(items - 10);
            return new WelcomeMessage(session, epoch, seq, limits, server, version, capabilities, resumed, received);
        }
    }

    /// <summary>The answer to a ping.</summary>
    public readonly struct PongMessage
    {
        public const int TypeNumber = 1;

        public readonly long Nonce;

        public PongMessage(long nonce = 0)
        {
            Nonce = nonce;
        }

        internal static PongMessage Read(ref MsgpackReader reader, int items)
        {
            long nonce = items > 1 ? reader.ReadCount("pong.nonce") : 0;
            reader.Finish(items - 2);
            return new PongMessage(nonce);
        }
    }

    /// <summary>The server drains: running turns finish, new lines are refused; reconnect after
    /// <c>reconnect_ms</c> milliseconds and resume.</summary>
    public readonly struct GoAwayMessage
    {
        public const int TypeNumber = 2;

        public readonly long ReconnectMs;
        public readonly string Detail;

        public GoAwayMessage(long reconnectMs = 0, string detail = "")
        {
            ReconnectMs = reconnectMs;
            Detail = detail;
        }

        internal static GoAwayMessage Read(ref MsgpackReader reader, int items)
        {
            long reconnectMs = items > 1 ? reader.ReadCount("go_away.reconnect_ms") : 0;
            string detail = items > 2 ? reader.ReadString("go_away.detail") : "";
            reader.Finish(items - 3);
            return new GoAwayMessage(reconnectMs, detail);
        }
    }

    /// <summary>A conversation is open. <c>history</c> counts the turns that the NPCs remember of it; a new
    /// one (0) has a <c>greeting</c>, spoken by the first NPC, possibly empty. <c>revision</c> is the
    /// state's, 0 for none.</summary>
    public readonly struct OpenedMessage
    {
        public const int TypeNumber = 16;

        public readonly string Conversation;
        public readonly NpcInfo[] Npcs;
        public readonly string Greeting;
        public readonly long History;
        public readonly long Revision;

        public OpenedMessage(string conversation, NpcInfo[] npcs, string greeting = "", long history = 0, long revision = 0)
        {
            Conversation = conversation;
            Npcs = npcs ?? Array.Empty<NpcInfo>();
            Greeting = greeting;
            History = history;
            Revision = revision;
        }

        internal static OpenedMessage Read(ref MsgpackReader reader, int items)
        {
            string conversation = items > 1 ? reader.ReadString("opened.conversation") : throw reader.Missing("opened.conversation");
            NpcInfo[] npcs = items > 2 ? reader.ReadArray("opened.npcs", (ref MsgpackReader r) => NpcInfo.Read(ref r)) : throw reader.Missing("opened.npcs");
            string greeting = items > 3 ? reader.ReadString("opened.greeting") : "";
            long history = items > 4 ? reader.ReadCount("opened.history") : 0;
            long revision = items > 5 ? reader.ReadCount("opened.revision") : 0;
            reader.Finish(items - 6);
            return new OpenedMessage(conversation, npcs, greeting, history, revision);
        }
    }

    /// <summary>The state of this revision is in force, from the next turn on.</summary>
    public readonly struct StateOkMessage
    {
        public const int TypeNumber = 17;

        public readonly string Conversation;
        public readonly long Revision;

        public StateOkMessage(string conversation, long revision)
        {
            Conversation = conversation;
            Revision = revision;
        }

        internal static StateOkMessage Read(ref MsgpackReader reader, int items)
        {
            string conversation = items > 1 ? reader.ReadString("state_ok.conversation") : throw reader.Missing("state_ok.conversation");
            long revision = items > 2 ? reader.ReadCount("state_ok.revision") : throw reader.Missing("state_ok.revision");
            reader.Finish(items - 3);
            return new StateOkMessage(conversation, revision);
        }
    }

    /// <summary>A turn begins. <c>turn</c> is unique in the session, <c>id</c> for ever (a later message names a
    /// stored turn by it); <c>line</c> is the player's line that it answers.</summary>
    public readonly struct TurnMessage
    {
        public const int TypeNumber = 18;

        public readonly long Turn;
        public readonly string Id;
        public readonly string Conversation;
        public readonly string Npc;
        public readonly string Line;

        public TurnMessage(long turn, string id, string conversation, string npc, string line = "")
        {
            Turn = turn;
            Id = id;
            Conversation = conversation;
            Npc = npc;
            Line = line;
        }

        internal static TurnMessage Read(ref MsgpackReader reader, int items)
        {
            long turn = items > 1 ? reader.ReadCount("turn.turn") : throw reader.Missing("turn.turn");
            string id = items > 2 ? reader.ReadString("turn.id") : throw reader.Missing("turn.id");
            string conversation = items > 3 ? reader.ReadString("turn.conversation") : throw reader.Missing("turn.conversation");
            string npc = items > 4 ? reader.ReadString("turn.npc") : throw reader.Missing("turn.npc");
            string line = items > 5 ? reader.ReadString("turn.line") : "";
            reader.Finish(items - 6);
            return new TurnMessage(turn, id, conversation, npc, line);
        }
    }

    /// <summary>More text of a turn. Never splits a grapheme cluster (UAX 29), and has at most
    /// MAX_DELTA_CHARS code points.</summary>
    public readonly struct DeltaMessage
    {
        public const int TypeNumber = 19;

        public readonly long Turn;
        public readonly string Text;

        public DeltaMessage(long turn, string text)
        {
            Turn = turn;
            Text = text;
        }

        internal static DeltaMessage Read(ref MsgpackReader reader, int items)
        {
            long turn = items > 1 ? reader.ReadCount("delta.turn") : throw reader.Missing("delta.turn");
            string text = items > 2 ? reader.ReadString("delta.text") : throw reader.Missing("delta.text");
            reader.Finish(items - 3);
            return new DeltaMessage(turn, text);
        }
    }

    /// <summary>Something to do when the reveal reaches <c>offset</c>, counted in code points from the start
    /// of the turn's text. <c>kind</c> is mood (<c>args.intensity</c>, 0 to 100), action, pause (<c>args.ms</c>) or
    /// filler (<c>args.text</c>, shown until the first delta, no part of the text). <c>action</c> is the
    /// number, from 1 in its turn, of an action that waits for the game's <c>action_result</c>; else 0.</summary>
    public readonly struct CueMessage
    {
        public const int TypeNumber = 20;

        public readonly long Turn;
        public readonly long Offset;
        public readonly string Kind;
        public readonly string Name;
        public readonly Dictionary<string, object> Args;
        public readonly long Action;

        public CueMessage(long turn, long offset, string kind, string name = "", Dictionary<string, object> args = null, long action = 0)
        {
            Turn = turn;
            Offset = offset;
            Kind = kind;
            Name = name;
            Args = args ?? new Dictionary<string, object>();
            Action = action;
        }

        internal static CueMessage Read(ref MsgpackReader reader, int items)
        {
            long turn = items > 1 ? reader.ReadCount("cue.turn") : throw reader.Missing("cue.turn");
            long offset = items > 2 ? reader.ReadCount("cue.offset") : throw reader.Missing("cue.offset");
            string kind = items > 3 ? reader.ReadString("cue.kind") : throw reader.Missing("cue.kind");
            string name = items > 4 ? reader.ReadString("cue.name") : "";
            Dictionary<string, object> args = items > 5 ? reader.ReadObject("cue.args") : new Dictionary<string, object>();
            long action = items > 6 ? reader.ReadCount("cue.action") : 0;
            reader.Finish(items - 7);
            return new CueMessage(turn, offset, kind, name, args, action);
        }
    }

    /// <summary>A turn is over. <c>length</c> is its text's, in code points; times are in milliseconds from
    /// the player's line; tokens are 0 where the model does not tell. <c>code</c> and <c>detail</c> say what
    /// went wrong when <c>reason</c> is fallback, truncated, filtered or failed.
    ///
    /// <c>reason</c> is an EndReason and <c>code</c> an ErrorCode; both are strings here, so that a client
    /// reads the values of a newer server.</summary>
    public readonly struct TurnEndMessage
    {
        public const int TypeNumber = 21;

        public readonly long Turn;
        public readonly string Reason;
        public readonly long Length;
        public readonly long FirstTokenMs;
        public readonly long TotalMs;
        public readonly long InputTokens;
        public readonly long OutputTokens;
        public readonly long CachedTokens;
        public readonly string Code;
        public readonly string Detail;

        public TurnEndMessage(long turn, string reason, long length, long firstTokenMs = 0, long totalMs = 0, long inputTokens = 0, long outputTokens = 0, long cachedTokens = 0, string code = "", string detail = "")
        {
            Turn = turn;
            Reason = reason;
            Length = length;
            FirstTokenMs = firstTokenMs;
            TotalMs = totalMs;
            InputTokens = inputTokens;
            OutputTokens = outputTokens;
            CachedTokens = cachedTokens;
            Code = code;
            Detail = detail;
        }

        internal static TurnEndMessage Read(ref MsgpackReader reader, int items)
        {
            long turn = items > 1 ? reader.ReadCount("turn_end.turn") : throw reader.Missing("turn_end.turn");
            string reason = items > 2 ? reader.ReadString("turn_end.reason") : throw reader.Missing("turn_end.reason");
            long length = items > 3 ? reader.ReadCount("turn_end.length") : throw reader.Missing("turn_end.length");
            long firstTokenMs = items > 4 ? reader.ReadCount("turn_end.first_token_ms") : 0;
            long totalMs = items > 5 ? reader.ReadCount("turn_end.total_ms") : 0;
            long inputTokens = items > 6 ? reader.ReadCount("turn_end.input_tokens") : 0;
            long outputTokens = items > 7 ? reader.ReadCount("turn_end.output_tokens") : 0;
            long cachedTokens = items > 8 ? reader.ReadCount("turn_end.cached_tokens") : 0;
            string code = items > 9 ? reader.ReadString("turn_end.code") : "";
            string detail = items > 10 ? reader.ReadString("turn_end.detail") : "";
            reader.Finish(items - 11);
            return new TurnEndMessage(turn, reason, length, firstTokenMs, totalMs, inputTokens, outputTokens, cachedTokens, code, detail);
        }
    }

    /// <summary>A request failed; the session lives on. <c>detail</c> says to the developer what to do. What
    /// it is about: a conversation, a line or a turn, where that is known. <c>retry_after_ms</c> is 0
    /// where the server has no advice.</summary>
    public readonly struct ErrorMessage
    {
        public const int TypeNumber = 22;

        public readonly string Code;
        public readonly string Detail;
        public readonly string Conversation;
        public readonly string Line;
        public readonly long Turn;
        public readonly bool Retryable;
        public readonly long RetryAfterMs;

        public ErrorMessage(string code, string detail, string conversation = "", string line = "", long turn = 0, bool retryable = false, long retryAfterMs = 0)
        {
            Code = code;
            Detail = detail;
            Conversation = conversation;
            Line = line;
            Turn = turn;
            Retryable = retryable;
            RetryAfterMs = retryAfterMs;
        }

        internal static ErrorMessage Read(ref MsgpackReader reader, int items)
        {
            string code = items > 1 ? reader.ReadString("error.code") : throw reader.Missing("error.code");
            string detail = items > 2 ? reader.ReadString("error.detail") : throw reader.Missing("error.detail");
            string conversation = items > 3 ? reader.ReadString("error.conversation") : "";
            string line = items > 4 ? reader.ReadString("error.line") : "";
            long turn = items > 5 ? reader.ReadCount("error.turn") : 0;
            bool retryable = items > 6 ? reader.ReadBoolean("error.retryable") : false;
            long retryAfterMs = items > 7 ? reader.ReadCount("error.retry_after_ms") : 0;
            reader.Finish(items - 8);
            return new ErrorMessage(code, detail, conversation, line, turn, retryable, retryAfterMs);
        }
    }

    /// <summary>A conversation is closed.</summary>
    public readonly struct ClosedMessage
    {
        public const int TypeNumber = 23;

        public readonly string Conversation;

        public ClosedMessage(string conversation)
        {
            Conversation = conversation;
        }

        internal static ClosedMessage Read(ref MsgpackReader reader, int items)
        {
            string conversation = items > 1 ? reader.ReadString("closed.conversation") : throw reader.Missing("closed.conversation");
            reader.Finish(items - 2);
            return new ClosedMessage(conversation);
        }
    }

    /// <summary>The moment is marked; <c>load</c> or <c>open</c> with this checkpoint returns to it.</summary>
    public readonly struct SavedMessage
    {
        public const int TypeNumber = 24;

        public readonly string Conversation;
        public readonly string Checkpoint;

        public SavedMessage(string conversation, string checkpoint)
        {
            Conversation = conversation;
            Checkpoint = checkpoint;
        }

        internal static SavedMessage Read(ref MsgpackReader reader, int items)
        {
            string conversation = items > 1 ? reader.ReadString("saved.conversation") : throw reader.Missing("saved.conversation");
            string checkpoint = items > 2 ? reader.ReadString("saved.checkpoint") : throw reader.Missing("saved.checkpoint");
            reader.Finish(items - 3);
            return new SavedMessage(conversation, checkpoint);
        }
    }

    /// <summary>What was said, oldest first.</summary>
    public readonly struct TranscriptMessage
    {
        public const int TypeNumber = 25;

        public readonly string Conversation;
        public readonly SpokenLine[] Lines;

        public TranscriptMessage(string conversation, SpokenLine[] lines)
        {
            Conversation = conversation;
            Lines = lines ?? Array.Empty<SpokenLine>();
        }

        internal static TranscriptMessage Read(ref MsgpackReader reader, int items)
        {
            string conversation = items > 1 ? reader.ReadString("transcript.conversation") : throw reader.Missing("transcript.conversation");
            SpokenLine[] lines = items > 2 ? reader.ReadArray("transcript.lines", (ref MsgpackReader r) => SpokenLine.Read(ref r)) : throw reader.Missing("transcript.lines");
            reader.Finish(items - 3);
            return new TranscriptMessage(conversation, lines);
        }
    }

    /// <summary>A request with this <c>line</c> has been remembered, and nobody answers it.</summary>
    public readonly struct NotedMessage
    {
        public const int TypeNumber = 26;

        public readonly string Conversation;
        public readonly string Line;

        public NotedMessage(string conversation, string line)
        {
            Conversation = conversation;
            Line = line;
        }

        internal static NotedMessage Read(ref MsgpackReader reader, int items)
        {
            string conversation = items > 1 ? reader.ReadString("noted.conversation") : throw reader.Missing("noted.conversation");
            string line = items > 2 ? reader.ReadString("noted.line") : throw reader.Missing("noted.line");
            reader.Finish(items - 3);
            return new NotedMessage(conversation, line);
        }
    }

    /// <summary>A condition on the conversation that a designer declared came true. <c>stage</c> is the one
    /// that the scene moved to, "" where it did not move.</summary>
    public readonly struct TriggerMessage
    {
        public const int TypeNumber = 27;

        public readonly string Conversation;
        public readonly string Name;
        public readonly string Stage;
        public readonly Dictionary<string, object> Args;

        public TriggerMessage(string conversation, string name, string stage = "", Dictionary<string, object> args = null)
        {
            Conversation = conversation;
            Name = name;
            Stage = stage;
            Args = args ?? new Dictionary<string, object>();
        }

        internal static TriggerMessage Read(ref MsgpackReader reader, int items)
        {
            string conversation = items > 1 ? reader.ReadString("trigger.conversation") : throw reader.Missing("trigger.conversation");
            string name = items > 2 ? reader.ReadString("trigger.name") : throw reader.Missing("trigger.name");
            string stage = items > 3 ? reader.ReadString("trigger.stage") : "";
            Dictionary<string, object> args = items > 4 ? reader.ReadObject("trigger.args") : new Dictionary<string, object>();
            reader.Finish(items - 5);
            return new TriggerMessage(conversation, name, stage, args);
        }
    }

    /// <summary>Lines that the player might say, at most as many as were asked for.</summary>
    public readonly struct SuggestionsMessage
    {
        public const int TypeNumber = 28;

        public readonly string Conversation;
        public readonly string Line;
        public readonly string[] Texts;

        public SuggestionsMessage(string conversation, string line, string[] texts)
        {
            Conversation = conversation;
            Line = line;
            Texts = texts ?? Array.Empty<string>();
        }

        internal static SuggestionsMessage Read(ref MsgpackReader reader, int items)
        {
            string conversation = items > 1 ? reader.ReadString("suggestions.conversation") : throw reader.Missing("suggestions.conversation");
            string line = items > 2 ? reader.ReadString("suggestions.line") : throw reader.Missing("suggestions.line");
            string[] texts = items > 3 ? reader.ReadStrings("suggestions.texts") : throw reader.Missing("suggestions.texts");
            reader.Finish(items - 4);
            return new SuggestionsMessage(conversation, line, texts);
        }
    }

    /// <summary>A prompt and its account. <c>turn</c> is 0 for one that was never asked. <c>tokens</c> is an
    /// estimate, <c>budget</c> its bound; <c>dropped</c> are the parts that were left out. <c>timings</c> are those
    /// of a turn that is over, in milliseconds from the request.</summary>
    public readonly struct InspectedMessage
    {
        public const int TypeNumber = 29;

        public readonly string Conversation;
        public readonly long Turn;
        public readonly string Npc;
        public readonly string Layout;
        public readonly long Tokens;
        public readonly long Budget;
        public readonly PromptMessage[] Messages;
        public readonly PromptPart[] Parts;
        public readonly PromptPart[] Dropped;
        public readonly Dictionary<string, object> Timings;

        public InspectedMessage(string conversation, long turn, string npc, string layout, long tokens, long budget, PromptMessage[] messages, PromptPart[] parts, PromptPart[] dropped, Dictionary<string, object> timings = null)
        {
            Conversation = conversation;
            Turn = turn;
            Npc = npc;
            Layout = layout;
            Tokens = tokens;
            Budget = budget;
            Messages = messages ?? Array.Empty<PromptMessage>();
            Parts = parts ?? Array.Empty<PromptPart>();
            Dropped = dropped ?? Array.Empty<PromptPart>();
            Timings = timings ?? new Dictionary<string, object>();
        }

        internal static InspectedMessage Read(ref MsgpackReader reader, int items)
        {
            string conversation = items > 1 ? reader.ReadString("inspected.conversation") : throw reader.Missing("inspected.conversation");
            long turn = items > 2 ? reader.ReadCount("inspected.turn") : throw reader.Missing("inspected.turn");
            string npc = items > 3 ? reader.ReadString("inspected.npc") : throw reader.Missing("inspected.npc");
            string layout = items > 4 ? reader.ReadString("inspected.layout") : throw reader.Missing("inspected.layout");
            long tokens = items > 5 ? reader.ReadCount("inspected.tokens") : throw reader.Missing("inspected.tokens");
            long budget = items > 6 ? reader.ReadCount("inspected.budget") : throw reader.Missing("inspected.budget");
            PromptMessage[] messages = items > 7 ? reader.ReadArray("inspected.messages", (ref MsgpackReader r) => PromptMessage.Read(ref r)) : throw reader.Missing("inspected.messages");
            PromptPart[] parts = items > 8 ? reader.ReadArray("inspected.parts", (ref MsgpackReader r) => PromptPart.Read(ref r)) : throw reader.Missing("inspected.parts");
            PromptPart[] dropped = items > 9 ? reader.ReadArray("inspected.dropped", (ref MsgpackReader r) => PromptPart.Read(ref r)) : throw reader.Missing("inspected.dropped");
            Dictionary<string, object> timings = items > 10 ? reader.ReadObject("inspected.timings") : new Dictionary<string, object>();
            reader.Finish(items - 11);
            return new InspectedMessage(conversation, turn, npc, layout, tokens, budget, messages, parts, dropped, timings);
        }
    }

    /// <summary>Every NPC of this server that the client may open, by id.</summary>
    public readonly struct NpcListMessage
    {
        public const int TypeNumber = 30;

        public readonly NpcInfo[] Npcs;

        public NpcListMessage(NpcInfo[] npcs)
        {
            Npcs = npcs ?? Array.Empty<NpcInfo>();
        }

        internal static NpcListMessage Read(ref MsgpackReader reader, int items)
        {
            NpcInfo[] npcs = items > 1 ? reader.ReadArray("npc_list.npcs", (ref MsgpackReader r) => NpcInfo.Read(ref r)) : throw reader.Missing("npc_list.npcs");
            reader.Finish(items - 2);
            return new NpcListMessage(npcs);
        }
    }

    /// <summary>What the designers' files hold now. <c>revision</c> counts the times they were read; <c>models</c>
    /// are what <c>open.model</c> may name; <c>state</c> is the world's own; <c>hints</c> are the values that
    /// conditions compare each path of the state with; <c>problems</c> is what is wrong, a broken file's
    /// last good version being in force.</summary>
    public readonly struct ContentInfoMessage
    {
        public const int TypeNumber = 31;

        public readonly long Revision;
        public readonly string World;
        public readonly NpcInfo[] Npcs;
        public readonly string[] Scenes;
        public readonly string[] Models;
        public readonly Dictionary<string, object> State;
        public readonly Dictionary<string, object> Hints;
        public readonly ContentProblem[] Problems;

        public ContentInfoMessage(long revision, string world, NpcInfo[] npcs, string[] scenes, string[] models, Dictionary<string, object> state, Dictionary<string, object> hints, ContentProblem[] problems)
        {
            Revision = revision;
            World = world;
            Npcs = npcs ?? Array.Empty<NpcInfo>();
            Scenes = scenes ?? Array.Empty<string>();
            Models = models ?? Array.Empty<string>();
            State = state ?? new Dictionary<string, object>();
            Hints = hints ?? new Dictionary<string, object>();
            Problems = problems ?? Array.Empty<ContentProblem>();
        }

        internal static ContentInfoMessage Read(ref MsgpackReader reader, int items)
        {
            long revision = items > 1 ? reader.ReadCount("content_info.revision") : throw reader.Missing("content_info.revision");
            string world = items > 2 ? reader.ReadString("content_info.world") : throw reader.Missing("content_info.world");
            NpcInfo[] npcs = items > 3 ? reader.ReadArray("content_info.npcs", (ref MsgpackReader r) => NpcInfo.Read(ref r)) : throw reader.Missing("content_info.npcs");
            string[] scenes = items > 4 ? reader.ReadStrings("content_info.scenes") : throw reader.Missing("content_info.scenes");
            string[] models = items > 5 ? reader.ReadStrings("content_info.models") : throw reader.Missing("content_info.models");
            Dictionary<string, object> state = items > 6 ? reader.ReadObject("content_info.state") : throw reader.Missing("content_info.state");
            Dictionary<string, object> hints = items > 7 ? reader.ReadObject("content_info.hints") : throw reader.Missing("content_info.hints");
            ContentProblem[] problems = items > 8 ? reader.ReadArray("content_info.problems", (ref MsgpackReader r) => ContentProblem.Read(ref r)) : throw reader.Missing("content_info.problems");
            reader.Finish(items - 9);
            return new ContentInfoMessage(revision, world, npcs, scenes, models, state, hints, problems);
        }
    }

    /// <summary>A designer's file as it is now; <c>line</c> is where the key stands, from 1, 0 for nowhere.</summary>
    public readonly struct SourceTextMessage
    {
        public const int TypeNumber = 32;

        public readonly string File;
        public readonly string Text;
        public readonly long Line;

        public SourceTextMessage(string file, string text, long line = 0)
        {
            File = file;
            Text = text;
            Line = line;
        }

        internal static SourceTextMessage Read(ref MsgpackReader reader, int items)
        {
            string file = items > 1 ? reader.ReadString("source_text.file") : throw reader.Missing("source_text.file");
            string text = items > 2 ? reader.ReadString("source_text.text") : throw reader.Missing("source_text.text");
            long line = items > 3 ? reader.ReadCount("source_text.line") : 0;
            reader.Finish(items - 4);
            return new SourceTextMessage(file, text, line);
        }
    }

    /// <summary>A turn waits until the server has room for it; <c>position</c> 1 comes next, and is told again
    /// when it changes. The turn's next message ends the wait.</summary>
    public readonly struct QueuedMessage
    {
        public const int TypeNumber = 33;

        public readonly long Turn;
        public readonly long Position;

        public QueuedMessage(long turn, long position)
        {
            Turn = turn;
            Position = position;
        }

        internal static QueuedMessage Read(ref MsgpackReader reader, int items)
        {
            long turn = items > 1 ? reader.ReadCount("queued.turn") : throw reader.Missing("queued.turn");
            long position = items > 2 ? reader.ReadCount("queued.position") : throw reader.Missing("queued.position");
            reader.Finish(items - 3);
            return new QueuedMessage(turn, position);
        }
    }

    /// <summary>The recorded sessions, the newest first; <c>recording</c> is whether this server records.</summary>
    public readonly struct RecordingListMessage
    {
        public const int TypeNumber = 34;

        public readonly bool Recording;
        public readonly RecordingInfo[] Files;

        public RecordingListMessage(bool recording, RecordingInfo[] files)
        {
            Recording = recording;
            Files = files ?? Array.Empty<RecordingInfo>();
        }

        internal static RecordingListMessage Read(ref MsgpackReader reader, int items)
        {
            bool recording = items > 1 ? reader.ReadBoolean("recording_list.recording") : throw reader.Missing("recording_list.recording");
            RecordingInfo[] files = items > 2 ? reader.ReadArray("recording_list.files", (ref MsgpackReader r) => RecordingInfo.Read(ref r)) : throw reader.Missing("recording_list.files");
            reader.Finish(items - 3);
            return new RecordingListMessage(recording, files);
        }
    }

    /// <summary>Whole lines of a recording (docs/recording.md); <c>next</c> is where the following piece begins,
    /// 0 if this is the last.</summary>
    public readonly struct RecordingTextMessage
    {
        public const int TypeNumber = 35;

        public readonly string Name;
        public readonly long Offset;
        public readonly string Text;
        public readonly long Next;

        public RecordingTextMessage(string name, long offset, string text, long next = 0)
        {
            Name = name;
            Offset = offset;
            Text = text;
            Next = next;
        }

        internal static RecordingTextMessage Read(ref MsgpackReader reader, int items)
        {
            string name = items > 1 ? reader.ReadString("recording_text.name") : throw reader.Missing("recording_text.name");
            long offset = items > 2 ? reader.ReadCount("recording_text.offset") : throw reader.Missing("recording_text.offset");
            string text = items > 3 ? reader.ReadString("recording_text.text") : throw reader.Missing("recording_text.text");
            long next = items > 4 ? reader.ReadCount("recording_text.next") : 0;
            reader.Finish(items - 5);
            return new RecordingTextMessage(name, offset, text, next);
        }
    }

    /// <summary>What came of a re-run: how many answers were compared, how many are otherwise, the first
    /// hundred of those, and what makes the comparison less than it seems.</summary>
    public readonly struct RerunReportMessage
    {
        public const int TypeNumber = 36;

        public readonly string Name;
        public readonly long Answers;
        public readonly long Changed;
        public readonly ChangedAnswer[] First;
        public readonly string[] Notes;

        public RerunReportMessage(string name, long answers, long changed, ChangedAnswer[] first, string[] notes = null)
        {
            Name = name;
            Answers = answers;
            Changed = changed;
            First = first ?? Array.Empty<ChangedAnswer>();
            Notes = notes ?? Array.Empty<string>();
        }

        internal static RerunReportMessage Read(ref MsgpackReader reader, int items)
        {
            string name = items > 1 ? reader.ReadString("rerun_report.name") : throw reader.Missing("rerun_report.name");
            long answers = items > 2 ? reader.ReadCount("rerun_report.answers") : throw reader.Missing("rerun_report.answers");
            long changed = items > 3 ? reader.ReadCount("rerun_report.changed") : throw reader.Missing("rerun_report.changed");
            ChangedAnswer[] first = items > 4 ? reader.ReadArray("rerun_report.first", (ref MsgpackReader r) => ChangedAnswer.Read(ref r)) : throw reader.Missing("rerun_report.first");
            string[] notes = items > 5 ? reader.ReadStrings("rerun_report.notes") : Array.Empty<string>();
            reader.Finish(items - 6);
            return new RerunReportMessage(name, answers, changed, first, notes);
        }
    }

    /// <summary>Takes what the server sends, one method for each message.</summary>
    public interface IServerMessageHandler
    {
        void OnWelcome(in WelcomeMessage message);
        void OnPong(in PongMessage message);
        void OnGoAway(in GoAwayMessage message);
        void OnOpened(in OpenedMessage message);
        void OnStateOk(in StateOkMessage message);
        void OnTurn(in TurnMessage message);
        void OnDelta(in DeltaMessage message);
        void OnCue(in CueMessage message);
        void OnTurnEnd(in TurnEndMessage message);
        void OnError(in ErrorMessage message);
        void OnClosed(in ClosedMessage message);
        void OnSaved(in SavedMessage message);
        void OnTranscript(in TranscriptMessage message);
        void OnNoted(in NotedMessage message);
        void OnTrigger(in TriggerMessage message);
        void OnSuggestions(in SuggestionsMessage message);
        void OnInspected(in InspectedMessage message);
        void OnNpcList(in NpcListMessage message);
        void OnContentInfo(in ContentInfoMessage message);
        void OnSourceText(in SourceTextMessage message);
        void OnQueued(in QueuedMessage message);
        void OnRecordingList(in RecordingListMessage message);
        void OnRecordingText(in RecordingTextMessage message);
        void OnRerunReport(in RerunReportMessage message);
    }

    /// <summary>Passes everything on, if there is a next; override what concerns you.</summary>
    public class ServerMessageForwarder : IServerMessageHandler
    {
        public IServerMessageHandler Next { get; set; }

        public virtual void OnWelcome(in WelcomeMessage message) => Next?.OnWelcome(in message);
        public virtual void OnPong(in PongMessage message) => Next?.OnPong(in message);
        public virtual void OnGoAway(in GoAwayMessage message) => Next?.OnGoAway(in message);
        public virtual void OnOpened(in OpenedMessage message) => Next?.OnOpened(in message);
        public virtual void OnStateOk(in StateOkMessage message) => Next?.OnStateOk(in message);
        public virtual void OnTurn(in TurnMessage message) => Next?.OnTurn(in message);
        public virtual void OnDelta(in DeltaMessage message) => Next?.OnDelta(in message);
        public virtual void OnCue(in CueMessage message) => Next?.OnCue(in message);
        public virtual void OnTurnEnd(in TurnEndMessage message) => Next?.OnTurnEnd(in message);
        public virtual void OnError(in ErrorMessage message) => Next?.OnError(in message);
        public virtual void OnClosed(in ClosedMessage message) => Next?.OnClosed(in message);
        public virtual void OnSaved(in SavedMessage message) => Next?.OnSaved(in message);
        public virtual void OnTranscript(in TranscriptMessage message) => Next?.OnTranscript(in message);
        public virtual void OnNoted(in NotedMessage message) => Next?.OnNoted(in message);
        public virtual void OnTrigger(in TriggerMessage message) => Next?.OnTrigger(in message);
        public virtual void OnSuggestions(in SuggestionsMessage message) => Next?.OnSuggestions(in message);
        public virtual void OnInspected(in InspectedMessage message) => Next?.OnInspected(in message);
        public virtual void OnNpcList(in NpcListMessage message) => Next?.OnNpcList(in message);
        public virtual void OnContentInfo(in ContentInfoMessage message) => Next?.OnContentInfo(in message);
        public virtual void OnSourceText(in SourceTextMessage message) => Next?.OnSourceText(in message);
        public virtual void OnQueued(in QueuedMessage message) => Next?.OnQueued(in message);
        public virtual void OnRecordingList(in RecordingListMessage message) => Next?.OnRecordingList(in message);
        public virtual void OnRecordingText(in RecordingTextMessage message) => Next?.OnRecordingText(in message);
        public virtual void OnRerunReport(in RerunReportMessage message) => Next?.OnRerunReport(in message);
    }

    /// <summary>Reads what the server sends.</summary>
    public static class ServerMessages
    {
        /// <summary>Reads the rest of a message of <paramref name="type"/> and hands it over. False,
        /// with nothing read, for a type of a later version.</summary>
        internal static bool Read(
            ref MsgpackReader reader, int type, int items, IServerMessageHandler handler)
        {
            switch (type)
            {
                case WelcomeMessage.TypeNumber:
                    WelcomeMessage welcome = WelcomeMessage.Read(ref reader, items);
                    handler.OnWelcome(in welcome);
                    return true;
                case PongMessage.TypeNumber:
                    PongMessage pong = PongMessage.Read(ref reader, items);
                    handler.OnPong(in pong);
                    return true;
                case GoAwayMessage.TypeNumber:
                    GoAwayMessage goAway = GoAwayMessage.Read(ref reader, items);
                    handler.OnGoAway(in goAway);
                    return true;
                case OpenedMessage.TypeNumber:
                    OpenedMessage opened = OpenedMessage.Read(ref reader, items);
                    handler.OnOpened(in opened);
                    return true;
                case StateOkMessage.TypeNumber:
                    StateOkMessage stateOk = StateOkMessage.Read(ref reader, items);
                    handler.OnStateOk(in stateOk);
                    return true;
                case TurnMessage.TypeNumber:
                    TurnMessage turn = TurnMessage.Read(ref reader, items);
                    handler.OnTurn(in turn);
                    return true;
                case DeltaMessage.TypeNumber:
                    DeltaMessage delta = DeltaMessage.Read(ref reader, items);
                    handler.OnDelta(in delta);
                    return true;
                case CueMessage.TypeNumber:
                    CueMessage cue = CueMessage.Read(ref reader, items);
                    handler.OnCue(in cue);
                    return true;
                case TurnEndMessage.TypeNumber:
                    TurnEndMessage turnEnd = TurnEndMessage.Read(ref reader, items);
                    handler.OnTurnEnd(in turnEnd);
                    return true;
                case ErrorMessage.TypeNumber:
                    ErrorMessage error = ErrorMessage.Read(ref reader, items);
                    handler.OnError(in error);
                    return true;
                case ClosedMessage.TypeNumber:
                    ClosedMessage closed = ClosedMessage.Read(ref reader, items);
                    handler.OnClosed(in closed);
                    return true;
                case SavedMessage.TypeNumber:
                    SavedMessage saved = SavedMessage.Read(ref reader, items);
                    handler.OnSaved(in saved);
                    return true;
                case TranscriptMessage.TypeNumber:
                    TranscriptMessage transcript = TranscriptMessage.Read(ref reader, items);
                    handler.OnTranscript(in transcript);
                    return true;
                case NotedMessage.TypeNumber:
                    NotedMessage noted = NotedMessage.Read(ref reader, items);
                    handler.OnNoted(in noted);
                    return true;
                case TriggerMessage.TypeNumber:
                    TriggerMessage trigger = TriggerMessage.Read(ref reader, items);
                    handler.OnTrigger(in trigger);
                    return true;
                case SuggestionsMessage.TypeNumber:
                    SuggestionsMessage suggestions = SuggestionsMessage.Read(ref reader, items);
                    handler.OnSuggestions(in suggestions);
                    return true;
                case InspectedMessage.TypeNumber:
                    InspectedMessage inspected = InspectedMessage.Read(ref reader, items);
                    handler.OnInspected(in inspected);
                    return true;
                case NpcListMessage.TypeNumber:
                    NpcListMessage npcList = NpcListMessage.Read(ref reader, items);
                    handler.OnNpcList(in npcList);
                    return true;
                case ContentInfoMessage.TypeNumber:
                    ContentInfoMessage contentInfo = ContentInfoMessage.Read(ref reader, items);
                    handler.OnContentInfo(in contentInfo);
                    return true;
                case SourceTextMessage.TypeNumber:
                    SourceTextMessage sourceText = SourceTextMessage.Read(ref reader, items);
                    handler.OnSourceText(in sourceText);
                    return true;
                case QueuedMessage.TypeNumber:
                    QueuedMessage queued = QueuedMessage.Read(ref reader, items);
                    handler.OnQueued(in queued);
                    return true;
                case RecordingListMessage.TypeNumber:
                    RecordingListMessage recordingList = RecordingListMessage.Read(ref reader, items);
                    handler.OnRecordingList(in recordingList);
                    return true;
                case RecordingTextMessage.TypeNumber:
                    RecordingTextMessage recordingText = RecordingTextMessage.Read(ref reader, items);
                    handler.OnRecordingText(in recordingText);
                    return true;
                case RerunReportMessage.TypeNumber:
                    RerunReportMessage rerunReport = RerunReportMessage.Read(ref reader, items);
                    handler.OnRerunReport(in rerunReport);
                    return true;
                default:
                    return false;
            }
        }
    }
}
