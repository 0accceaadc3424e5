using System;

namespace DialogueServer.Protocol
{
    /// <summary>
    /// A frame is not a message. The session lives on; skip the frame.
    /// </summary>
    public sealed class MessageFormatException : Exception
    {
        public MessageFormatException(string detail) : base(detail)
        {
        }
    }

    /// <summary>
    /// The server broke the protocol so that the connection cannot go on: close the socket with
    /// <see cref="Code"/>.
    /// </summary>
    public sealed class ProtocolViolationException : Exception
    {
        public int Code { get; }

        public ProtocolViolationException(string detail) : base(detail)
        {
            Code = CloseCode.ProtocolError;
        }
    }
}
