using System;
using System.Collections.Generic;

namespace DialogueServer.Protocol
{
    /// <summary>Our sequenced messages that may not have reached the server, oldest first.</summary>
    internal sealed class Outbox
    {
        private readonly List<long> _numbers = new List<long>();
        private readonly List<IClientMessage> _messages = new List<IClientMessage>();

        public void Add(long number, IClientMessage message)
        {
            _numbers.Add(number);
            _messages.Add(message);
        }

        public IReadOnlyList<IClientMessage> Messages() => _messages.ToArray();

        public void Clear()
        {
            _numbers.Clear();
            _messages.Clear();
        }

        /// <summary>The server has everything up to that number.</summary>
        public void ReleaseUpTo(long number)
        {
            int count = 0;
            while (count < _numbers.Count && _numbers[count] <= number) count++;
            RemoveFirst(count);
        }

        /// <summary>The oldest message of that kind was answered: it and all before it have
        /// arrived. Returns it, or null.</summary>
        public IClientMessage Settle(Predicate<IClientMessage> answered)
        {
            int index = _messages.FindIndex(answered);
            if (index < 0) return null;
            IClientMessage message = _messages[index];
            RemoveFirst(index + 1);
            return message;
        }

        private void RemoveFirst(int count)
        {
            _numbers.RemoveRange(0, count);
            _messages.RemoveRange(0, count);
        }
    }
}
