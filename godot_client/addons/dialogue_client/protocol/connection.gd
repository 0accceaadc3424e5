@tool
class_name DialogueConnection
extends RefCounted
## One session as the client sees it, without a socket: numbers, resume, what to send again.
##
## Most games never touch it: [DialogueClient] owns one. Whoever owns the socket, for each
## connection it makes:
## [br]1. writes [method hello] as the first frame;
## [br]2. passes every frame to [method receive] and acts on the message it returns;
## [br]3. on a welcome, writes the frames of [method recover] before anything else;
## [br]4. writes what [method send] returns if [member state] is ATTACHED; else it is kept;
## [br]5. after each [method receive], writes [method take_ack] if it gives a frame;
## [br]6. calls [method disconnected] when the socket is gone, and obeys the policy.

## Where this end of the session is.
enum State { NEW, GREETING, ATTACHED, DETACHED, ENDED }

## An ack is due after so many messages ...
const ACK_MESSAGES: int = 64
## ... or so many bytes, whichever comes first.
const ACK_BYTES: int = 16384

## What is answered by `opened`.
const OPENING: Array = [DialogueMessages.Open, DialogueMessages.Load]
## What has a line id, and is answered once however often it is sent.
const LINES: Array = [
	DialogueMessages.Say,
	DialogueMessages.Regenerate,
	DialogueMessages.Event,
	DialogueMessages.ScriptMessage,
	DialogueMessages.Advance,
	DialogueMessages.ActionResult,
	DialogueMessages.Suggest,
]
## What the server answers in the order in which it came, by conversation.
const REQUESTS: Array = [
	DialogueMessages.Open,
	DialogueMessages.State,
	DialogueMessages.Close,
	DialogueMessages.Load,
	DialogueMessages.Save,
	DialogueMessages.History,
	DialogueMessages.Inspect,
]

## Where this end of the session is.
var state: State = State.NEW
## The session's name; "" before the first welcome and after a loss.
var session: String = ""
## Which life of the session: a server that lost it gives another one.
var epoch: String = ""
## What the server accepts; null before the first welcome.
var limits: DialogueMessages.Limits = null
## How many sequenced messages the server has sent in this session.
var seq: int = 0
## How many sequenced messages were sent to the server in this session.
var sent: int = 0
## True after a welcome that could not resume: the numbers of turns are void, and
## [method recover] opens the conversations again.
var lost: bool = false
## What was wrong with the last frame or message; "" for nothing.
var problem: String = ""
## What the last message answered, of all that has no line id; null if that is not known.
var answered: DialogueMessages.Message = null
## Not 0 if [member problem] is a breach of the protocol: close the socket with this code.
var close_code: int = 0

var _hello: DialogueMessages.Hello = DialogueMessages.Hello.new()
var _opens: Dictionary = {}
var _lines: Dictionary = {}
## The numbers of the lines' first frames.
var _numbers: Dictionary = {}
var _turns: Dictionary = {}
var _outbox: Array[Outgoing] = []
## What has reached the server and has no answer yet; no lines.
var _awaited: Array[DialogueMessages.Message] = []
var _unacked_messages: int = 0
var _unacked_bytes: int = 0
var _ghosts: int = 0
var _reader: DialogueMsgpackReader = DialogueMsgpackReader.new()
var _writer: DialogueMsgpackWriter = DialogueMsgpackWriter.new()


## A message that may not have reached the server yet.
class Outgoing:
	extends RefCounted

	var number: int = 0
	var message: DialogueMessages.Message


func _init(
	client: String,
	token: String = "",
	locale: String = "",
	capabilities: PackedStringArray = PackedStringArray()
) -> void:
	_hello.client = client
	_hello.token = token
	_hello.locale = locale
	_hello.capabilities.assign(Array(capabilities))


## The token of the next hello.
func set_token(token: String) -> void:
	_hello.token = token


