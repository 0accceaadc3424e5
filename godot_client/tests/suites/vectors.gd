extends TestSuite
## The protocol's conformance vectors: the same files that every client runs.


func test_every_client_message_is_written_byte_for_byte() -> void:
	var count: int = 0
	var large: RegEx = RegEx.create_from_string("[0-9]{17}")
	for vector: Dictionary in _load("messages.json") + _load("long.json"):
		if vector["sender"] != "client":
			continue
		var json: Dictionary = vector["message"]
		var message: DialogueMessages.Message = _build(json)
		var writer: DialogueMsgpackWriter = DialogueMsgpackWriter.new()
		writer.begin()
		message.write(writer)
		equal("", writer.problem, vector["name"] as String)
		# A vector may leave defaults out, or add fields of a later version; ours are always whole.
		# The engine's JSON has no integers above 2^53 to compare with.
		if large.search(str(vector["json"])) != null:
			continue
		if vector["msgpack"] == writer.take().hex_encode():
			count += 1
		else:
			var difference: String = _uncovered(_value(vector), _value_of(writer.take()))
			check(difference.is_empty(), "%s: %s" % [vector["name"], difference])
	check(count > 10, "only %d vectors were compared" % count)


func test_every_value_on_the_wire_is_read_and_written_again() -> void:
	var reader: DialogueMsgpackReader = DialogueMsgpackReader.new()
	var writer: DialogueMsgpackWriter = DialogueMsgpackWriter.new()
	for vector: Dictionary in _load("messages.json") + _load("long.json"):
		if (vector["name"] as String).contains("control"):
			continue  # it has a NUL, which no String can hold
		reader.begin((vector["msgpack"] as String).hex_decode())
		writer.begin()
		writer.put_value(reader.read_value("message"), "message")
		equal(vector["msgpack"], writer.take().hex_encode(), vector["name"] as String)


func test_every_server_message_is_read() -> void:
	var count: int = 0
	for vector: Dictionary in _load("messages.json") + _load("long.json"):
		if vector["sender"] != "server":
			continue
		var message: DialogueMessages.Message = _read(vector)
		if message == null:
			failures.append("%s: not read" % vector["name"])
			continue
		var expected: Dictionary = (vector["message"] as Dictionary).duplicate()
		expected.erase("type")
		var difference: String = _difference(expected, message, vector["name"] as String)
		check(difference.is_empty(), difference)
		count += 1
	check(count > 15, "only %d vectors were compared" % count)


func test_every_invalid_server_message_is_refused_without_a_word_on_the_console() -> void:
	var count: int = 0
	for vector: Dictionary in _load("invalid.json"):
		if vector["sender"] == "server" and vector["msgpack"] != null:
			check(_read(vector) == null, "%s: was accepted" % vector["name"])
			count += 1
	check(count >= 3, "only %d vectors were tried" % count)


func test_messages_of_a_later_version_are_ignored_but_counted() -> void:
	for vector: Dictionary in _load("later.json"):
		if vector["sender"] == "server":
			var message: DialogueMessages.Message = _read(vector)
			check(message is DialogueMessages.Unknown, "%s: not unknown" % vector["name"])
			var ignored: Dictionary = vector["ignored"]
			equal(ignored["sequenced"], message.is_sequenced(), vector["name"] as String)


func test_any_beginning_of_a_message_is_refused_quietly() -> void:
	for vector: Dictionary in _load("messages.json"):
		if vector["sender"] != "server":
			continue
		var frame: PackedByteArray = (vector["msgpack"] as String).hex_decode()
		for length: int in frame.size():
			var reader: DialogueMsgpackReader = DialogueMsgpackReader.new()
			reader.begin(frame.slice(0, length))
			var message: DialogueMessages.Message = DialogueMessages.read_server(reader)
			check(message == null, "%s cut to %d bytes was read" % [vector["name"], length])


func test_any_changed_byte_is_read_or_refused_quietly() -> void:
	var random: RandomNumberGenerator = RandomNumberGenerator.new()
	random.seed = 1
	var reader: DialogueMsgpackReader = DialogueMsgpackReader.new()
	var read: int = 0
	for vector: Dictionary in _load("messages.json"):
		if vector["sender"] != "server":
			continue
		for _round: int in 100:
			var frame: PackedByteArray = (vector["msgpack"] as String).hex_decode()
			# 7-bit values: a byte of a string stays valid UTF-8 unless it was part of a longer one.
			var at: int = random.randi() % frame.size()
			if frame[at] >= 0x80 and at > 0:
				continue
			frame[at] = random.randi_range(1, 127)
			reader.begin(frame)
			if DialogueMessages.read_server(reader) != null:
				read += 1
			else:
				check(not reader.problem.is_empty(), "refused without a reason")
	check(read > 0, "nothing was read")


