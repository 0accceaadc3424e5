using System;
using System.Collections.Generic;
using DialogueServer.Protocol;

namespace DialogueServer
{
    /// <summary>Something to do when the reveal of a turn's text reaches a place in it.</summary>
    public readonly struct DialogueCue
    {
        public const string Mood = "mood";
        public const string Action = "action";
        public const string Pause = "pause";

        /// <summary>A text to show until the answer begins ("Hm ..."); no part of it.</summary>
        public const string Filler = "filler";

        private static readonly Dictionary<string, object> None = new Dictionary<string, object>();

        /// <summary>In code points from the start of the text.</summary>
        public readonly int Offset;

        /// <summary>One of the constants, or a kind of a later server, to be ignored.</summary>
        public readonly string Kind;

        public readonly string Name;

        /// <summary>null, bool, long, double, string, List or Dictionary of these.</summary>
        public readonly IReadOnlyDictionary<string, object> Arguments;

        /// <summary>The number in its turn of an action that waits for the game's answer; 0 if it
        /// does not wait, and for every other cue. See <see cref="DialogueAction"/>.</summary>
        public readonly int ActionNumber;

        public DialogueCue(
            int offset, string kind, string name = "", Dictionary<string, object> arguments = null, int actionNumber = 0)
        {
            Offset = offset;
            Kind = kind;
            Name = name;
            Arguments = arguments ?? None;
            ActionNumber = actionNumber;
        }

        internal DialogueCue(in CueMessage message)
            : this((int)Math.Min(message.Offset, int.MaxValue), message.Kind, message.Name, message.Args, (int)Math.Min(message.Action, int.MaxValue))
        {
        }

        /// <summary>How long a pause lasts; at most ten seconds, whatever the model wrote.</summary>
        public float PauseSeconds => Math.Min(10f, Math.Max(0f, (float)Number("ms") / 1000f));

        /// <summary>How strong a mood is, 0 to 100.</summary>
        public int Intensity => (int)Math.Min(100, Math.Max(0, Number("intensity")));

        public string FillerText => Arguments.TryGetValue("text", out object text) ? text as string ?? "" : "";

        /// <summary>The same thing at the same place.</summary>
        internal bool IsLike(in DialogueCue other) =>
            Offset == other.Offset && Kind == other.Kind && Name == other.Name;

        /// <summary>A number among the arguments, whatever its type; 0 if there is none.</summary>
        public double Number(string name)
        {
            if (!Arguments.TryGetValue(name, out object value)) return 0;
            return value is long whole ? whole : value is double real ? real : 0;
        }
    }
}
