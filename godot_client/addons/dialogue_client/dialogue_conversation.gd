@tool
class_name DialogueConversation
extends RefCounted
## What a [DialogueClient] knows of one conversation: who takes part, and the state last sent.

## The game's name for it: [member DialogueNPC.conversation], or the NPC's id.
var key: String = ""
## The name on the server, which keeps the history under it and the player's id. It differs from
## [member key] if this conversation began after an older save was loaded.
var name: String = ""
## The saved moment to return to when it is opened; "" for the newest.
var checkpoint: String = ""
## The NPCs' ids, in the order in which they joined; the first one greets.
var npcs: Array[String] = []
## The scene's name, or a sentence that describes it.
var scene: String = ""
## Whether the server was asked to open it, and has not refused.
var is_open: bool = false

var _nodes: Dictionary = {}
var _revision: int = 0
var _sent: Variant = null


## Makes a node the one that speaks for its NPC here.
func add(node: DialogueNPC) -> void:
	if not npcs.has(node.npc_id):
		npcs.append(node.npc_id)
	if not node.scene.is_empty():
		scene = node.scene
	_nodes[node.npc_id] = node


## The node that speaks for an NPC; null if it has left the scene.
func node_of(npc_id: String) -> DialogueNPC:
	var node: Variant = _nodes.get(npc_id)
	return node if is_instance_valid(node) else null


## Tells the nodes of a failed request; false if none of them had made it.
func report(error: DialogueMessages.ErrorMessage) -> bool:
	if error.line.is_empty() and error.turn == 0:
		is_open = is_open and not _means_not_open(error.code)
	var taken: bool = false
	for npc_id: String in npcs:
		var node: DialogueNPC = node_of(npc_id)
		if node != null and node.receive_error(error):
			taken = true
	return taken


## The message that opens it.
func open_message(player: DialogueMessages.Player, locale: String) -> DialogueMessages.Open:
	var message: DialogueMessages.Open = DialogueMessages.Open.new()
	message.conversation = name
	message.npcs.assign(npcs)
	message.player = player
	message.scene = scene
	message.locale = locale
	message.checkpoint = checkpoint
	return message


## What a save file says of it.
func saved_entry() -> Dictionary:
	return {"name": name, "checkpoint": checkpoint}


## Begins again, under another name or at a saved moment.
func return_to(new_name: String, new_checkpoint: String) -> void:
	name = new_name
	checkpoint = new_checkpoint
	is_open = false
	_sent = null
	for npc_id: String in npcs:
		var node: DialogueNPC = node_of(npc_id)
		if node != null:
			node.reset()


## The message that sends the state as it is now: whole the first time, then a patch; null if
## nothing has changed. [param game] is the part that all conversations share.
func state_message(game: Dictionary) -> DialogueMessages.State:
	if _sent == null:
		return snapshot_message(game)
	var now: Dictionary = _state(game)
	var patch: Dictionary = DialogueMergePatch.diff(_sent as Dictionary, now)
	if patch.is_empty():
		return null
	var message: DialogueMessages.State = DialogueMessages.State.new()
	message.patch = patch
	return _numbered(message, now)


## The message that sends the state whole; null if there never was one.
func snapshot_message(game: Dictionary) -> DialogueMessages.State:
	var now: Dictionary = _state(game)
	if _sent == null and now.is_empty():
		return null
	var message: DialogueMessages.State = DialogueMessages.State.new()
	message.snapshot = now
	return _numbered(message, now)


func _state(game: Dictionary) -> Dictionary:
	var state: Dictionary = game
	for npc_id: String in npcs:
		var node: DialogueNPC = node_of(npc_id)
		if node != null:
			state = DialogueMergePatch.merged(state, node.current_state())
	return state


func _numbered(message: DialogueMessages.State, now: Dictionary) -> DialogueMessages.State:
	_sent = now.duplicate(true)
	_revision += 1
	message.conversation = name
	message.revision = _revision
	return message


func _means_not_open(code: String) -> bool:
	return (
		code
		in [
			DialogueMessages.ErrorCode.UNKNOWN_NPC,
			DialogueMessages.ErrorCode.UNKNOWN_CONVERSATION,
			DialogueMessages.ErrorCode.TOO_MANY_CONVERSATIONS,
		]
	)
