extends TestSuite
## The typewriter, advanced by hand: no waiting for real time.

const FAMILY: String = "👩‍👩‍👧"
const STEP: float = 1.0 / 60.0

var _label: DialogueSpeechLabel = null
var _fired: PackedStringArray = []
var _letters: PackedStringArray = []
var _finished: int = 0


func _ready() -> void:
	_label = DialogueSpeechLabel.new()
	_label.size = Vector2(400, 200)
	add_child(_label)
	_label.set_process(false)
	_label.cue_reached.connect(
		func(cue: DialogueCue) -> void: _fired.append("%s@%d" % [cue.name, _label.revealed])
	)
	_label.letter_revealed.connect(func(letter: String) -> void: _letters.append(letter))
	_label.reveal_finished.connect(func() -> void: _finished += 1)
	_label.sentence_pause = 0.0
	_label.comma_pause = 0.0


func test_text_is_revealed_at_its_speed_and_finishes_once() -> void:
	_begin()
	_label.letters_per_second = 10.0
	_label.append("Twenty letters here.")
	_label.end()
	_pass(1.0)
	check(absi(_label.revealed - 10) <= 1, "after a second: %d letters" % _label.revealed)
	equal(_label.revealed, _label.visible_characters, "visible")
	equal(0, _finished, "finished too early")
	_pass(1.1)
	equal(20, _label.revealed, "revealed")
	equal(1, _finished, "finished")
	_pass(1.0)
	equal(1, _finished, "finished again")


func test_no_letter_is_ever_shown_in_part() -> void:
	var text: String = "a" + FAMILY + "éé🇩🇪 नमस्ते \r\nשלום 👍🏽!"
	var breaks: PackedInt32Array = [0]
	breaks.append_array(TextServerManager.get_primary_interface().string_get_character_breaks(text))
	_begin()
	_label.append(text)
	_label.end()
	var seen: int = 0
	for _frame: int in 2000:
		_label.advance(0.005)
		check(breaks.has(_label.revealed), "stopped within a letter, at %d" % _label.revealed)
		seen = _label.revealed
	equal(text.length(), seen, "revealed")
	check(_letters.has(FAMILY), "the family was not one letter: %s" % [_letters])
	equal(text.length(), _label.get_total_character_count(), "the engine counts alike")


func test_cues_fire_when_the_reveal_reaches_them_and_in_order() -> void:
	_begin()
	_cue(0, "before")
	_label.append("Hello ")
	_cue(6, "middle")
	_cue(6, "also")
	_label.append("there")
	_cue(11, "after")
	_label.end()
	_pass(3.0)
	equal(PackedStringArray(["before@0", "middle@6", "also@6", "after@11"]), _fired, "the cues")


func test_a_cue_whose_text_has_not_come_waits_for_it() -> void:
	_begin()
	_label.append("One two ")
	_cue(12, "late")
	_pass(5.0)
	equal(PackedStringArray(), _fired, "fired early")
	_label.append("three four")
	_pass(5.0)
	equal(PackedStringArray(["late@12"]), _fired, "the cue")


func test_a_pause_stops_the_reveal_for_its_time() -> void:
	_begin()
	_label.letters_per_second = 100.0
	_label.append("Wait ")
	_cue(5, "", DialogueCue.PAUSE, {"ms": 1000})
	_label.append("for it")
	_label.end()
	_pass(0.9)
	equal(5, _label.revealed, "revealed during the pause")
	_pass(0.5)
	equal(11, _label.revealed, "revealed after the pause")


func test_punctuation_breathes_but_not_inside_numbers() -> void:
	_begin()
	_label.letters_per_second = 100.0
	_label.sentence_pause = 1.0
	_label.append("3.50. So")
	_label.end()
	_pass(0.9)
	equal(5, _label.revealed, "revealed")
	_pass(1.0)
	equal(8, _label.revealed, "revealed")


func test_a_long_backlog_is_caught_up_with() -> void:
	_begin()
	_label.letters_per_second = 10.0
	_label.longest_lag = 2.0
	_label.append("many words ".repeat(100))
	_label.end()
	_pass(9.0)
	check(_label.revealed > 1000, "only %d of 1100 after 9 s" % _label.revealed)


