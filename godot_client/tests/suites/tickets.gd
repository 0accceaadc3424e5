extends GameSuite
## A server that lets nobody in without a ticket.

## How the client was refused, and how often it connected.
var refusals: PackedStringArray = []
var welcomes: int = 0


func _ready() -> void:
	super()
	client.disconnect_from_server()
	client.player_id = "ann"
	client.refused.connect(
		func(code: String, problem: String) -> void: refusals.append(code + ": " + problem)
	)
	client.connected.connect(func(_resumed: bool) -> void: welcomes += 1)


func test_a_wrong_ticket_is_refused_once_and_not_tried_again() -> void:
	await _is_refused("not.a.ticket")


func test_no_ticket_is_refused_as_well() -> void:
	await _is_refused("")


func test_a_refused_client_gets_in_with_another_ticket() -> void:
	await _is_refused("not.a.ticket")
	client.token = options["player"]
	client.connect_to_server()
	var wen: Record = meet("wen")
	var turn: DialogueTurn = await ask_npc(wen, "Hello, who are you?")
	check(turn != null and turn.text.contains("Wen"), "no answer: %s" % [wen.failures])
	equal(1, welcomes, "welcomes")


func test_a_new_ticket_is_shown_at_the_next_connection() -> void:
	client.token = options["player"]
	client.connect_to_server()
	await until(func() -> bool: return client.is_online(), "the connection")
	client.token = "not.a.ticket"
	client._link._lost(DialogueSocket.ABNORMAL, "cut")
	await until(func() -> bool: return not refusals.is_empty(), "the refusal of the new one", 5.0)
	equal(1, welcomes, "welcomes")


func test_a_player_may_not_list_the_npcs_in_the_dock_but_talk_to_one() -> void:
	var dock: Node = await _dock(options["player"])
	check((dock.get("_id") as LineEdit).visible, "there is no field for an id")
	(dock.get("_id") as LineEdit).text_submitted.emit("pell")
	(dock.get("_line") as LineEdit).text = "What is there to eat?"
	dock.call("say")
	var answer: DialogueSpeechLabel = dock.get("_answer")
	answer.letters_per_second = 500.0
	await until(func() -> bool: return answer.get_parsed_text().length() > 20, "the answer")


func test_a_designer_s_ticket_lists_the_npcs_in_the_dock() -> void:
	var dock: Node = await _dock(options["designer"])
	await until(func() -> bool: return (dock.get("_npcs") as ItemList).item_count == 4, "the list")
	check(not (dock.get("_id") as LineEdit).visible, "there is a field for an id")


func _is_refused(token: String) -> void:
	refusals.clear()
	client.token = token
	client.connect_to_server()
	await until(
		func() -> bool: return not refusals.is_empty(), "the signal", client.connect_timeout
	)
	await get_tree().create_timer(0.6).timeout  # in which it would try again three times
	equal(1, refusals.size(), "the signals")
	check(refusals[0].begins_with("unauthorized: "), refusals[0])
	check(token.is_empty() or not refusals[0].contains(token), "the ticket is told: " + refusals[0])
	equal(DialogueLink.Status.OFFLINE, client._link.status, "the status")
	equal(0, welcomes, "welcomes")


func _dock(token: String) -> Node:
	var dock: Node = (load("res://addons/dialogue_client/editor/dock.gd") as GDScript).new()
	add_child(dock)
	(dock.get("_token") as LineEdit).text = token
	(dock.get("_player") as LineEdit).text = "ann"
	dock.call("set_address", options["url"])
	dock.call("test_connection")
	var state: Label = dock.get("_state")
	await until(func() -> bool: return state.text.begins_with("Connected"), "the connection")
	return dock
