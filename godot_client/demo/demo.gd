extends Node2D
## Three people of Sallow Reach, a broken lamp, and you. Start a server, run this, walk up to
## somebody and talk. All the dialogue there is to it is in this file.

const NEAR: float = 95.0
const SPEED: float = 230.0
const VILLAGE: Rect2 = Rect2(40, 335, 740, 210)
const CAUSEWAY: Rect2 = Rect2(740, 405, 440, 50)
const GOALS: Dictionary = {
	"dark": "The causeway lamp is dark. Ask in the village.",
	"glass": "You carry the new glass. Jory waits at the lamp.",
	"lit": "The lamp is lit.",
}
const CHOICES: Dictionary = {
	"tove":
	{
		"dark": ["What happened to the lamp?", "Can I help with the lamp?", "What do you sell?"],
		"glass": ["I have the glass.", "Who broke it?", "Tell me about your fingers."],
		"lit": ["The lamp is lit!", "Who broke it?", "Goodbye."],
	},
	"pell":
	{
		"dark": ["What is there to eat?", "What is the news?", "Can you swim?"],
		"glass": ["I have the glass for the lamp.", "What is there to eat?", "Who is Jory?"],
		"lit": ["The lamp is lit!", "Where is Abel?", "What is there to eat?"],
	},
	"jory":
	{
		"dark": ["Why is the lamp dark?", "Who broke it?", "What is rule two?"],
		"glass":
		["Here is the glass for the lamp.", "Are you afraid of the dark?", "Who broke it?"],
		"lit": ["You lit the lamp!", "Who really broke it?", "What is the mule called?"],
	},
}

## What the game knows and the NPCs may know: sent to the server when it changes.
var state: Dictionary = {"tide": "low", "quest": {"lamp": "dark"}}
## The person whom the player talks to; null for none.
var partner: DemoPerson = null

@onready var client: DialogueClient = $DialogueClient
@onready var player: DemoPerson = %Player
@onready var panel: DemoTalkPanel = %TalkPanel
@onready var _room: Node2D = %Room
@onready var _goal: Label = %Goal
@onready var _bag: Label = %Bag
@onready var _notice: Label = %Notice


func _ready() -> void:
	for argument: String in OS.get_cmdline_user_args():
		if argument.begins_with("url="):
			client.url = argument.trim_prefix("url=")
	client.state = state
	client.connected.connect(func(_resumed: bool) -> void: _notice.text = "")
	client.unreachable.connect(_on_unreachable)
	client.disconnected.connect(_on_unreachable)
	client.refused.connect(func(_code: String, problem: String) -> void: _notice.text = problem)
	for person: DemoPerson in people():
		var npc: DialogueNPC = person.npc()
		npc.mood_changed.connect(_on_mood_changed.bind(person))
		npc.action_requested.connect(_on_action_requested.bind(person))
		npc.failed.connect(_on_failed)
	panel.said.connect(_on_said)
	panel.left.connect(stop_talking)
	client.connect_to_server()
	_show_quest()


func _process(delta: float) -> void:
	var move: Vector2 = Vector2.ZERO
	if partner == null:
		move = Input.get_vector(&"ui_left", &"ui_right", &"ui_up", &"ui_down")
		if move == Vector2.ZERO:
			move.x = float(Input.is_key_pressed(KEY_D)) - float(Input.is_key_pressed(KEY_A))
			move.y = float(Input.is_key_pressed(KEY_S)) - float(Input.is_key_pressed(KEY_W))
			move = move.limit_length()
	player.walking = move != Vector2.ZERO
	if move.x != 0.0:
		player.facing = signf(move.x)
	_walk_to(player.position + move * SPEED * delta)
	for person: DemoPerson in people():
		person.is_near = partner == null and person == nearest()


func _unhandled_key_input(event: InputEvent) -> void:
	var key: InputEventKey = event as InputEventKey
	var talk: bool = key.keycode == KEY_E or key.keycode == KEY_ENTER or key.keycode == KEY_SPACE
	if talk and key.pressed and not key.echo and partner == null and nearest() != null:
		talk_to(nearest())
		get_viewport().set_input_as_handled()


## The three.
func people() -> Array[DemoPerson]:
	var found: Array[DemoPerson] = []
	for child: Node in %People.get_children():
		var person: DemoPerson = child as DemoPerson
		if person != null and person.npc() != null:
			found.append(person)
	return found


## The person near enough to talk to; null for nobody.
func nearest() -> DemoPerson:
	var best: DemoPerson = null
	for person: DemoPerson in people():
		var distance: float = person.position.distance_to(player.position)
		if (
			distance < NEAR
			and (best == null or distance < best.position.distance_to(player.position))
		):
			best = person
	return best


## Begins to talk.
func talk_to(person: DemoPerson) -> void:
	partner = person
	var npc: DialogueNPC = person.npc()
	panel.label.begin()
	panel.label.end()
	panel.open_for(person.who, npc.display_name if not npc.display_name.is_empty() else person.name)
	panel.show_mood(npc.mood, npc.mood_intensity)
	_offer()
	npc.greet()


## Ends the talk; whoever is speaking is cut off, and remembers only what was heard.
func stop_talking() -> void:
	if partner != null:
		partner.npc().interrupt()
		partner = null
	panel.hide()


func _walk_to(to: Vector2) -> void:
	for part: Vector2 in [to, Vector2(to.x, player.position.y), Vector2(player.position.x, to.y)]:
		if VILLAGE.has_point(part) or CAUSEWAY.has_point(part):
			player.position = part
			return


func _on_said(text: String) -> void:
	if partner != null:
		partner.npc().interrupt()
		partner.npc().say(text)


func _on_mood_changed(mood: String, intensity: int, person: DemoPerson) -> void:
	if person == partner:
		panel.show_name(person.npc().display_name)
		panel.show_mood(mood, intensity)


func _on_action_requested(action: DialogueAction, person: DemoPerson) -> void:
	person.pulse = 1.6
	match action.name:
		"give_item":
			_tell("%s gives you: %s" % [person.name, action.text("item").replace("_", " ")])
			if action.text("item") == "lamp_glass":
				_set_lamp("glass")
		"light_lamp":
			_room.call("set_lit", true)
			_set_lamp("lit")
		"ring_bell":
			_room.call("ring")
		"point_at":
			_tell("%s points: %s" % [person.name, action.text("place").replace("_", " ")])


## Shows a notice for a while.
func _tell(what: String) -> void:
	_notice.text = what
	await get_tree().create_timer(4.0).timeout
	if _notice.text == what:
		_notice.text = ""


func _set_lamp(value: String) -> void:
	(state["quest"] as Dictionary)["lamp"] = value
	_show_quest()
	_offer()


func _show_quest() -> void:
	var lamp: String = state["quest"]["lamp"]
	_goal.text = GOALS[lamp]
	_bag.text = "In your bag: the lamp's glass" if lamp == "glass" else ""


func _offer() -> void:
	if partner != null:
		var lamp: String = state["quest"]["lamp"]
		panel.offer(PackedStringArray(CHOICES[partner.who][lamp] as Array))


func _on_unreachable(_problem: String) -> void:
	_notice.text = "No server at %s. Start one: dialogue-server serve" % client.url


func _on_failed(_code: String, detail: String) -> void:
	_notice.text = detail
