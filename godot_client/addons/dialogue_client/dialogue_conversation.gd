@tool
class_name DialogueConversation
extends RefCounted
## One conversation of the player with one NPC or several: what is asked of all of them, where the
## server chooses who answers. [method DialogueClient.get_conversation] gives it.
##
## The answers come by the signals of the [DialogueNPC] that speaks.
## [codeblock]
## var forge: DialogueConversation = client.get_conversation("forge")
## forge.triggered.connect(_on_forge_triggered)
## forge.say("Who of you mended the lamp?")
## forge.send_event("A gull flies in through the window.")
## [/codeblock]

## A condition that a designer declared came true. [param stage] is the one that the scene moved to,
## "" where it did not move; [param args] is what the designer put beside it.
signal triggered(trigger: String, stage: String, args: Dictionary)
## The answer to [method suggest]: lines that the player might say.
signal suggested(lines: PackedStringArray)
## The request [param line] has been remembered, and nobody says anything to it.
signal noted(line: String)
## A request that no [DialogueNPC] made came to nothing. [param code] is a value of
## [DialogueMessages.ErrorCode]; [param detail] tells the developer what to do.
signal failed(code: String, detail: String)

## Whether somebody answers: if the server thinks so, in no case, in any case.
enum React { MAY, NEVER, MUST }

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
## Whether the server has not answered that yet.
var is_opening: bool = false

var _client: DialogueClient = null
var _lines: Dictionary = {}
var _nodes: Dictionary = {}
var _introduced: Dictionary = {}
var _revision: int = 0
var _sent: Variant = null


func _init(client: DialogueClient) -> void:
	_client = client


## The wire's word for a [enum React].
static func react_name(reaction: React) -> String:
	return ["may", "never", "must"][reaction]


## Says the player's line to [param to], or to whomever it names. Returns the line's id, "" if it
## could not be sent (then [signal failed] says why).
func say(text: String, to: String = "") -> String:
	var message: DialogueMessages.Say = DialogueMessages.Say.new()
	message.text = text
	message.to = to
	return _ask(message)


## Lets the talk go on without the player: [param npc], or whoever is next, says something to the
## others. For a longer exchange, call it again after each [signal DialogueNPC.finished].
func advance(npc: String = "") -> String:
	var message: DialogueMessages.Advance = DialogueMessages.Advance.new()
	message.npc = npc
	return _ask(message)


## Tells all who are there what happened, in a sentence; [param npc], or one that the server
## chooses, may say something about it. [param event_name] and [param data] are for the designer's
## triggers, and no NPC reads them.
func send_event(
	text: String,
	reaction: React = React.MAY,
	npc: String = "",
	event_name: String = "",
	data: Dictionary = {}
) -> String:
	var message: DialogueMessages.Event = DialogueMessages.Event.new()
	message.text = text
	message.react = react_name(reaction)
	message.npc = npc
	message.name = event_name
	message.data = data
	return _ask(message)


## Has a line said exactly as it is written: by an NPC, or with "" for [param npc] by the player.
## It is shown, and remembered, like any other; tags like [code][mood: cross][/code] are cues.
func script_line(text: String, npc: String = "") -> String:
	var message: DialogueMessages.ScriptMessage = DialogueMessages.ScriptMessage.new()
	message.text = text
	message.npc = npc
	return _ask(message)


## Asks for lines that the player might say now, at most [param count]; [signal suggested] gives
## them.
func suggest(count: int = 3) -> String:
	var message: DialogueMessages.Suggest = DialogueMessages.Suggest.new()
	message.count = count
	return _ask(message)


## Sends a request that has a line id, and gives it one. For [DialogueNPC].
func request(message: DialogueMessages.Message) -> String:
	if not is_instance_valid(_client):
		return ""
	if not is_open:
		_client.open(self)
	_client.push_state(self)
	var line: String = _client.new_line_id()
	message.set(&"conversation", name)
	message.set(&"line", line)
	return line if _client.send(message) else ""


func _ask(message: DialogueMessages.Message) -> String:
	var line: String = request(message)
	if line.is_empty():
		failed.emit(DialogueMessages.ErrorCode.BAD_MESSAGE, "The request could not be written.")
	else:
		_lines[line] = true
	return line


## Makes a node the one that speaks for its NPC here.
func add(node: DialogueNPC) -> void:
	if not npcs.has(node.npc_id):
		npcs.append(node.npc_id)
	if not node.scene.is_empty():
		scene = node.scene
	_nodes[node.npc_id] = node
	if not _introduced.has(node.get_instance_id()):
		_introduced[node.get_instance_id()] = true
		is_open = false  # opened again, the server tells the new node who it is
	node.enter(self, _client)


## The nodes that speak here.
func nodes() -> Array[DialogueNPC]:
	var found: Array[DialogueNPC] = []
	for npc_id: String in npcs:
		var node: DialogueNPC = node_of(npc_id)
		if node != null:
			found.append(node)
	return found


## The node that speaks for an NPC; null if it has left the scene.
func node_of(npc_id: String) -> DialogueNPC:
	var node: Variant = _nodes.get(npc_id)
	return node if is_instance_valid(node) else null


## The request of that line has been answered: returns the NPC that made it, if one did. For
## [DialogueClient].
func settle(line: String) -> DialogueNPC:
	_lines.erase(line)
	var asker: DialogueNPC = null
	for node: DialogueNPC in nodes():
		if node.settle(line):
			asker = node
	return asker


## Tells that a condition came true. For [DialogueClient].
func trigger(message: DialogueMessages.Trigger) -> void:
	triggered.emit(message.name, message.stage, message.args)
	for node: DialogueNPC in nodes():
		node.triggered.emit(message.name, message.stage, message.args)


## Tells of a failed request; false if it was not made here. For [DialogueClient].
func report(error: DialogueMessages.ErrorMessage) -> bool:
	var missing: bool = error.code == DialogueMessages.ErrorCode.UNKNOWN_CONVERSATION
	if error.line.is_empty() and error.turn == 0:
		if missing and not is_open:
			return true  # what came right behind an open that was refused, and was told of
		missing = missing or is_opening
	if missing:
		is_open = false
		is_opening = false
	var taken: bool = _lines.erase(error.line)
	if taken:
		failed.emit(error.code, error.detail)
	for node: DialogueNPC in nodes():
		if node.receive_error(error):
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
	_lines.clear()
	for node: DialogueNPC in nodes():
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
	for node: DialogueNPC in nodes():
		state = DialogueMergePatch.merged(state, node.current_state())
	return state


func _numbered(message: DialogueMessages.State, now: Dictionary) -> DialogueMessages.State:
	_sent = now.duplicate(true)
	_revision += 1
	message.conversation = name
	message.revision = _revision
	return message
