extends TestSuite
## What a connection sends again after drops and losses, without a server.

var _connection: DialogueConnection = DialogueConnection.new("test")
var _writer: DialogueMsgpackWriter = DialogueMsgpackWriter.new()


func test_the_answer_to_a_line_sent_again_shows_only_that_the_first_has_arrived() -> void:
	_come_back("s1", 0)
	for message: DialogueMessages.Message in [_open(), _say(), _event(), _say()]:
		_connection.send(message)
	_connection.disconnected(1006)
	_come_back("s1", 0, 2)
	_give([18, 1, "t1", "c1", "mira", "l1"])
	_give([21, 1, "complete", 0])
	_connection.disconnected(1006)
	_sent_again([_event(), _say()], _come_back("s1", 2, 2))


func test_an_answer_is_that_of_the_older_of_two_like_requests_also_when_it_has_arrived() -> void:
	_come_back("s1", 0)
	var interrupt: DialogueMessages.Interrupt = DialogueMessages.Interrupt.new()
	interrupt.turn = 1
	for message: DialogueMessages.Message in [_open(), _save(), interrupt]:
		_connection.send(message)
	_connection.disconnected(1006)
	_sent_again([], _come_back("s1", 0, 3))
	_connection.send(_event())
	_connection.send(_save())
	_give([16, "c1", []])
	_give([24, "c1", "p1"])
	_connection.disconnected(1006)
	_sent_again([_event(), _save()], _come_back("s1", 2, 3))
	_give([26, "c1", "e1"])
	_give([24, "c1", "p2"])
	_connection.disconnected(1006)
	_sent_again([], _come_back("s1", 4, 5))


func test_a_save_that_arrived_and_had_no_answer_is_made_again_after_a_loss() -> void:
	_come_back("s1", 0)
	_connection.send(_open())
	_connection.send(_save())
	_give([16, "c1", []])
	_connection.disconnected(1006)
	_sent_again([], _come_back("s1", 1, 2))
	_connection.disconnected(1006)
	_sent_again([_open(), _save()], _come_back("s2", 0))


func test_an_older_open_that_is_refused_does_not_take_the_newer_one_along() -> void:
	_come_back("s1", 0)
	_connection.send(_open())
	_connection.send(_open())
	_give([22, "unknown_npc", "no such NPC", "c1"])
	_give([16, "c1", []])
	_connection.disconnected(4100)
	_sent_again([_open()], _come_back("s2", 0))


## Says hello and is welcomed; resumed if [param received] is given. What is sent then.
func _come_back(session: String, seq: int, received: int = -1) -> Array[PackedByteArray]:
	_connection.hello()
	var limits: Dictionary = {
		"message_bytes": 1000,
		"line_chars": 100,
		"state_bytes": 100,
		"state_depth": 8,
		"conversations": 4,
	}
	_give([0, session, "e1", seq, limits, "", 1, [], received >= 0, maxi(received, 0)])
	return _connection.recover([])


func _give(message: Array) -> void:
	_writer.begin()
	_writer.put_value(message, "message")
	check(_connection.receive(_writer.take()) != null, "%s: %s" % [message, _connection.problem])


func _sent_again(expected: Array, frames: Array[PackedByteArray]) -> void:
	var wanted: Array[PackedByteArray] = []
	for message: DialogueMessages.Message in expected:
		_writer.begin()
		message.write(_writer)
		wanted.append(_writer.take())
	equal(wanted, frames, "sent again")


func _open() -> DialogueMessages.Open:
	var message: DialogueMessages.Open = DialogueMessages.Open.new()
	message.conversation = "c1"
	message.npcs.assign(["mira"])
	return message


func _say() -> DialogueMessages.Say:
	var message: DialogueMessages.Say = DialogueMessages.Say.new()
	message.conversation = "c1"
	message.line = "l1"
	message.text = "Hi"
	return message


func _event() -> DialogueMessages.Event:
	var message: DialogueMessages.Event = DialogueMessages.Event.new()
	message.conversation = "c1"
	message.line = "e1"
	message.text = "Rain."
	return message


func _save() -> DialogueMessages.Save:
	var message: DialogueMessages.Save = DialogueMessages.Save.new()
	message.conversation = "c1"
	return message
