@tool
extends VBoxContainer
## The dock: is the server there, whom does it have, and what do they say?

## The address was changed and used.
signal address_used(url: String)

const DEFAULT_URL: String = "ws://127.0.0.1:8765"
## The right that the server wants for the list of NPCs.
const DESIGNER: String = "designer"

var _client: DialogueClient = null
var _npc: DialogueNPC = null
var _url: LineEdit = LineEdit.new()
var _token: LineEdit = LineEdit.new()
var _player: LineEdit = LineEdit.new()
var _test: Button = Button.new()
var _state: Label = Label.new()
var _npcs: ItemList = ItemList.new()
var _id: LineEdit = LineEdit.new()
var _line: LineEdit = LineEdit.new()
var _say: Button = Button.new()
var _answer: DialogueSpeechLabel = DialogueSpeechLabel.new()


func _init() -> void:
	custom_minimum_size = Vector2(220, 320)
	_url.placeholder_text = DEFAULT_URL
	_url.tooltip_text = "The address that dialogue-server serve prints."
	_token.placeholder_text = "Token, if the server asks for one"
	_token.secret = true
	_player.placeholder_text = "Player's id, if the token wants one"
	_test.text = "Test connection"
	_state.autowrap_mode = TextServer.AUTOWRAP_WORD_SMART
	_npcs.custom_minimum_size = Vector2(0, 90)
	_npcs.tooltip_text = "The server's NPCs. Click one, then say something to it."
	_id.placeholder_text = "An NPC's id"
	_id.tooltip_text = "This server does not list its NPCs to you. Type one's id, then Enter."
	_id.hide()
	_line.placeholder_text = "Say something …"
	if &"keep_editing_on_text_submit" in _line:  # Godot 4.4
		_line.set(&"keep_editing_on_text_submit", true)
	_say.text = "Say"
	_answer.custom_minimum_size = Vector2(0, 120)
	_answer.size_flags_vertical = SIZE_EXPAND_FILL
	_answer.selection_enabled = true
	var speech: HBoxContainer = HBoxContainer.new()
	_line.size_flags_horizontal = SIZE_EXPAND_FILL
	speech.add_child(_line)
	speech.add_child(_say)
	for child: Control in [_url, _token, _player, _test, _state, _npcs, _id, speech, _answer]:
		add_child(child)
	_url.text_submitted.connect(func(_text: String) -> void: test_connection())
	_test.pressed.connect(test_connection)
	_npcs.item_selected.connect(func(index: int) -> void: choose(_npcs.get_item_text(index)))
	_id.text_submitted.connect(choose)
	_line.text_submitted.connect(func(_text: String) -> void: say())
	_say.pressed.connect(say)
	_set_talking(false)


func _exit_tree() -> void:
	_forget()


## Fills the address in.
func set_address(url: String) -> void:
	_url.text = url


## Connects with what the fields say, and lists the NPCs.
func test_connection() -> void:
	_forget()
	_npcs.clear()
	var url: String = _url.text.strip_edges()
	if url.is_empty():
		url = DEFAULT_URL
		_url.text = url
	address_used.emit(url)
	_client = DialogueClient.new()
	_client.url = url
	_client.token = _token.text
	_client.player_id = _player.text.strip_edges()
	if _client.player_id.is_empty():
		_client.player_id = "editor-%d" % Time.get_ticks_usec()  # nobody whom they remember
	_client.connect_on_ready = false
	_client.capabilities = [DESIGNER]
	_client.connected.connect(func(_resumed: bool) -> void: _ask_for_npcs())
	_client.unreachable.connect(_report)
	_client.disconnected.connect(_report)
	_client.refused.connect(
		func(code: String, problem: String) -> void: _report((code + " " + problem).strip_edges())
	)
	_client.error_received.connect(
		func(error: DialogueMessages.ErrorMessage) -> void:
			_report("%s %s" % [error.code, error.detail])
	)
	_client.incoming.npc_list.connect(_on_npc_list)
	add_child(_client)
	_state.text = "Connecting …"
	_client.connect_to_server()


## Makes [param npc_id] the NPC that [method say] speaks to.
func choose(npc_id: String) -> void:
	if _npc != null:
		_npc.queue_free()
	_npc = DialogueNPC.new()
	_npc.npc_id = npc_id
	_npc.client = _client
	_npc.label = _answer
	_npc.failed.connect(
		func(code: String, detail: String) -> void: _report((code + " " + detail).strip_edges())
	)
	_npc.mood_changed.connect(
		func(mood: String, intensity: int) -> void:
			_state.text = "%s: %s, %d" % [npc_id, mood, intensity]
	)
	_npc.action_requested.connect(
		func(action: DialogueAction) -> void:
			_state.text = "%s does %s %s" % [npc_id, action.name, action.args]
			action.accept()
	)
	add_child(_npc)
	_set_talking(true)
	_npc.open()


## Says what the field holds.
func say() -> void:
	if _npc != null and not _line.text.strip_edges().is_empty():
		_npc.say(_line.text)
		_line.clear()


func _ask_for_npcs() -> void:
	if _npc != null:
		return  # reconnected
	var listed: bool = _client.granted.has(DESIGNER)
	_npcs.visible = listed
	_id.visible = not listed
	if listed:
		_state.text = "Connected."
		_client.send(DialogueMessages.Npcs.new())
	else:
		_state.text = "Connected, without a designer's right: type an NPC's id below."


func _on_npc_list(message: DialogueMessages.NpcList) -> void:
	_npcs.clear()
	for info: DialogueMessages.NpcInfo in message.npcs:
		_npcs.add_item(info.id)
		_npcs.set_item_tooltip(_npcs.item_count - 1, info.name)
	_state.text = "Connected; the server has %d NPCs." % _npcs.item_count


func _report(problem: String) -> void:
	_state.text = problem


func _set_talking(on: bool) -> void:
	_line.editable = on
	_say.disabled = not on


func _forget() -> void:
	_set_talking(false)
	if _npc != null:
		_npc.queue_free()
		_npc = null
	if _client != null:
		_client.disconnect_from_server()
		_client.queue_free()
		_client = null
