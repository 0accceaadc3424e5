@tool
@icon("icons/dialogue_speech_label.svg")
class_name DialogueSpeechLabel
extends RichTextLabel
## Shows what an NPC says, letter by letter, while it still arrives.
##
## Point [member DialogueNPC.label] to it; the rest happens by itself. It keeps up with the stream,
## breathes at punctuation, waits at pauses, and fires moods and actions when the reveal reaches
## them. A letter with its accents, an emoji with all its parts, a ligature appear as one. What the
## model writes is shown as it is, never parsed as BBCode.

## The reveal has reached a mood, an action or a pause.
signal cue_reached(cue: DialogueCue)
## One more letter is shown; a place for a sound. Not emitted for white space, nor for what
## [method skip] shows.
signal letter_revealed(letter: String)
## All text is shown, and no more will come.
signal reveal_finished

## Letters that make the reveal wait for [member sentence_pause].
const SENTENCE_ENDS: String = ".!?…。!?।؟"
## Letters that make the reveal wait for [member comma_pause].
const CLAUSE_ENDS: String = ",;:—,、;:،"
## Seconds without text after which a word that may not be whole is shown all the same.
const STALL_SECONDS: float = 0.6

## Letters per second.
@export_range(1.0, 500.0, 1.0, "or_greater") var letters_per_second: float = 45.0
## The reveal is never more than so many seconds behind the stream: it speeds up instead.
@export_range(0.1, 30.0, 0.1, "suffix:s") var longest_lag: float = 4.0
## Seconds to wait after a sentence.
@export_range(0.0, 2.0, 0.01, "suffix:s") var sentence_pause: float = 0.25
## Seconds to wait after a comma and the like.
@export_range(0.0, 2.0, 0.01, "suffix:s") var comma_pause: float = 0.1

## How many code points are shown: what [method DialogueNPC.interrupt] reports.
var revealed: int = 0
## The NPC whose words these are; null if somebody called [method begin] without one.
var speaker: DialogueNPC = null

var _text: String = ""
var _breaks: PackedInt32Array = []
var _next_break: int = 0
var _cues: Array[DialogueCue] = []
var _credit: float = 0.0
var _pause: float = 0.0
var _since_text: float = 0.0
var _is_complete: bool = true
var _has_filler: bool = false


func _init() -> void:
	bbcode_enabled = false
	# Letters of a connected script keep their shape while the rest of the word is hidden.
	visible_characters_behavior = TextServer.VC_CHARS_AFTER_SHAPING
	if &"scroll_following_visible_characters" in self:
		set(&"scroll_following_visible_characters", true)  # Godot 4.6
	else:
		scroll_following = true


func _ready() -> void:
	set_process(not is_done())


func _notification(what: int) -> void:
	if what == NOTIFICATION_PREDELETE and is_instance_valid(speaker) and not is_done():
		# Later, since the speaker may be freed together with this.
		speaker.go_on_without_label.call_deferred(_cues)


func _process(delta: float) -> void:
	advance(delta)
	# Following the reveal, Godot 4.6 shows the scroll bar even where nothing can be scrolled.
	get_v_scroll_bar().self_modulate.a = 1.0 if get_content_height() > size.y else 0.0


## Begins a new text. Of the one before, what was not shown yet has been said all the same: its cues
## fire, and its NPC has finished. After [method stop] there is nothing of that.
func begin(new_speaker: DialogueNPC = null) -> void:
	if not is_done():
		skip()
	speaker = new_speaker
	clear()
	_text = ""
	_breaks = []
	_next_break = 0
	_cues = []
	_credit = 0.0
	_pause = 0.0
	_since_text = 0.0
	_is_complete = false
	_has_filler = false
	revealed = 0
	visible_characters = 0
	set_process(true)


## Adds text to reveal. It must not split a letter from its accents, as the server never does.
func append(more: String) -> void:
	_drop_filler()
	var start: int = _text.length()
	for at: int in DialogueGraphemes.breaks(more):
		_breaks.append(start + at)
	_text += more
	_since_text = 0.0
	_write(more)


## Shows something ("Hm ...") until the first text comes. It is no part of the text, and the NPC
## will not remember it.
func show_filler(filler: String) -> void:
	if _text.is_empty() and not _is_complete:
		_has_filler = true
		clear()
		add_text(filler)
		visible_characters = -1


## Adds a cue; it fires when the reveal reaches it.
func add_cue(cue: DialogueCue) -> void:
	_cues.append(cue)


## No more text comes. [signal reveal_finished] follows when all of it is shown. What is longer than
## [param length] code points was taken back: it is hidden again, and its cues never fire.
func end(length: int = -1) -> void:
	_is_complete = true
	_drop_filler()
	if length >= 0 and length < _text.length():
		_take_back(length)


