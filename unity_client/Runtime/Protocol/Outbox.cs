using System;
using System.Collections.Generic;
using System.Linq;

namespace DialogueServer.Protocol
{
    /// <summary>Our sequenced messages of one session: those that may not have reached the server,
    /// and those that it has not answered yet. Each oldest first.</summary>
    internal sealed class Outbox
    {
        private readonly List<long> _numbers = new List<long>();
        private readonly List<IClientMessage> _messages = new List<IClientMessage>();
        // Arrived, not yet answered; without the requests.
        private readonly List<IClientMessage> _awaited = new List<IClientMessage>();
        private readonly List<IClientRequest> _requests = new List<IClientRequest>();
        // Of each request's first frame.
        private readonly Dictionary<LineKey, long> _firsts = new Dictionary<LineKey, long>();

        /// <summary>What may not have reached the server.</summary>
        public IReadOnlyList<IClientMessage> Messages => _messages;

        /// <summary>What has a line id and no answer yet, arrived or not.</summary>
        public IReadOnlyList<IClientRequest> Requests => _requests;

        public void Add(long number, IClientMessage message)
        {
            if (message is IClientRequest request)
            {
                LineKey key = LineKey.Of(request);
                int known = _requests.FindIndex(key.Equals);
                if (known >= 0) _requests[known] = request;
                else _requests.Add(request);
                _firsts.TryAdd(key, number);
            }
            else if (message is CloseMessage close)
            {
                _requests.RemoveAll(open => open.Conversation == close.Conversation);
            }
            _numbers.Add(number);
            _messages.Add(message);
        }

        /// <summary>The session is gone: forgets all but the requests, which are to be sent again.
        /// Returns the loads and saves that had no answer.</summary>
        public List<IClientMessage> Lose()
        {
            List<IClientMessage> moves =
                _awaited.Concat(_messages).Where(m => m is LoadMessage || m is SaveMessage).ToList();
            _awaited.Clear();
            _firsts.Clear();
            _numbers.Clear();
            _messages.Clear();
            return moves;
        }

        /// <summary>The message of that number has arrived, and all before it.</summary>
        public void Arrived(long number)
        {
            int count = 0;
            while (count < _numbers.Count && _numbers[count] <= number)
            {
                IClientMessage message = _messages[count++];
                if (!(message is InterruptMessage) && !(message is IClientRequest)) _awaited.Add(message);
            }
            _numbers.RemoveRange(0, count);
            _messages.RemoveRange(0, count);
        }

        /// <summary>The request has arrived: of one that was sent again, this proves it of the
        /// first frame only.</summary>
        public void Arrived(LineKey key)
        {
            if (_firsts.TryGetValue(key, out long number)) Arrived(number);
        }

        /// <summary>The request is no longer waited for.</summary>
        public void Answered(LineKey key)
        {
            _requests.RemoveAll(key.Equals);
            _firsts.Remove(key);
        }

        /// <summary>The oldest message of that kind, requests aside, was answered: it and all
        /// before it have arrived. Returns it, or null.</summary>
        public IClientMessage Settle(Predicate<IClientMessage> answered)
        {
            int index = _awaited.FindIndex(answered);
            if (index < 0)
            {
                int sent = _messages.FindIndex(answered);
                if (sent < 0) return null;
                Arrived(_numbers[sent]);
                index = _awaited.FindIndex(answered);
            }
            IClientMessage message = _awaited[index];
            _awaited.RemoveAt(index);
            return message;
        }

        /// <summary>A close was answered: nothing comes any more for the requests that it gave up.</summary>
        public void Closed()
        {
            foreach (LineKey key in _firsts.Keys.Except(_requests.Select(LineKey.Of)).ToArray()) _firsts.Remove(key);
        }
    }
}
