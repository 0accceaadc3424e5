using System;
using System.Collections.Generic;

namespace DialogueServer.Protocol
{
    /// <summary>Where the client's end of a session is.</summary>
    public enum ConnectionState
    {
        New,
        Greeting,
        Recovering,
        Attached,
        Detached,
        Ended,
    }

    /// <summary>
    /// The client's end of a session, without I/O; client_connection.py in C#. The owner of the
    /// socket, for each connection it makes:
    /// 1. offers <see cref="ProtocolInfo.Subprotocol"/> and writes <see cref="Hello"/> as the first frame;
    /// 2. passes every frame to <see cref="Receive"/>;
    /// 3. when <see cref="State"/> is Recovering, writes the frames of <see cref="Recover"/>;
    /// 4. writes what <see cref="Send"/> returns if <see cref="State"/> is Attached; in any other
    ///    state the message is kept, and <see cref="Recover"/> gives it out after the next welcome;
    /// 5. after each Receive, writes <see cref="TakeAck"/> if it gives a frame;
    /// 6. calls <see cref="Disconnected"/> when the socket is gone and obeys the policy: waits for
    ///    <see cref="ReconnectDelay"/> and starts again at 1, or stops.
    /// Not safe for several threads at once.
    /// </summary>
    public sealed class ClientConnection
    {
        /// <summary>An ack is due after so many messages or bytes, whichever comes first.</summary>
        public const int AckMessages = 64;
        public const int AckBytes = 16 * 1024;

        private readonly string _client;
        private readonly string _locale;
        private readonly string[] _capabilities;
        private readonly MsgpackWriter _writer = new MsgpackWriter();
        private readonly Outbox _outbox = new Outbox();
        private readonly Dictionary<string, OpenMessage> _opens = new Dictionary<string, OpenMessage>();
        private readonly Dictionary<long, LineKey> _turns = new Dictionary<long, LineKey>();
        private readonly Bookkeeping _bookkeeping;
        private int _unackedMessages;
        private int _unackedBytes;
        private int _ghosts;

        public ClientConnection(string client, string locale = "", string[] capabilities = null)
        {
            _client = client;
            _locale = locale;
            _capabilities = capabilities ?? Array.Empty<string>();
            _bookkeeping = new Bookkeeping(this);
        }

        public ConnectionState State { get; private set; } = ConnectionState.New;

        /// <summary>The token of the next hello.</summary>
        public string Token { get; set; } = "";

        public string Session { get; private set; } = "";

        public string Epoch { get; private set; } = "";

        /// <summary>What the server accepts; null before the first welcome.</summary>
        public Limits Limits { get; private set; }

        /// <summary>How many of the server's sequenced messages have arrived.</summary>
        public long Seq { get; private set; }

        /// <summary>How many sequenced messages of ours there were in this session.</summary>
        public long Sent { get; private set; }

        /// <summary>True after a welcome that could not resume: turns and their numbers are void,
        /// and <see cref="Recover"/> opens the conversations again.</summary>
        public bool Lost { get; private set; }

        /// <summary>What has a line id and no answer yet (its turn's end, say, or an error), oldest
        /// first.</summary>
        public IReadOnlyList<IClientRequest> Unanswered => _outbox.Requests;

        /// <summary>The first frame of a socket. Asks to resume if there is a session.</summary>
        public byte[] Hello()
        {
            Require(State == ConnectionState.New || State == ConnectionState.Detached, "say hello");
            State = ConnectionState.Greeting;
            Resume resume = Session.Length > 0 ? new Resume(Session, Epoch, Seq) : null;
            return Encode(new HelloMessage(ProtocolInfo.Version, _client, Token, _locale, _capabilities, resume));
        }

