using System;
using DialogueServer.Protocol;

namespace DialogueServer
{
    /// <summary>The server refused a request; the session lives on.</summary>
    public sealed class DialogueException : Exception
    {
        /// <summary>The code of what failed because the connection is gone; the server never sends it.</summary>
        public const string Disconnected = "disconnected";

        public DialogueException(
            string code, string detail, bool retryable = false, long retryAfterMs = 0, string line = "")
            : base(detail)
        {
            Code = code;
            Retryable = retryable;
            RetryAfterMs = retryAfterMs;
            Line = line;
        }

        internal DialogueException(in ErrorMessage message)
            : this(message.Code, message.Detail, message.Retryable, message.RetryAfterMs, message.Line)
        {
        }

        internal static DialogueException Lost() =>
            new DialogueException(Disconnected, "The connection was lost before the server answered; try again.", true);

        /// <summary>A value of <see cref="ErrorCode"/>, or of a later server.</summary>
        public string Code { get; }

        /// <summary>The same request may succeed later.</summary>
        public bool Retryable { get; }

        /// <summary>0 where the server has no advice.</summary>
        public long RetryAfterMs { get; }

        /// <summary>The request that failed (<see cref="DialogueTurn.Line"/>); "" if it has no such id.</summary>
        public string Line { get; }
    }
}
