extends GameSuite
## What a game can ask besides a line, against the real server: answers to actions, events, written
## lines, a talk without the player. The world has a smith, whose shears are the game's to take.


func test_an_accepted_action_is_told_to_the_npc_who_speaks_of_it() -> void:
	var smith: Record = meet("smith", true)
	var turn: DialogueTurn = await ask_npc(smith, "Sell me the shears.")
	if turn == null or smith.actions.is_empty():
		failures.append("no action: %s %s" % [smith.text, smith.failures])
		return
	var action: DialogueAction = smith.actions[0]
	equal(1, action.number, "the action's number")
	check(action.waits(), "it does not wait")
	check(action.accept("The shears are in the bag."), "it was not sent")
	check(not action.waits() and not action.accept(), "it was answered twice")
	check(smith.npc.is_busy(), "he awaits nothing")
	await until(func() -> bool: return smith.finished.size() == 2, "what he says of it")
	check(smith.text.contains("Keep them dry"), smith.text)
	equal(PackedStringArray(), smith.failures, "failures")
	check(not smith.npc.is_busy(), "still busy")


func test_a_refused_action_is_remembered_with_its_reason() -> void:
	var smith: Record = meet("smith")
	await ask_npc(smith, "Sell me the shears.")
	check(smith.actions[0].refuse("The purse is empty."), "it was not sent")
	await until(func() -> bool: return smith.finished.size() == 2, "what he says of it")
	check(smith.text.contains("No coin, no shears"), smith.text)
	var lines: PackedStringArray = await remembered("smith")
	check(
		lines.has(
			"event: Smith tries to sell_shears (price: 3): it does not happen. The purse is empty."
		),
		"what is remembered: %s" % [lines]
	)


func test_an_answer_that_nobody_is_to_speak_of_is_noted() -> void:
	var smith: Record = meet("smith")
	await ask_npc(smith, "Sell me the shears.")
	smith.actions[0].accept("", DialogueConversation.React.NEVER)
	await until(func() -> bool: return not smith.noted.is_empty(), "the note")
	equal(1, smith.finished.size(), "turns")
	check(not smith.npc.is_busy(), "still busy")


func test_an_action_that_does_not_wait_is_answered_by_nothing() -> void:
	var tove: Record = meet("tove")
	client.state = {"quest": {"lamp": "dark"}}
	await ask_npc(tove, "Is there work? The lamp, perhaps?")
	check(not tove.actions[0].waits(), "it waits")
	check(not tove.actions[0].accept(), "an answer was sent")


func test_an_event_is_answered_by_whoever_minds_and_noted_otherwise() -> void:
	var smith: Record = meet("smith")
	smith.npc.send_event("The bell of the inn rings.", DialogueConversation.React.MAY, "bell")
	await until(func() -> bool: return smith.finished.size() == 1, "his word on the bell")
	check(smith.text.contains("bell"), smith.text)
	var line: String = smith.npc.send_event("A leaf falls.")
	await until(func() -> bool: return not smith.noted.is_empty(), "the note")
	equal(PackedStringArray([line]), smith.noted, "the noted line")
	equal(1, smith.finished.size(), "turns")
	smith.npc.send_event("A leaf falls again.", DialogueConversation.React.MUST)
	await until(func() -> bool: return smith.finished.size() == 2, "his word on the leaf")
	check((await remembered("smith")).has("event: A leaf falls."), "the leaf is forgotten")


func test_a_written_line_is_said_as_it_is_with_its_cues() -> void:
	var smith: Record = meet("smith", true)
	smith.npc.script_line("[mood: cross 80] Out, both of you! [pause: 100] And shut the door.")
	await until(func() -> bool: return smith.finished.size() == 1, "the line")
	check(smith.text.begins_with("Out, both of you!"), smith.text)
	equal("cross", smith.npc.mood, "his mood")
	equal(80, smith.npc.mood_intensity, "its strength")
	equal(80, smith.intensities[-1], "the strength in the signal")
	var talk: DialogueConversation = client.get_conversation("smith")
	var noted: PackedStringArray = []
	talk.noted.connect(func(line: String) -> void: noted.append(line))
	var line: String = talk.script_line("I am sorry.")
	await until(func() -> bool: return noted.has(line), "the player's note")
	check((await remembered("smith")).has("player: I am sorry."), "the player said nothing")


func test_a_designer_s_trigger_is_told_to_the_npc_and_to_the_game() -> void:
	var told: PackedStringArray = []
	client.triggered.connect(
		func(conversation: String, trigger: String, _stage: String, _args: Dictionary) -> void:
			told.append(conversation + " " + trigger)
	)
	var tove: Record = meet("tove")
	client.state = {"quest": {"lamp": "dark"}}
	await ask_npc(tove, "Is there work? The lamp, perhaps?")
	await until(func() -> bool: return not told.is_empty(), "the trigger")
	equal(PackedStringArray(["tove errand_offered"]), told, "triggers")
	equal(1, tove.triggers.size(), "triggers of the NPC")
	check(tove.triggers[0].contains("journal"), tove.triggers[0])


func test_lines_for_the_player_are_suggested() -> void:
	var smith: Record = meet("smith")
	var line: String = smith.npc.suggest(2)
	check(smith.npc.is_busy() and not line.is_empty(), "nothing was asked")
	await until(func() -> bool: return not smith.suggested.is_empty(), "the suggestions")
	equal(PackedStringArray(["Are they sharp?", "Good day."]), smith.suggested[0], "suggestions")
	check(not smith.npc.is_busy(), "still busy")


func test_npcs_of_one_conversation_are_opened_together_and_talk_among_themselves() -> void:
	var tove: Record = meet("tove", false, "forge")
	var smith: Record = meet("smith", false, "forge")
	var forge: DialogueConversation = client.get_conversation("forge")
	equal(["tove", "smith"], forge.npcs as Array, "who is there")
	forge.say("Smith, who are you?")
	await until(func() -> bool: return smith.finished.size() == 1, "the smith's answer")
	equal("Smith", smith.npc.display_name, "his name")
	equal("Tove", tove.npc.display_name, "her name")
	forge.advance("tove")
	await until(func() -> bool: return tove.finished.size() == 1, "Tove, unasked")
	smith.npc.advance()
	await until(func() -> bool: return smith.finished.size() == 2, "the smith, unasked")
	equal(1, tove.opened, "she was introduced more than once")


func test_what_a_conversation_asks_in_vain_fails_there() -> void:
	var smith: Record = meet("smith")
	var problems: PackedStringArray = []
	var talk: DialogueConversation = client.get_conversation("smith")
	talk.failed.connect(func(code: String, detail: String) -> void: problems.append(code + detail))
	talk.say("Hello", "nobody")
	await until(func() -> bool: return not problems.is_empty(), "the failure")
	check(problems[0].begins_with("unknown_npc"), problems[0])
	equal(PackedStringArray(), smith.failures, "the NPC's failures")
