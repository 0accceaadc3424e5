class_name DemoFace
extends RefCounted
## How each person of the demo looks, and what each mood does to a face.

## Coat, skin, hair, and how tall.
const LOOKS: Dictionary = {
	"tove":
	{"coat": Color("#7a4b3a"), "skin": Color("#e2b48f"), "hair": Color("#b0623a"), "tall": 1.0},
	"pell":
	{"coat": Color("#4f6b4a"), "skin": Color("#eec3a0"), "hair": Color("#8d8378"), "tall": 1.16},
	"jory":
	{"coat": Color("#3f5f8a"), "skin": Color("#f0c9a4"), "hair": Color("#4a3426"), "tall": 0.78},
	"player":
	{"coat": Color("#8a4f6d"), "skin": Color("#dcae8a"), "hair": Color("#2f2a33"), "tall": 1.0},
}

## The background, how the brows tilt (down inside is cross) and how the mouth curves.
const MOODS: Dictionary = {
	"busy": {"back": Color("#9a8a6c"), "brow": 0.25, "mouth": -0.1},
	"cross": {"back": Color("#a4493d"), "brow": 1.0, "mouth": -0.8},
	"amused": {"back": Color("#c98a3c"), "brow": -0.3, "mouth": 0.6},
	"pleased": {"back": Color("#6f9a58"), "brow": -0.2, "mouth": 0.9},
	"cheerful": {"back": Color("#d6a545"), "brow": -0.3, "mouth": 1.0},
	"worried": {"back": Color("#5b7391"), "brow": -1.0, "mouth": -0.6},
	"secretive": {"back": Color("#6a5480"), "brow": 0.4, "mouth": 0.3},
	"relieved": {"back": Color("#76a08f"), "brow": -0.5, "mouth": 0.7},
	"proud": {"back": Color("#c08b3e"), "brow": 0.1, "mouth": 0.7},
	"nervous": {"back": Color("#64809b"), "brow": -0.9, "mouth": -0.4},
	"excited": {"back": Color("#d97b45"), "brow": -0.6, "mouth": 1.0},
	"guilty": {"back": Color("#70667f"), "brow": -1.0, "mouth": -0.7},
}
const CALM: Dictionary = {"back": Color("#7d8086"), "brow": 0.0, "mouth": 0.1}


static func look(who: String) -> Dictionary:
	return LOOKS.get(who, LOOKS["player"])


static func mood(which: String) -> Dictionary:
	return MOODS.get(which, CALM)
