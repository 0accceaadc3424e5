extends Node
## Plays the demo on a real screen with nothing but key presses, and saves pictures of it.
## [code]godot res://tests/pictures.tscn -- url=… folder=…[/code]
##
## Walks up to Tove and types a question; walks on to Jory and asks him who broke the lamp, before
## and after he has lit it: the quest's state changes what he says. What was said is printed.

const KEYS: Dictionary = {
	"left": KEY_LEFT,
	"right": KEY_RIGHT,
	"up": KEY_UP,
	"down": KEY_DOWN,
}

var _folder: String = ""
var _demo: Node2D = null
var _panel: DemoTalkPanel = null
var _label: DialogueSpeechLabel = null
var _held: Dictionary = {}


func _ready() -> void:
	Engine.max_fps = 30  # drawn by the processor, which others need too
	for argument: String in OS.get_cmdline_user_args():
		if argument.begins_with("folder="):
			_folder = argument.trim_prefix("folder=")
	_demo = (load("res://demo/demo.tscn") as PackedScene).instantiate()
	(_demo.get_node(^"DialogueClient") as DialogueClient).player_id = str(Time.get_ticks_usec())
	add_child(_demo)
	_panel = _demo.get("panel")
	_label = _panel.label
	var tove: DemoPerson = _demo.get_node(^"%People/Tove")
	var jory: DemoPerson = _demo.get_node(^"%People/Jory")
	await _walk_to(tove)
	await _save("village")
	_tap(KEY_E)
	await _until(_is_met.bind(tove), "Tove's greeting")
	_type("Can I help with the lamp?")
	var greeting: DialogueTurn = tove.npc().turn
	await _until(
		func() -> bool: return tove.npc().turn != greeting and _label.revealed >= 12, "12 letters"
	)
	await _save("reveal_1")
	await _until(func() -> bool: return _label.revealed >= 50, "50 letters")
	await _save("reveal_2")
	_tap(KEY_ENTER)  # shows all that has come
	await _until(_is_told, "the end of the text")
	await _save("reveal_3")
	_tell("tove", tove)
	_tap(KEY_ESCAPE)
	await _until(func() -> bool: return not _panel.visible, "the panel to close")
	await _walk_to(jory)
	_tap(KEY_E)
	await _until(_is_met.bind(jory), "Jory's greeting")
	await _ask(jory, "Who broke it?")
	await _save("with_glass")
	_tell("jory_before", jory)
	_tap(KEY_1)  # the first of the offered lines: "Here is the glass for the lamp."
	await _until(func() -> bool: return _demo.get("state")["quest"]["lamp"] == "lit", "the lamp")
	await _until(_is_told, "the end of the text")
	await _ask(jory, "Who broke it?")
	await get_tree().create_timer(0.5).timeout  # the face takes its time to change
	await _save("lamp_lit")
	_tell("jory_after", jory)
	print("DONE")
	get_tree().quit()


## Walks as a player does: looks where somebody is, and holds the keys that lead there.
func _walk_to(person: DemoPerson) -> void:
	var player: DemoPerson = _demo.get("player")
	while _demo.call("nearest") != person:
		var way: Vector2 = person.position - player.position
		# Along the road first: the causeway is narrow.
		_hold("up", way.y < -8.0)
		_hold("down", way.y > 8.0)
		_hold("left", way.x < -8.0)
		_hold("right", way.x > 8.0)
		await get_tree().process_frame
	for key: String in KEYS:
		_hold(key, false)


func _ask(person: DemoPerson, line: String) -> void:
	var before: DialogueTurn = person.npc().turn
	_type(line)
	await _until(func() -> bool: return person.npc().turn != before, "an answer to " + line)
	await _until(func() -> bool: return person.npc().turn.is_over(), "the end of the answer")
	_tap(KEY_ENTER)
	await _until(_is_told, "the end of the text")


func _is_met(person: DemoPerson) -> bool:
	return _panel.visible and person.npc().turn != null


func _is_told() -> bool:
	return is_instance_valid(_label.speaker) and not _label.speaker.is_busy()


func _hold(key: String, pressed: bool) -> void:
	if _held.get(key, false) != pressed:
		_held[key] = pressed
		_press(KEYS[key] as Key, pressed)


func _tap(key: Key, letter: int = 0) -> void:
	_press(key, true, letter)
	_press(key, false, letter)


func _type(line: String) -> void:
	for letter: String in line:
		_tap(OS.find_keycode_from_string(letter.to_upper()), letter.unicode_at(0))
	_tap(KEY_ENTER)


func _press(key: Key, pressed: bool, letter: int = 0) -> void:
	var event: InputEventKey = InputEventKey.new()
	event.keycode = key
	event.physical_keycode = key
	event.unicode = letter
	event.pressed = pressed
	Input.parse_input_event(event)


func _until(condition: Callable, what: String) -> void:
	var deadline: int = Time.get_ticks_msec() + 30000
	while not condition.call():
		if Time.get_ticks_msec() > deadline:
			print("FAIL waited in vain for " + what)
			await _save("failed")
			get_tree().quit(1)
			deadline += 1000000
		await get_tree().process_frame


func _tell(who: String, person: DemoPerson) -> void:
	print("SAID %s %s" % [who, person.npc().turn.text])


func _save(picture: String) -> void:
	await RenderingServer.frame_post_draw
	var image: Image = get_viewport().get_texture().get_image()
	var error: Error = image.save_png(_folder.path_join(picture + ".png"))
	var box: Rect2 = _label.get_global_rect()
	print(
		(
			"SAVED %s %s revealed=%d box=%d,%d,%d,%d"
			% [
				picture,
				error_string(error),
				_label.revealed,
				box.position.x,
				box.position.y,
				box.size.x,
				box.size.y
			]
		)
	)
