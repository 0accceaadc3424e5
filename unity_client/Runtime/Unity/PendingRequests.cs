using System;
using System.Collections.Generic;
using System.Threading.Tasks;

namespace DialogueServer
{
    internal enum RequestKind
    {
        None,
        Open,
        State,
        Save,
        Load,
        History,
    }

    /// <summary>
    /// Requests of one conversation, lines aside: the server answers them in their order, and an
    /// error that names only the conversation is about the oldest.
    /// </summary>
    internal sealed class PendingRequests
    {
        private readonly List<Request> _requests = new List<Request>();

        public Task<object> Add(RequestKind kind)
        {
            var request = new Request(kind);
            _requests.Add(request);
            return request.Answer.Task;
        }

        /// <summary>The oldest request of either kind is answered; which it was, or None.</summary>
        public RequestKind Answered(RequestKind kind, RequestKind orKind, object answer)
        {
            int index = _requests.FindIndex(request => request.Kind == kind || request.Kind == orKind);
            if (index < 0) return RequestKind.None;
            Request found = _requests[index];
            _requests.RemoveAt(index);
            found.Answer.TrySetResult(answer);
            return found.Kind;
        }

        /// <summary>The oldest request is refused; which it was, or None.</summary>
        public RequestKind Refused(DialogueException error)
        {
            if (_requests.Count == 0) return RequestKind.None;
            Request found = _requests[0];
            _requests.RemoveAt(0);
            found.Fail(error);
            return found.Kind;
        }

        /// <summary>None will be answered: each fails with the error, or is cancelled.</summary>
        public void Clear(DialogueException error)
        {
            var all = new List<Request>(_requests);
            _requests.Clear();
            foreach (Request request in all) request.Fail(error);
        }

        public static async Task<T> As<T>(Task<object> answer) => (T)await answer;

        private sealed class Request
        {
            public readonly RequestKind Kind;
            public readonly TaskCompletionSource<object> Answer = new TaskCompletionSource<object>();

            public Request(RequestKind kind) => Kind = kind;

            public void Fail(DialogueException error)
            {
                if (error == null)
                {
                    Answer.TrySetCanceled();
                    return;
                }
                Answer.TrySetException(error);
                _ = Answer.Task.Exception; // nobody has to await it
            }
        }
    }
}
