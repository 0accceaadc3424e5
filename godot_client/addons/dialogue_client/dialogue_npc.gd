@tool
@icon("icons/dialogue_npc.svg")
class_name DialogueNPC
extends Node
## An NPC that talks: one of the personas on the dialogue server.
##
## Add it under the character's node, set [member npc_id], and point [member label] to a
## [DialogueSpeechLabel]. Then call [method say] with what the player says. With a label, moods and
## actions happen when the reveal [i]reaches[/i] them; without one, when they arrive.
##
## [codeblock]
## @onready var tove: DialogueNPC = $Tove
##
## func _ready() -> void:
##     tove.mood_changed.connect(func(mood: String, _strength: int) -> void: $Face.play(mood))
##     tove.action_requested.connect(_on_action_requested)
##     tove.say("What happened to the lamp?")
## [/codeblock]

## The server has opened the conversation. [param greeting] is what the NPC says at the first
## meeting, "" later on.
signal opened(greeting: String)
## The NPC begins to answer.
signal began(turn: DialogueTurn)
## More of the answer has arrived. Games with a [member label] need not listen.
signal spoke(text: String)
## A mood, an action, a pause or something to show before the first text has arrived, with its place
## in the text, for games that show it without a [member label]; [signal mood_changed] and
## [signal action_requested] tell of the first two as well.
signal cue_received(cue: DialogueCue)
## The server is too busy to answer at once: [param position] answers come first, this one included.
## It is told again when it changes, until the answer begins.
signal queued(position: int)
## The NPC has told its answer again from the start, in other words, because the server lost the
## first one: clear what was shown. A label does so by itself.
signal restarted
## The server has taken the end of the answer back: only its first [param length] code points stand,
## and [signal finished] follows. A [member label] hides the rest by itself.
signal taken_back(length: int)
## The NPC's mood, one of [member moods], and how strong it is, from 0 to 100.
signal mood_changed(mood: String, intensity: int)
## The NPC does something: one of [member actions]. If it waits for what comes of it, answer with
## [method DialogueAction.accept] or [method DialogueAction.refuse].
signal action_requested(action: DialogueAction)
## The answer is complete, and has been shown if there is a label.
signal finished(turn: DialogueTurn)
## A request of this NPC, an event for example, has been remembered, and nobody says anything to it.
@warning_ignore("unused_signal")
signal noted(line: String)
## The answer to [method suggest]: lines that the player might say.
@warning_ignore("unused_signal")
signal suggested(lines: PackedStringArray)
## A condition that a designer declared on this NPC's conversation came true: see
## [signal DialogueConversation.triggered].
@warning_ignore("unused_signal")
signal triggered(trigger: String, stage: String, args: Dictionary)
## There is no answer, or none that could be finished. [param code] is a value of
## [DialogueMessages.ErrorCode]; [param detail] tells the developer what to do.
signal failed(code: String, detail: String)

## The group by which a conversation finds its NPCs in the scene tree.
const GROUP: StringName = &"dialogue_npc"

## The persona's id on the server: the name of its file.
@export var npc_id: String = "":
	set(value):
		npc_id = value
		update_configuration_warnings()
## Where the answer is shown; may be empty, and several NPCs may share one.
@export var label: DialogueSpeechLabel = null
## The connection; empty for the first [DialogueClient] of the scene tree.
@export var client: DialogueClient = null
## The conversation's name. NPCs with the same one talk in one conversation, and hear each other;
## empty for one of its own, named as the NPC.
@export var conversation: String = ""
## Where it takes place: the name of a scene on the server, or a sentence.
@export var scene: String = ""
## Open the conversation when the game starts, so that the model has read the persona before the
## player walks up. A server allows only so many at once (16 unless it was told otherwise).
@export var open_on_ready: bool = false

