extends Node2D
## Sallow Reach at dusk, drawn by hand: two houses, a causeway, a lamp. It knows no dialogue.

const SKY_TOP: Color = Color("#161c33")
const SKY_LOW: Color = Color("#4a4a6e")
const GLOW: Color = Color("#d98a5b")
const SEA: Color = Color("#22364f")
const FOAM: Color = Color("#5f86a0")
const MARSH: Color = Color("#33463a")
const MARSH_EDGE: Color = Color("#263528")
const PATH: Color = Color("#8a7a63")
const PATH_EDGE: Color = Color("#5d5144")
const WALL: Color = Color("#6b5a4e")
const WALL_DARK: Color = Color("#4f4239")
const ROOF: Color = Color("#3b2f38")
const WINDOW: Color = Color("#f6c66b")
const SKY_HEIGHT: float = 190.0

## Where the lamp hangs.
const LAMP: Vector2 = Vector2(1120, 236)

var _time: float = 0.0
var _lit: float = 0.0
var _flash: float = 0.0
var _tufts: Array[Vector2] = []
var _stars: Array[Vector2] = []


func _ready() -> void:
	var random: RandomNumberGenerator = RandomNumberGenerator.new()
	random.seed = 11
	while _tufts.size() < 90:
		var at: Vector2 = Vector2(random.randf_range(20, 800), random.randf_range(300, 600))
		if Geometry2D.is_point_in_polygon(at, _island()) and absf(at.y - 430.0) > 50.0:
			_tufts.append(at)
	for _index: int in 70:
		_stars.append(Vector2(random.randf_range(0, 1280), random.randf_range(0, 120)))


func _process(delta: float) -> void:
	_time += delta
	_flash = maxf(0.0, _flash - delta * 0.6)
	queue_redraw()


## Lights the lamp, or puts it out.
func set_lit(lit: bool, seconds: float = 1.4) -> void:
	var tween: Tween = create_tween().set_trans(Tween.TRANS_SINE)
	tween.tween_method(func(value: float) -> void: _lit = value, _lit, float(lit), seconds)


## The bell at the inn swings.
func ring() -> void:
	_flash = 1.0


func _draw() -> void:
	_draw_sky()
	_draw_sea()
	draw_colored_polygon(_island(10.0), MARSH_EDGE)
	draw_colored_polygon(_island(), MARSH)
	_draw_path()
	for at: Vector2 in _tufts:
		var sway: float = sin(_time * 1.3 + at.x * 0.05) * 2.0
		for lean: float in [-4.0, 0.0, 4.0]:
			draw_line(at, at + Vector2(lean + sway, -11), Color("#56705a"), 1.6)
	_draw_inn(Vector2(110, 170))
	_draw_workshop(Vector2(480, 190))
	_draw_lamp()


func _draw_sky() -> void:
	var bands: int = 38
	for band: int in bands:
		var share: float = float(band) / (bands - 1)
		var colour: Color = SKY_TOP.lerp(SKY_LOW, share)
		colour = colour.lerp(GLOW, pow(share, 5.0) * 0.75)
		draw_rect(Rect2(0, share * SKY_HEIGHT, 1280, SKY_HEIGHT / bands + 6), colour)
	for index: int in _stars.size():
		var twinkle: float = 0.45 + 0.35 * sin(_time * 1.7 + index)
		draw_circle(
			_stars[index], 1.2, Color(1, 1, 0.92, twinkle * (1.0 - _stars[index].y / 130.0))
		)
	draw_circle(Vector2(850, 66), 26, Color("#f3ead0"))
	draw_circle(Vector2(840, 60), 23, SKY_TOP.lerp(SKY_LOW, 0.3))


func _draw_sea() -> void:
	for band: int in 14:
		var y: float = SKY_HEIGHT + band * 40.0
		draw_rect(Rect2(0, y, 1280, 41), SEA.lerp(Color("#16263a"), band / 14.0))
	for row: int in 22:
		var y: float = SKY_HEIGHT + 10.0 + row * 25.0
		var shift: float = sin(_time * 0.5 + row) * 14.0
		for column: int in 9:
			var x: float = column * 160.0 + (80.0 if row % 2 == 1 else 0.0) + shift - 40.0
			draw_line(Vector2(x, y), Vector2(x + 26 + row, y), Color(FOAM, 0.28), 1.5)
	if _lit > 0.0:
		for step: int in 16:
			var y: float = 470.0 + step * 14.0
			var width: float = 40.0 + step * 5.0 + sin(_time * 2.0 + step) * 8.0
			draw_line(
				Vector2(LAMP.x - width / 2.0, y),
				Vector2(LAMP.x + width / 2.0, y),
				Color(WINDOW, 0.16 * _lit * (1.0 - step / 17.0)),
				4.0
			)