        /// <summary>Numbers and keeps a message; write the frame if the state is Attached.</summary>
        public byte[] Send(IClientMessage message)
        {
            Require(State != ConnectionState.Ended, "send");
            byte[] frame = Encode(message); // first: a message that cannot be sent changes nothing
            if (message.Type < ProtocolInfo.FirstSequencedType) return frame;
            if (message is OpenMessage open) _opens[open.Conversation] = open;
            else if (message is CloseMessage close) _opens.Remove(close.Conversation);
            Sent++;
            _outbox.Add(Sent, message);
            return frame;
        }

        /// <summary>
        /// Counts a frame and hands its message over; a message of a later version is counted and
        /// ignored. Throws <see cref="MessageFormatException"/> for a frame to be skipped (it is
        /// counted), <see cref="ProtocolViolationException"/> where the socket is to be closed.
        /// </summary>
        public void Receive(ArraySegment<byte> frame, IServerMessageHandler handler)
        {
            Require(State == ConnectionState.Greeting || State == ConnectionState.Attached, "receive");
            var reader = new MsgpackReader(frame);
            int type = -1;
            int items;
            try
            {
                items = reader.ReadArrayHeader("message");
                if (items == 0) throw reader.Missing("type");
                type = reader.ReadType();
            }
            finally
            {
                // A frame counts even if it cannot be read, unless it is known to have no number.
                bool sequenced = type < 0 || type >= ProtocolInfo.FirstSequencedType;
                if (sequenced && State == ConnectionState.Attached) Count(frame.Count);
            }
            if (State == ConnectionState.Greeting
                && type != WelcomeMessage.TypeNumber && type != ErrorMessage.TypeNumber)
                throw new ProtocolViolationException("expected welcome first, got type " + type);
            _bookkeeping.Next = handler;
            if (!ServerMessages.Read(ref reader, type, items, _bookkeeping)) reader.Finish(items - 1);
        }

        /// <summary>
        /// The frames to write after a welcome, in order. After a resume, and at the first
        /// welcome: our messages that have not reached the server. After a loss: an open for each
        /// conversation, then loads and saves that had no answer, then
        /// <paramref name="snapshots"/>, then each unanswered line under its old id, so that no
        /// line is answered twice.
        /// </summary>
        public List<byte[]> Recover(IEnumerable<StateMessage> snapshots = null)
        {
            Require(State == ConnectionState.Recovering, "recover");
            State = ConnectionState.Attached;
            var frames = new List<byte[]>();
            if (!Lost)
            {
                foreach (IClientMessage message in _outbox.Messages) frames.Add(Encode(message));
                return frames;
            }
            Lost = false;
            var messages = new List<IClientMessage>(_opens.Values);
            messages.AddRange(_outbox.Lose());
            if (snapshots != null) messages.AddRange(snapshots);
            messages.AddRange(_outbox.Requests);
            Sent = 0;
            foreach (IClientMessage message in messages) frames.Add(Send(message));
            return frames;
        }

        /// <summary>An ack if one is due, to be written now; else null.</summary>
        public byte[] TakeAck()
        {
            if (_unackedMessages < AckMessages && _unackedBytes < AckBytes) return null;
            _unackedMessages = _unackedBytes = 0;
            return Encode(new AckMessage(Seq));
        }

        /// <summary>The socket is gone, with 1006 where it just broke. What to do now.</summary>
        public ClosePolicy Disconnected(int closeCode)
        {
            if (State == ConnectionState.Greeting && Session.Length > 0) _ghosts++;
            ClosePolicy policy = ClosePolicies.For(closeCode);
            if (closeCode == CloseCode.Replaced && _ghosts > 0)
            {
                // A hello of our own, given up before its welcome, came late and took the session.
                _ghosts--;
                policy = ClosePolicy.Resume;
            }
            if (State != ConnectionState.New && State != ConnectionState.Ended) State = ConnectionState.Detached;
            if (policy == ClosePolicy.Stop) End();
            else if (policy == ClosePolicy.Reconnect) Lose();
            return policy;
        }

        /// <summary>Gives the session up, for good. Close the socket with 1000.</summary>
        public void End() => State = ConnectionState.Ended;

