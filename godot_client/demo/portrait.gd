class_name DemoPortrait
extends Control
## The speaker's face; its colour and its features follow the mood.

var who: String = "tove":
	set(value):
		who = value
		queue_redraw()

var _back: Color = DemoFace.CALM["back"]
var _brow: float = 0.0
var _mouth: float = 0.1
var _tween: Tween = null


## Changes the face to a mood, in a third of a second; a weak mood shows less.
func show_mood(mood: String, intensity: int) -> void:
	var to: Dictionary = DemoFace.mood(mood)
	var strength: float = 1.0 if intensity == 0 else 0.4 + 0.006 * intensity
	if _tween != null:
		_tween.kill()
	_tween = create_tween().set_parallel().set_trans(Tween.TRANS_SINE)
	_tween.tween_property(self, "_back", to["back"] as Color, 0.35)
	_tween.tween_property(self, "_brow", to["brow"] as float * strength, 0.35)
	_tween.tween_property(self, "_mouth", to["mouth"] as float * strength, 0.35)


func _process(_delta: float) -> void:
	queue_redraw()


func _draw() -> void:
	var look: Dictionary = DemoFace.look(who)
	var skin: Color = look["skin"]
	var hair: Color = look["hair"]
	var box: StyleBoxFlat = StyleBoxFlat.new()
	box.bg_color = _back
	box.set_corner_radius_all(14)
	box.border_color = Color("#2b2118")
	box.set_border_width_all(3)
	draw_style_box(box, Rect2(Vector2.ZERO, size))
	draw_set_transform(Vector2(size.x / 2.0, size.y / 2.0 + 6.0), 0.0, Vector2.ONE * size.y / 150.0)
	draw_colored_polygon(
		PackedVector2Array([Vector2(-54, 66), Vector2(-34, 38), Vector2(34, 38), Vector2(54, 66)]),
		look["coat"] as Color
	)
	draw_circle(Vector2(0, -10), 46, hair)
	if who == "tove":
		draw_circle(Vector2(-38, -34), 19, hair)
	draw_circle(Vector2(0, -2), 40, skin)
	if who == "pell":
		draw_arc(Vector2(0, 4), 31, 0.15, PI - 0.15, 24, hair, 14.0)
	elif who == "jory":
		draw_colored_polygon(
			PackedVector2Array([Vector2(-50, -22), Vector2(0, -66), Vector2(50, -22)]),
			Color("#b6863a")
		)
	else:
		draw_arc(Vector2(0, -6), 40, PI + 0.25, TAU - 0.25, 24, hair, 12.0)
	for side: float in [-1.0, 1.0]:
		draw_circle(Vector2(side * 15, -2), 4.5, Color("#2a2026"))
		draw_circle(Vector2(side * 15 + 1.5, -3.5), 1.4, Color.WHITE)
		draw_line(
			Vector2(side * 23, -15 - _brow * 3.0),
			Vector2(side * 8, -15 + _brow * 6.0),
			hair.darkened(0.35),
			3.5
		)
		draw_circle(Vector2(side * 24, 11), 6, Color(0.9, 0.4, 0.35, 0.18))
	var lips: PackedVector2Array = []
	for index: int in 13:
		var x: float = (index - 6) * 2.4
		lips.append(Vector2(x, 21 + _mouth * (6.0 - x * x * 0.055)))
	draw_polyline(lips, Color("#6e2f2c"), 3.0)
	draw_line(Vector2(0, 3), Vector2(3, 10), skin.darkened(0.2), 2.5)
	draw_set_transform(Vector2.ZERO)