## What has a line id and no answer yet (its turn's end, say, or an error), oldest first.
func unanswered() -> Array[DialogueMessages.Message]:
	var lines: Array[DialogueMessages.Message] = []
	lines.assign(_lines.values())
	return lines


## Whether there is a session to go on with after a drop.
func has_session() -> bool:
	return not session.is_empty()


## The first frame of a socket. Asks to resume if there is a session.
func hello() -> PackedByteArray:
	state = State.GREETING
	_hello.resume = null
	if has_session():
		_hello.resume = DialogueMessages.Resume.new()
		_hello.resume.session = session
		_hello.resume.epoch = epoch
		_hello.resume.seq = seq
	return _encode(_hello)


## Numbers and keeps a message; write the frame if [member state] is ATTACHED. Empty if the
## message cannot be written: then nothing has changed, and [member problem] says why.
func send(message: DialogueMessages.Message) -> PackedByteArray:
	var frame: PackedByteArray = _encode(message)
	if problem.is_empty():
		_keep(message)
		return frame
	return PackedByteArray()


## What the server sent, counted. Null for a message of a newer version, and for a frame that is
## none ([member problem] says why; if [member close_code] is not 0, close the socket).
func receive(frame: PackedByteArray) -> DialogueMessages.Message:
	problem = ""
	close_code = 0
	answered = null
	_reader.begin(frame)
	var message: DialogueMessages.Message = DialogueMessages.read_server(_reader)
	if state == State.GREETING:
		return _receive_greeting(message)
	if message == null:
		problem = _reader.problem
		if _reader.type < 0 or _reader.type >= DialogueMessages.FIRST_SEQUENCED_TYPE:
			_count(frame.size())
		return null
	if message is DialogueMessages.Welcome:
		return _break_off("a second welcome on one socket")
	if message.is_sequenced():
		_count(frame.size())
		_note(message)
	return null if message is DialogueMessages.Unknown else message


## The frames to write after a welcome, in order. After a resume (and at the first welcome):
## our messages that have not reached the server. After a loss: an open for each conversation,
## then loads and saves that had no answer, [param snapshots], and each unanswered line under its
## old id, so that no line is answered twice.
func recover(snapshots: Array[DialogueMessages.State]) -> Array[PackedByteArray]:
	var frames: Array[PackedByteArray] = []
	if not lost:
		for outgoing: Outgoing in _outbox:
			frames.append(_encode(outgoing.message))
		return frames
	lost = false
	var messages: Array[DialogueMessages.Message] = []
	messages.append_array(_opens.values())
	var kept: Array[DialogueMessages.Message] = _awaited.duplicate()
	for outgoing: Outgoing in _outbox:
		kept.append(outgoing.message)
	for message: DialogueMessages.Message in kept:
		if message is DialogueMessages.Load or message is DialogueMessages.Save:
			messages.append(message)
	messages.append_array(snapshots)
	messages.append_array(_lines.values())
	_awaited.clear()
	_outbox.clear()
	_numbers.clear()
	sent = 0
	for message: DialogueMessages.Message in messages:
		var frame: PackedByteArray = send(message)
		if not frame.is_empty():  # a state may hold by now what cannot be written
			frames.append(frame)
	return frames


## An ack if one is due, to be written now; else empty.
func take_ack() -> PackedByteArray:
	if _unacked_messages < ACK_MESSAGES and _unacked_bytes < ACK_BYTES:
		return PackedByteArray()
	_unacked_messages = 0
	_unacked_bytes = 0
	var ack: DialogueMessages.Ack = DialogueMessages.Ack.new()
	ack.seq = seq
	return _encode(ack)


## The socket is gone (1006 where it just broke). What to do now: a value of
## [DialogueMessages.ClosePolicy].
func disconnected(code: int) -> String:
	var policy: String = DialogueMessages.close_policy(code)
	if state == State.GREETING and has_session():
		_ghosts += 1
	if code == DialogueMessages.CloseCode.REPLACED and _ghosts > 0:
		# A hello of our own, given up before its welcome, came late and took the session.
		_ghosts -= 1
		policy = DialogueMessages.ClosePolicy.RESUME
	state = State.ENDED if state == State.ENDED else State.DETACHED
	if policy == DialogueMessages.ClosePolicy.STOP:
		end()
	elif policy == DialogueMessages.ClosePolicy.RECONNECT:
		_lose()
	return policy


