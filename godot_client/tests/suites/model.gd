extends GameSuite
## Against the server with the embedded model: what it says is not known, that it speaks is.


func test_the_embedded_model_answers_letter_by_letter() -> void:
	var wen: Record = meet("wen", true)
	client.state = {"quest": {"lamp": "dark"}, "tide": "low"}
	var pieces: Array[int] = [0]
	wen.npc.spoke.connect(func(_text: String) -> void: pieces[0] += 1)
	wen.npc.say("For a fever, what do you have?")
	await until(func() -> bool: return not wen.finished.is_empty(), "the answer", 60.0)
	equal(PackedStringArray(), wen.failures, "failures")
	if not wen.finished.is_empty():
		equal("complete", wen.finished[0].reason, "the reason")
		check(wen.text.length() > 5, "a very short answer: " + wen.text)
		equal(wen.text, wen.npc.label.get_parsed_text(), "the label")
		check(pieces[0] > 1, "it came in one piece")


func test_the_demo_s_quest_can_be_played_with_the_embedded_model() -> void:
	client.state = {"quest": {"lamp": "dark"}, "tide": "low"}
	var tove: Record = meet("tove")
	await ask_npc(tove, "Can I help with the lamp?")
	equal(1, tove.actions.size(), "actions of Tove, who said: " + tove.text)
	client.state["quest"]["lamp"] = "glass"
	var jory: Record = meet("jory")
	await ask_npc(jory, "Here is the glass for the lamp.")
	equal(1, jory.actions.size(), "actions of Jory, who said: " + jory.text)
	check(jory.actions.is_empty() or jory.actions[0].name == "light_lamp", "the lamp stays dark")