## Facts that only this NPC knows, besides [member DialogueClient.state].
var state: Dictionary = {}
## If set, called for the facts instead of [member state]: a function without parameters that
## returns a Dictionary.
var state_provider: Callable
## The NPC's name, as the server tells it.
var display_name: String = ""
## The mood it is in.
var mood: String = ""
## How strong the mood is, from 0 to 100.
var mood_intensity: int = 0
## The moods it can have.
var moods: Array[String] = []
## The names of the actions it can do.
var actions: Array[String] = []
## The answer that is being given, or was last given; null before the first.
var turn: DialogueTurn = null

var _conversation: DialogueConversation = null
var _greeting: String = ""
var _greets: bool = false
var _stopped: bool = false
var _shown_at_exit: int = -1


func _enter_tree() -> void:
	add_to_group(GROUP)
	_shown_at_exit = -1


func _exit_tree() -> void:
	if _is_shown() and not label.is_done():
		_shown_at_exit = label.revealed


func _notification(what: int) -> void:
	if what == NOTIFICATION_PREDELETE and _conversation != null:
		_conversation.leave(self)


func _ready() -> void:
	if Engine.is_editor_hint():
		return
	if open_on_ready:
		# After the other nodes are ready, the client among them.
		open.call_deferred()


func _get_configuration_warnings() -> PackedStringArray:
	var warnings: PackedStringArray = []
	if npc_id.strip_edges().is_empty():
		warnings.append("Set npc_id to the id of a persona on the server, for example tove.")
	return warnings


## The name of the conversation it talks in.
func conversation_name() -> String:
	return conversation if not conversation.is_empty() else npc_id


## The facts that this NPC adds to the game's state.
func current_state() -> Dictionary:
	if not state_provider.is_valid():
		return state
	var facts: Variant = state_provider.call()
	if facts is Dictionary:
		return facts
	push_error("DialogueNPC %s: state_provider must return a Dictionary." % npc_id)
	return {}


## Opens the conversation, unless it is open: the server looks up the history, and the model reads
## the persona. [method say] does it too. False if there is no [DialogueClient].
func open() -> bool:
	if not _find_client():
		return false
	var joined: DialogueConversation = client.get_conversation(conversation_name())
	if joined.node_of(npc_id) != self:  # outside the tree, or another node spoke for the NPC
		joined.add(self)
	if joined.needs_opening():
		client.open(joined)
	return true


## Whether this node talks over that client.
func joins(that: DialogueClient) -> bool:
	return client == that or (client == null and is_inside_tree() and _first_client() == that)


## Says the player's line to this NPC. Returns the line's id, "" if it could not be sent (then
## [signal failed] says why).
func say(text: String) -> String:
	var message: DialogueMessages.Say = DialogueMessages.Say.new()
	message.text = text
	message.to = npc_id
	_greets = false
	return request(message)


## Lets this NPC say something of its own accord, to the player or to the others.
func advance() -> String:
	var message: DialogueMessages.Advance = DialogueMessages.Advance.new()
	message.npc = npc_id
	return request(message)


## Tells what happened, in a sentence: all who are in the conversation notice it, and this NPC may
## say something about it. [param event_name] and [param data] are for the designer's triggers.
func send_event(
	text: String,
	reaction: DialogueConversation.React = DialogueConversation.React.MAY,
	event_name: String = "",
	data: Dictionary = {}
) -> String:
	var message: DialogueMessages.Event = DialogueMessages.Event.new()
	message.text = text
	message.react = DialogueConversation.react_name(reaction)
	message.npc = npc_id
	message.name = event_name
	message.data = data
	return request(message)


## Has this NPC say a line exactly as it is written, without a model; it is shown and remembered
## like any other, and its tags ([code][mood: cross][/code]) are cues.
func script_line(text: String) -> String:
	var message: DialogueMessages.ScriptMessage = DialogueMessages.ScriptMessage.new()
	message.text = text
	message.npc = npc_id
	return request(message)


## Asks for lines that the player might say now, at most [param count]; [signal suggested] gives
## them.
func suggest(count: int = 3) -> String:
	var message: DialogueMessages.Suggest = DialogueMessages.Suggest.new()
	message.count = count
	return request(message)