        /// <summary>
        /// Seconds to wait before attempt 0, 1, 2 ...: exponential with full jitter, so that many
        /// clients that lost the same server do not come back at once.
        /// </summary>
        public static double ReconnectDelay(int attempt, double random, double first = 0.5, double longest = 30.0) =>
            random * Math.Min(longest, first * Math.Pow(2.0, Math.Min(attempt, 32)));

        private void Welcomed(in WelcomeMessage welcome)
        {
            if (State != ConnectionState.Greeting)
                throw new ProtocolViolationException("a second welcome on one socket");
            if (welcome.Version < 1 || welcome.Version > ProtocolInfo.Version)
                throw new ProtocolViolationException("welcome.version: " + welcome.Version + " is not spoken here");
            if (welcome.Resumed)
            {
                if (welcome.Session != Session || welcome.Seq != Seq)
                    throw new ProtocolViolationException("welcome: resumed another position than we asked for");
                _outbox.Arrived(welcome.Received);
            }
            else if (Session.Length > 0)
            {
                Lose();
            }
            State = ConnectionState.Recovering;
            Session = welcome.Session;
            Epoch = welcome.Epoch;
            Seq = welcome.Seq;
            Limits = welcome.Limits;
            _unackedMessages = _unackedBytes = 0;
        }

        private void Lose()
        {
            Lost |= Session.Length > 0;
            Session = "";
            _ghosts = 0; // they know the old session only
            _turns.Clear();
        }

        private void Count(int bytes)
        {
            Seq++;
            _unackedMessages++;
            _unackedBytes += bytes;
        }

        /// <summary>An open with a checkpoint rolls back once; a later one must not do it again.</summary>
        private void KeepOpen(OpenMessage open)
        {
            if (open.Checkpoint.Length > 0 && IsNewest(open))
                _opens[open.Conversation] = new OpenMessage(
                    open.Conversation, open.Npcs, open.Player, open.Scene, open.Locale, model: open.Model);
        }

        /// <summary>Else a newer one of the conversation waits for its own answer.</summary>
        private bool IsNewest(OpenMessage open) =>
            _opens.TryGetValue(open.Conversation, out OpenMessage newest) && ReferenceEquals(open, newest);

        private byte[] Encode(IClientMessage message)
        {
            _writer.Clear();
            message.Write(_writer);
            return _writer.ToArray();
        }

        private void Require(bool possible, string what)
        {
            if (!possible)
                throw new InvalidOperationException("A connection cannot " + what + " in state " + State + ".");
        }

        /// <summary>Notes what a message answers before the game sees it.</summary>
        private sealed class Bookkeeping : ServerMessageForwarder
        {
            private readonly ClientConnection _connection;

            public Bookkeeping(ClientConnection connection) => _connection = connection;

            public override void OnWelcome(in WelcomeMessage message)
            {
                _connection.Welcomed(in message);
                base.OnWelcome(in message);
            }

            public override void OnOpened(in OpenedMessage message)
            {
                string name = message.Conversation;
                IClientMessage answered = _connection._outbox.Settle(m =>
                    (m is OpenMessage open && open.Conversation == name)
                    || (m is LoadMessage load && load.Conversation == name));
                if (answered is OpenMessage opened) _connection.KeepOpen(opened);
                base.OnOpened(in message);
            }

            public override void OnSaved(in SavedMessage message)
            {
                string name = message.Conversation;
                _connection._outbox.Settle(m => m is SaveMessage save && save.Conversation == name);
                base.OnSaved(in message);
            }

            public override void OnTranscript(in TranscriptMessage message)
            {
                string name = message.Conversation;
                _connection._outbox.Settle(m => m is HistoryMessage history && history.Conversation == name);
                base.OnTranscript(in message);
            }

            public override void OnStateOk(in StateOkMessage message)
            {
                string name = message.Conversation;
                _connection._outbox.Settle(m => m is StateMessage state && state.Conversation == name);
                base.OnStateOk(in message);
            }

