@tool
extends EditorPlugin
## Adds the dialogue dock. The node types need no plugin: they are there as soon as the files are.

const Dock: GDScript = preload("editor/dock.gd")

const SECTION: String = "dialogue_client"
const KEY: String = "server_url"

var _dock: Dock = null


func _enter_tree() -> void:
	_dock = Dock.new()
	_dock.name = "Dialogue"
	var settings: EditorSettings = get_editor_interface().get_editor_settings()
	_dock.set_address(str(settings.get_project_metadata(SECTION, KEY, Dock.DEFAULT_URL)))
	_dock.address_used.connect(
		func(url: String) -> void: settings.set_project_metadata(SECTION, KEY, url)
	)
	add_control_to_dock(DOCK_SLOT_RIGHT_BL, _dock)


func _exit_tree() -> void:
	remove_control_from_docks(_dock)
	_dock.queue_free()
	_dock = null
