extends TestSuite
## How conversations are opened, left and opened again, while answers to that are still on their
## way. The frames are the server's, but no server sends them.

const LIMITS: Dictionary = {
	"message_bytes": 1000,
	"line_chars": 100,
	"state_bytes": 100,
	"state_depth": 8,
	"conversations": 4,
}

var client: DialogueClient = null
var socket: FakeSocket = FakeSocket.new()
var mira: DialogueNPC = null
var told: PackedStringArray = []


func _ready() -> void:
	client = DialogueClient.new()
	client.connect_on_ready = false
	client.reconnect_base = 0.0
	client._link._socket = socket
	add_child(client)
	mira = _npc("mira")
	_connect("s1")


func test_an_open_that_failed_is_tried_again_at_the_saved_moment() -> void:
	_load("c1")
	mira.open()
	equal("c1", _newest_open().checkpoint, "the checkpoint")
	_error("store_failed")
	mira.open()
	equal("c1", _newest_open().checkpoint, "the checkpoint of the second")
	_opened()
	mira.close()
	mira.open()
	equal("", _newest_open().checkpoint, "once it was open")


func test_a_moment_that_the_server_does_not_know_is_not_asked_for_twice() -> void:
	_load("c1")
	mira.open()
	_error("unknown_checkpoint")
	mira.open()
	equal("", _newest_open().checkpoint, "the checkpoint of the second")


func test_a_disconnect_before_the_answer_keeps_the_saved_moment() -> void:
	_load("c1")
	mira.open()
	client.disconnect_from_server()
	mira.open()
	equal("c1", _newest_open().checkpoint, "the checkpoint")


func test_a_save_names_only_those_whom_the_player_has_met() -> void:
	var entry: Dictionary = {"name": "mira", "checkpoint": "c1"}
	client.get_conversation("odo")
	client.load_dialogue({"version": 1, "conversations": {"mira": entry}})
	var saved: Dictionary = await client.save_dialogue()
	equal({"version": 1, "conversations": {"mira": entry}}, saved, "the save")


func test_the_answer_to_an_open_of_before_a_load_is_no_news() -> void:
	mira.open()
	_load("c1")
	_opened("Well met.")
	equal(PackedStringArray(), told, "told")
	mira.open()
	equal("c1", _newest_open().checkpoint, "the checkpoint")
	_opened()
	equal(PackedStringArray(["mira opened "]), told, "told then")


func test_the_refusal_of_an_open_of_before_a_load_is_no_news_either() -> void:
	mira.open()
	_load("c1")
	mira.open()
	_error("store_failed")
	_give([23, "mira"])
	equal(PackedStringArray(), told, "told")
	check(client.get_conversation("mira").is_open, "closed by an old error")
	_error("store_failed")
	equal(PackedStringArray(["mira failed store_failed"]), told, "told then")


func test_a_turn_of_before_a_load_is_not_shown() -> void:
	mira.open()
	_opened()
	var line: String = mira.say("Hello")
	_load("c1")
	told.clear()
	_turn(1, line)
	mira.open()
	_opened()
	_give([19, 1, "Well met. "])
	equal(PackedStringArray(["mira opened "]), told, "told")


func test_the_number_of_a_turn_means_nothing_in_the_next_session() -> void:
	mira.label = DialogueSpeechLabel.new()
	add_child(mira.label)
	mira.open()
	_opened()
	_turn(1, mira.say("Hello"))
	_give([19, 1, "Well met, traveller. "])
	_give([21, 1, "complete", 21])
	check(mira.is_busy(), "all is shown already")
	socket.break_off(1006)
	client._link.poll()
	_connect("s2")
	check(client.is_online(), "no connection")
	socket.written.clear()
	mira.interrupt()
	equal(0, socket.written.size(), "frames about a turn of the old session")


func test_what_is_held_back_behind_a_turn_is_said_when_the_turn_fails_too() -> void:
	mira.open()
	_opened()
	var first: String = mira.say("Hello")
	var second: String = mira.say("Are you there?")
	socket.written.clear()
	_give([22, "model_failed", "It did not work.", "mira", first])
	equal(1, socket.written.size(), "frames")
	_give([22, "model_failed", "It did not work.", "mira", second])
	check(not mira.is_busy(), "busy")


func test_who_joins_while_the_conversation_opens_is_introduced_as_well() -> void:
	mira.conversation = "forge"
	var odo: DialogueNPC = _npc("odo")
	odo.conversation = "forge"
	mira.open()
	equal(["mira", "odo"], _newest_open("forge").npcs as Array, "who is there")
	var late: DialogueNPC = _npc("late")
	late.conversation = "forge"
	client.get_conversation("forge")
	_opened("", "forge")
	late.say("Hello")
	equal(["mira", "odo", "late"], _newest_open("forge").npcs as Array, "who is there then")


func test_a_wrong_address_is_told_to_who_listens_from_their_ready_function() -> void:
	var scene: Node = Node.new()
	var child: DialogueClient = DialogueClient.new()
	child.url = "http://127.0.0.1"
	scene.add_child(child)
	scene.ready.connect(
		func() -> void:
			child.refused.connect(
				func(_code: String, problem: String) -> void: told.append(problem)
			)
	)
	add_child(scene)
	await until(func() -> bool: return not told.is_empty(), "the signal", 2.0)


func _npc(id: String) -> DialogueNPC:
	var npc: DialogueNPC = DialogueNPC.new()
	npc.npc_id = id
	npc.opened.connect(func(greeting: String) -> void: told.append("%s opened %s" % [id, greeting]))
	npc.began.connect(func(_turn: DialogueTurn) -> void: told.append(id + " began"))
	npc.spoke.connect(func(text: String) -> void: told.append("%s: %s" % [id, text]))
	npc.failed.connect(
		func(code: String, _detail: String) -> void: told.append("%s failed %s" % [id, code])
	)
	add_child(npc)
	return npc


func _load(checkpoint: String) -> void:
	var entry: Dictionary = {"name": "mira", "checkpoint": checkpoint}
	client.load_dialogue({"version": 1, "conversations": {"mira": entry}})


func _newest_open(conversation: String = "mira") -> DialogueMessages.Open:
	return client._link._connection._opens.get(conversation, DialogueMessages.Open.new())


func _opened(greeting: String = "", conversation: String = "mira") -> void:
	_give([16, conversation, [{"id": "mira", "name": "Mira"}], greeting])


func _error(code: String) -> void:
	_give([22, code, "It did not work.", "mira"])


func _turn(number: int, line: String) -> void:
	_give([18, number, "t%d" % number, "mira", "mira", line])


func _connect(session: String) -> void:
	if not client._link.has_session():
		client.connect_to_server()
	client._link._retry_at_ms = 0
	client._link.poll()
	client._link.poll()
	_give([0, session, "e1", 0, LIMITS])


func _give(message: Array) -> void:
	socket.give(message)
	client._link.poll()
