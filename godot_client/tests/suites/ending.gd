extends TestSuite
## How answers end, and what becomes of what was still to be shown. The messages are the server's,
## but no server sends them.

var client: DialogueClient = null
var label: DialogueSpeechLabel = null
var told: PackedStringArray = []


func _ready() -> void:
	client = DialogueClient.new()
	client.connect_on_ready = false
	add_child(client)
	label = DialogueSpeechLabel.new()
	label.size = Vector2(400, 200)
	label.sentence_pause = 0.0
	label.comma_pause = 0.0
	# Time is passed by hand.
	label.process_mode = Node.PROCESS_MODE_DISABLED
	add_child(label)


func test_text_that_a_guard_takes_back_leaves_the_label_and_its_cues_never_fire() -> void:
	var mira: DialogueNPC = _npc("mira", label)
	_turn(1, "mira")
	_delta(1, "Come in. ")
	_cue(1, 8, "calm")
	_delta(1, "I am a language ")
	_cue(1, 25, "cross")
	_pass(0.1)
	var early: int = label.revealed
	_end(1, "filtered", 8)
	check(early < 8, "all was revealed at once")
	_pass(3.0)
	equal("Come in.", label.get_parsed_text(), "the label")
	equal(8, label.revealed, "revealed")
	equal(PackedStringArray(["taken_back 8", "mood calm", "finished 1 Come in."]), told, "told")
	check(not mira.is_busy(), "still busy")


func test_text_that_was_shown_before_it_was_taken_back_is_hidden_again() -> void:
	_npc("mira", label)
	_turn(1, "mira")
	_delta(1, "Come in. I am a language ")
	_pass(3.0)
	equal(25, label.revealed, "revealed")
	_end(1, "filtered", 8)
	equal(8, label.revealed, "revealed after the end")
	_pass(0.1)
	equal("Come in.", label.get_parsed_text(), "the label")
	equal(PackedStringArray(["taken_back 8", "finished 1 Come in."]), told, "told")


func test_without_a_label_the_game_is_told_how_much_stands() -> void:
	_npc("mira")
	_turn(1, "mira")
	_delta(1, "Come in. I am a")
	_end(1, "filtered", 8)
	equal(PackedStringArray(["taken_back 8", "finished 1 Come in."]), told, "told")


func test_a_turn_told_again_that_ends_earlier_is_cut_there() -> void:
	_npc("mira", label)
	_turn(1, "mira", "l1")
	_delta(1, "Come in, friend. ")
	_pass(3.0)
	_turn(2, "mira", "l1")
	_delta(2, "Come in")
	_end(2, "truncated", 7)
	_pass(0.1)
	equal("Come in", label.get_parsed_text(), "the label")
	equal(PackedStringArray(["taken_back 7", "finished 2 Come in"]), told, "told")


func test_a_filler_is_not_left_standing_as_if_it_were_the_answer() -> void:
	var mira: DialogueNPC = _npc("mira", label)
	for number: int in [1, 2]:
		_turn(number, "mira")
		_filler(number, "Hm …")
		_pass(0.1)
		label.skip()
		check(label.visible_characters != 0, "skip hid the filler")
		if number == 1:
			_end(number, "failed", 0)
		else:
			mira.interrupt()
		_pass(0.1)
		equal("", label.get_parsed_text(), "the label of turn %d" % number)


func test_who_speaks_next_in_the_same_label_cuts_nothing_out_of_the_story() -> void:
	_npc("mira", label)
	_npc("odo", label)
	_turn(1, "mira")
	_delta(1, "Take this glass. ")
	_action(1, 17, "give")
	_end(1, "complete", 17)
	_turn(2, "odo")
	_delta(2, "Hm.")
	_end(2, "complete", 3)
	equal(
		PackedStringArray(["action give of 1 by mira", "finished 1 Take this glass. "]),
		told,
		"told before Odo is shown"
	)
	_pass(1.0)
	equal("finished 2 Hm.", told[-1], "the last")
	equal("Hm.", label.get_parsed_text(), "the label")


func test_the_next_answer_of_the_same_npc_lets_the_last_one_end_first() -> void:
	_npc("mira", label)
	_turn(1, "mira")
	_delta(1, "Take this glass. ")
	_action(1, 17, "give")
	_end(1, "complete", 17)
	_turn(2, "mira")
	equal(
		PackedStringArray(["action give of 1 by mira", "finished 1 Take this glass. "]),
		told,
		"told of the first"
	)


