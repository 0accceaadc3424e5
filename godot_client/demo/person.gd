class_name DemoPerson
extends Node2D
## Somebody in the room: a drawn figure, and for an NPC a DialogueNPC below it.

## A key of DemoFace.LOOKS.
@export var who: String = "player"

## Seconds for which the figure is emphasised, after an action.
var pulse: float = 0.0
## Whether the player stands near enough to talk.
var is_near: bool = false
var walking: bool = false
var facing: float = 1.0

var _time: float = 0.0


func _process(delta: float) -> void:
	_time += delta
	pulse = maxf(0.0, pulse - delta)
	queue_redraw()


## The NPC of this person; null for the player.
func npc() -> DialogueNPC:
	return get_node_or_null(^"NPC")


func _draw() -> void:
	var look: Dictionary = DemoFace.look(who)
	var tall: float = look["tall"]
	var coat: Color = look["coat"]
	var skin: Color = look["skin"]
	var hair: Color = look["hair"]
	var bob: float = (
		absf(sin(_time * 9.0)) * 4.0 if walking else sin(_time * 2.0 + position.x) * 1.2
	)
	draw_set_transform(Vector2.ZERO, 0.0, Vector2(1.0, 0.36))
	draw_circle(Vector2.ZERO, 24.0 * tall, Color(0, 0, 0, 0.32))
	draw_set_transform(Vector2(0, -bob), 0.0, Vector2(tall * facing, tall))
	if pulse > 0.0:
		draw_arc(Vector2(0, -38), 44, 0, TAU, 40, Color(1, 0.85, 0.45, minf(pulse, 1.0)), 3.0)
	var step: float = sin(_time * 9.0) * 5.0 if walking else 0.0
	draw_line(Vector2(-7, -14), Vector2(-7 + step, 0), Color("#2c2630"), 8.0)
	draw_line(Vector2(7, -14), Vector2(7 - step, 0), Color("#2c2630"), 8.0)
	draw_colored_polygon(
		PackedVector2Array(
			[Vector2(-11, -46), Vector2(11, -46), Vector2(20, -8), Vector2(-20, -8)]
		),
		coat
	)
	draw_circle(Vector2(0, -44), 12, coat)
	draw_line(Vector2(-13, -42), Vector2(-20, -20), coat.darkened(0.18), 8.0)
	draw_line(Vector2(13, -42), Vector2(20, -20), coat.darkened(0.18), 8.0)
	draw_circle(Vector2(-20, -18), 5, skin)
	draw_circle(Vector2(20, -18), 5, skin)
	draw_circle(Vector2(0, -66), 18, hair)
	draw_circle(Vector2(2, -63), 15, skin)
	match who:
		"tove":
			draw_circle(Vector2(-14, -72), 8, hair)
			draw_colored_polygon(
				PackedVector2Array(
					[Vector2(-8, -40), Vector2(8, -40), Vector2(12, -10), Vector2(-12, -10)]
				),
				Color("#5a5148")
			)
		"pell":
			draw_rect(Rect2(-12, -36, 24, 28), Color("#e7dcc6"))
			draw_arc(Vector2(2, -60), 11, 0.3, 2.8, 12, hair, 5.0)
		"jory":
			draw_colored_polygon(
				PackedVector2Array([Vector2(-19, -70), Vector2(0, -92), Vector2(21, -70)]),
				Color("#b6863a")
			)
	var blink: bool = fmod(_time + position.x, 4.0) < 0.12
	for eye: float in [-3.0, 8.0]:
		if blink:
			draw_line(Vector2(eye - 2, -63), Vector2(eye + 2, -63), Color("#2a2026"), 1.5)
		else:
			draw_circle(Vector2(eye, -63), 2.0, Color("#2a2026"))
	draw_set_transform(Vector2.ZERO)
	if is_near:
		_draw_hint(-96.0 * tall - 8.0)


func _draw_hint(y: float) -> void:
	var font: Font = ThemeDB.fallback_font
	var box: Rect2 = Rect2(-46, y - 24 + sin(_time * 4.0) * 2.0, 92, 26)
	draw_rect(box, Color("#f4ead6"))
	draw_rect(box, Color("#2b2118"), false, 1.5)
	draw_string(
		font,
		box.position + Vector2(0, 18),
		"E  talk",
		HORIZONTAL_ALIGNMENT_CENTER,
		92,
		15,
		Color("#2b2118")
	)