func _island(grow: float = 0.0) -> PackedVector2Array:
	return PackedVector2Array(
		[
			Vector2(-20, 250 - grow),
			Vector2(420, 236 - grow),
			Vector2(720, 262 - grow),
			Vector2(800 + grow, 330 - grow),
			Vector2(826 + grow, 430),
			Vector2(770 + grow, 540 + grow),
			Vector2(560, 600 + grow),
			Vector2(-20, 640 + grow),
		]
	)


func _draw_path() -> void:
	draw_rect(Rect2(760, 392, 420, 76), PATH_EDGE)
	draw_rect(Rect2(760, 396, 416, 64), PATH)
	draw_circle(Vector2(1130, 428), 74, PATH_EDGE)
	draw_circle(Vector2(1130, 426), 68, PATH)
	draw_rect(Rect2(-20, 398, 800, 62), PATH)
	for index: int in 26:
		var x: float = 10.0 + index * 45.0
		var y: float = 412.0 + float((index * 37) % 40)
		draw_rect(Rect2(x, y, 22, 7), Color(PATH_EDGE, 0.45))
	for index: int in 9:
		draw_rect(Rect2(790 + index * 34, 462, 7, 22), PATH_EDGE)


func _draw_house(at: Vector2, size: Vector2, roof: float) -> void:
	draw_rect(Rect2(at + Vector2(6, size.y - 6), Vector2(size.x, 14)), Color(0, 0, 0, 0.25))
	draw_rect(Rect2(at, size), WALL)
	for row: int in int(size.y / 18.0):
		draw_line(
			at + Vector2(0, row * 18.0),
			at + Vector2(size.x, row * 18.0),
			Color(WALL_DARK, 0.5),
			1.5
		)
	draw_colored_polygon(
		PackedVector2Array(
			[
				at + Vector2(-18, 4),
				at + Vector2(22, -roof),
				at + Vector2(size.x - 22, -roof),
				at + Vector2(size.x + 18, 4)
			]
		),
		ROOF
	)
	draw_line(at + Vector2(-18, 4), at + Vector2(size.x + 18, 4), ROOF.darkened(0.3), 5.0)


func _draw_window(at: Vector2, size: Vector2 = Vector2(34, 38)) -> void:
	var flicker: float = 0.92 + 0.08 * sin(_time * 5.0 + at.x)
	draw_rect(Rect2(at - Vector2(10, 8), size + Vector2(20, 16)), Color(WINDOW, 0.10))
	draw_rect(Rect2(at - Vector2(3, 3), size + Vector2(6, 6)), WALL_DARK)
	draw_rect(Rect2(at, size), WINDOW * flicker)
	draw_line(at + Vector2(size.x / 2.0, 0), at + Vector2(size.x / 2.0, size.y), WALL_DARK, 3.0)
	draw_line(at + Vector2(0, size.y / 2.0), at + Vector2(size.x, size.y / 2.0), WALL_DARK, 3.0)


func _draw_inn(at: Vector2) -> void:
	_draw_house(at, Vector2(230, 140), 62)
	_draw_window(at + Vector2(24, 42))
	_draw_window(at + Vector2(172, 42))
	draw_rect(Rect2(at + Vector2(92, 56), Vector2(46, 84)), Color("#33261f"))
	draw_circle(at + Vector2(130, 100), 3, WINDOW)
	# The sign: a dry boot.
	draw_line(at + Vector2(230, 20), at + Vector2(268, 20), WALL_DARK, 4.0)
	draw_rect(Rect2(at + Vector2(240, 26), Vector2(34, 34)), Color("#2a2230"))
	_draw_boot(at + Vector2(252, 32), 1.0, WINDOW)
	# Boots on the line.
	draw_line(at + Vector2(-60, 96), at + Vector2(0, 84), Color("#b9a98f"), 1.5)
	for index: int in 4:
		var swing: float = sin(_time * 1.5 + index) * 1.5
		_draw_boot(at + Vector2(-56 + index * 14 + swing, 97 - index * 2.6), 0.55, Color("#8d6f55"))
	# The tide bell.
	var angle: float = sin(_time * 14.0) * 0.6 * _flash
	draw_set_transform(at + Vector2(115, -66), angle)
	draw_colored_polygon(
		PackedVector2Array([Vector2(-9, 22), Vector2(-5, 4), Vector2(5, 4), Vector2(9, 22)]),
		Color("#c9a24b")
	)
	draw_circle(Vector2(0, 25), 3, Color("#8a6c2e"))
	draw_set_transform(Vector2.ZERO)
	for circle: int in 3:
		if _flash > 0.0:
			var radius: float = 26.0 + circle * 16.0 + (1.0 - _flash) * 40.0
			draw_arc(
				at + Vector2(115, -48),
				radius,
				-2.6,
				-0.5,
				20,
				Color(1, 0.9, 0.6, _flash * 0.5),
				2.0
			)


