namespace DialogueServer.Protocol
{
    /// <summary>What the client sends. The implementations are generated.</summary>
    public interface IClientMessage
    {
        int Type { get; }

        /// <summary>Writes the message as one msgpack array.</summary>
        void Write(MsgpackWriter writer);
    }
}