## Gives the session up. Close the socket with 1000.
func end() -> void:
	state = State.ENDED


## Seconds to wait before attempt 0, 1, 2 ...: exponential with full jitter. [param random] is
## drawn from 0 to 1, so that many clients that lost one server do not come back all at once.
static func reconnect_delay(attempt: int, random: float, base: float, longest: float) -> float:
	return random * minf(longest, base * pow(2.0, mini(attempt, 32)))


func _encode(message: DialogueMessages.Message) -> PackedByteArray:
	_writer.begin()
	message.write(_writer)
	problem = _writer.problem
	return _writer.take()


func _keep(message: DialogueMessages.Message) -> void:
	if not message.is_sequenced():
		return
	if message is DialogueMessages.Open:
		var open: DialogueMessages.Open = message
		_opens[open.conversation] = open
	elif _is_line(message):
		var key: Array = [message.get("conversation"), message.get("line")]
		_lines[key] = message
		if not _numbers.has(key):
			_numbers[key] = sent + 1
	elif message is DialogueMessages.Close:
		var close: DialogueMessages.Close = message
		_opens.erase(close.conversation)
		for key: Array in _lines.keys():
			if key[0] == close.conversation:
				_lines.erase(key)
	sent += 1
	var outgoing: Outgoing = Outgoing.new()
	outgoing.number = sent
	outgoing.message = message
	_outbox.append(outgoing)


func _receive_greeting(message: DialogueMessages.Message) -> DialogueMessages.Message:
	if message == null:
		problem = _reader.problem
		return null
	if message is DialogueMessages.ErrorMessage:
		return message
	if not message is DialogueMessages.Welcome:
		return _break_off("expected welcome first")
	var welcome: DialogueMessages.Welcome = message
	if welcome.version < 1 or welcome.version > DialogueMessages.VERSION:
		return _break_off("welcome.version: %d is not spoken here" % welcome.version)
	if welcome.resumed:
		if welcome.session != session or welcome.seq != seq:
			return _break_off("welcome: resumed another position than we asked for")
		_arrived(welcome.received)
	elif has_session():
		_lose()
	state = State.ATTACHED
	session = welcome.session
	epoch = welcome.epoch
	seq = welcome.seq
	limits = welcome.limits
	_unacked_messages = 0
	_unacked_bytes = 0
	return welcome


func _break_off(what: String) -> DialogueMessages.Message:
	problem = what
	close_code = DialogueMessages.CloseCode.PROTOCOL_ERROR
	return null


func _lose() -> void:
	lost = lost or has_session()
	session = ""
	_ghosts = 0  # they know the old session only
	_turns.clear()


func _count(size: int) -> void:
	seq += 1
	_unacked_messages += 1
	_unacked_bytes += size