            public override void OnTurn(in TurnMessage message)
            {
                if (message.Line.Length > 0)
                {
                    var key = new LineKey(message.Conversation, message.Line);
                    _connection._turns[message.Turn] = key;
                    _connection._outbox.Arrived(key);
                }
                base.OnTurn(in message);
            }

            public override void OnTurnEnd(in TurnEndMessage message)
            {
                if (_connection._turns.TryGetValue(message.Turn, out LineKey key))
                {
                    _connection._turns.Remove(message.Turn);
                    _connection._outbox.Answered(key);
                }
                base.OnTurnEnd(in message);
            }

            public override void OnNoted(in NotedMessage message)
            {
                Answered(new LineKey(message.Conversation, message.Line));
                base.OnNoted(in message);
            }

            public override void OnSuggestions(in SuggestionsMessage message)
            {
                Answered(new LineKey(message.Conversation, message.Line));
                base.OnSuggestions(in message);
            }

            public override void OnInspected(in InspectedMessage message)
            {
                string name = message.Conversation;
                _connection._outbox.Settle(m => m is InspectMessage inspect && inspect.Conversation == name);
                base.OnInspected(in message);
            }

            public override void OnNpcList(in NpcListMessage message)
            {
                _connection._outbox.Settle(m => m is NpcsMessage);
                base.OnNpcList(in message);
            }

            public override void OnContentInfo(in ContentInfoMessage message)
            {
                _connection._outbox.Settle(m => m is ContentMessage);
                base.OnContentInfo(in message);
            }

            public override void OnSourceText(in SourceTextMessage message)
            {
                _connection._outbox.Settle(m => m is SourceMessage);
                base.OnSourceText(in message);
            }

            public override void OnRecordingList(in RecordingListMessage message)
            {
                _connection._outbox.Settle(m => m is RecordingsMessage);
                base.OnRecordingList(in message);
            }

            public override void OnRecordingText(in RecordingTextMessage message)
            {
                _connection._outbox.Settle(m => m is ReadRecordingMessage);
                base.OnRecordingText(in message);
            }

            public override void OnRerunReport(in RerunReportMessage message)
            {
                _connection._outbox.Settle(m => m is RerunMessage);
                base.OnRerunReport(in message);
            }

            public override void OnError(in ErrorMessage message)
            {
                // Before the welcome an error says why the socket will be closed.
                if (_connection.State == ConnectionState.Attached) Refused(in message);
                base.OnError(in message);
            }

            public override void OnClosed(in ClosedMessage message)
            {
                string name = message.Conversation;
                _connection._outbox.Settle(m => m is CloseMessage close && close.Conversation == name);
                _connection._outbox.Closed();
                base.OnClosed(in message);
            }

            private void Refused(in ErrorMessage message)
            {
                string name = message.Conversation;
                if (message.Line.Length > 0)
                {
                    Answered(new LineKey(name, message.Line));
                }
                else if (name.Length > 0 && message.Turn == 0)
                {
                    // Requests of one conversation, lines aside, are answered in their order.
                    IClientMessage failed = _connection._outbox.Settle(m =>
                        (m is OpenMessage opening && opening.Conversation == name)
                        || (m is StateMessage state && state.Conversation == name)
                        || (m is CloseMessage close && close.Conversation == name)
                        || (m is LoadMessage load && load.Conversation == name)
                        || (m is SaveMessage save && save.Conversation == name)
                        || (m is HistoryMessage history && history.Conversation == name)
                        || (m is InspectMessage inspect && inspect.Conversation == name));
                    if (failed is OpenMessage open && _connection.IsNewest(open)) _connection._opens.Remove(name);
                }
            }

            private void Answered(LineKey key)
            {
                _connection._outbox.Arrived(key);
                _connection._outbox.Answered(key);
            }
        }
    }
}
