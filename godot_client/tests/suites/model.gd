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
