extends TestSuite
## The parts that need neither a server nor a frame.


func test_a_merge_patch_turns_one_state_into_the_other() -> void:
	var random: RandomNumberGenerator = RandomNumberGenerator.new()
	random.seed = 7
	for _round: int in 300:
		var old: Dictionary = _random_state(random, 3)
		var new: Dictionary = _random_state(random, 3)
		var patch: Dictionary = DialogueMergePatch.diff(old, new)
		equal(new, _patched(old, patch), "patched")
		equal({}, DialogueMergePatch.diff(new, new.duplicate(true)), "no difference")


func test_a_merge_patch_says_only_what_changed() -> void:
	var old: Dictionary = {"a": 1, "b": {"c": 2, "d": [1]}, "e": true, "n": null}
	var new: Dictionary = {"a": 1.0, "b": {"c": 2, "d": [1, 2]}, "e": 1, "f": "x"}
	equal({"b": {"d": [1, 2]}, "e": 1, "f": "x"}, DialogueMergePatch.diff(old, new), "the patch")


func test_a_state_over_another_is_merged_and_neither_changes() -> void:
	var under: Dictionary = {"quest": {"lamp": "dark", "day": 1}}
	var over: Dictionary = {"quest": {"lamp": "lit"}}
	var both: Dictionary = DialogueMergePatch.merged(under, over)
	equal({"quest": {"lamp": "lit", "day": 1}}, both, "merged")
	equal({"quest": {"lamp": "dark", "day": 1}}, under, "the one below")


func test_a_conversation_sends_a_snapshot_then_patches_and_nothing_when_nothing_changed() -> void:
	var conversation: DialogueConversation = DialogueConversation.new(null)
	equal(null, conversation.state_message({}), "an empty state")
	var state: Dictionary = {"tide": "low"}
	var first: DialogueMessages.State = conversation.state_message(state)
	equal({"tide": "low"}, first.snapshot, "the snapshot")
	equal(1, first.revision, "its revision")
	equal(null, conversation.state_message(state), "the same state")
	state["tide"] = "high"
	var second: DialogueMessages.State = conversation.state_message(state)
	equal({"tide": "high"}, second.patch, "the patch")
	equal(2, second.revision, "its revision")


func test_a_turn_told_again_is_not_given_out_twice() -> void:
	var turn: DialogueTurn = DialogueTurn.from_message(_turn(1))
	equal("I am ", turn.take("I am "), "the first text")
	check(turn.take_cue(_cue(5, "calm")), "the first cue")
	turn.retell(_turn(9))
	equal(9, turn.number, "the number")
	equal("", turn.take("I a"), "a repeat")
	equal("Mi", turn.take("m Mi"), "the rest")
	check(not turn.take_cue(_cue(5, "calm")), "the cue came twice")
	check(turn.take_cue(_cue(7, "cross")), "the second cue")
	equal("ra.", turn.take("ra."), "more")
	equal("I am Mira.", turn.text, "the whole text")


func test_a_turn_told_in_other_words_begins_again() -> void:
	var turn: DialogueTurn = DialogueTurn.from_message(_turn(1))
	turn.take("I am Mira.")
	check(turn.take_cue(_cue(10, "calm")), "the first cue")
	turn.retell(_turn(2))
	equal("", turn.take("I am"), "a repeat")
	equal(null, turn.take(" called"), "other words")
	equal("I am called", turn.text, "the whole text")
	check(turn.take_cue(_cue(10, "calm")), "a cue of the new telling")
	equal(" Mira.", turn.take(" Mira."), "more")


func test_the_wait_before_a_new_attempt_doubles_up_to_the_longest() -> void:
	equal(0.5, DialogueConnection.reconnect_delay(0, 1.0, 0.5, 30.0), "the first")
	equal(4.0, DialogueConnection.reconnect_delay(3, 1.0, 0.5, 30.0), "the fourth")
	equal(30.0, DialogueConnection.reconnect_delay(50, 1.0, 0.5, 30.0), "the longest")
	equal(15.0, DialogueConnection.reconnect_delay(50, 0.5, 0.5, 30.0), "half of it")


func test_only_what_was_saved_can_be_loaded() -> void:
	check(DialogueSave.is_valid({"version": 1, "conversations": {}}), "an empty save")
	var saved: Dictionary = {
		"version": 1, "conversations": {"tove": {"name": "tove", "checkpoint": "c1"}}
	}
	var from_file: Dictionary = JSON.parse_string(JSON.stringify(saved))
	check(DialogueSave.is_valid(from_file), "a save that went through JSON")
	check(not DialogueSave.is_valid({}), "nothing")
	check(not DialogueSave.is_valid({"version": 2, "conversations": {}}), "a later layout")
	check(not DialogueSave.is_valid({"version": 1, "conversations": {"a": 1}}), "a broken entry")


