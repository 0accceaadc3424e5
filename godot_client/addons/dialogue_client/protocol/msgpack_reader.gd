@tool
class_name DialogueMsgpackReader
extends RefCounted
## Reads msgpack values out of a frame, one after the other.
##
## One reader is made and used again for every frame: [method begin] gives it the bytes. Nothing
## here prints or stops at bad input: the first fault is kept in [member problem], and from then
## on every read gives an empty value.

const MAX_DEPTH: int = 64
const MAX_INT: int = 9007199254740991

## What is wrong with the frame: the field, what was expected and what came. "" for nothing.
var problem: String = ""
## The number of the message that was read, -1 if it could not be read.
var type: int = -1

var _frame: PackedByteArray
var _buffer: StreamPeerBuffer = StreamPeerBuffer.new()


func _init() -> void:
	_buffer.big_endian = true


## Start with a new frame.
func begin(frame: PackedByteArray) -> void:
	problem = ""
	type = -1
	_frame = frame
	_buffer.data_array = frame
	_buffer.seek(0)


## Note a fault; only the first one counts.
func fail(what: String) -> void:
	if problem.is_empty():
		problem = what


## Note that a message has too few fields.
func fail_count(message: String, required: int, count: int) -> void:
	fail("%s: expected at least %d fields, got %d" % [message, required, maxi(count, 0)])


## The number of values of the array that comes next.
func read_array_header() -> int:
	return read_list_header("message")


## The number of values of the list that comes next.
func read_list_header(where: String) -> int:
	return _header(where, 0x90, 0xdc, "a list", 1)


## The number of pairs of the map that comes next.
func read_map_header(where: String) -> int:
	return _header(where, 0x80, 0xde, "a map", 2)


## An integer from 0 to 2^53 - 1.
func read_uint(where: String) -> int:
	if not _has(1):
		return 0
	var tag: int = _buffer.get_u8()
	if tag < 0x80:
		return tag
	var value: Variant = _number(tag) if tag >= 0xca and tag <= 0xd3 else null
	if not value is int:
		_wrong(where, "an integer", tag)
		return 0
	var number: int = value
	if number < 0 or number > MAX_INT:
		fail("%s: expected 0 to 2^53 - 1, got %d" % [where, number])
		return 0
	return number


## A string.
func read_text(where: String) -> String:
	if not _has(1):
		return ""
	var tag: int = _buffer.get_u8()
	if tag & 0xe0 == 0xa0:
		return _text(tag & 0x1f)
	if tag < 0xd9 or tag > 0xdb:
		_wrong(where, "a string", tag)
		return ""
	return _text(_length(tag - 0xd9))


## True or false.
func read_bool(where: String) -> bool:
	if not _has(1):
		return false
	var tag: int = _buffer.get_u8()
	if tag != 0xc2 and tag != 0xc3:
		_wrong(where, "true or false", tag)
	return tag == 0xc3


## A map from strings to any JSON values.
func read_object(where: String) -> Dictionary:
	var value: Variant = read_value(where, 0)
	if value is Dictionary:
		return value
	fail(where + ": expected a map, got " + type_string(typeof(value)))
	return {}


## Any JSON value: null, bool, int, float, String, Array or Dictionary.
func read_value(where: String, depth: int = 0) -> Variant:
	if not _has(1):
		return null
	var tag: int = _buffer.get_u8()
	if tag < 0x80:
		return tag
	if tag >= 0xe0:
		return tag - 0x100
	if tag <= 0xbf or tag >= 0xd9:
		_buffer.seek(_buffer.get_position() - 1)
		return _compound(where, tag, depth)
	match tag:
		0xc0:
			return null
		0xc2:
			return false
		0xc3:
			return true
	if tag >= 0xca and tag <= 0xd3:
		return _number(tag)
	_wrong(where, "a JSON value", tag)
	return null


## Skips a nil; false, and nothing skipped, if something else comes next.
func skip_nil() -> bool:
	if not _has(1):
		return true
	if _buffer.get_u8() == 0xc0:
		return true
	_buffer.seek(_buffer.get_position() - 1)
	return false


## Skips the values of a newer version's fields.
func skip_many(count: int) -> void:
	for _index: int in count:
		skip()


## Skips one value of any type.
func skip() -> void:
	_skip(0)


## Note a fault if the frame goes on after its message.
func expect_end() -> void:
	if _buffer.get_available_bytes() > 0:
		fail("message: %d bytes follow it" % _buffer.get_available_bytes())


func _has(size: int) -> bool:
	if not problem.is_empty():
		return false
	if _buffer.get_available_bytes() < size:
		fail("message: it ends in the middle of a value")
		return false
	return true


