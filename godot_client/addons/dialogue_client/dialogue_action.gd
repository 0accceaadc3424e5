@tool
class_name DialogueAction
extends RefCounted
## Something that an NPC does, for the game to show: it gives an item, it points somewhere.
##
## Some actions wait for the game ([method waits]): the NPC has tried something, and wants to know
## what came of it. Answer with [method accept] or [method refuse]; the NPC may then speak of it.
##
## [codeblock]
## func _on_action_requested(action: DialogueAction) -> void:
##     if action.name == "give_item":
##         if inventory.is_full():
##             action.refuse("The traveller can carry no more.")
##         else:
##             inventory.add(action.text("item"))
##             action.accept()
## [/codeblock]

## The action's name in the NPC's persona.
var name: String = ""
## Its arguments by name, of the types that the persona declares.
var args: Dictionary = {}
## Who does it.
var npc: DialogueNPC = null
## In which turn; null in a greeting.
var turn: DialogueTurn = null
## Its number in the turn, from 1, if it waits for an answer; else 0.
var number: int = 0

var _answered: bool = false


## An argument as text; [param otherwise] if it is missing.
func text(argument: String, otherwise: String = "") -> String:
	return str(args.get(argument, otherwise))


## Whether the NPC waits to be told what came of it.
func waits() -> bool:
	return number > 0 and not _answered


## The game did it. [param what] says in a sentence what really happened, if that is not plain;
## [param reaction] whether the NPC speaks of it; [param data] is for the designer's triggers. False
## if the action does not wait (any more): then nothing is sent, so that a game may always call it.
func accept(
	what: String = "",
	reaction: DialogueConversation.React = DialogueConversation.React.MAY,
	data: Dictionary = {}
) -> bool:
	return _answer(true, what, reaction, data)


## The game did not do it, and [param why] says so in a sentence. Otherwise as [method accept].
func refuse(
	why: String = "",
	reaction: DialogueConversation.React = DialogueConversation.React.MAY,
	data: Dictionary = {}
) -> bool:
	return _answer(false, why, reaction, data)


func _answer(
	accepted: bool, what: String, reaction: DialogueConversation.React, data: Dictionary
) -> bool:
	if not waits() or not is_instance_valid(npc) or turn == null:
		return false
	_answered = true
	var message: DialogueMessages.ActionResult = DialogueMessages.ActionResult.new()
	message.id = turn.id
	message.action = number
	message.accepted = accepted
	message.text = what
	message.react = DialogueConversation.react_name(reaction)
	message.data = data
	return not npc.request(message).is_empty()
