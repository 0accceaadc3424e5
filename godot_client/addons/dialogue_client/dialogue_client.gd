@tool
@icon("icons/dialogue_client.svg")
class_name DialogueClient
extends Node
## The connection to a dialogue server, shared by all NPCs of a game.
##
## Put one into the scene, or make it an autoload; every [DialogueNPC] finds it. It connects by
## itself, comes back after a drop, and goes on where it was: a sentence that was cut in half by a
## tunnel is finished afterwards. It works while the game is paused, and never blocks a frame.
##
## [codeblock]
## @onready var client: DialogueClient = $DialogueClient
##
## func _ready() -> void:
##     client.state = {"quest": {"lamp": "dark"}}
##     client.unreachable.connect(func(problem: String) -> void: print(problem))
## [/codeblock]

## The server has welcomed this client. [param resumed] is true if it goes on with the session of
## before.
signal connected(resumed: bool)
## The connection broke; the client tries to come back by itself.
signal disconnected(problem: String)
## An attempt to connect failed. Emitted once for each time that the server is away; the client
## goes on trying.
signal unreachable(problem: String)
## The server will not have this client, and trying again cannot help: a wrong token, for example.
## [param code] is a value of [DialogueMessages.ErrorCode], or "" if the server gave none.
signal refused(code: String, problem: String)
## A request failed that no [DialogueNPC] and no [DialogueConversation] made; the session lives on.
signal error_received(error: DialogueMessages.ErrorMessage)
## A condition that a designer declared on a conversation came true: see
## [signal DialogueConversation.triggered]. [param conversation] is its name in the game.
signal triggered(conversation: String, trigger: String, stage: String, args: Dictionary)
## The server will restart soon; the client reconnects and resumes by itself.
signal server_going_away(reconnect_ms: int)
## The answer of [method is_online] may have changed.
signal status_changed

## The group by which NPCs find the client in the scene tree.
const GROUP: StringName = &"dialogue_client"
## What no turn is.
const NO_TURN: Array = [null, "", null]
## The addon's version.
const VERSION: String = "0.1.0"

## The server's address: [code]ws://host:port[/code], or [code]wss://[/code] for TLS.
@export var url: String = "ws://127.0.0.1:8765"
## The token that the server asks for, if it does. A new one is shown when the client next connects.
@export var token: String = "":
	set(value):
		token = value
		_link.set_token(value)
## Connect when the game starts. Off, call [method connect_to_server].
@export var connect_on_ready: bool = true
@export_group("Player")
## Who plays: any name that stays the same. NPCs remember each player separately.
@export var player_id: String = "player"
## What NPCs call the player.
@export var player_name: String = "Traveller"
## A sentence or two on who the player is in the game; NPCs know it.
@export_multiline var player_persona: String = ""
## The player's language as a BCP 47 tag ([code]pt-BR[/code]); "" for the server's default.
@export var locale: String = ""
@export_group("Connection")
## Rights to ask for, beyond playing: [code]designer[/code] lets a tool list the NPCs and read
## prompts. The server may want a token that has them; [member granted] says what it gave.
@export var capabilities: PackedStringArray = []
## Seconds to wait for an answer when connecting.
@export_range(0.5, 60.0, 0.5, "suffix:s") var connect_timeout: float = 5.0
## Seconds after which a silent connection is asked whether it still lives; after twice that
## without an answer it counts as broken.
@export_range(1.0, 120.0, 1.0, "suffix:s") var silence_timeout: float = 15.0
## The first wait before a new attempt, at most; each further one doubles it.
@export_range(0.1, 10.0, 0.1, "suffix:s") var reconnect_base: float = 0.5
## The longest wait before a new attempt.
@export_range(1.0, 300.0, 1.0, "suffix:s") var reconnect_longest: float = 30.0
## Milliseconds of one frame that may be spent on messages; the rest waits for the next frame.
@export_range(0.5, 16.0, 0.5, "suffix:ms") var frame_budget_ms: float = 4.0

## The state of the whole game, as facts for the NPCs: strings, numbers, booleans, lists and maps.
## Change it as you like; what has changed is sent before the next line is said.
var state: Dictionary = {}
## The rights that the server gave, of those in [member capabilities].
var granted: PackedStringArray = []
## What the server accepts; null before the first welcome.
var limits: DialogueMessages.Limits = null
## A signal for each type of message from the server, for what this class does not cover.
var incoming: DialogueMessages.Incoming:
	get:
		return _link.incoming

