class_name FakeSocket
extends DialogueSocket
## A socket whose other end is the test.

var arriving: Array[PackedByteArray] = []
var written: Array[PackedByteArray] = []


func open(_address: String, _timeout_seconds: float) -> bool:
	status = Status.OPEN
	return true


func poll(frames: Array[PackedByteArray]) -> void:
	frames.append_array(arriving)
	arriving.clear()


func write(frame: PackedByteArray) -> bool:
	written.append(frame)
	return true


func close(_code: int = 1000, _reason: String = "") -> void:
	status = Status.CLOSED


func break_off(code: int) -> void:
	status = Status.CLOSED
	close_code = code


## What an array of a message's fields, its number first, is on the wire, comes in.
func give(message: Array) -> void:
	var writer: DialogueMsgpackWriter = DialogueMsgpackWriter.new()
	writer.begin()
	writer.put_value(message, "message")
	arriving.append(writer.take())