## Sends a request of this NPC, opening the conversation if need be. Returns its line id, "" if it
## could not be sent (then [signal failed] says why).
func request(message: DialogueMessages.Message) -> String:
	if not open():
		return ""
	var line: String = _conversation.request(message, self)
	if line.is_empty():
		failed.emit(DialogueMessages.ErrorCode.BAD_MESSAGE, "The request could not be written.")
	return line


## Shows the greeting of a first meeting as soon as it is there. Does nothing if the NPC has met
## the player before.
func greet() -> void:
	_greets = true
	if open() and not _greeting.is_empty():
		_show_greeting()


## Stops the NPC, also before its first word. It remembers only what the player has seen of its
## answer: what the label has revealed, or without one, what has arrived.
func interrupt() -> void:
	if _conversation != null:
		_conversation.lines.stop(self)
	if cut_off() and turn.is_over():
		finished.emit(turn)


## Stops the NPC as [method interrupt] does, if it speaks, and emits nothing; false if it does not.
## For [DialogueConversation].
func cut_off() -> bool:
	if turn == null or _stopped:
		return false
	var seen: int = label.revealed if _is_shown() else _shown_at_exit
	if turn.is_over() and (seen < 0 or (_is_shown() and label.is_done())):
		return false
	_stopped = true
	if seen >= 0:
		turn.cut(seen)
	if _is_shown():
		label.stop()
	if turn.number > 0:
		_send_interrupt()
	return true


## Asks for another answer in place of the last one, which the NPC forgets. False if there is none.
func regenerate() -> bool:
	if turn == null or turn.id.is_empty() or _conversation == null:
		return false
	interrupt()
	var message: DialogueMessages.Regenerate = DialogueMessages.Regenerate.new()
	message.id = turn.id
	return not request(message).is_empty()


## Leaves the conversation on the server, which remembers it; the NPC is interrupted if it speaks.
func close() -> void:
	if client != null and _conversation != null:
		client.close(_conversation)


## Whether an answer is awaited, arriving or being revealed.
func is_busy() -> bool:
	if _conversation != null and _conversation.lines.has_any_of(self):
		return true
	return _is_shown() and not label.is_done()


## For [DialogueConversation]: a save was loaded; what is being said was never said.
func reset() -> void:
	_greeting = ""
	_greets = false
	if turn != null:
		_stopped = true
		turn = null
		if _is_shown():
			label.stop()
			label.begin()
			label.end()


## For [DialogueConversation]: no more of the answer will come.
func abandon() -> void:
	if turn != null and not turn.is_over():
		turn.break_off(_stopped)
		if _is_shown() and not _stopped:
			label.end()
		else:
			finished.emit(turn)


## For [DialogueClient]: the server has opened the conversation.
func receive_opened(message: DialogueMessages.Opened, index: int) -> void:
	var info: DialogueMessages.NpcInfo = message.npcs[index]
	display_name = info.name
	moods = info.moods
	actions = info.actions
	_greeting = message.greeting if index == 0 else ""
	_change_mood(info.mood, info.intensity)
	opened.emit(_greeting)
	if _greets and not _greeting.is_empty():
		_show_greeting()


## For [DialogueClient]: an answer begins.
func receive_turn(message: DialogueMessages.Turn) -> void:
	if turn != null and not turn.line.is_empty() and turn.line == message.line:
		if _stopped:
			turn.name_again(message)
			_send_interrupt()  # the server lost the first one
		else:
			turn.retell(message)
		return
	if _conversation.lines.is_stopped(message.line):
		turn = DialogueTurn.from_message(message)
		_stopped = true
		_send_interrupt()
		return
	_begin_label()  # first: it ends the turn before
	_stopped = false
	turn = DialogueTurn.from_message(message)
	began.emit(turn)


## For [DialogueClient]: more text.
func receive_text(message: DialogueMessages.Delta) -> void:
	if turn == null or turn.number != message.turn or _stopped:
		return
	var fresh: Variant = turn.take(message.text)
	if fresh == null:
		if _is_shown():
			label.stop()
		_begin_label()
		restarted.emit()
		fresh = turn.text
	if fresh == "":
		return
	if _is_shown():
		label.append(fresh as String)
	spoke.emit(fresh as String)


