@tool
class_name DialogueLink
extends RefCounted
## A session over one socket after another: connects, comes back with backoff, resumes, listens
## for silence. [DialogueClient] owns one and polls it.

## A welcome came. Missed messages follow, and what had not reached the server has gone out.
signal connected(resumed: bool)
## The connection broke; the link tries to come back.
signal disconnected(problem: String)
## An attempt to connect failed; emitted once until the next success.
signal unreachable(problem: String)
## The server will not have this client, and trying again cannot help.
signal refused(code: String, problem: String)
## [member status] has changed.
signal status_changed

## Where the link is.
enum Status { OFFLINE, CONNECTING, ONLINE, WAITING }

## How long a server that is full is left alone where its own word on it is lost: the engine drops
## a message that comes together with the end of the connection.
const FULL_MS: int = 30000

## Where the link is.
var status: Status = Status.OFFLINE
## Seconds to wait for an answer when connecting.
var connect_timeout: float = 5.0
## Seconds of silence after which the server is pinged; after twice as many it counts as gone.
var silence_timeout: float = 15.0
## The first wait before a new attempt, at most, in seconds.
var reconnect_base: float = 0.5
## The longest wait before a new attempt, in seconds.
var reconnect_longest: float = 30.0
## Milliseconds that one poll may spend on messages.
var frame_budget_ms: float = 4.0
## Emits each message from the server.
var incoming: DialogueMessages.Incoming = DialogueMessages.Incoming.new()
## The newest welcome; null before the first.
var welcome: DialogueMessages.Welcome = null
## Gives the states to send after a lost session: an Array[DialogueMessages.State].
var snapshots: Callable

var _url: String = ""
var _connection: DialogueConnection = null
var _socket: DialogueSocket = DialogueSocket.new()
var _frames: Array[PackedByteArray] = []
var _next_frame: int = 0
var _greeted: bool = false
var _attempt: int = 0
var _retry_at_ms: int = 0
var _reported: bool = false
var _refusal: DialogueMessages.ErrorMessage = null
var _last_poll_ms: int = 0
var _silent_ms: int = 0
var _pinged: bool = false


func _init() -> void:
	incoming.welcome.connect(_on_welcome)
	incoming.go_away.connect(_on_go_away)
	incoming.error.connect(_on_error)


## Whether there is a session, online or not; messages can only be sent in one.
func has_session() -> bool:
	return _connection != null and _connection.state != DialogueConnection.State.ENDED


## What the message that is being handled answers; null for a request that has a line id.
func answered() -> DialogueMessages.Message:
	return null if _connection == null else _connection.answered


## Begins a new session, for [method connect_to] to connect.
func begin(client: String, token: String, locale: String, capabilities: PackedStringArray) -> void:
	_connection = DialogueConnection.new(client, token, locale, capabilities)


## The token of the next hello.
func set_token(token: String) -> void:
	if _connection != null:
		_connection.set_token(token)


## Connects and stays connected.
func connect_to(url: String) -> void:
	_url = url
	_attempt = 0
	_retry_at_ms = 0
	_reported = false
	_try()


## Ends connection and session.
func end() -> void:
	if _connection != null:
		_connection.end()
	_socket.close()
	_forget_frames()
	_set_status(Status.OFFLINE)


## Sends a message, now or after the next welcome. "" or what is wrong with it.
func send(message: DialogueMessages.Message) -> String:
	var frame: PackedByteArray = _connection.send(message)
	if not frame.is_empty() and _connection.state == DialogueConnection.State.ATTACHED:
		_socket.write(frame)
	return _connection.problem if frame.is_empty() else ""


## Takes and handles what has arrived; to be called once a frame.
func poll() -> void:
	var now: int = Time.get_ticks_msec()
	if status == Status.WAITING and now >= _retry_at_ms:
		_try()
	if status != Status.CONNECTING and status != Status.ONLINE:
		return
	var waiting: int = _frames.size()
	_socket.poll(_frames)
	if _socket.status == DialogueSocket.Status.OPEN:
		if not _greeted:
			_greeted = true
			_socket.write(_connection.hello())
		_watch_silence(now, _frames.size() > waiting)
	_handle_frames()
	var live: bool = status == Status.CONNECTING or status == Status.ONLINE
	if live and _socket.status == DialogueSocket.Status.CLOSED and _frames.is_empty():
		_lost(_socket.close_code, _socket.problem)


