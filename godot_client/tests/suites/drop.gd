extends GameSuite
## Drops and restarts, in mid-sentence. "ASK" lines tell pytest what to break.


func test_a_cut_connection_is_resumed_and_nothing_is_lost_or_said_twice() -> void:
	var resumed: Array[bool] = []
	var drops: Array[int] = [0]
	client.connected.connect(func(is_resumed: bool) -> void: resumed.append(is_resumed))
	client.disconnected.connect(func(_problem: String) -> void: drops[0] += 1)
	var pell: Record = meet("pell", true)
	pell.npc.say("What is there to eat?")
	for count: int in [10, 30]:
		await until(func() -> bool: return pell.text.length() >= count, "%d letters" % count)
		ask("cut")
		await until(func() -> bool: return drops[0] >= resumed.size(), "the drop")
		await until(func() -> bool: return resumed.size() > drops[0], "the resume")
	await until(func() -> bool: return pell.finished.size() == 1, "the end")
	equal([false, true, true], resumed as Array, "welcomes")
	equal(1, pell.began, "turns")
	equal("complete", pell.finished[0].reason, "the reason")
	equal(pell.finished[0].text, pell.text, "the text")
	equal(pell.text, pell.npc.label.get_parsed_text(), "the label")
	check(pell.text.length() > 40 and pell.text.right(1) in [".", "!", "?"], pell.text)


func test_a_line_said_while_there_is_no_connection_is_answered_later() -> void:
	var wen: Record = meet("wen")
	await ask_npc(wen, "Hello, who are you?")
	ask("cut")
	await until(func() -> bool: return not client.is_online(), "the drop")
	var turn: DialogueTurn = await ask_npc(wen, "Tell me of the leeches.")
	check(turn != null and turn.reason == "complete", "no answer")


func test_after_a_killed_server_the_talk_goes_on_and_the_line_is_answered_once() -> void:
	var pell: Record = meet("pell", true)
	client.state = {"quest": {"lamp": "lit"}}
	await ask_npc(pell, "Hello Pell, is the lamp lit?")
	pell.text = ""
	pell.npc.say("What is there to eat?")
	await until(func() -> bool: return pell.text.length() >= 10, "some text")
	ask("restart")
	await until(func() -> bool: return pell.finished.size() == 2, "the end", 20.0)
	equal("complete", pell.finished[-1].reason, "the reason")
	equal(pell.finished[-1].text, pell.text, "the text")
	equal(pell.text, pell.npc.label.get_parsed_text(), "the label")
	var next: DialogueTurn = await ask_npc(pell, "Is the lamp lit? Tell me of the lamp.")
	check(next != null and next.reason == "complete", "no answer afterwards")