func _header(where: String, fixed: int, tag_16: int, expected: String, least: int) -> int:
	if not _has(1):
		return 0
	var tag: int = _buffer.get_u8()
	var count: int = 0
	if tag & 0xf0 == fixed:
		count = tag & 0x0f
	elif tag == tag_16 or tag == tag_16 + 1:
		count = _length(tag - tag_16 + 1)
	else:
		_wrong(where, expected, tag)
		return 0
	return count if _has(count * least) else 0


## The length that follows a tag: 0 for one byte, 1 for two, 2 for four.
func _length(width: int) -> int:
	if not _has(1 << width):
		return 0
	match width:
		0:
			return _buffer.get_u8()
		1:
			return _buffer.get_u16()
	return _buffer.get_u32()


func _text(size: int) -> String:
	if size == 0 or not _has(size):
		return ""
	# The engine drops a byte order mark, and all text after a NUL. Both would shift the offsets of
	# cues, so they are kept: the mark as it is, a NUL (which no String can hold) as U+FFFD.
	var start: int = _buffer.get_position()
	var nul: int = _frame.find(0, start)
	if nul >= 0 and nul < start + size:
		_buffer.seek(start + size)
		return _text_with_nul(_frame.slice(start, start + size))
	if (
		_frame[start] == 0xef
		and size >= 3
		and _frame[start + 1] == 0xbb
		and _frame[start + 2] == 0xbf
	):
		_buffer.seek(start + 3)
		return char(0xfeff) + _text(size - 3)
	return _buffer.get_utf8_string(size)


func _text_with_nul(bytes: PackedByteArray) -> String:
	var text: String = ""
	var start: int = 0
	while true:
		var nul: int = bytes.find(0, start)
		text += bytes.slice(start, nul if nul >= 0 else bytes.size()).get_string_from_utf8()
		if nul < 0:
			return text
		text += char(0xfffd)
		start = nul + 1
	return text


func _compound(where: String, tag: int, depth: int) -> Variant:
	if depth > MAX_DEPTH:
		fail("%s: nested deeper than %d levels" % [where, MAX_DEPTH])
		return null
	if tag & 0xf0 == 0x80 or tag >= 0xde:
		var map: Dictionary = {}
		for _index: int in read_map_header(where):
			var key: String = read_text(where)
			map[key] = read_value(where, depth + 1)
		return map
	if tag & 0xf0 == 0x90 or tag >= 0xdc:
		var list: Array = []
		for _index: int in read_list_header(where):
			list.append(read_value(where, depth + 1))
		return list
	return read_text(where)


## The number after a tag from 0xca to 0xd3.
func _number(tag: int) -> Variant:
	if not _has([4, 8, 1, 2, 4, 8, 1, 2, 4, 8][tag - 0xca] as int):
		return 0
	match tag:
		0xca:
			return _finite(_buffer.get_float())
		0xcb:
			return _finite(_buffer.get_double())
		0xcc:
			return _buffer.get_u8()
		0xcd:
			return _buffer.get_u16()
		0xce:
			return _buffer.get_u32()
		0xcf:
			var number: int = _buffer.get_64()
			if number >= 0:
				return number
			return float(number) + 18446744073709551616.0
		0xd0:
			return _buffer.get_8()
		0xd1:
			return _buffer.get_16()
		0xd2:
			return _buffer.get_32()
	return _buffer.get_64()


func _finite(value: float) -> float:
	if not is_finite(value):
		fail("message: %s is no number of JSON" % value)
	return value


func _skip(depth: int) -> void:
	if not _has(1):
		return
	if depth > MAX_DEPTH:
		fail("message: nested deeper than %d levels" % MAX_DEPTH)
		return
	var tag: int = _buffer.get_u8()
	if tag < 0x80 or tag >= 0xe0 or tag == 0xc0 or tag == 0xc2 or tag == 0xc3:
		return
	if tag & 0xe0 == 0xa0:
		_pass(tag & 0x1f)
	elif tag < 0xa0 or tag >= 0xdc:
		_buffer.seek(_buffer.get_position() - 1)
		var is_map: bool = tag & 0xf0 == 0x80 or tag >= 0xde
		var count: int = read_map_header("message") * 2 if is_map else read_list_header("message")
		for _index: int in count:
			_skip(depth + 1)
	elif tag >= 0xd9:
		_pass(_length(tag - 0xd9))
	elif tag >= 0xd4:
		_pass((1 << (tag - 0xd4)) + 1)
	elif tag >= 0xca:
		_pass([4, 8, 1, 2, 4, 8, 1, 2, 4, 8][tag - 0xca] as int)
	elif tag >= 0xc7:
		_pass(_length(tag - 0xc7) + 1)
	elif tag >= 0xc4:
		_pass(_length(tag - 0xc4))
	else:
		fail("message: 0xc1 is no msgpack")


func _pass(size: int) -> void:
	if _has(size):
		_buffer.seek(_buffer.get_position() + size)


func _wrong(where: String, expected: String, tag: int) -> void:
	fail("%s: expected %s, got the tag 0x%02x" % [where, expected, tag])
