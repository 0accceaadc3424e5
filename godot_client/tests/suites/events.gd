extends TestSuite
## What a game is told while the protocol's transcripts are played: by the whole client, from its
## socket to its signals. The expected events are in the files, the same for every engine.


func test_a_game_is_told_what_the_transcripts_say() -> void:
	var directory: String = (options["vectors"] as String).path_join("transcripts")
	var names: PackedStringArray = DirAccess.get_files_at(directory)
	check(names.size() >= 7, "only %d transcripts" % names.size())
	for file: String in names:
		var text: String = FileAccess.get_file_as_string(directory.path_join(file))
		var content: Dictionary = JSON.parse_string(text)
		var player: Player = Player.new()
		add_child(player)
		for complaint: String in player.play(content["steps"] as Array):
			failures.append("%s: %s" % [file.get_basename(), complaint])
		player.free()


## A client whose lines are called l1, l2 ...
class NumberingClient:
	extends DialogueClient

	var count: int = 0

	func new_line_id() -> String:
		count += 1
		return "l%d" % count


## A game with two NPCs that does what a transcript says, and notes what it is told.
class Player:
	extends Node

	var client: NumberingClient = NumberingClient.new()
	var socket: FakeSocket = FakeSocket.new()
	var npcs: Dictionary = {}
	var talk: DialogueConversation = null
	var told: Array = []

	func _ready() -> void:
		client.connect_on_ready = false
		client.reconnect_base = 0.0
		client._link._socket = socket
		client.connected.connect(func(resumed: bool) -> void: told.append(["online", resumed]))
		client.disconnected.connect(func(_problem: String) -> void: told.append(["offline", true]))
		client.refused.connect(
			func(_code: String, _problem: String) -> void: told.append(["offline", false])
		)
		client.server_going_away.connect(func(wait: int) -> void: told.append(["going_away", wait]))
		client.incoming.error.connect(_on_error)
		add_child(client)
		for id: String in ["mira", "odo"]:
			npcs[id] = _npc(id)

	func play(steps: Array) -> PackedStringArray:
		var complaints: PackedStringArray = []
		for number: int in steps.size():
			var step: Dictionary = steps[number]
			told.clear()
			_do(step)
			var expected: Array = _plain(step.get("events", []))
			if str(expected) != str(_plain(told)):
				complaints.append("step %d: expected %s, got %s" % [number + 1, expected, told])
		return complaints

	func _do(step: Dictionary) -> void:
		match step["step"]:
			"connect":
				client._link._retry_at_ms = 0
				if not client._link.has_session():
					client.connect_to_server()
				client._link.poll()  # tries again, if it waits
				client._link.poll()  # says hello
			"send":
				_send(step["message"] as Dictionary)
			"server":
				if not step.get("lost", false):
					socket.arriving.append((step["msgpack"] as String).hex_decode())
					client._link.poll()
			"disconnect":
				socket.break_off(int(step["code"] as float))
				client._link.poll()

	func _send(message: Dictionary) -> void:
		var npc: DialogueNPC = npcs["mira"]
		match message["type"]:
			"open":
				for id: String in message["npcs"] as Array:
					add_child(npcs[id] as DialogueNPC)
				talk = client.get_conversation("c1")
				talk.noted.connect(func(line: String) -> void: told.append(["noted", line]))
				talk.suggested.connect(
					func(lines: PackedStringArray) -> void:
						told.append(["suggested", "l%d" % client.count, Array(lines)])
				)
				talk.triggered.connect(
					func(trigger: String, stage: String, args: Dictionary) -> void:
						told.append(["triggered", trigger, stage, args])
				)
				npc.open()
			"say":
				talk.say(message["text"] as String, message["to"] as String)
			"interrupt":
				npc.turn.cut(int(message["seen"] as float))
				npc.interrupt()
			"event":
				talk.send_event(message["text"] as String)
			"script":
				talk.script_line(message["text"] as String, message["npc"] as String)
			"advance":
				talk.advance(message["npc"] as String)
			"action_result":
				var odo: DialogueNPC = npcs["odo"]
				var action: DialogueAction = odo.get_meta("action")
				odo.remove_meta("action")
				action.refuse(message["text"] as String)
			"suggest":
				talk.suggest(int(message["count"] as float))
			"close":
				client.close(talk)
			"state":
				client.state = message["snapshot"]
				client.push_state(talk)

	func _npc(id: String) -> DialogueNPC:
		var npc: DialogueNPC = DialogueNPC.new()
		npc.npc_id = id
		npc.conversation = "c1"
		npc.opened.connect(func(greeting: String) -> void: told.append(["opened", id, greeting]))
		npc.began.connect(
			func(turn: DialogueTurn) -> void: told.append(["began", id, turn.id, turn.line])
		)
		npc.queued.connect(func(position: int) -> void: told.append(["queued", id, position]))
		npc.cue_received.connect(
			func(cue: DialogueCue) -> void:
				told.append(["cue", id, cue.offset, cue.kind, cue.name, cue.args, cue.action])
		)
		npc.action_requested.connect(
			func(action: DialogueAction) -> void: npc.set_meta("action", action)
		)
		npc.finished.connect(
			func(turn: DialogueTurn) -> void:
				told.append(["ended", id, turn.id, turn.reason, turn.text])
		)
		return npc

	func _on_error(error: DialogueMessages.ErrorMessage) -> void:
		if not error.line.is_empty():
			told.append(["failed", error.line, error.code])

	func _exit_tree() -> void:
		for npc: DialogueNPC in npcs.values():
			npc.remove_meta("action")
			if npc.get_parent() == null:
				npc.free()

	## The value with whole numbers as integers, and maps in one order.
	static func _plain(value: Variant) -> Variant:
		if value is float:
			return int(value as float)
		if value is Array:
			return (value as Array).map(_plain)
		if value is Dictionary:
			var map: Dictionary = {}
			for key: Variant in value as Dictionary:
				map[key] = _plain((value as Dictionary)[key])
			return map
		return value
