@tool
class_name DialogueSocket
extends RefCounted
## One WebSocket to a dialogue server: frames in, frames out, and why it ended.
##
## Never blocks: [method poll] once a frame takes what has arrived. The engine has no thread here,
## and the browser's socket is used in a web export.

enum Status { CLOSED, CONNECTING, OPEN }

## Frames that may wait in the engine for a poll; a resume can bring thousands at once.
const QUEUED_FRAMES: int = 16384
## The engine's limit is 64 KiB, and a longer message closes the socket with 1009.
const INBOUND_BYTES: int = 4 * 1024 * 1024
const OUTBOUND_BYTES: int = 1024 * 1024
## The code for a connection that just broke, or never came to be (RFC 6455, 7.1.5).
const ABNORMAL: int = 1006

## Where this socket is.
var status: Status = Status.CLOSED
## Why it closed: a WebSocket close code, 1006 where there was none.
var close_code: int = ABNORMAL
## What went wrong, for the developer; "" if the server closed without a reason.
var problem: String = ""

var _peer: WebSocketPeer = null
var _url: String = ""
var _deadline_ms: int = 0


## Begins to connect. False if the address cannot be right: then [member problem] says why.
func open(url: String, timeout_seconds: float) -> bool:
	_url = url
	_deadline_ms = Time.get_ticks_msec() + int(timeout_seconds * 1000.0)
	close_code = ABNORMAL
	problem = ""
	if not (url.begins_with("ws://") or url.begins_with("wss://")):
		problem = "The address %s does not begin with ws:// or wss://." % url
		return false
	_peer = WebSocketPeer.new()
	_peer.supported_protocols = PackedStringArray([DialogueMessages.SUBPROTOCOL])
	_peer.inbound_buffer_size = INBOUND_BYTES
	_peer.outbound_buffer_size = OUTBOUND_BYTES
	_peer.max_queued_packets = QUEUED_FRAMES
	var error: Error = _peer.connect_to_url(url)
	if error != OK:
		problem = "The address %s cannot be used: %s." % [url, error_string(error)]
		_peer = null
		return false
	status = Status.CONNECTING
	return true


## Takes what has arrived into [param frames], and notices an end.
func poll(frames: Array[PackedByteArray]) -> void:
	if _peer == null:
		return
	_peer.poll()
	while _peer.get_available_packet_count() > 0:
		frames.append(_peer.get_packet())
	match _peer.get_ready_state():
		WebSocketPeer.STATE_OPEN:
			if status == Status.CONNECTING:
				_accept()
		WebSocketPeer.STATE_CLOSED:
			_closed()
		_:
			if status == Status.CONNECTING and Time.get_ticks_msec() > _deadline_ms:
				_give_up("No answer from %s in time." % _url)


## Writes a frame. False if it cannot be written; the socket is then of no more use.
func write(frame: PackedByteArray) -> bool:
	return _peer != null and _peer.send(frame, WebSocketPeer.WRITE_MODE_BINARY) == OK


## Ends the connection, politely where there still is one. No more frames come.
func close(code: int = 1000, reason: String = "") -> void:
	if _peer != null:
		# A browser lets a page send 1000 only, or codes of its own.
		_peer.close(1000 if OS.has_feature("web") and code < 3000 else code, reason)
		_peer.poll()
		_peer = null
	status = Status.CLOSED


## Ends the connection as if it had broken.
func _give_up(why: String) -> void:
	problem = why
	close_code = ABNORMAL
	status = Status.CLOSED
	_peer = null


func _accept() -> void:
	status = Status.OPEN
	if not OS.has_feature("web"):  # a browser sends at once, and the call is an error there
		_peer.set_no_delay(true)
	if _peer.get_selected_protocol() != DialogueMessages.SUBPROTOCOL:
		close(1002)
		_give_up("%s answers, but is not a dialogue server." % _url)
		close_code = 1002


func _closed() -> void:
	var code: int = _peer.get_close_code()
	var reason: String = _peer.get_close_reason()
	if status == Status.CONNECTING:
		_give_up("Nothing answers at %s; is the server running?" % _url)
		return
	_give_up(reason if not reason.is_empty() else "The connection broke (%d)." % code)
	close_code = code if code > 0 else ABNORMAL
