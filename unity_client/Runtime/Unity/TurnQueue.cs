using System.Collections.Generic;
using DialogueServer.Protocol;

namespace DialogueServer
{
    /// <summary>
    /// The requests of one conversation that turns answer: one is under way at a time, since the
    /// server would refuse a second one as busy.
    /// </summary>
    internal sealed class TurnQueue
    {
        private readonly List<Entry> _waiting = new List<Entry>();
        private readonly Dictionary<string, DialogueTurn> _byLine = new Dictionary<string, DialogueTurn>();

        /// <summary>Asked for and not over; null or ended if there is none.</summary>
        public DialogueTurn UnderWay { get; set; }

        public void Add(DialogueTurn turn, IClientMessage request, bool ofPlayer) =>
            _waiting.Add(new Entry(turn, request, ofPlayer));

        /// <summary>What to send now, if anything: it is under way from here on.</summary>
        public bool TryNext(out Entry next)
        {
            next = default;
            if (_waiting.Count == 0 || (UnderWay != null && !UnderWay.Ended)) return false;
            next = _waiting[0];
            _waiting.RemoveAt(0);
            _byLine[next.Turn.Line] = UnderWay = next.Turn;
            return true;
        }

        public bool Find(string line, out DialogueTurn turn) => _byLine.TryGetValue(line, out turn);

        public void Forget(DialogueTurn turn) => _byLine.Remove(turn.Line);

        /// <summary>The player's requests that wait are not sent any more.</summary>
        public void CancelWaitingOfPlayer()
        {
            List<Entry> cancelled = _waiting.FindAll(entry => entry.OfPlayer);
            _waiting.RemoveAll(entry => entry.OfPlayer);
            foreach (Entry entry in cancelled) entry.Turn.Cancel();
        }

        /// <summary>Nothing will be sent or answered. Returns the turn that was under way, or null.</summary>
        public DialogueTurn Clear()
        {
            var cancelled = new List<Entry>(_waiting);
            DialogueTurn underWay = UnderWay;
            _waiting.Clear();
            _byLine.Clear();
            UnderWay = null;
            foreach (Entry entry in cancelled) entry.Turn.Cancel();
            return underWay == null || underWay.Ended ? null : underWay;
        }

        internal readonly struct Entry
        {
            public readonly DialogueTurn Turn;
            public readonly IClientMessage Request;

            /// <summary>The player asked for it: the player's next line takes its place.</summary>
            public readonly bool OfPlayer;

            public Entry(DialogueTurn turn, IClientMessage request, bool ofPlayer)
            {
                Turn = turn;
                Request = request;
                OfPlayer = ofPlayer;
            }
        }
    }
}