var _link: DialogueLink = DialogueLink.new()
var _conversations: Dictionary = {}  # by key
var _by_name: Dictionary = {}  # by the name on the server
var _saved: Dictionary = {}
var _branch: String = ""
var _turns: Dictionary = {}  # [conversation, line, NPC or null], by number
var _saves: Array[DialogueSave] = []
var _line_prefix: String = ""
var _lines: int = 0


func _init() -> void:
	var random: RandomNumberGenerator = RandomNumberGenerator.new()
	random.randomize()
	_line_prefix = "%08x%08x" % [random.randi(), random.randi()]
	_link.snapshots = _snapshots
	_link.connected.connect(_on_connected)
	_link.disconnected.connect(disconnected.emit)
	_link.unreachable.connect(unreachable.emit)
	_link.refused.connect(_on_refused)
	_link.status_changed.connect(status_changed.emit)
	incoming.go_away.connect(_on_go_away)
	incoming.opened.connect(_on_opened)
	incoming.turn.connect(_on_turn)
	incoming.queued.connect(_on_queued)
	incoming.delta.connect(_on_delta)
	incoming.cue.connect(_on_cue)
	incoming.turn_end.connect(_on_turn_end)
	incoming.error.connect(_on_error)
	incoming.noted.connect(_on_noted)
	incoming.suggestions.connect(_on_suggestions)
	incoming.trigger.connect(_on_trigger)
	incoming.saved.connect(_on_saved)


func _enter_tree() -> void:
	add_to_group(GROUP)
	# Not _process: the connection must live on while the game is paused.
	get_tree().process_frame.connect(_link.poll)


func _ready() -> void:
	if connect_on_ready and not Engine.is_editor_hint():
		connect_to_server()


func _exit_tree() -> void:
	get_tree().process_frame.disconnect(_link.poll)


func _notification(what: int) -> void:
	if what == NOTIFICATION_PREDELETE:  # not when it only leaves the tree, for another place in it
		set_block_signals(true)
		for conversation: DialogueConversation in _conversations.values():
			_cut_off(conversation)
			conversation.is_open = false
		_link.end()


func _get_configuration_warnings() -> PackedStringArray:
	var warnings: PackedStringArray = []
	if not (url.begins_with("ws://") or url.begins_with("wss://")):
		warnings.append("The url must begin with ws:// or wss://.")
	if player_id.strip_edges().is_empty():
		warnings.append("Without a player_id the NPCs cannot remember the player.")
	return warnings


## Connects, and stays connected until [method disconnect_from_server].
func connect_to_server() -> void:
	if is_online() or _link.status == DialogueLink.Status.CONNECTING:
		return
	_link.connect_timeout = connect_timeout
	_link.silence_timeout = silence_timeout
	_link.reconnect_base = reconnect_base
	_link.reconnect_longest = reconnect_longest
	_link.frame_budget_ms = frame_budget_ms
	_begin_session()
	_link.connect_to(url)


## Ends the connection and the session; the server keeps what was said. Who speaks is interrupted,
## and what was asked is not answered any more. NPCs open their conversations again when they next
## speak.
func disconnect_from_server() -> void:
	var cut: Array[DialogueNPC] = []
	for conversation: DialogueConversation in _conversations.values():
		cut.append_array(_cut_off(conversation))
	_end_session()
	for npc: DialogueNPC in cut:
		npc.finished.emit(npc.turn)


## Whether the server is there.
func is_online() -> bool:
	return _link.status == DialogueLink.Status.ONLINE


## Sends any message of the protocol; without a connection it is kept and sent later. False if it
## cannot be written; the console then says why.
func send(message: DialogueMessages.Message) -> bool:
	_begin_session()
	var problem: String = _link.send(message)
	if not problem.is_empty():
		push_error("DialogueClient: %s" % problem)
	return problem.is_empty()


## An id for a player's line that nobody has used before.
func new_line_id() -> String:
	_lines += 1
	return "%s-%d" % [_line_prefix, _lines]


## The conversation of that name, with every [DialogueNPC] of the scene tree that belongs to it: to
## ask something of all of them. Of an NPC alone, the name is its id.
func get_conversation(key: String) -> DialogueConversation:
	var found: DialogueConversation = _conversations.get(key)
	if found == null:
		found = DialogueConversation.new(self)
		found.key = key
		_conversations[key] = found
		_place(found)
	for node: Node in get_tree().get_nodes_in_group(DialogueNPC.GROUP):
		var npc: DialogueNPC = node as DialogueNPC
		if npc == null or npc.conversation_name() != key or not npc.joins(self):
			continue
		if not npc.is_queued_for_deletion() and found.node_of(npc.npc_id) == null:
			found.add(npc)
	return found