## What the message answers is no longer waited for.
func _note(message: DialogueMessages.Message) -> void:
	if message is DialogueMessages.Delta or message is DialogueMessages.Cue:
		return
	if message is DialogueMessages.Turn:
		var turn: DialogueMessages.Turn = message
		if not turn.line.is_empty():
			var key: Array = [turn.conversation, turn.line]
			_turns[turn.turn] = key
			_arrived(_numbers.get(key, 0) as int)
	elif message is DialogueMessages.TurnEnd:
		var turn_end: DialogueMessages.TurnEnd = message
		if _turns.has(turn_end.turn):
			_answered(_turns[turn_end.turn] as Array)
			_turns.erase(turn_end.turn)
	elif message is DialogueMessages.ErrorMessage:
		_note_error(message as DialogueMessages.ErrorMessage)
	elif message is DialogueMessages.Noted or message is DialogueMessages.Suggestions:
		_answered([message.get("conversation"), message.get("line")])
	elif message is DialogueMessages.Opened:
		var conversation: String = (message as DialogueMessages.Opened).conversation
		var request: DialogueMessages.Message = _settle(OPENING, conversation)
		if request is DialogueMessages.Open:
			# Opened again after a loss, the talk goes on where it is by then.
			(request as DialogueMessages.Open).checkpoint = ""
	elif message is DialogueMessages.Saved:
		_settle([DialogueMessages.Save], (message as DialogueMessages.Saved).conversation)
	elif message is DialogueMessages.Transcript:
		_settle([DialogueMessages.History], (message as DialogueMessages.Transcript).conversation)
	elif message is DialogueMessages.Inspected:
		_settle([DialogueMessages.Inspect], (message as DialogueMessages.Inspected).conversation)
	elif message is DialogueMessages.NpcList:
		_settle([DialogueMessages.Npcs], "")
	elif message is DialogueMessages.ContentInfo:
		_settle([DialogueMessages.Content], "")
	elif message is DialogueMessages.SourceText:
		_settle([DialogueMessages.Source], "")
	elif message is DialogueMessages.RecordingList:
		_settle([DialogueMessages.Recordings], "")
	elif message is DialogueMessages.RecordingText:
		_settle([DialogueMessages.ReadRecording], "")
	elif message is DialogueMessages.RerunReport:
		_settle([DialogueMessages.Rerun], "")
	elif message is DialogueMessages.StateOk:
		_settle([DialogueMessages.State], (message as DialogueMessages.StateOk).conversation)
	elif message is DialogueMessages.Closed:
		_settle([DialogueMessages.Close], (message as DialogueMessages.Closed).conversation)
		for key: Array in _numbers.keys():
			if not _lines.has(key):
				_numbers.erase(key)


func _note_error(error: DialogueMessages.ErrorMessage) -> void:
	if not error.line.is_empty():
		_answered([error.conversation, error.line])
	elif not error.conversation.is_empty() and error.turn == 0:
		# Requests of one conversation, lines aside, are answered in their order.
		var failed: DialogueMessages.Message = _settle(REQUESTS, error.conversation)
		if failed != null and failed == _opens.get(error.conversation):
			_opens.erase(error.conversation)


## The line of that conversation and id has its answer, and needs no other.
func _answered(key: Array) -> void:
	_arrived(_numbers.get(key, 0) as int)
	_lines.erase(key)
	_numbers.erase(key)


## The oldest message of these kinds was answered: it and all before it have reached the server.
## [param conversation] is "" for messages that name none.
func _settle(kinds: Array, conversation: String) -> DialogueMessages.Message:
	var is_meant: Callable = _is_of.bind(kinds, conversation)
	if not _awaited.any(is_meant):
		for outgoing: Outgoing in _outbox:
			if is_meant.call(outgoing.message):
				_arrived(outgoing.number)
				break
	for message: DialogueMessages.Message in _awaited:
		if is_meant.call(message):
			_awaited.erase(message)
			answered = message
			return message
	return null


## The message of that number, and all before it, have reached the server. Of a line that was sent
## again, an answer proves it of the first.
func _arrived(number: int) -> void:
	while not _outbox.is_empty() and _outbox[0].number <= number:
		var outgoing: Outgoing = _outbox.pop_front()
		if not outgoing.message is DialogueMessages.Interrupt and not _is_line(outgoing.message):
			_awaited.append(outgoing.message)


static func _is_line(message: DialogueMessages.Message) -> bool:
	return LINES.any(func(kind: Script) -> bool: return is_instance_of(message, kind))


static func _is_of(message: DialogueMessages.Message, kinds: Array, conversation: String) -> bool:
	var name: Variant = message.get("conversation")
	if name != null and name != conversation:
		return false
	return kinds.any(func(kind: Script) -> bool: return is_instance_of(message, kind))