func test_an_interrupt_in_the_middle_of_the_reveal_stops_right_there() -> void:
	var mira: DialogueNPC = _npc("mira", label)
	mira.action_requested.connect(func(_action: DialogueAction) -> void: mira.interrupt())
	label.letter_revealed.connect(
		func(letter: String) -> void:
			if letter == "z":
				mira.interrupt()
	)
	_turn(1, "mira")
	_delta(1, "Take this glass. And go. ")
	_action(1, 10, "give")
	_delta(1, "Now. ")
	label.advance(2.0)
	equal(10, label.revealed, "revealed")
	equal("Take this ", mira.turn.text, "what she said")
	_turn(2, "mira")
	_delta(2, "Bzzz, quickly now. ")
	label.advance(2.0)
	equal(2, label.revealed, "revealed of the second")
	equal("Bz", mira.turn.text, "what she said then")


func test_a_label_may_be_freed_while_somebody_speaks() -> void:
	var gone: DialogueSpeechLabel = DialogueSpeechLabel.new()
	add_child(gone)
	var mira: DialogueNPC = _npc("mira", gone)
	_turn(1, "mira")
	_delta(1, "Come in. ")
	gone.free()
	_action(1, 9, "wave")
	_delta(1, "Sit. ")
	mira.interrupt()
	_end(1, "interrupted", 14)
	equal(
		PackedStringArray(["action wave of 1 by mira", "finished 1 Come in. Sit. "]), told, "told"
	)
	check(not mira.is_busy(), "busy")


func test_a_label_may_be_freed_while_it_still_shows_what_is_over() -> void:
	var gone: DialogueSpeechLabel = DialogueSpeechLabel.new()
	add_child(gone)
	var mira: DialogueNPC = _npc("mira", gone)
	_turn(1, "mira")
	_delta(1, "Take this glass. ")
	_action(1, 17, "give")
	_end(1, "complete", 17)
	gone.queue_free()
	await gone.tree_exited
	await get_tree().process_frame
	equal(
		PackedStringArray(["action give of 1 by mira", "finished 1 Take this glass. "]),
		told,
		"told"
	)
	check(not mira.is_busy(), "busy")


func test_an_npc_may_be_freed_while_it_speaks() -> void:
	var mira: DialogueNPC = _npc("mira", label)
	_turn(1, "mira")
	_delta(1, "Come in. ")
	_action(1, 9, "wave")
	mira.free()
	_delta(1, "Sit. ")
	_pass(1.0)
	_end(1, "complete", 14)
	_pass(1.0)
	var odo: DialogueNPC = _npc("odo", label)
	_turn(2, "odo")
	_delta(2, "Hm. ")
	_end(2, "complete", 4)
	_pass(1.0)
	equal(PackedStringArray(["finished 2 Hm. "]), told, "told")
	check(not odo.is_busy(), "busy")


func _npc(id: String, shown_in: DialogueSpeechLabel = null) -> DialogueNPC:
	var npc: DialogueNPC = DialogueNPC.new()
	npc.npc_id = id
	npc.label = shown_in
	add_child(npc)
	client.get_conversation(id)
	npc.mood_changed.connect(
		func(mood: String, _intensity: int) -> void: told.append("mood " + mood)
	)
	npc.action_requested.connect(
		func(action: DialogueAction) -> void:
			told.append("action %s of %d by %s" % [action.name, action.turn.number, id])
	)
	npc.finished.connect(
		func(turn: DialogueTurn) -> void: told.append("finished %d %s" % [turn.number, turn.text])
	)
	if npc.has_signal(&"taken_back"):
		npc.connect(&"taken_back", func(length: int) -> void: told.append("taken_back %d" % length))
	return npc


func _pass(seconds: float) -> void:
	for _frame: int in roundi(seconds * 60.0):
		label.advance(1.0 / 60.0)


func _turn(number: int, npc: String, line: String = "") -> void:
	var message: DialogueMessages.Turn = DialogueMessages.Turn.new()
	message.turn = number
	message.id = "t%d" % number
	message.conversation = npc
	message.npc = npc
	message.line = line
	client.incoming.turn.emit(message)


func _delta(number: int, text: String) -> void:
	var message: DialogueMessages.Delta = DialogueMessages.Delta.new()
	message.turn = number
	message.text = text
	client.incoming.delta.emit(message)


func _cue(number: int, offset: int, mood: String) -> void:
	_send_cue(number, offset, DialogueCue.MOOD, mood, {"intensity": 50})


func _action(number: int, offset: int, action: String) -> void:
	_send_cue(number, offset, DialogueCue.ACTION, action, {})


func _filler(number: int, text: String) -> void:
	_send_cue(number, 0, DialogueCue.FILLER, "", {"text": text})


func _send_cue(number: int, offset: int, kind: String, cue: String, args: Dictionary) -> void:
	var message: DialogueMessages.Cue = DialogueMessages.Cue.new()
	message.turn = number
	message.offset = offset
	message.kind = kind
	message.name = cue
	message.args = args
	client.incoming.cue.emit(message)


func _end(number: int, reason: String, length: int) -> void:
	var message: DialogueMessages.TurnEnd = DialogueMessages.TurnEnd.new()
	message.turn = number
	message.reason = reason
	message.length = length
	client.incoming.turn_end.emit(message)
