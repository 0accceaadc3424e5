@tool
class_name DialogueTurn
extends RefCounted
## One turn of an NPC: its text as it comes in, its cues, how it ended.
##
## After a lost session the server tells an unfinished turn again from the start. [method retell]
## prepares for that: what was told before is not given out twice.

## The turn's number in this session; what [code]interrupt[/code] names; 0 if it
## has none there.
var number: int = 0
## The turn's name for ever, also in the server's store.
var id: String = ""
## The conversation it belongs to.
var conversation: String = ""
## Who speaks.
var npc: String = ""
## The player's line that it answers; "" if none.
var line: String = ""
## The text so far.
var text: String = ""
## The cues so far, in order.
var cues: Array[DialogueCue] = []
## Why it ended: a value of [DialogueMessages.EndReason]; "" while it runs.
var reason: String = ""
## The error that is behind a bad end, "" for none.
var code: String = ""
## The same for the developer.
var detail: String = ""
## Milliseconds from the player's line to the first text.
var first_token_ms: int = 0
## Milliseconds from the player's line to the end.
var total_ms: int = 0

var _told_text: String = ""
var _told_cues: Array[DialogueCue] = []


## The turn that a message begins.
static func from_message(message: DialogueMessages.Turn) -> DialogueTurn:
	var turn: DialogueTurn = DialogueTurn.new()
	turn._name(message)
	return turn


## Whether it has ended.
func is_over() -> bool:
	return not reason.is_empty()


## The player has seen no more than the first [param seen] code points: the rest was never said.
func cut(seen: int) -> void:
	text = text.left(seen)


## The same turn comes again under a new number, and nothing more of it is taken.
func name_again(message: DialogueMessages.Turn) -> void:
	_name(message)


## The same turn comes again from its start, under a new number.
func retell(message: DialogueMessages.Turn) -> void:
	_name(message)
	if text.length() > _told_text.length():
		_told_text = text
	if cues.size() > _told_cues.size():
		_told_cues = cues
	text = ""
	cues = []


## How much of it has been given out, in code points.
func told() -> int:
	return maxi(text.length(), _told_text.length())


## Takes more text; returns what is new in it. Null if the turn is told in other words this time:
## whoever shows it must begin again with [member text].
func take(delta: String) -> Variant:
	text += delta
	if _told_text.is_empty():
		return delta
	if _told_text.begins_with(text):
		return ""
	var before: String = _told_text
	_told_text = ""
	if text.begins_with(before):
		return text.substr(before.length())
	_told_cues = []
	return null


## Takes a cue; false if it was told before.
func take_cue(cue: DialogueCue) -> bool:
	cues.append(cue)
	if cues.size() <= _told_cues.size() and _told_cues[cues.size() - 1].is_same(cue):
		return false
	return true


## Takes the end.
func end(message: DialogueMessages.TurnEnd) -> void:
	reason = message.reason
	if message.length < text.length():
		cut(message.length)
		cues = cues.filter(func(cue: DialogueCue) -> bool: return cue.offset <= message.length)
	_told_text = ""
	code = message.code
	detail = message.detail
	first_token_ms = message.first_token_ms
	total_ms = message.total_ms


## No end will come.
func break_off(was_stopped: bool) -> void:
	reason = DialogueMessages.EndReason.TRUNCATED
	if was_stopped:
		reason = DialogueMessages.EndReason.INTERRUPTED
	_told_text = ""


func _name(message: DialogueMessages.Turn) -> void:
	number = message.turn
	id = message.id
	conversation = message.conversation
	npc = message.npc
	line = message.line
