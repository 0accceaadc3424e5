@tool
class_name DialogueAction
extends RefCounted
## Something that an NPC does, for the game to show: it gives an item, it points somewhere.
##
## [codeblock]
## func _on_action_requested(action: DialogueAction) -> void:
##     if action.name == "give_item":
##         inventory.add(action.text("item"))
## [/codeblock]

## The action's name in the NPC's persona.
var name: String = ""
## Its arguments by name, of the types that the persona declares.
var args: Dictionary = {}
## Who does it.
var npc: DialogueNPC = null
## In which turn; null in a greeting.
var turn: DialogueTurn = null


## An argument as text; [param otherwise] if it is missing.
func text(argument: String, otherwise: String = "") -> String:
	return str(args.get(argument, otherwise))
