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
@warning_ignore("unused_signal")
signal suggested(lines: PackedStringArray)
## The request [param line] has been remembered, and nobody says anything to it.
@warning_ignore("unused_signal")
signal noted(line: String)
## A request that no [DialogueNPC] made came to nothing. [param code] is a value of
## [DialogueMessages.ErrorCode]; [param detail] tells the developer what to do.
signal failed(code: String, detail: String)

## Whether somebody answers: if the server thinks so, in no case, in any case.
enum React { MAY, NEVER, MUST }

## The code of what could not be written.
const BAD: String = DialogueMessages.ErrorCode.BAD_MESSAGE

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
## What was asked here and has no answer yet.
var lines: DialogueLines = DialogueLines.new()

var _client: DialogueClient = null
var _nodes: Dictionary = {}
var _introduced: Dictionary = {}
var _has_newcomer: bool = false
var _open: DialogueMessages.Open = null
var _is_opening: bool = false
var _leaving: DialogueMessages.Save = null
var _left_at: String = ""
var _was_open: bool = false
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


## Sends a request that has a line id, and gives it one; [param asker] is told if it fails. While an
## NPC speaks here, what would have another one speak waits. For [DialogueNPC].
func request(message: DialogueMessages.Message, asker: DialogueNPC = null) -> String:
	if not is_instance_valid(_client):
		return ""
	var line: String = _client.new_line_id()
	message.set(&"line", line)
	if lines.must_wait(message):
		lines.hold(message)
	elif not _send(message):
		return ""
	lines.add(message, asker)
	return line


func _ask(message: DialogueMessages.Message) -> String:
	var line: String = request(message)
	if line.is_empty():
		failed.emit(BAD, "The request could not be written.")
	return line


func _send(message: DialogueMessages.Message) -> bool:
	if needs_opening():
		_client.open(self)
	_client.push_state(self)
	message.set(&"conversation", name)
	if not _client.send(message):
		return false
	lines.begin(message)
	return true


## Makes a node the one that speaks for its NPC here.
func add(node: DialogueNPC) -> void:
	if not npcs.has(node.npc_id):
		npcs.append(node.npc_id)
	if not node.scene.is_empty():
		scene = node.scene
	_nodes[node.npc_id] = node
	if not _introduced.has(node.get_instance_id()):
		_introduced[node.get_instance_id()] = true
		_has_newcomer = true
	node.enter(self, _client)


## A node is being freed: its NPC was heard so far, and if no other one is there, it leaves the
## conversation. For [DialogueNPC].
func leave(node: DialogueNPC) -> void:
	_introduced.erase(node.get_instance_id())
	lines.forget(node)
	if _nodes.get(node.npc_id) != node:
		return
	_nodes.erase(node.npc_id)
	if is_instance_valid(_client) and is_open:
		node.cut_off()
		if nodes().is_empty():
			_client.close(self)


## Whether it has to be opened, or opened again to introduce a node that has joined.
func needs_opening() -> bool:
	return not is_open or _has_newcomer


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
	var asker: DialogueNPC = lines.settle(line)
	var held: DialogueMessages.Message = lines.next()
	while held != null:
		if not _send(held):
			_tell(
				lines.settle(held.get(&"line") as String), BAD, "The request could not be written."
			)
		held = lines.next()
	return asker


## Tells that a condition came true. For [DialogueClient].
func trigger(message: DialogueMessages.Trigger) -> void:
	triggered.emit(message.name, message.stage, message.args)
	for node: DialogueNPC in nodes():
		node.triggered.emit(message.name, message.stage, message.args)