## For [DialogueClient]: the answer has to wait.
func receive_queued(message: DialogueMessages.Queued) -> void:
	if turn != null and turn.number == message.turn and not _stopped:
		queued.emit(message.position)


## For [DialogueClient]: a mood, an action or a pause.
func receive_cue(message: DialogueMessages.Cue) -> void:
	if turn == null or turn.number != message.turn or _stopped:
		return
	var cue: DialogueCue = DialogueCue.from_message(message)
	if not turn.take_cue(cue):
		return
	cue_received.emit(cue)
	var labelled: bool = _is_shown()
	if cue.kind == DialogueCue.FILLER:
		if labelled:
			label.show_filler(str(cue.args.get("text", "")))
	elif labelled:
		label.add_cue(cue)
	else:
		perform(cue)


## For [DialogueClient]: the answer is over.
func receive_end(message: DialogueMessages.TurnEnd) -> void:
	if turn == null or turn.number != message.turn:
		return
	var told: int = turn.told()
	turn.end(message)
	var stands: int = turn.text.length()
	var is_labelled: bool = _is_shown()
	if is_labelled and not _stopped:
		label.end(stands)
	if stands < told and not _stopped:
		taken_back.emit(stands)
	if turn.reason == DialogueMessages.EndReason.FAILED:
		failed.emit(turn.code, turn.detail)
	if not is_labelled or _stopped:
		finished.emit(turn)


## For [DialogueConversation]: this node speaks for its NPC there.
func enter(joined: DialogueConversation, over: DialogueClient) -> void:
	_conversation = joined
	if client == null:
		client = over


## For [DialogueSpeechLabel]: the reveal has reached a cue.
func perform(cue: DialogueCue) -> void:
	match cue.kind:
		DialogueCue.MOOD:
			_change_mood(cue.name, cue.intensity())
		DialogueCue.ACTION:
			var action: DialogueAction = DialogueAction.new()
			action.name = cue.name
			action.args = cue.args
			action.npc = self
			action.turn = turn
			action.number = cue.action
			action_requested.emit(action)


## For [DialogueSpeechLabel]: all of the answer is shown.
func shown() -> void:
	if turn != null and turn.is_over() and not _stopped:
		finished.emit(turn)


## For [DialogueSpeechLabel]: it was freed before all was shown, [param cues] included.
func go_on_without_label(cues: Array[DialogueCue]) -> void:
	if turn == null or _stopped:
		return
	for cue: DialogueCue in cues:
		perform(cue)
	if turn.is_over():
		finished.emit(turn)


func _send_interrupt() -> void:
	var message: DialogueMessages.Interrupt = DialogueMessages.Interrupt.new()
	message.turn = turn.number
	message.seen = turn.text.length()
	client.send(message)


func _find_client() -> bool:
	if client == null and is_inside_tree():
		client = _first_client()
	if client == null:
		failed.emit("", "There is no DialogueClient in the scene tree; add one, or set client.")
	return client != null


func _first_client() -> DialogueClient:
	return get_tree().get_first_node_in_group(DialogueClient.GROUP)


func _change_mood(new_mood: String, intensity: int) -> void:
	if not new_mood.is_empty() and (new_mood != mood or intensity != mood_intensity):
		mood = new_mood
		mood_intensity = intensity
		mood_changed.emit(mood, intensity)


## Whether the label is there, and shows what this NPC says.
func _is_shown() -> bool:
	return label != null and label.speaker == self


func _begin_label() -> void:
	if label != null:
		label.begin(self)


func _show_greeting() -> void:
	_greets = false
	_begin_label()  # first: it ends the turn before
	turn = DialogueTurn.new()
	turn.npc = npc_id
	turn.conversation = conversation_name()
	turn.text = _greeting
	turn.reason = DialogueMessages.EndReason.COMPLETE
	_greeting = ""
	_stopped = false
	began.emit(turn)
	if label != null:
		label.append(turn.text)
		label.end()
	spoke.emit(turn.text)
	if label == null:
		finished.emit(turn)
