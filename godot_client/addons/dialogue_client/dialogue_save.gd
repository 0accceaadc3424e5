@tool
class_name DialogueSave
extends RefCounted
## Collects the checkpoints of one save. [method DialogueClient.save_dialogue] makes one.

## All answers are there, or no more are awaited.
signal done

## The layout of the dictionary.
const VERSION: int = 1

## What goes into the game's save file; empty if the server did not answer.
var dictionary: Dictionary = {}

var _entries: Dictionary = {}
var _waiting: Dictionary = {}
var _failed: bool = false


## Whether a dictionary was made by [method DialogueClient.save_dialogue].
static func is_valid(saved: Dictionary) -> bool:
	var entries: Variant = saved.get("conversations")
	# A save file in JSON turns the version into a float.
	if not entries is Dictionary or int(str(saved.get("version"))) != VERSION:
		return false
	for entry: Variant in (entries as Dictionary).values():
		if not (entry is Dictionary and (entry as Dictionary).has_all(["name", "checkpoint"])):
			return false
	return true


## Wait for an open conversation's checkpoint.
func wait_for(conversation: DialogueConversation) -> void:
	_waiting[conversation.name] = conversation


## Keep what an earlier save says of a conversation that was not opened since.
func keep(key: String, entry: Dictionary) -> void:
	_entries[key] = entry


## Whether nothing is awaited.
func is_done() -> bool:
	return _waiting.is_empty() or _failed


## Takes an answer.
func take(message: DialogueMessages.Saved) -> void:
	var conversation: DialogueConversation = _waiting.get(message.conversation)
	if conversation != null:
		_waiting.erase(message.conversation)
		conversation.checkpoint = message.checkpoint
		keep(conversation.key, conversation.saved_entry())
		_finish_if_done()


## Takes an error: without all checkpoints there is no save.
func refuse(error: DialogueMessages.ErrorMessage) -> void:
	if _waiting.has(error.conversation) and error.line.is_empty() and error.turn == 0:
		give_up()


## Stops waiting.
func give_up() -> void:
	if not is_done():
		_failed = true
		done.emit()


## The dictionary, once [method is_done].
func finish() -> Dictionary:
	if _waiting.is_empty():
		dictionary = {"version": VERSION, "conversations": _entries}
	return dictionary


func _finish_if_done() -> void:
	if is_done():
		done.emit()
