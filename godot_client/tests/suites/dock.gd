extends TestSuite
## The editor's dock, outside the editor, against the real server.


func test_the_dock_lists_the_npcs_and_tries_a_line() -> void:
	var dock: Node = await _connected()
	var npcs: ItemList = dock.get("_npcs")
	await until(func() -> bool: return npcs.item_count > 0, "the list")
	var names: PackedStringArray = []
	for index: int in npcs.item_count:
		names.append(npcs.get_item_text(index))
	equal(PackedStringArray(["jory", "pell", "tove", "wen"]), names, "the list")
	dock.call("choose", "wen")
	(dock.get("_line") as LineEdit).text = "Hello, who are you?"
	dock.call("say")
	var answer: DialogueSpeechLabel = dock.get("_answer")
	answer.letters_per_second = 500.0
	await until(func() -> bool: return answer.get_parsed_text().contains("Wen"), "the answer")


func test_the_dock_says_when_there_is_no_server() -> void:
	var dock: Node = _dock()
	dock.call("set_address", "ws://127.0.0.1:9")
	dock.call("test_connection")
	var state: Label = dock.get("_state")
	await until(func() -> bool: return state.text.contains("server running"), "the reason")


func _connected() -> Node:
	var dock: Node = _dock()
	dock.call("set_address", options["url"])
	dock.call("test_connection")
	var state: Label = dock.get("_state")
	await until(func() -> bool: return state.text.begins_with("Connected"), "the connection")
	return dock


func _dock() -> Node:
	var dock: Node = (load("res://addons/dialogue_client/editor/dock.gd") as GDScript).new()
	add_child(dock)
	return dock
