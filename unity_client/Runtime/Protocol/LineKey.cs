using System;

namespace DialogueServer.Protocol
{
    /// <summary>Names a request: its conversation and the line id that the client gave it.</summary>
    internal readonly struct LineKey : IEquatable<LineKey>
    {
        public readonly string Conversation;
        public readonly string Line;

        public LineKey(string conversation, string line)
        {
            Conversation = conversation;
            Line = line;
        }

        public static LineKey Of(IClientRequest request) => new LineKey(request.Conversation, request.Line);

        public bool Equals(IClientRequest request) => Equals(Of(request));

        public bool Equals(LineKey other) => Conversation == other.Conversation && Line == other.Line;

        public override bool Equals(object other) => other is LineKey key && Equals(key);

        public override int GetHashCode() => Line.GetHashCode();
    }
}
