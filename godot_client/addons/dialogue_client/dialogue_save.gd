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


## Wait for a conversation's checkpoint, the answer to [param request].
func wait_for(request: DialogueMessages.Save, conversation: DialogueConversation) -> void:
	_waiting[request] = conversation


## Keep what is known of a conversation; an empty entry says that the player has not begun it.
func keep(key: String, entry: Dictionary) -> void:
	if not entry.is_empty():
		_entries[key] = entry


## Whether nothing is awaited.
func is_done() -> bool:
	return _waiting.is_empty() or _failed


## Takes the answer to a request, whoever's it was.
func take(request: DialogueMessages.Message, checkpoint: String) -> void:
	var conversation: DialogueConversation = _waiting.get(request)
	if conversation != null:
		_waiting.erase(request)
		keep(conversation.key, conversation.saved_entry(checkpoint))
		if is_done():
			done.emit()


## Takes an error: without all checkpoints there is no save.
func refuse(request: DialogueMessages.Message) -> void:
	if _waiting.has(request):
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
