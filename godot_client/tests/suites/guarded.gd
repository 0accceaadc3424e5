extends GameSuite
## A model breaks a guard's rule in its second sentence, of which a part was sent already.


func test_what_a_guard_takes_back_neither_the_player_nor_the_npc_keeps() -> void:
	var wen: Record = meet("wen", true)
	var lengths: PackedInt32Array = []
	wen.npc.taken_back.connect(func(length: int) -> void: lengths.append(length))
	var turn: DialogueTurn = await ask_npc(wen, "What is the news?")
	equal("filtered", turn.reason, "the reason")
	equal("Good day to you.", turn.text, "what stands")
	check(wen.text.contains("They say"), "nothing was sent of the second sentence: " + wen.text)
	equal(PackedInt32Array([16]), lengths, "taken back")
	equal("Good day to you.", wen.npc.label.get_parsed_text(), "the label")
	equal(16, wen.npc.label.revealed, "revealed")
	equal("npc: Good day to you.", (await remembered("wen"))[-1], "what is remembered")
