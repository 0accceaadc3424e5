@tool
class_name DialogueCue
extends RefCounted
## Something to do at a place in an NPC's text: a mood, an action, a pause.

const MOOD: String = "mood"
const ACTION: String = "action"
const PAUSE: String = "pause"
const FILLER: String = "filler"

## Where: how many code points of the turn's text come before it.
var offset: int = 0
## What: [constant MOOD], [constant ACTION], [constant PAUSE], [constant FILLER] (something to show
## until the first text comes), or a kind of a newer server.
var kind: String = ""
## The mood's or the action's name.
var name: String = ""
## An action's arguments, by name; a mood has [code]intensity[/code], a pause [code]ms[/code], a
## filler [code]text[/code].
var args: Dictionary = {}
## The number, from 1 in its turn, of an action that waits for the game's answer; else 0.
var action: int = 0


## The cue that a message brings.
static func from_message(message: DialogueMessages.Cue) -> DialogueCue:
	var cue: DialogueCue = DialogueCue.new()
	cue.offset = message.offset
	cue.kind = message.kind
	cue.name = message.name
	cue.args = message.args
	cue.action = message.action
	return cue


## How long a pause lasts, in seconds; 0 for any other kind.
func pause_seconds() -> float:
	var ms: Variant = args.get("ms", 0) if kind == PAUSE else 0
	return clampf(float(ms as float) / 1000.0, 0.0, 10.0) if ms is int or ms is float else 0.0


## How strong a mood is, from 0 to 100; 0 for any other kind.
func intensity() -> int:
	var strength: Variant = args.get("intensity", 0) if kind == MOOD else 0
	return clampi(int(strength as float), 0, 100) if strength is int or strength is float else 0


## Whether both are the same thing at the same place.
func is_same(other: DialogueCue) -> bool:
	return offset == other.offset and kind == other.kind and name == other.name