## Opens a conversation on the server, with the state of the game.
func open(conversation: DialogueConversation) -> void:
	var player: DialogueMessages.Player = DialogueMessages.Player.new()
	player.id = player_id
	player.name = player_name
	player.persona = player_persona
	conversation.is_open = send(conversation.open_message(player, locale))
	_saved.erase(conversation.key)
	_send_state(conversation.snapshot_message(state))


## Sends what has changed in the state since it was last sent. Done by itself before each line.
func push_state(conversation: DialogueConversation) -> void:
	_send_state(conversation.state_message(state))


## Leaves a conversation on the server, which remembers it; who speaks there is interrupted.
func close(conversation: DialogueConversation) -> void:
	if not conversation.is_open:
		return
	var cut: Array[DialogueNPC] = _cut_off(conversation)
	var moment: DialogueMessages.Save = DialogueMessages.Save.new()
	moment.conversation = conversation.name
	send(moment)
	_send_close(conversation)
	conversation.left(moment)
	for npc: DialogueNPC in cut:
		npc.finished.emit(npc.turn)


## Marks this moment of all conversations: [code]var saved := await client.save_dialogue()[/code].
## Put the dictionary into the game's save file. It is empty if the server does not answer within
## [param patience] seconds.
func save_dialogue(patience: float = 5.0) -> Dictionary:
	var save: DialogueSave = DialogueSave.new()
	for key: String in _saved:
		save.keep(key, _saved[key] as Dictionary)
	for conversation: DialogueConversation in _conversations.values():
		var moment: DialogueMessages.Save = conversation.moment()
		if moment == null:
			save.keep(conversation.key, conversation.saved_entry())
			continue
		save.wait_for(moment, conversation)
		if not conversation.is_leaving():
			if not conversation.is_open:
				open(conversation)
			send(moment)
	if not save.is_done():
		_saves.append(save)
		get_tree().create_timer(patience, true, false, true).timeout.connect(save.give_up)
		await save.done
		_saves.erase(save)
	return save.finish()


## Returns to a moment that [method save_dialogue] marked: the NPCs remember what was said before
## it and nothing else, and those met only later do not know the player. False if [param saved] is
## no such dictionary; then nothing has changed.
func load_dialogue(saved: Dictionary) -> bool:
	if not DialogueSave.is_valid(saved):
		push_error("DialogueClient: this is not what save_dialogue() returned.")
		return false
	for conversation: DialogueConversation in _conversations.values():
		if conversation.is_open:
			_send_close(conversation)
	_saved = (saved["conversations"] as Dictionary).duplicate(true)
	_branch = "~" + new_line_id().right(14)
	_turns.clear()
	_by_name.clear()
	for conversation: DialogueConversation in _conversations.values():
		_place(conversation)
	return true


## Gives a conversation its name on the server: that of the save which was loaded, or a fresh one
## if that save does not know it.
func _place(conversation: DialogueConversation) -> void:
	var entry: Dictionary = _saved.get(conversation.key, {})
	var fresh: String = conversation.key.left(64 - _branch.length()) + _branch
	conversation.return_to(
		entry.get("name", fresh) as String, entry.get("checkpoint", "") as String
	)
	_by_name[conversation.name] = conversation


## Has who speaks there stop at what was seen. Returns those whose answer was over already, and only
## its reveal was not.
func _cut_off(conversation: DialogueConversation) -> Array[DialogueNPC]:
	var over: Array[DialogueNPC] = []
	if conversation.is_open and _link.has_session():
		for npc: DialogueNPC in conversation.nodes():
			if npc.cut_off() and npc.turn.is_over():
				over.append(npc)
	return over


func _send_close(conversation: DialogueConversation) -> void:
	var message: DialogueMessages.Close = DialogueMessages.Close.new()
	message.conversation = conversation.name
	send(message)


func _end_session(code: String = "", problem: String = "", tells: bool = false) -> void:
	_link.end()
	_turns.clear()
	for conversation: DialogueConversation in _conversations.values():
		conversation.abandon(code, problem, tells)


func _begin_session() -> void:
	if not _link.has_session():
		var engine: String = Engine.get_version_info()["string"]
		var name_and_version: String = "dialogue_client %s (Godot %s)" % [VERSION, engine]
		_link.begin(name_and_version, token, locale, capabilities)


func _send_state(message: DialogueMessages.State) -> void:
	if message != null:
		send(message)