func test_every_transcript_can_be_played() -> void:
	var directory: String = (options["vectors"] as String).path_join("transcripts")
	var names: PackedStringArray = DirAccess.get_files_at(directory)
	check(names.size() >= 5, "only %d transcripts" % names.size())
	for file: String in names:
		_play(file.get_basename(), _load_file(directory.path_join(file)) as Dictionary)


func test_close_codes_have_their_policy() -> void:
	for code: int in {1000: 0, 1002: 0, 1009: 0, 4200: 0, 4203: 0, 4299: 0}:
		equal("stop", DialogueMessages.close_policy(code), str(code))
	for code: int in {-1: 0, 1001: 0, 1006: 0, 1011: 0, 1012: 0, 4000: 0, 4300: 0}:
		equal("resume", DialogueMessages.close_policy(code), str(code))
	for code: int in {4100: 0, 4101: 0, 4199: 0}:
		equal("reconnect", DialogueMessages.close_policy(code), str(code))


func test_values_that_json_does_not_know_are_named() -> void:
	var writer: DialogueMsgpackWriter = DialogueMsgpackWriter.new()
	for value: Variant in [Vector2.ONE, NAN, INF, {1: 2}, {"a": [Color.RED]}]:
		writer.begin()
		writer.put_value(value, "state")
		check(writer.problem.begins_with("state"), "%s was written" % value)
	var endless: Dictionary = {}
	endless["self"] = endless
	writer.begin()
	writer.put_value(endless, "state")
	check(writer.problem.contains("nested deeper"), "an endless value was written")
	endless.clear()


func test_values_come_back_as_they_went() -> void:
	var writer: DialogueMsgpackWriter = DialogueMsgpackWriter.new()
	var reader: DialogueMsgpackReader = DialogueMsgpackReader.new()
	var long: Array = range(-70000, 70000, 777)
	var values: Array = [
		null, true, false, "", "é👩‍👩‍👧", "x".repeat(300), "y".repeat(70000), 1.5, -0.0
	]
	values += [0, 127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296, 9007199254740991]
	values += [-1, -32, -33, -128, -129, -32768, -32769, -2147483648, -2147483649]
	values += [[], {}, long, {"a": {"b": [1, {"c": null}]}}]
	for value: Variant in values:
		writer.begin()
		writer.put_value(value, "value")
		reader.begin(writer.take())
		equal(value, reader.read_value("value"), "a value")
		reader.expect_end()
		equal("", reader.problem, "problem")
		reader.begin(writer.take())
		reader.skip()
		reader.expect_end()
		equal("", reader.problem, "after a skip")


func _play(transcript: String, content: Dictionary) -> void:
	var connection: DialogueConnection = null
	var outgoing: Array[PackedByteArray] = []
	var greeted: bool = false
	var number: int = 0
	for step: Dictionary in content["steps"]:
		number += 1
		var where: String = "%s, step %d" % [transcript, number]
		match step["step"]:
			"connect":
				if connection == null:
					connection = _connection_for(content)
				outgoing = [connection.hello()]
				greeted = false
			"client":
				if outgoing.is_empty():
					failures.append("%s: nothing was sent" % where)
					return
				var frame: PackedByteArray = outgoing.pop_front()
				equal(step["msgpack"], frame.hex_encode(), where)
			"server":
				if step.get("lost", false):
					continue
				var message: DialogueMessages.Message = connection.receive(
					(step["msgpack"] as String).hex_decode()
				)
				check(connection.problem.is_empty(), "%s: %s" % [where, connection.problem])
				check(message != null, "%s: no message" % where)
				if message is DialogueMessages.Welcome and not greeted:
					greeted = true
					outgoing.append_array(connection.recover([]))
				if step.has("seq"):
					equal(int(step["seq"] as float), connection.seq, where)
				var ack: PackedByteArray = connection.take_ack()
				if not ack.is_empty():
					outgoing.append(ack)
			"send":
				var frame: PackedByteArray = connection.send(_build(step["message"] as Dictionary))
				if connection.state == DialogueConnection.State.ATTACHED:
					outgoing.append(frame)
			"disconnect":
				outgoing.clear()
				var policy: String = connection.disconnected(int(step["code"] as float))
				equal(step["policy"], policy, where)
	check(outgoing.is_empty(), "%s: %d frames too many" % [transcript, outgoing.size()])


