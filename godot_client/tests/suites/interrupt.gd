extends GameSuite
## Against a server that takes its time: cutting in.


func test_an_interrupted_npc_remembers_only_what_was_revealed() -> void:
	var pell: Record = meet("pell", true)
	pell.npc.label.letters_per_second = 20.0
	pell.npc.say("What is there to eat?")
	await until(func() -> bool: return pell.npc.label.revealed >= 4, "some text")
	pell.npc.interrupt()
	var seen: int = pell.npc.label.revealed
	await until(func() -> bool: return pell.finished.size() == 1, "the end")
	equal("interrupted", pell.finished[0].reason, "the reason")
	check(not pell.npc.is_busy(), "still busy")
	await get_tree().create_timer(0.3).timeout
	equal(seen, pell.npc.label.revealed, "revealed afterwards")
	var lines: PackedStringArray = await remembered("pell")
	equal("npc: " + pell.text.left(seen).strip_edges(), lines[-1].strip_edges(), "his memory")


func test_an_npc_can_be_stopped_after_its_text_has_arrived() -> void:
	var wen: Record = meet("wen", true)
	wen.npc.label.letters_per_second = 5.0
	wen.npc.label.longest_lag = 30.0
	wen.npc.say("Hello, who are you?")
	await until(func() -> bool: return wen.npc.turn != null and wen.npc.turn.is_over(), "the end")
	wen.npc.interrupt()
	var seen: int = wen.npc.label.revealed
	check(seen < wen.text.length(), "all was revealed already")
	equal(1, wen.finished.size(), "finished")
	equal("npc: " + wen.text.left(seen), (await remembered("wen"))[-1], "what she remembers")


func test_skip_shows_what_has_arrived_and_the_rest_still_comes() -> void:
	var wen: Record = meet("wen", true)
	wen.npc.label.letters_per_second = 5.0
	wen.npc.say("What do you know about the sea and the tide?")
	await until(func() -> bool: return wen.text.length() > 20, "some text")
	wen.npc.label.skip()
	equal(wen.text.length(), wen.npc.label.revealed, "revealed")
	wen.npc.label.letters_per_second = 400.0
	await until(func() -> bool: return wen.finished.size() == 1, "the end")
	equal(wen.text, wen.npc.label.get_parsed_text(), "the label")
