extends Node
## Plays a moment of the demo on a real screen and saves pictures of it: three of one reveal, one
## of the village with its lamp lit. [code]godot res://tests/pictures.tscn -- url=… folder=…[/code]

var _folder: String = ""
var _demo: Node2D = null


func _ready() -> void:
	for argument: String in OS.get_cmdline_user_args():
		if argument.begins_with("folder="):
			_folder = argument.trim_prefix("folder=")
	_demo = (load("res://demo/demo.tscn") as PackedScene).instantiate()
	(_demo.get_node(^"DialogueClient") as DialogueClient).player_id = str(Time.get_ticks_usec())
	add_child(_demo)
	var panel: DemoTalkPanel = _demo.get("panel")
	var label: DialogueSpeechLabel = panel.label
	var tove: DemoPerson = _demo.get_node(^"People/Tove")
	var jory: DemoPerson = _demo.get_node(^"People/Jory")
	var player: DemoPerson = _demo.get("player")
	await _talk(tove, player, Vector2(560, 395))
	tove.npc().say("Can I help with the lamp?")
	await _until(func() -> bool: return label.revealed >= 12)
	await _save("reveal_1", label)
	await _until(func() -> bool: return label.revealed >= 50)
	await _save("reveal_2", label)
	await _until(func() -> bool: return label.is_done())
	await _save("reveal_3", label)
	_demo.call("stop_talking")
	await _talk(jory, player, Vector2(1010, 432))
	jory.npc().say("Here is the glass for the lamp.")
	await _until(func() -> bool: return _demo.get("state")["quest"]["lamp"] == "lit")
	await _until(func() -> bool: return label.is_done())
	await get_tree().create_timer(1.6).timeout
	await _save("lamp_lit", label)
	print("DONE")
	get_tree().quit()


func _talk(person: DemoPerson, player: DemoPerson, place: Vector2) -> void:
	player.position = place
	player.facing = signf(person.position.x - place.x)
	await _until(func() -> bool: return not person.npc().display_name.is_empty())
	_demo.call("talk_to", person)
	await get_tree().create_timer(0.2).timeout


func _until(condition: Callable) -> void:
	while not condition.call():
		await get_tree().process_frame


func _save(picture: String, label: DialogueSpeechLabel) -> void:
	await RenderingServer.frame_post_draw
	var image: Image = get_viewport().get_texture().get_image()
	var error: Error = image.save_png(_folder.path_join(picture + ".png"))
	var box: Rect2 = label.get_global_rect()
	print(
		(
			"SAVED %s %s revealed=%d box=%d,%d,%d,%d"
			% [
				picture,
				error_string(error),
				label.revealed,
				box.position.x,
				box.position.y,
				box.size.x,
				box.size.y
			]
		)
	)
