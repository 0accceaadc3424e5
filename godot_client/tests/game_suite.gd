class_name GameSuite
extends TestSuite
## What tests against a real server share: a client, NPCs, and what they said.

var client: DialogueClient = null


## What an NPC did, in order.
class Record:
	extends RefCounted

	var npc: DialogueNPC
	var text: String = ""
	var moods: PackedStringArray = []
	var intensities: PackedInt32Array = []
	var noted: PackedStringArray = []
	var suggested: Array[PackedStringArray] = []
	var triggers: PackedStringArray = []
	var actions: Array[DialogueAction] = []
	## How much was shown at each action.
	var shown_at: PackedInt32Array = []
	var finished: Array[DialogueTurn] = []
	var failures: PackedStringArray = []
	var greeting: String = ""
	var opened: int = 0
	var began: int = 0
	var restarted: int = 0


func _ready() -> void:
	client = DialogueClient.new()
	client.url = options.get("url", "")
	client.player_id = "player-%d" % Time.get_ticks_usec()
	client.reconnect_base = 0.2
	client.reconnect_longest = 1.0
	client.connect_on_ready = false
	add_child(client)
	client.connect_to_server()


## A new NPC and the record of what it does. [param typed] gives it a label.
func meet(npc_id: String, typed: bool = false, conversation: String = "") -> Record:
	var record: Record = Record.new()
	var npc: DialogueNPC = DialogueNPC.new()
	record.npc = npc
	npc.npc_id = npc_id
	npc.conversation = conversation
	if typed:
		npc.label = DialogueSpeechLabel.new()
		npc.label.size = Vector2(600, 200)
		npc.label.letters_per_second = 400.0
		npc.label.sentence_pause = 0.0
		npc.label.comma_pause = 0.0
		add_child(npc.label)
	npc.opened.connect(
		func(greeting: String) -> void:
			record.greeting = greeting
			record.opened += 1
	)
	npc.began.connect(
		func(_turn: DialogueTurn) -> void:
			record.text = ""
			record.began += 1
	)
	npc.restarted.connect(
		func() -> void:
			record.text = ""
			record.restarted += 1
	)
	npc.spoke.connect(func(text: String) -> void: record.text += text)
	npc.mood_changed.connect(
		func(mood: String, intensity: int) -> void:
			record.moods.append(mood)
			record.intensities.append(intensity)
	)
	npc.action_requested.connect(
		func(action: DialogueAction) -> void:
			record.actions.append(action)
			record.shown_at.append(npc.label.revealed if typed else record.text.length())
	)
	npc.noted.connect(func(line: String) -> void: record.noted.append(line))
	npc.suggested.connect(func(lines: PackedStringArray) -> void: record.suggested.append(lines))
	npc.triggered.connect(
		func(trigger: String, stage: String, args: Dictionary) -> void:
			record.triggers.append("%s %s %s" % [trigger, stage, args])
	)
	npc.finished.connect(func(turn: DialogueTurn) -> void: record.finished.append(turn))
	npc.failed.connect(
		func(code: String, detail: String) -> void: record.failures.append(code + ": " + detail)
	)
	add_child(npc)
	return record


## Says a line and waits for the answer.
func ask_npc(record: Record, line: String) -> DialogueTurn:
	var before: int = record.finished.size()
	check(not record.npc.say(line).is_empty(), "the line was not sent")
	await until(
		func() -> bool: return record.finished.size() > before or not record.failures.is_empty(),
		"the answer to: " + line
	)
	return null if record.finished.size() == before else record.finished[-1]


## The lines that the server remembers, each after its kind.
func remembered(conversation: String) -> PackedStringArray:
	var found: Array[PackedStringArray] = []
	var listen: Callable = func(message: DialogueMessages.Transcript) -> void:
		var lines: PackedStringArray = []
		for line: DialogueMessages.SpokenLine in message.lines:
			lines.append(line.kind + ": " + line.text)
		found.append(lines)
	client.incoming.transcript.connect(listen, CONNECT_ONE_SHOT)
	var message: DialogueMessages.History = DialogueMessages.History.new()
	message.conversation = conversation
	client.send(message)
	await until(func() -> bool: return not found.is_empty(), "the transcript")
	return PackedStringArray() if found.is_empty() else found[0]
