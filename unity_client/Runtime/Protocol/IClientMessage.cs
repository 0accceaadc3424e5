namespace DialogueServer.Protocol
{
    /// <summary>What the client sends. The implementations are generated.</summary>
    public interface IClientMessage
    {
        int Type { get; }

        /// <summary>Writes the message as one msgpack array.</summary>
        void Write(MsgpackWriter writer);
    }

    /// <summary>A message with an id of the client's own, under which it is answered once however
    /// often it is sent.</summary>
    public interface IClientRequest : IClientMessage
    {
        string Conversation { get; }

        string Line { get; }
    }
}