func test_a_word_that_may_grow_is_held_back_until_it_is_whole_or_the_stream_stalls() -> void:
	_begin()
	_label.append("It is wonder")
	_pass(0.5)
	equal(6, _label.revealed, "revealed")
	_label.append("ful to ")
	_pass(0.5)
	equal(19, _label.revealed, "revealed")
	_label.append("me")
	_pass(0.5)
	equal(19, _label.revealed, "revealed")
	_pass(0.5)
	equal(21, _label.revealed, "revealed after a stall")


func test_text_without_spaces_is_not_held_back() -> void:
	_begin()
	_label.append("你好吗")
	_pass(0.5)
	equal(3, _label.revealed, "revealed")


func test_bbcode_of_the_model_is_shown_not_parsed() -> void:
	_begin()
	_label.append("[b]bold[/b] [img]res://x.png[/img]")
	_label.end()
	_pass(5.0)
	equal("[b]bold[/b] [img]res://x.png[/img]", _label.get_parsed_text(), "the text shown")


func test_skip_shows_everything_and_fires_what_it_passes() -> void:
	_begin()
	_label.append("Hello there")
	_cue(5, "nod")
	_cue(6, "", DialogueCue.PAUSE, {"ms": 9000})
	_cue(40, "later")
	_label.skip()
	equal(11, _label.revealed, "revealed")
	equal(PackedStringArray(["nod@11", "@11"]), _fired, "the cues")
	_label.append(", friend, and welcome to the marsh.")
	_label.end()
	_pass(3.0)
	check(_fired.has("later@40"), "the later cue is lost: %s" % [_fired])
	equal(1, _finished, "finished")


func test_stop_keeps_what_was_revealed_and_drops_the_rest() -> void:
	_begin()
	_label.letters_per_second = 10.0
	_label.append("Hello there friend")
	_cue(12, "nod")
	_pass(1.0)
	var seen: int = _label.revealed
	_label.stop()
	_pass(3.0)
	equal(seen, _label.revealed, "revealed")
	equal(PackedStringArray(), _fired, "the cues")
	check(_label.is_done(), "not done")


func test_a_cue_beyond_the_end_of_a_cut_text_still_fires() -> void:
	_begin()
	_label.append("Cut")
	_cue(30, "nod")
	_label.end()
	_pass(2.0)
	equal(PackedStringArray(["nod@3"]), _fired, "the cues")
	equal(1, _finished, "finished")


func test_a_filler_is_shown_until_the_first_text_and_is_no_part_of_it() -> void:
	_begin()
	_label.show_filler("Hm …")
	_pass(1.0)
	equal("Hm …", _label.get_parsed_text(), "the filler")
	equal(-1, _label.visible_characters, "visible")
	equal(0, _label.revealed, "revealed")
	_label.append("Yes.")
	_label.end()
	_pass(1.0)
	equal("Yes.", _label.get_parsed_text(), "the text")
	equal(4, _label.revealed, "revealed")


func test_an_empty_answer_finishes() -> void:
	_begin()
	_label.end()
	_pass(0.1)
	equal(1, _finished, "finished")


func test_right_to_left_text_is_laid_out_right_to_left() -> void:
	equal(Control.TEXT_DIRECTION_AUTO, _label.text_direction as int, "the direction")
	equal(
		TextServer.VC_CHARS_AFTER_SHAPING, _label.visible_characters_behavior as int, "the letters"
	)


func test_time_without_text_is_not_saved_up() -> void:
	_begin()
	_label.letters_per_second = 10.0
	_pass(5.0)
	_label.append("All of a sudden text is here ")
	_label.advance(STEP)
	check(_label.revealed <= 2, "%d letters in one frame" % _label.revealed)


func _begin() -> void:
	_label.begin()
	# Time is passed by hand; the label itself stays switched on.
	_label.process_mode = Node.PROCESS_MODE_DISABLED


func _pass(seconds: float) -> void:
	for _frame: int in roundi(seconds / STEP):
		_label.advance(STEP)


func _cue(
	offset: int, cue_name: String, kind: String = DialogueCue.ACTION, args: Dictionary = {}
) -> void:
	var cue: DialogueCue = DialogueCue.new()
	cue.offset = offset
	cue.kind = kind
	cue.name = cue_name
	cue.args = args
	_label.add_cue(cue)