func _draw_boot(at: Vector2, zoom: float, colour: Color) -> void:
	draw_rect(Rect2(at, Vector2(8, 16) * zoom), colour)
	draw_rect(Rect2(at + Vector2(0, 14) * zoom, Vector2(17, 7) * zoom), colour)


func _draw_workshop(at: Vector2) -> void:
	_draw_house(at, Vector2(190, 122), 52)
	draw_rect(Rect2(at + Vector2(150, -88), Vector2(22, 46)), WALL_DARK)
	for puff: int in 4:
		var rise: float = fmod(_time * 12.0 + puff * 18.0, 72.0)
		draw_circle(
			at + Vector2(161 + sin(rise * 0.1) * 7.0, -90 - rise),
			5.0 + rise * 0.13,
			Color(0.75, 0.72, 0.78, 0.25 * (1.0 - rise / 72.0))
		)
	var heat: float = 0.8 + 0.2 * sin(_time * 7.0)
	draw_rect(Rect2(at + Vector2(22, 42), Vector2(64, 80)), Color("#2a1d1a"))
	draw_circle(at + Vector2(54, 104), 30, Color(1.0, 0.45, 0.15, 0.22 * heat))
	draw_circle(at + Vector2(54, 108), 14, Color(1.0, 0.6, 0.2, 0.85 * heat))
	_draw_window(at + Vector2(124, 44))
	for cup: int in 5:
		draw_rect(Rect2(at + Vector2(100 + cup * 15, 96), Vector2(9, 11)), Color("#aab4bd"))


func _draw_lamp() -> void:
	var foot: Vector2 = LAMP + Vector2(0, 168)
	draw_circle(foot + Vector2(0, 4), 16, Color(0, 0, 0, 0.25))
	draw_line(foot, LAMP + Vector2(0, 16), Color("#2d2a33"), 9.0)
	draw_rect(Rect2(foot - Vector2(14, 10), Vector2(28, 14)), Color("#2d2a33"))
	for rung: int in 7:
		var y: float = foot.y - 8.0 - rung * 20.0
		draw_line(Vector2(LAMP.x + 16, y), Vector2(LAMP.x + 34, y), Color("#7b664c"), 3.0)
	for side: float in [16.0, 34.0]:
		draw_line(
			Vector2(LAMP.x + side, foot.y),
			Vector2(LAMP.x + side, LAMP.y + 10),
			Color("#7b664c"),
			3.0
		)
	for circle: int in 12:
		var radius: float = 230.0 - circle * 18.0 + sin(_time * 3.0) * 4.0
		draw_circle(LAMP, radius, Color(1.0, 0.78, 0.38, 0.022 * _lit))
	draw_rect(Rect2(LAMP + Vector2(-15, -20), Vector2(30, 38)), Color("#221f28"))
	var glass: Color = Color("#3d4350").lerp(Color("#ffe9a8"), _lit)
	draw_rect(Rect2(LAMP + Vector2(-10, -15), Vector2(20, 28)), glass)
	if _lit < 0.5:
		draw_polyline(
			PackedVector2Array(
				[
					LAMP + Vector2(-8, -12),
					LAMP + Vector2(1, -2),
					LAMP + Vector2(-4, 4),
					LAMP + Vector2(6, 11)
				]
			),
			Color("#9aa4b5"),
			1.5
		)
	draw_colored_polygon(
		PackedVector2Array(
			[LAMP + Vector2(-20, -20), LAMP + Vector2(0, -36), LAMP + Vector2(20, -20)]
		),
		Color("#221f28")
	)
