@tool
class_name DialogueMergePatch
extends RefCounted
## JSON Merge Patch (RFC 7396): the difference between two states of a game.


## The patch that turns [param old] into [param new]; empty if they are equal. A null in
## [param new] means the same as an absent key, since a patch cannot say it.
static func diff(old: Dictionary, new: Dictionary) -> Dictionary:
	var patch: Dictionary = {}
	for key: Variant in old:
		if new.get(key) == null and old[key] != null:
			patch[key] = null
	for key: Variant in new:
		var value: Variant = new[key]
		var before: Variant = old.get(key)
		if value == null:
			continue
		if value is Dictionary and before is Dictionary:
			var inner: Dictionary = diff(before as Dictionary, value as Dictionary)
			if not inner.is_empty():
				patch[key] = inner
		elif not _same(before, value):
			patch[key] = value
	return patch


## [param over] laid over [param under], both unchanged: a map over a map is merged, anything else
## replaces.
static func merged(under: Dictionary, over: Dictionary) -> Dictionary:
	var result: Dictionary = under.duplicate(true)
	for key: Variant in over:
		var value: Variant = over[key]
		if value is Dictionary and result.get(key) is Dictionary:
			result[key] = merged(result[key] as Dictionary, value as Dictionary)
		else:
			result[key] = value
	return result


## Equality that does not stop at values of two types, and tells 1 from true.
static func _same(one: Variant, other: Variant) -> bool:
	if typeof(one) == typeof(other):
		return one == other
	if (one is int and other is float) or (one is float and other is int):
		return one == other
	if (one is String or one is StringName) and (other is String or other is StringName):
		return str(one) == str(other)
	return false