func _try() -> void:
	_refusal = null
	_greeted = false
	_silent_ms = 0
	_pinged = false
	_last_poll_ms = Time.get_ticks_msec()
	if _socket.open(_url, connect_timeout):
		_set_status(Status.CONNECTING)
		return
	_connection.end()
	_set_status(Status.OFFLINE)
	_refuse.call_deferred(_socket.problem)  # whoever owns the client may have no ear for it yet


func _refuse(problem: String) -> void:
	if status == Status.OFFLINE:
		refused.emit("", problem)


func _handle_frames() -> void:
	var end_us: int = Time.get_ticks_usec() + int(frame_budget_ms * 1000.0)
	while _next_frame < _frames.size():
		_next_frame += 1
		var message: DialogueMessages.Message = _connection.receive(_frames[_next_frame - 1])
		if message != null:
			message.deliver(incoming)
			if not has_session():
				return  # a listener ended it
		elif _connection.close_code != 0:
			push_error("DialogueClient: the server broke the protocol: %s" % _connection.problem)
			_socket.close(_connection.close_code, _connection.problem)
			_lost(_connection.close_code, _connection.problem)
			return
		elif not _connection.problem.is_empty():
			push_warning("DialogueClient: a message was skipped: %s" % _connection.problem)
		var ack: PackedByteArray = _connection.take_ack()
		if not ack.is_empty():
			_socket.write(ack)
		if Time.get_ticks_usec() > end_us:
			return
	_forget_frames()


func _forget_frames() -> void:
	_frames.clear()
	_next_frame = 0


## Half-open connections are found by asking. Only time in which frames were drawn counts: a game
## that loaded a level for a minute has not listened.
func _watch_silence(now: int, heard: bool) -> void:
	_silent_ms = 0 if heard else _silent_ms + mini(now - _last_poll_ms, 250)
	_last_poll_ms = now
	if heard:
		_pinged = false
	elif _silent_ms > silence_timeout * 2000.0:
		_socket.close(1001, "silence")
		_lost(DialogueSocket.ABNORMAL, "The server has fallen silent.")
	elif _silent_ms > silence_timeout * 1000.0 and not _pinged and status == Status.ONLINE:
		_pinged = true
		send(DialogueMessages.Ping.new())


func _lost(code: int, problem: String) -> void:
	var was_online: bool = status == Status.ONLINE
	_forget_frames()
	if _connection.disconnected(code) == DialogueMessages.ClosePolicy.STOP:
		_set_status(Status.OFFLINE)
		if _refusal != null:
			refused.emit(_refusal.code, _refusal.detail)
		elif code == DialogueMessages.CloseCode.UNAUTHORIZED:
			# Its error is lost (see FULL_MS).
			refused.emit(DialogueMessages.ErrorCode.UNAUTHORIZED, problem)
		else:
			refused.emit("", problem)
		return
	var wait: float = DialogueConnection.reconnect_delay(
		_attempt, randf(), reconnect_base, reconnect_longest
	)
	_attempt += 1
	var wait_ms: int = int(wait * 1000.0)
	if _refusal != null:
		wait_ms += _refusal.retry_after_ms
	elif code == DialogueMessages.CloseCode.SESSION_LIMIT:
		wait_ms += FULL_MS
	_retry_at_ms = maxi(_retry_at_ms, Time.get_ticks_msec() + wait_ms)
	_set_status(Status.WAITING)
	if was_online:
		disconnected.emit(problem)
	elif not _reported:
		_reported = true
		unreachable.emit(problem)


func _set_status(new_status: Status) -> void:
	if status != new_status:
		status = new_status
		status_changed.emit()


func _on_welcome(message: DialogueMessages.Welcome) -> void:
	welcome = message
	_reported = false
	_attempt = 0
	_retry_at_ms = 0
	var states: Array[DialogueMessages.State] = []
	if _connection.lost and snapshots.is_valid():
		states.assign(snapshots.call() as Array)
	for frame: PackedByteArray in _connection.recover(states):
		_socket.write(frame)
	_set_status(Status.ONLINE)
	connected.emit(message.resumed)


func _on_go_away(message: DialogueMessages.GoAway) -> void:
	_retry_at_ms = Time.get_ticks_msec() + message.reconnect_ms


func _on_error(error: DialogueMessages.ErrorMessage) -> void:
	if status == Status.CONNECTING:
		_refusal = error