func test_an_npc_without_id_and_a_client_without_address_warn_in_the_inspector() -> void:
	var npc: DialogueNPC = DialogueNPC.new()
	equal(1, npc._get_configuration_warnings().size(), "warnings of the NPC")
	npc.npc_id = "tove"
	equal(0, npc._get_configuration_warnings().size(), "warnings of the NPC")
	npc.free()
	var client: DialogueClient = DialogueClient.new()
	equal(0, client._get_configuration_warnings().size(), "warnings of the client")
	client.url = "localhost"
	client.player_id = " "
	equal(2, client._get_configuration_warnings().size(), "warnings of the client")
	client.free()


func test_an_npc_without_a_client_says_so() -> void:
	var npc: DialogueNPC = DialogueNPC.new()
	npc.npc_id = "tove"
	add_child(npc)
	var problems: PackedStringArray = []
	npc.failed.connect(func(_code: String, detail: String) -> void: problems.append(detail))
	equal("", npc.say("Hello?"), "the line's id")
	equal(1, problems.size(), "the signals")
	check(problems[0].contains("DialogueClient"), problems[0])


func _turn(number: int) -> DialogueMessages.Turn:
	var message: DialogueMessages.Turn = DialogueMessages.Turn.new()
	message.turn = number
	message.line = "l1"
	return message


func _cue(offset: int, mood: String) -> DialogueCue:
	var cue: DialogueCue = DialogueCue.new()
	cue.offset = offset
	cue.kind = DialogueCue.MOOD
	cue.name = mood
	return cue


func _random_state(random: RandomNumberGenerator, depth: int) -> Dictionary:
	var state: Dictionary = {}
	for key: String in ["a", "b", "c", "d"]:
		match random.randi() % (5 if depth > 0 else 4):
			0:
				state[key] = random.randi() % 3
			1:
				state[key] = ["x", random.randi() % 2]
			2:
				state[key] = random.randi() % 2 == 0
			4:
				state[key] = _random_state(random, depth - 1)
	return state


## What RFC 7396 says, for comparison.
func _patched(target: Variant, patch: Variant) -> Variant:
	if not patch is Dictionary:
		return patch
	var result: Dictionary = (target as Dictionary).duplicate(true) if target is Dictionary else {}
	for key: Variant in patch as Dictionary:
		if (patch as Dictionary)[key] == null:
			result.erase(key)
		else:
			result[key] = _patched(result.get(key), (patch as Dictionary)[key])
	return result


func test_letters_are_cut_as_unicode_says() -> void:
	var texts: PackedStringArray = [
		"",
		"plain text, 3.5",
		"e\u0301a\u0308\u0323o",
		"line\r\nline\n\r",
		"👩‍👩‍👧 and 👍🏽 and 🏴󠁧󠁢󠁳󠁣󠁴󠁿!",
		"🇩🇪🇫🇷🇺",
		"❤️ ☺️ 1️⃣ © ©️",
		"नमस्ते, क्षत्रिय",
		"שָׁלוֹם",
		"السَّلَامُ",
		"ภาษาไทย ทำน้ำ",
		"각 가 각",
		"தமிழ் வணக்கம்",
		"မြန်မာ",
		"日本語と、がぎ",
	]
	var whole: PackedInt32Array = [1, 2]
	equal(PackedInt32Array(), DialogueGraphemes.breaks(""), "nothing")
	equal(PackedInt32Array([2, 5, 6]), DialogueGraphemes.breaks(texts[2]), "accents")
	equal(PackedInt32Array([2, 4, 5]), DialogueGraphemes.breaks(texts[5]), "flags")
	equal(PackedInt32Array([5]), DialogueGraphemes.breaks("👩‍👩‍👧"), "a family")
	equal(whole, DialogueGraphemes.breaks("ab"), "two letters")
	if OS.has_feature("editor"):  # an exported game may not have the data
		var server: TextServer = TextServerManager.get_primary_interface()
		for text: String in texts:
			equal(server.string_get_character_breaks(text), DialogueGraphemes.breaks(text), text)


func test_an_answer_that_waits_says_at_which_place() -> void:
	var client: DialogueClient = DialogueClient.new()
	client.connect_on_ready = false
	add_child(client)
	var npc: DialogueNPC = DialogueNPC.new()
	npc.npc_id = "mira"
	add_child(npc)
	client.get_conversation("mira")
	var places: PackedInt32Array = []
	npc.queued.connect(func(position: int) -> void: places.append(position))
	var turn: DialogueMessages.Turn = DialogueMessages.Turn.new()
	turn.turn = 1
	turn.conversation = "mira"
	turn.npc = "mira"
	client.incoming.turn.emit(turn)
	var queued: DialogueMessages.Queued = DialogueMessages.Queued.new()
	queued.turn = 1
	queued.position = 2
	client.incoming.queued.emit(queued)
	equal(PackedInt32Array([2]), places, "places")
