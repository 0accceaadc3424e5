class_name TestSuite
extends Node
## A set of tests: every method whose name begins with test_. A fresh node runs each of them.

## How long [method until] waits before it fails the test, in seconds.
const PATIENCE: float = 10.0

## What the command line says, by name.
var options: Dictionary = {}
## What went wrong, one sentence each.
var failures: PackedStringArray = []


func check(condition: bool, otherwise: String) -> void:
	if not condition:
		failures.append(otherwise)


func equal(expected: Variant, actual: Variant, what: String) -> void:
	if typeof(expected) != typeof(actual) or expected != actual:
		failures.append("%s: expected %s, got %s" % [what, expected, actual])


## Waits, frame by frame, until [param condition] gives true; fails after [constant PATIENCE].
func until(condition: Callable, what: String, patience: float = PATIENCE) -> bool:
	var deadline: int = Time.get_ticks_msec() + int(patience * 1000.0)
	while not condition.call():
		if Time.get_ticks_msec() > deadline:
			failures.append("waited %s s in vain for %s" % [patience, what])
			return false
		await get_tree().process_frame
	return true


## Asks the program that started this engine to do something to the server.
func ask(what: String) -> void:
	print("ASK " + what)