func _connection_for(content: Dictionary) -> DialogueConnection:
	for step: Dictionary in content["steps"]:
		if step["step"] == "client":
			var hello: Dictionary = JSON.parse_string(step["json"] as String)
			return DialogueConnection.new(
				hello["client"] as String, hello["token"] as String, hello["locale"] as String
			)
	return null


func _read(vector: Dictionary) -> DialogueMessages.Message:
	var reader: DialogueMsgpackReader = DialogueMsgpackReader.new()
	reader.begin((vector["msgpack"] as String).hex_decode())
	return DialogueMessages.read_server(reader)


func _value(vector: Dictionary) -> Variant:
	return _value_of((vector["msgpack"] as String).hex_decode())


func _value_of(frame: PackedByteArray) -> Variant:
	var reader: DialogueMsgpackReader = DialogueMsgpackReader.new()
	reader.begin(frame)
	return reader.read_value("message")


## What [param whole] lacks of [param part]; "" if nothing. A list may be longer in either.
func _uncovered(part: Variant, whole: Variant) -> String:
	if part is Array and whole is Array:
		for index: int in mini((part as Array).size(), (whole as Array).size()):
			var inner: String = _uncovered((part as Array)[index], (whole as Array)[index])
			if not inner.is_empty():
				return inner
		return ""
	if part is Dictionary and whole is Dictionary:
		for key: Variant in part as Dictionary:
			var inner: String = _uncovered(
				(part as Dictionary)[key], (whole as Dictionary).get(key)
			)
			if not inner.is_empty():
				return inner
		return ""
	if typeof(part) == typeof(whole) and part == whole:
		return ""
	return "expected %s, got %s" % [part, whole]


## The message that a vector's JSON form describes.
func _build(json: Dictionary) -> DialogueMessages.Message:
	# Where the engine has taken a message's name, the class is called NameMessage.
	var type: String = (json["type"] as String).to_pascal_case()
	var classes: Dictionary = (DialogueMessages as Script).get_script_constant_map()
	var script: GDScript = classes.get(type, classes.get(type + "Message"))
	var message: DialogueMessages.Message = script.new()
	_fill(message, json)
	return message


func _fill(object: Object, json: Dictionary) -> void:
	for key: String in json:
		var value: Variant = json[key]
		var old: Variant = object.get(key)
		if key == "type":
			continue
		if key == "resume" and value != null:
			object.set(key, DialogueMessages.Resume.new())
			old = object.get(key)
		if old is Object:
			_fill(old as Object, value as Dictionary)
		elif old is Array:
			(old as Array).assign(value as Array)
		elif old is int:
			object.set(key, int(value as float))
		else:
			object.set(key, _integers(value))


## The value with whole numbers as integers: JSON has one type for both.
func _integers(value: Variant) -> Variant:
	if value is float:
		var number: float = value
		return int(number) if number == floorf(number) and absf(number) < 1e15 else number
	if value is Array:
		return (value as Array).map(_integers)
	if value is Dictionary:
		var map: Dictionary = {}
		for key: Variant in value as Dictionary:
			map[key] = _integers((value as Dictionary)[key])
		return map
	return value


## How a message that was read differs from the vector's JSON form; "" if it does not.
func _difference(expected: Variant, actual: Variant, where: String) -> String:
	if actual is Object:
		for key: String in expected as Dictionary:
			var value: Variant = (actual as Object).get(key)
			var found: String = _difference((expected as Dictionary)[key], value, where + "." + key)
			if not found.is_empty():
				return found
		return ""
	if actual is Array:
		if (expected as Array).size() != (actual as Array).size():
			return "%s: another number of items" % where
		for index: int in (actual as Array).size():
			var found: String = _difference(
				(expected as Array)[index], (actual as Array)[index], "%s[%d]" % [where, index]
			)
			if not found.is_empty():
				return found
		return ""
	if actual is Dictionary:
		if (expected as Dictionary).keys() != (actual as Dictionary).keys():
			return "%s: expected %s, got %s" % [where, expected, actual]
		for key: Variant in actual as Dictionary:
			var found: String = _difference(
				(expected as Dictionary)[key], (actual as Dictionary)[key], "%s.%s" % [where, key]
			)
			if not found.is_empty():
				return found
		return ""
	if expected == actual:
		return ""
	return "%s: expected %s, got %s" % [where, expected, actual]


func _load(file: String) -> Array:
	return _load_file((options["vectors"] as String).path_join(file))


func _load_file(path: String) -> Variant:
	var content: Variant = JSON.parse_string(FileAccess.get_file_as_string(path))
	check(content != null, "%s cannot be read" % path)
	return content
