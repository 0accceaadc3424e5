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
        Suggest,
        Npcs,
    }

    /// <summary>
    /// Requests of one conversation that no turn answers. The server answers those without a line
    /// id in their order, and an error that names only the conversation is about the oldest.
    /// </summary>
    internal sealed class PendingRequests
    {
        private readonly List<Request> _requests = new List<Request>();
        private readonly List<Request> _lost = new List<Request>();

        public Task<object> Add(RequestKind kind, string line = "")
        {
            var request = new Request(kind, line);
            _requests.Add(request);
            return request.Answer.Task;
        }

        public void AddFirst(RequestKind kind) => _requests.Insert(0, new Request(kind, ""));

        public bool Awaits(RequestKind kind) => _requests.Exists(request => request.Kind == kind);

        /// <summary>The oldest request of either kind is answered; which it was, or None.</summary>
        public RequestKind Answered(RequestKind kind, RequestKind orKind, object answer)
        {
            if (!Take(request => request.Kind == kind || request.Kind == orKind, out Request found)) return RequestKind.None;
            found.Answer.TrySetResult(answer);
            return found.Kind;
        }

        /// <summary>The request with this line id is answered; false if there is none.</summary>
        public bool Answered(string line, object answer)
        {
            bool known = Take(request => request.Line == line, out Request found);
            if (known) found.Answer.TrySetResult(answer);
            return known;
        }

        /// <summary>The oldest request without a line id is refused; which it was, or None.</summary>
        public RequestKind Refused(DialogueException error)
        {
            if (!Take(request => request.Line.Length == 0, out Request found)) return RequestKind.None;
            found.Fail(error);
            return found.Kind;
        }

        /// <summary>The request with this line id is refused; false if there is none.</summary>
        public bool Refused(string line, DialogueException error)
        {
            bool known = Take(request => request.Line == line, out Request found);
            if (known) found.Fail(error);
            return known;
        }

        /// <summary>
        /// The session was lost. The connection repeats loads, saves and what has a line id; the
        /// rest fails with <see cref="FailLost"/>.
        /// </summary>
        public void Lose()
        {
            bool Fails(Request request) =>
                request.Kind != RequestKind.Load && request.Kind != RequestKind.Save && request.Line.Length == 0;
            _lost.AddRange(_requests.FindAll(Fails));
            _requests.RemoveAll(Fails);
        }

        /// <summary>Not before the connection has recovered: who awaits a request may make it again
        /// at once.</summary>
        public void FailLost() => Fail(_lost, DialogueException.Lost());

        /// <summary>None will be answered: each fails with the error, or is cancelled.</summary>
        public void Clear(DialogueException error)
        {
            Fail(_lost, error);
            Fail(_requests, error);
        }

        public static async Task<T> As<T>(Task<object> answer) => (T)await answer;

        private static void Fail(List<Request> requests, DialogueException error)
        {
            Request[] all = requests.ToArray();
            requests.Clear();
            foreach (Request request in all) request.Fail(error);
        }

        private bool Take(Predicate<Request> which, out Request found)
        {
            int index = _requests.FindIndex(which);
            found = index < 0 ? null : _requests[index];
            if (index >= 0) _requests.RemoveAt(index);
            return index >= 0;
        }

        private sealed class Request
        {
            public readonly RequestKind Kind;

            /// <summary>The client's own id, "" if the request has none.</summary>
            public readonly string Line;
            public readonly TaskCompletionSource<object> Answer = new TaskCompletionSource<object>();

            public Request(RequestKind kind, string line)
            {
                Kind = kind;
                Line = line;
            }

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
