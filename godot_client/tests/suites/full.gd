extends GameSuite
## A server that has room for one.


func test_a_full_server_is_left_alone_for_as_long_as_it_says() -> void:
	await until(func() -> bool: return client.is_online(), "the connection")
	var problems: PackedStringArray = []
	var another: DialogueClient = DialogueClient.new()
	another.url = client.url
	another.connect_on_ready = false
	another.reconnect_base = 0.1
	another.reconnect_longest = 0.2
	another.unreachable.connect(func(problem: String) -> void: problems.append(problem))
	add_child(another)
	another.connect_to_server()
	await until(func() -> bool: return not problems.is_empty(), "the signal")
	check(problems[0].contains("The server holds 1 session"), problems[0])
	await get_tree().create_timer(2.0).timeout
	equal(1, problems.size(), "the signals")
	ask("count")