## Shows all that has arrived, now. The cues passed on the way fire; pauses are skipped.
func skip() -> void:
	_pause = 0.0
	_show_up_to(_text.length())
	_next_break = _breaks.size()
	while not _cues.is_empty() and _cues[0].offset <= revealed:
		_fire(_cues.pop_front() as DialogueCue)
	_pause = 0.0
	_finish_if_done()


## Stops here: what was not revealed is dropped, and its cues never fire.
func stop() -> void:
	_drop_filler()
	_text = _text.left(revealed)
	_breaks.resize(_next_break)
	_cues.clear()
	_is_complete = true
	set_process(false)


## Whether all text is shown and no more will come.
func is_done() -> bool:
	return _is_complete and revealed >= _text.length() and _cues.is_empty()


## Goes on by [param delta] seconds. Called each frame by itself.
func advance(delta: float) -> void:
	_since_text += delta
	var limit: int = _limit()
	var speed: float = maxf(letters_per_second, float(_text.length() - revealed) / longest_lag)
	_credit += delta * speed
	while true:
		if _pause > 0.0:
			# A pause is paid in letters, so that no time is lost between frames.
			var paid: float = minf(_pause, _credit / speed)
			_pause -= paid
			_credit -= paid * speed
			if _pause > 0.0:
				break
		if not _cues.is_empty() and _cues[0].offset <= revealed:
			var cue: DialogueCue = _cues.pop_front()
			_pause += cue.pause_seconds()
			_fire(cue)
			continue
		if _credit < 1.0 or _next_break >= _breaks.size() or _breaks[_next_break] > limit:
			break
		_credit -= 1.0
		_reveal_next(speed)
	# Time in which there was nothing to show is not saved up.
	_credit = minf(_credit, 1.0)
	if visible_characters != revealed and not _has_filler:
		visible_characters = revealed
	_finish_if_done()


func _reveal_next(speed: float) -> void:
	var start: int = revealed
	revealed = _breaks[_next_break]
	_next_break += 1
	var letter: String = _text.substr(start, revealed - start)
	if letter.strip_edges().is_empty():
		return
	letter_revealed.emit(letter)
	# No breath inside "3.5" or "…", none at the very end, and shorter ones in a hurry.
	var breath: float = 0.0
	if SENTENCE_ENDS.contains(letter):
		breath = sentence_pause
	elif CLAUSE_ENDS.contains(letter):
		breath = comma_pause
	if breath > 0.0 and revealed < _text.length() and _is_space(_text.unicode_at(revealed)):
		_pause += breath * letters_per_second / speed


## How far the reveal may go: not into a word of which more may come, since it could still move to
## the next line.
func _limit() -> int:
	if _is_complete or _since_text > STALL_SECONDS:
		return _text.length()
	var limit: int = _text.length()
	while limit > revealed and _continues_a_word(_text.unicode_at(limit - 1)):
		limit -= 1
	return limit


func _show_up_to(length: int) -> void:
	revealed = length
	if not _has_filler:
		visible_characters = length


func _take_back(length: int) -> void:
	_text = _text.left(length)
	_breaks.resize(_breaks.bsearch(length))
	_breaks.append(length)
	_cues = _cues.filter(func(cue: DialogueCue) -> bool: return cue.offset <= length)
	if revealed >= length:
		revealed = length
		_next_break = _breaks.size()
	clear()
	_write(_text)
	visible_characters = revealed


func _write(text_only: String) -> void:
	# The engine drops carriage returns, which would shift what is visible.
	add_text(text_only.replace("\r", char(0x200b)))


func _drop_filler() -> void:
	if _has_filler:
		_has_filler = false
		clear()
		visible_characters = 0


func _fire(cue: DialogueCue) -> void:
	if is_instance_valid(speaker):
		speaker.perform(cue)
	cue_reached.emit(cue)


func _finish_if_done() -> void:
	if _is_complete and not _cues.is_empty() and revealed >= _text.length():
		for cue: DialogueCue in _cues:  # cues beyond the end of a text that was cut short
			if cue.offset > revealed:
				cue.offset = revealed
	if not is_done() or not is_processing():
		return
	set_process(false)
	visible_characters = -1
	if is_instance_valid(speaker):
		speaker.shown()
	reveal_finished.emit()


static func _is_space(code: int) -> bool:
	return code <= 0x20 or code == 0xa0 or (code >= 0x2000 and code <= 0x200a) or code == 0x3000


## Whether a letter belongs to a script that separates words by spaces.
static func _continues_a_word(code: int) -> bool:
	var spaceless: bool = (code >= 0x0e00 and code < 0x0f00) or (code >= 0x1000 and code < 0x10a0)
	spaceless = spaceless or (code >= 0x1780 and code < 0x1800) or code >= 0x2e80
	return not spaceless and not _is_space(code)
