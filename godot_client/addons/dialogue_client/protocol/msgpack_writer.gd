@tool
class_name DialogueMsgpackWriter
extends RefCounted
## Writes msgpack values into a frame.
##
## One writer is made and used again: [method begin], the values, [method take]. Values that JSON
## does not know are not written; [member problem] then names the first one.

const MAX_DEPTH: int = 64

## The first value that could not be written, and what to do. "" for none.
var problem: String = ""

var _buffer: StreamPeerBuffer = StreamPeerBuffer.new()


func _init() -> void:
	_buffer.big_endian = true


## Start a new frame.
func begin() -> void:
	problem = ""
	_buffer.clear()


## The frame so far.
func take() -> PackedByteArray:
	return _buffer.data_array


func put_nil() -> void:
	_buffer.put_u8(0xc0)


func put_bool(value: bool) -> void:
	_buffer.put_u8(0xc3 if value else 0xc2)


## An integer, in the fewest bytes.
func put_int(value: int) -> void:
	if value >= 0:
		if value < 0x80:
			_buffer.put_u8(value)
		elif value <= 0xff:
			_buffer.put_u8(0xcc)
			_buffer.put_u8(value)
		elif value <= 0xffff:
			_buffer.put_u8(0xcd)
			_buffer.put_u16(value)
		elif value <= 0xffffffff:
			_buffer.put_u8(0xce)
			_buffer.put_u32(value)
		else:
			_buffer.put_u8(0xcf)
			_buffer.put_u64(value)
	elif value >= -0x20:
		_buffer.put_8(value)
	elif value >= -0x80:
		_buffer.put_u8(0xd0)
		_buffer.put_8(value)
	elif value >= -0x8000:
		_buffer.put_u8(0xd1)
		_buffer.put_16(value)
	elif value >= -0x80000000:
		_buffer.put_u8(0xd2)
		_buffer.put_32(value)
	else:
		_buffer.put_u8(0xd3)
		_buffer.put_64(value)


func put_float(value: float) -> void:
	_buffer.put_u8(0xcb)
	_buffer.put_double(value)


func put_text(value: String) -> void:
	var bytes: PackedByteArray = value.to_utf8_buffer()
	var size: int = bytes.size()
	if size < 0x20:
		_buffer.put_u8(0xa0 | size)
	elif size <= 0xff:
		_buffer.put_u8(0xd9)
		_buffer.put_u8(size)
	elif size <= 0xffff:
		_buffer.put_u8(0xda)
		_buffer.put_u16(size)
	else:
		_buffer.put_u8(0xdb)
		_buffer.put_u32(size)
	_buffer.put_data(bytes)


func put_array_header(count: int) -> void:
	_header(count, 0x90, 0xdc)


func put_map_header(count: int) -> void:
	_header(count, 0x80, 0xde)


## Any value of JSON; [param where] names it in [member problem].
func put_value(value: Variant, where: String, depth: int = 0) -> void:
	if depth > MAX_DEPTH:
		_refuse("%s is nested deeper than %d levels; is it part of itself?" % [where, MAX_DEPTH])
		return
	match typeof(value):
		TYPE_NIL:
			put_nil()
		TYPE_BOOL:
			put_bool(value as bool)
		TYPE_INT:
			put_int(value as int)
		TYPE_FLOAT:
			if is_finite(value as float):
				put_float(value as float)
			else:
				_refuse("%s is not a finite number; JSON has no other" % where)
		TYPE_STRING, TYPE_STRING_NAME:
			put_text(str(value))
		TYPE_DICTIONARY:
			_put_map(value as Dictionary, where, depth)
		TYPE_ARRAY:
			_put_list(value as Array, where, depth)
		_:
			if (
				typeof(value) >= TYPE_PACKED_BYTE_ARRAY
				and typeof(value) <= TYPE_PACKED_STRING_ARRAY
			):
				_put_list(Array(value), where, depth)
			else:
				_refuse(
					(
						"%s is a %s, which JSON does not know; use numbers, strings, lists or maps"
						% [where, type_string(typeof(value))]
					)
				)


func _put_map(map: Dictionary, where: String, depth: int) -> void:
	put_map_header(map.size())
	for key: Variant in map:
		if not (key is String or key is StringName):
			_refuse("%s has the key %s; keys must be strings" % [where, key])
		put_text(str(key))
		put_value(map[key], "%s.%s" % [where, key], depth + 1)


func _put_list(list: Array, where: String, depth: int) -> void:
	put_array_header(list.size())
	for index: int in list.size():
		put_value(list[index], "%s[%d]" % [where, index], depth + 1)


func _header(count: int, fixed: int, tag_16: int) -> void:
	if count < 0x10:
		_buffer.put_u8(fixed | count)
	elif count <= 0xffff:
		_buffer.put_u8(tag_16)
		_buffer.put_u16(count)
	else:
		_buffer.put_u8(tag_16 + 1)
		_buffer.put_u32(count)


func _refuse(what: String) -> void:
	if problem.is_empty():
		problem = what
	put_nil()
