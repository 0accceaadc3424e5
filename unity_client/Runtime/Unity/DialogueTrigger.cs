using System.Collections.Generic;
using DialogueServer.Protocol;

namespace DialogueServer
{
    /// <summary>A condition on the conversation that a designer declared has come true.</summary>
    public readonly struct DialogueTrigger
    {
        public readonly string Name;

        /// <summary>The stage that the scene moved to by it; "" where it did not move.</summary>
        public readonly string Stage;

        /// <summary>null, bool, long, double, string, List or Dictionary of these.</summary>
        public readonly IReadOnlyDictionary<string, object> Arguments;

        internal DialogueTrigger(in TriggerMessage message)
        {
            Name = message.Name;
            Stage = message.Stage;
            Arguments = message.Args;
        }
    }

    /// <summary>Whether an NPC says something about an event.</summary>
    public enum Reaction
    {
        /// <summary>The server decides.</summary>
        May,

        /// <summary>Nobody speaks; all who are there remember it.</summary>
        Never,

        /// <summary>Somebody speaks.</summary>
        Must,
    }

    internal static class Reactions
    {
        public static string OnWire(this Reaction react) =>
            react == Reaction.Never ? "never" : react == Reaction.Must ? "must" : "may";
    }
}