## Tells of a failed request; false if it was not made here. [param asked] is what failed, if that
## is known. For [DialogueClient].
func report(error: DialogueMessages.ErrorMessage, asked: DialogueMessages.Message) -> bool:
	var missing: bool = error.code == DialogueMessages.ErrorCode.UNKNOWN_CONVERSATION
	if not error.line.is_empty():
		if not lines.has(error.line):
			return lines.is_void(error.line)
		is_open = is_open and not missing
		_tell(settle(error.line), error.code, error.detail)
		return true
	if error.code == DialogueMessages.ErrorCode.UNKNOWN_TURN:
		return true  # it was over when it was interrupted
	if asked is DialogueMessages.Open:
		if asked != _open:
			return true  # of before a load
		is_open = false
		_is_opening = false
		if error.code != DialogueMessages.ErrorCode.UNKNOWN_CHECKPOINT:
			checkpoint = _open.checkpoint
	elif asked != null and asked == _leaving:
		_leaving = null  # a save has to open it, to have its moment
		return true
	elif missing and (asked is DialogueMessages.State or asked is DialogueMessages.Close):
		return true  # what came right behind an open that was refused, and was told of
	var is_told: bool = false
	for node: DialogueNPC in nodes():
		if error.turn == 0 or (node.turn != null and node.turn.number == error.turn):
			node.failed.emit(error.code, error.detail)
			is_told = true
	return is_told


## The message that opens it. For [DialogueClient], which sends it.
func open_message(player: DialogueMessages.Player, locale: String) -> DialogueMessages.Open:
	var message: DialogueMessages.Open = DialogueMessages.Open.new()
	message.conversation = name
	message.npcs.assign(npcs)
	message.player = player
	message.scene = scene
	message.locale = locale
	message.checkpoint = checkpoint
	checkpoint = ""
	is_open = true
	_was_open = true
	_has_newcomer = false
	_open = message
	_is_opening = true
	_leaving = null
	_left_at = ""
	return message


## The server has opened it. False if it answers an open of before a load. For [DialogueClient].
func opened(asked: DialogueMessages.Message) -> bool:
	if asked is DialogueMessages.Open and asked != _open:
		return false
	_is_opening = false
	return true


## After a lost session it is opened again. For [DialogueClient].
func reopen() -> void:
	_is_opening = true
	_forget_numbers()


## It is being left: marks the moment, so that it is in the next save. For [DialogueClient].
func left(mark: DialogueMessages.Save) -> void:
	_leaving = mark
	abandon()


## The moment at which it was left has its mark. For [DialogueClient].
func take_moment(asked: DialogueMessages.Message, mark: String) -> void:
	if asked != null and asked == _leaving:
		_leaving = null
		_left_at = mark


## The message that marks this moment for a save, to be sent unless [method is_leaving]; null if
## [method saved_entry] has all there is to say. For [DialogueClient].
func moment() -> DialogueMessages.Save:
	if not _was_open or _leaving != null or not _left_at.is_empty():
		return _leaving
	var message: DialogueMessages.Save = DialogueMessages.Save.new()
	message.conversation = name
	return message


## Whether the mark of the moment at which it was left is still on its way.
func is_leaving() -> bool:
	return _leaving != null


## What a save file says of it: [param mark] is the moment's, by default that of the last one.
func saved_entry(mark: String = "") -> Dictionary:
	if mark.is_empty():
		mark = checkpoint if _left_at.is_empty() else _left_at
	return {} if mark.is_empty() else {"name": name, "checkpoint": mark}


## Nothing that was asked will be answered, and it is not open any more. With a [param code], who
## asked is told.
func abandon(code: String = "", detail: String = "", tells: bool = false) -> void:
	is_open = false
	if _is_opening:
		checkpoint = _open.checkpoint
	_is_opening = false
	_open = null
	var askers: Dictionary = lines.abandon()
	_forget_numbers()
	for node: DialogueNPC in nodes():
		node.abandon()
	if tells:
		for line: String in askers:
			_tell(askers[line], code, detail)


## Begins again, under another name or at a saved moment.
func return_to(new_name: String, new_checkpoint: String) -> void:
	for node: DialogueNPC in nodes():
		node.reset()
	abandon()
	name = new_name
	checkpoint = new_checkpoint
	_was_open = false
	_leaving = null
	_left_at = ""
	_sent = null


## In another session, a turn's number is that of somebody else's turn.
func _forget_numbers() -> void:
	for node: DialogueNPC in nodes():
		if node.turn != null:
			node.turn.number = 0


func _tell(asker: Variant, code: String, detail: String) -> void:
	if asker == null:
		failed.emit(code, detail)
	elif is_instance_valid(asker):
		(asker as DialogueNPC).failed.emit(code, detail)


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
