extends GameSuite
## Against a server that takes its time: scenes that change, games that end, players in a hurry.


func test_lines_said_in_a_hurry_are_all_answered_in_order() -> void:
	var wen: Record = meet("wen")
	await until(func() -> bool: return client.is_online(), "the connection")
	for line: String in ["Hello, who are you?", "And the tide?", "And the lamp?"]:
		wen.npc.interrupt()
		wen.npc.say(line)
	await until(func() -> bool: return wen.finished.size() == 3, "the answers")
	equal(PackedStringArray(), wen.failures, "failures")
	equal("interrupted", wen.finished[0].reason, "the first")
	equal("interrupted", wen.finished[1].reason, "the second")
	equal("complete", wen.finished[2].reason, "the third")
	equal(wen.finished[2].text, wen.text, "the text")
	equal(1, wen.began, "answers that were begun to be shown")
	check(not wen.npc.is_busy(), "still busy")


func test_an_interrupt_stops_no_answer_to_what_happens_in_the_world() -> void:
	var wen: Record = meet("wen")
	await until(func() -> bool: return client.is_online(), "the connection")
	wen.npc.send_event("The bell of the inn rings.", DialogueConversation.React.MUST)
	wen.npc.interrupt()
	await until(func() -> bool: return wen.finished.size() == 1, "her word on the bell")
	equal("complete", wen.finished[0].reason, "the reason")


func test_a_line_waits_for_who_else_speaks_in_the_conversation() -> void:
	var tove: Record = meet("tove", false, "forge")
	var wen: Record = meet("wen", false, "forge")
	tove.npc.say("What happened to the lamp?")
	wen.npc.say("Hello, who are you?")
	await until(func() -> bool: return wen.finished.size() == 1, "her answer")
	equal("complete", tove.finished[0].reason, "Tove")
	equal(PackedStringArray(), tove.failures + wen.failures, "failures")


func test_an_npc_that_is_freed_in_mid_sentence_was_heard_so_far_and_gives_its_place_back() -> void:
	var pell: Record = await _speaking("pell")
	var seen: String = pell.npc.turn.text.left(pell.npc.label.revealed)
	var line: DialogueSpeechLabel = pell.npc.label
	pell.npc.free()
	line.free()
	var codes: PackedStringArray = []
	var listen: Callable = func(error: DialogueMessages.ErrorMessage) -> void:
		codes.append(error.code)
	client.incoming.error.connect(listen)
	var message: DialogueMessages.History = DialogueMessages.History.new()
	message.conversation = "pell"
	client.send(message)
	await until(func() -> bool: return not codes.is_empty(), "the conversation to be closed")
	equal(PackedStringArray(["unknown_conversation"]), codes, "codes")
	client.incoming.error.disconnect(listen)
	equal("npc: " + seen, await _remembered_anew("pell"), "what he remembers")


func test_a_conversation_that_is_closed_in_mid_sentence_was_heard_so_far() -> void:
	var pell: Record = await _speaking("pell")
	var seen: String = pell.npc.turn.text.left(pell.npc.label.revealed)
	pell.npc.close()
	check(not pell.npc.is_busy(), "busy")
	equal("npc: " + seen, await _remembered_anew("pell"), "what he remembers")


func test_a_scene_that_is_freed_with_its_client_was_heard_so_far() -> void:
	var pell: Record = await _speaking("pell")
	var seen: String = pell.npc.turn.text.left(pell.npc.label.revealed)
	var player: String = client.player_id
	client.free()  # first, as if it stood behind the NPC in the scene
	pell.npc.free()
	client = DialogueClient.new()
	client.url = options["url"]
	client.player_id = player
	add_child(client)
	equal("npc: " + seen, await _remembered_anew("pell"), "what he remembers")


func test_a_client_that_is_moved_in_the_tree_goes_on_as_before() -> void:
	var drops: PackedStringArray = []
	client.disconnected.connect(func(problem: String) -> void: drops.append(problem))
	var pell: Record = await _speaking("pell")
	remove_child(client)
	await get_tree().create_timer(0.3).timeout
	add_child(client)
	await until(func() -> bool: return pell.finished.size() == 1, "the end")
	equal("complete", pell.finished[0].reason, "the reason")
	equal(pell.finished[0].text, pell.npc.label.get_parsed_text(), "the label")
	equal(PackedStringArray(), drops, "drops")