func _snapshots() -> Array[DialogueMessages.State]:
	_turns.clear()
	var states: Array[DialogueMessages.State] = []
	for conversation: DialogueConversation in _conversations.values():
		if conversation.is_open:
			conversation.reopen()
			var snapshot: DialogueMessages.State = conversation.snapshot_message(state)
			if snapshot != null:
				states.append(snapshot)
	return states


func _on_connected(resumed: bool) -> void:
	limits = _link.welcome.limits
	granted = PackedStringArray(_link.welcome.capabilities)
	connected.emit(resumed)


func _on_refused(code: String, problem: String) -> void:
	_end_session(code, problem, true)
	refused.emit(code, problem)


func _on_go_away(message: DialogueMessages.GoAway) -> void:
	server_going_away.emit(message.reconnect_ms)


func _on_opened(message: DialogueMessages.Opened) -> void:
	var conversation: DialogueConversation = _by_name.get(message.conversation)
	if conversation != null and conversation.opened(_link.answered()):
		for index: int in message.npcs.size():
			var npc: DialogueNPC = conversation.node_of(message.npcs[index].id)
			if npc != null:
				npc.receive_opened(message, index)


func _on_turn(message: DialogueMessages.Turn) -> void:
	var conversation: DialogueConversation = _by_name.get(message.conversation)
	if conversation == null or conversation.lines.is_void(message.line):
		return
	var npc: DialogueNPC = conversation.node_of(message.npc)
	_turns[message.turn] = [conversation, message.line, npc]
	if npc != null:
		npc.receive_turn(message)


func _on_queued(message: DialogueMessages.Queued) -> void:
	var npc: DialogueNPC = _speaker(message.turn)
	if npc != null:
		npc.receive_queued(message)


func _on_delta(message: DialogueMessages.Delta) -> void:
	var npc: DialogueNPC = _speaker(message.turn)
	if npc != null:
		npc.receive_text(message)


func _on_cue(message: DialogueMessages.Cue) -> void:
	var npc: DialogueNPC = _speaker(message.turn)
	if npc != null:
		npc.receive_cue(message)


func _on_turn_end(message: DialogueMessages.TurnEnd) -> void:
	var npc: DialogueNPC = _speaker(message.turn)
	var entry: Array = _turns.get(message.turn, [])
	_turns.erase(message.turn)
	if not entry.is_empty():
		(entry[0] as DialogueConversation).settle(entry[1] as String)
	if npc != null:
		npc.receive_end(message)


## The NPC that speaks in a turn; null if it is none of ours, or has been freed.
func _speaker(turn: int) -> DialogueNPC:
	var entry: Array = _turns.get(turn, NO_TURN)
	return entry[2] if is_instance_valid(entry[2]) else null


func _on_noted(message: DialogueMessages.Noted) -> void:
	var found: DialogueConversation = _by_name.get(message.conversation)
	if found != null:
		var asker: DialogueNPC = found.settle(message.line)
		if asker != null:
			asker.noted.emit(message.line)
		found.noted.emit(message.line)


func _on_suggestions(message: DialogueMessages.Suggestions) -> void:
	var found: DialogueConversation = _by_name.get(message.conversation)
	if found != null:
		var asker: DialogueNPC = found.settle(message.line)
		if asker != null:
			asker.suggested.emit(PackedStringArray(message.texts))
		found.suggested.emit(PackedStringArray(message.texts))


func _on_saved(message: DialogueMessages.Saved) -> void:
	var request: DialogueMessages.Message = _link.answered()
	var found: DialogueConversation = _by_name.get(message.conversation)
	if found != null:
		found.take_moment(request, message.checkpoint)
	for save: DialogueSave in _saves.duplicate():
		save.take(request, message.checkpoint)


func _on_trigger(message: DialogueMessages.Trigger) -> void:
	var found: DialogueConversation = _by_name.get(message.conversation)
	if found != null:
		found.trigger(message)
		triggered.emit(found.key, message.name, message.stage, message.args)


func _on_error(error: DialogueMessages.ErrorMessage) -> void:
	var request: DialogueMessages.Message = _link.answered()
	for save: DialogueSave in _saves.duplicate():
		save.refuse(request)
	var conversation: DialogueConversation = _by_name.get(error.conversation)
	if conversation == null:
		if is_online():
			error_received.emit(error)
		return
	if error.code == DialogueMessages.ErrorCode.STATE_CONFLICT:
		_send_state(conversation.snapshot_message(state))
	elif not conversation.report(error, request):
		error_received.emit(error)
