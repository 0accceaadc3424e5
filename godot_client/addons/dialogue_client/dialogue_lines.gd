@tool
class_name DialogueLines
extends RefCounted
## What was asked in one conversation and has no answer yet, by the ids of the lines. Games do not
## touch it: [DialogueConversation] owns one.
##
## The server has one NPC speak at a time, and refuses a line that comes meanwhile. So such a line
## waits here for its turn.

var _askers: Dictionary = {}  # null for nobody
var _players: Dictionary = {}  # what the player said himself
var _under_way: Dictionary = {}
var _held: Array[DialogueMessages.Message] = []
var _stopped: Dictionary = {}
var _void: Dictionary = {}


## Notes who asked: an NPC, or null.
func add(message: DialogueMessages.Message, asker: DialogueNPC) -> void:
	var line: String = message.get(&"line")
	_askers[line] = asker
	if message is DialogueMessages.Say or message is DialogueMessages.Regenerate:
		_players[line] = true


## Whether the server would refuse the request as long as somebody speaks, and somebody may. What
## happens in the world, and what the player might say, can be sent at any time.
func must_wait(message: DialogueMessages.Message) -> bool:
	var is_patient: bool = (
		message is DialogueMessages.Event
		or message is DialogueMessages.ActionResult
		or message is DialogueMessages.Suggest
	)
	return not is_patient and not (_under_way.is_empty() and _held.is_empty())


## Keeps a request until [method next] gives it out.
func hold(message: DialogueMessages.Message) -> void:
	_held.append(message)


## Notes that a request goes out, and that an NPC may speak to it.
func begin(message: DialogueMessages.Message) -> void:
	if not message is DialogueMessages.Suggest:
		_under_way[message.get(&"line")] = true


## A request that was held and may go out now; null for none.
func next() -> DialogueMessages.Message:
	return _held.pop_front() if _under_way.is_empty() and not _held.is_empty() else null


## Whether that line waits for its answer.
func has(line: String) -> bool:
	return _askers.has(line)


## Whether something that [param asker] asked waits for its answer.
func has_any_of(asker: DialogueNPC) -> bool:
	return _askers.values().has(asker)


## The line has its answer. Returns who asked; null for nobody, and for a node that is gone.
func settle(line: String) -> DialogueNPC:
	var asker: Variant = _askers.get(line)
	_askers.erase(line)
	_players.erase(line)
	_under_way.erase(line)
	_stopped.erase(line)
	return asker if is_instance_valid(asker) else null


## What the player has said to [param asker] is to be stopped as soon as somebody answers it. What
## happens in the world is not the player's to stop.
func stop(asker: DialogueNPC) -> void:
	for line: String in _players:
		if _askers[line] == asker:
			_stopped[line] = true


## Whether the answer to that line is to be stopped.
func is_stopped(line: String) -> bool:
	return _stopped.has(line)


## A node is gone: nobody asked what it did.
func forget(asker: DialogueNPC) -> void:
	for line: String in _askers:
		if _askers[line] == asker:
			_askers[line] = null


## Nothing will be answered any more. Returns who asked, by line.
func abandon() -> Dictionary:
	var askers: Dictionary = _askers
	_void.merge(askers)
	_askers = {}
	_players = {}
	_under_way = {}
	_held = []
	_stopped = {}
	return askers


## Whether that line is one of those that were abandoned.
func is_void(line: String) -> bool:
	return _void.has(line)