func test_after_a_disconnect_nobody_is_busy_and_a_new_connection_goes_on() -> void:
	var pell: Record = await _speaking("pell")
	pell.npc.say("And to drink?")
	client.disconnect_from_server()
	check(not pell.npc.is_busy(), "busy")
	equal(1, pell.finished.size(), "what is over")
	equal(PackedStringArray(), pell.failures, "failures")
	client.connect_to_server()
	check(await ask_npc(pell, "What is there to eat?") != null, "no answer: %s" % [pell.failures])


func test_a_refused_client_fails_what_was_asked_and_can_come_back() -> void:
	var pell: Record = await _speaking("pell")
	var refusals: PackedStringArray = []
	client.refused.connect(func(code: String, _problem: String) -> void: refusals.append(code))
	client._link._lost(DialogueMessages.CloseCode.REPLACED, "Somebody else has the session.")
	equal(1, refusals.size(), "refusals")
	equal(1, pell.failures.size(), "failures")
	await until(func() -> bool: return not pell.npc.is_busy(), "the end of what was shown")
	pell.failures.clear()
	client.connect_to_server()
	check(await ask_npc(pell, "What is there to eat?") != null, "no answer: %s" % [pell.failures])


func test_a_conversation_that_was_left_is_in_the_save() -> void:
	var wen: Record = meet("wen")
	await ask_npc(wen, "Hello, who are you?")
	wen.npc.close()
	var saved: Dictionary = await client.save_dialogue()
	equal(["wen"], (saved.get("conversations", {}) as Dictionary).keys(), "what was saved")
	await ask_npc(wen, "Tell me of the leeches, and of Bertram.")
	wen.npc.close()
	var later: Dictionary = await client.save_dialogue()
	check(client.load_dialogue(saved), "the save was refused")
	wen.npc.open()
	equal(3, (await remembered("wen")).size(), "lines of the first save")
	check(client.load_dialogue(later), "the later save was refused")
	wen.npc.open()
	equal(5, (await remembered("wen")).size(), "lines of the second save")


func test_what_was_talked_about_before_a_disconnect_is_in_the_save() -> void:
	var wen: Record = meet("wen")
	await ask_npc(wen, "Hello, who are you?")
	client.disconnect_from_server()
	equal({}, await client.save_dialogue(0.3), "a save without a server")
	client.connect_to_server()
	var saved: Dictionary = await client.save_dialogue()
	equal(["wen"], (saved.get("conversations", {}) as Dictionary).keys(), "what was saved")


func test_a_save_takes_nothing_back_by_itself() -> void:
	var wen: Record = meet("wen", false, "forge")
	await ask_npc(wen, "Hello, who are you?")
	check(not (await client.save_dialogue()).is_empty(), "no save")
	await ask_npc(wen, "Tell me of the leeches, and of Bertram.")
	meet("tove", false, "forge").npc.open()  # the conversation is opened again, with her
	equal(5, (await remembered("forge")).size(), "lines remembered")
	client.disconnect_from_server()
	client.connect_to_server()
	wen.npc.open()
	equal(5, (await remembered("forge")).size(), "lines remembered after a new connection")


func test_two_saves_at_once_are_two_moments() -> void:
	var wen: Record = meet("wen")
	await ask_npc(wen, "Hello, who are you?")
	var saves: Array[Dictionary] = []
	var save: Callable = func() -> void: saves.append(await client.save_dialogue())
	save.call()
	client.get_conversation("wen").script_line("I shall be back.")
	save.call()
	await until(func() -> bool: return saves.size() == 2, "the saves")
	client.load_dialogue(saves[1])
	wen.npc.open()
	equal("player: I shall be back.", (await remembered("wen"))[-1], "the last line")


## An NPC in the midst of an answer, of which some is shown.
func _speaking(npc_id: String) -> Record:
	var record: Record = meet(npc_id, true)
	record.npc.label.letters_per_second = 20.0
	record.npc.say("What is there to eat?")
	await until(func() -> bool: return record.npc.label.revealed >= 4, "some text")
	return record


## What an NPC remembers last, asked by another node.
func _remembered_anew(npc_id: String) -> String:
	var again: Record = meet(npc_id)
	again.npc.open()
	await until(func() -> bool: return again.opened > 0, "the conversation")
	var lines: PackedStringArray = await remembered(npc_id)
	return "" if lines.is_empty() else lines[-1]
