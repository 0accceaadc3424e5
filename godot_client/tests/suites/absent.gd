extends GameSuite
## No server there, or the wrong one.


func test_an_absent_server_is_reported_once_and_found_when_it_comes() -> void:
	var problems: PackedStringArray = []
	client.unreachable.connect(func(problem: String) -> void: problems.append(problem))
	var wen: Record = meet("wen")
	wen.npc.say("Hello, who are you?")
	await until(func() -> bool: return not problems.is_empty(), "the signal", 6.0)
	check(problems[0].contains("is the server running"), problems[0])
	await get_tree().create_timer(1.5).timeout
	equal(1, problems.size(), "the signals")
	ask("start")
	await until(func() -> bool: return wen.finished.size() == 1, "the answer", 20.0)


func test_something_else_at_the_address_is_reported() -> void:
	var problems: PackedStringArray = []
	client.disconnect_from_server()
	client.unreachable.connect(func(problem: String) -> void: problems.append(problem))
	client.url = options["silent"]
	client.connect_timeout = 0.5
	client.connect_to_server()
	await until(func() -> bool: return not problems.is_empty(), "the signal", 3.0)
	check(problems[0].contains("No answer"), problems[0])


func test_a_wrong_address_is_refused_at_once() -> void:
	var problems: PackedStringArray = []
	client.disconnect_from_server()
	client.refused.connect(
		func(code: String, problem: String) -> void: problems.append(code + problem)
	)
	client.url = "http://127.0.0.1"
	client.connect_to_server()
	await until(func() -> bool: return not problems.is_empty(), "the signal", 1.0)
	equal(1, problems.size(), "the signals")
	check(problems[0].contains("ws://"), problems[0])
	check(not client.is_online(), "online")
