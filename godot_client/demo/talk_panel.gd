class_name DemoTalkPanel
extends Control
## The panel at the bottom: who speaks, what is said, and a place to answer. Keyboard only.

## The player says something.
signal said(text: String)
## The player stops the speaker, or leaves.
signal left

var _choices: PackedStringArray = []

@onready var label: DialogueSpeechLabel = %Label
@onready var portrait: DemoPortrait = %Portrait
@onready var _name: Label = %Name
@onready var _mood: Label = %Mood
@onready var _line: LineEdit = %Line
@onready var _hints: Label = %Hints


func _ready() -> void:
	hide()
	# From Godot 4.4 on, a line edit stops taking letters after Enter unless it is told not to.
	if &"keep_editing_on_text_submit" in _line:
		_line.set(&"keep_editing_on_text_submit", true)
	_line.text_submitted.connect(_on_submitted)


func _input(event: InputEvent) -> void:
	var key: InputEventKey = event as InputEventKey
	if not visible or key == null or not key.pressed or key.echo:
		return
	if key.keycode == KEY_ESCAPE:
		left.emit()
		get_viewport().set_input_as_handled()
	elif _line.text.is_empty() and key.keycode >= KEY_1 and key.keycode < KEY_1 + _choices.size():
		said.emit(_choices[key.keycode - KEY_1])
		get_viewport().set_input_as_handled()


## Opens for a speaker.
func open_for(who: String, display_name: String) -> void:
	portrait.who = who
	show_name(display_name)
	show()
	_line.clear()
	_line.grab_focus()


## Shows the speaker's name.
func show_name(display_name: String) -> void:
	_name.text = display_name


## Shows the speaker's mood, and how strong it is.
func show_mood(mood: String, intensity: int) -> void:
	_mood.text = mood
	portrait.show_mood(mood, intensity)


## Offers lines that the player may say by a number.
func offer(choices: PackedStringArray) -> void:
	_choices = choices
	var words: PackedStringArray = []
	for index: int in choices.size():
		words.append("%d  %s" % [index + 1, choices[index]])
	_hints.text = "     ".join(words)


func _on_submitted(text: String) -> void:
	_line.clear()
	_line.grab_focus()
	if text.strip_edges().is_empty():
		label.skip()
	else:
		said.emit(text)
