extends Node
## Runs the test suites named on the command line, in this real engine, and quits.
##
## [codeblock]
## godot --headless --path godot_client res://tests/main.tscn -- vectors url=ws://127.0.0.1:8765
## [/codeblock]
## A word is the name of a suite in tests/suites, [code]key=value[/code] is an option for them.
## Each test prints PASS or FAIL; the last line counts them. pytest starts all this (tests/godot):
## it also fails a run whose output has a script error, since the engine goes on after one.


func _ready() -> void:
	OS.low_processor_usage_mode_sleep_usec = 1000
	var names: PackedStringArray = []
	var options: Dictionary = {}
	for argument: String in OS.get_cmdline_user_args():
		var equals: int = argument.find("=")
		if equals < 0:
			names.append(argument)
		else:
			options[argument.left(equals)] = argument.substr(equals + 1)
	var passed: int = 0
	var failed: int = 0
	for suite_name: String in names:
		var script: GDScript = load("res://tests/suites/%s.gd" % suite_name)
		if script == null:
			print("FAIL %s: there is no such suite" % suite_name)
			failed += 1
			continue
		for test: String in _tests_of(script):
			if not test.match(options.get("only", "*") as String):
				continue
			var suite: TestSuite = script.new()
			suite.options = options
			add_child(suite)
			await suite.call(test)
			suite.queue_free()
			await suite.tree_exited
			for failure: String in suite.failures:
				print("FAIL %s.%s: %s" % [suite_name, test, failure])
			if suite.failures.is_empty():
				print("PASS %s.%s" % [suite_name, test])
				passed += 1
			else:
				failed += 1
	print("DONE passed=%d failed=%d" % [passed, failed])
	get_tree().quit(1 if failed > 0 else 0)


func _tests_of(script: GDScript) -> PackedStringArray:
	var tests: PackedStringArray = []
	for method: Dictionary in script.get_script_method_list():
		var method_name: String = method["name"]
		if method_name.begins_with("test_"):
			tests.append(method_name)
	return tests
