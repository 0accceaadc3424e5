# gdlint:disable=max-file-lines
@tool
class_name DialogueMessages
extends RefCounted
## Every message of the wire, version 1. Generated; do not edit.
##
## Made from the protocol's definition by [code]python -m dialogue_protocol.codegen write[/code].
## A message from the server is read by [method read_server], and hands itself to the signal of
## its type in [DialogueMessages.Incoming] by [code]deliver()[/code].

## WebSocket close codes of this protocol; standard codes keep their meaning (RFC 6455, 7.4).
##
## 4000-4099: reconnect and resume. 4100-4199: reconnect with a fresh hello. 4200-4299: do not
## reconnect; a person has to change something.
enum CloseCode {
	GOING_AWAY = 4000,
	SLOW_READER = 4001,
	HANDSHAKE_TIMEOUT = 4100,
	SESSION_LIMIT = 4101,
	FLOODING = 4102,
	PROTOCOL_ERROR = 4200,
	UNAUTHORIZED = 4201,
	UNSUPPORTED_VERSION = 4202,
	REPLACED = 4203,
}

## The protocol's version.
const VERSION: int = 1
## The WebSocket subprotocol of this encoding.
const SUBPROTOCOL: String = "dialogue.v1.msgpack"
## Messages from this number on have sequence numbers.
const FIRST_SEQUENCED_TYPE: int = 16


## What all messages have in common.
class Message:
	extends RefCounted

	## Whether the message counts: the n-th one of a direction has the sequence number n.
	func is_sequenced() -> bool:
		return false

	## Writes a client's message. Server messages write nothing.
	func write(_writer: DialogueMsgpackWriter) -> void:
		pass

	## Emits the signal of this message's type. Client messages emit nothing.
	func deliver(_incoming: Incoming) -> void:
		pass


## A message of a type that this version does not know: to be ignored, but counted.
class Unknown:
	extends Message

	## The message's number.
	var type: int = 0

	func is_sequenced() -> bool:
		return type >= FIRST_SEQUENCED_TYPE


## One signal for each type of message that the server sends.
class Incoming:
	extends RefCounted

	## The answer to a hello.
	@warning_ignore("unused_signal")
	signal welcome(message: Welcome)
	## The answer to a ping.
	@warning_ignore("unused_signal")
	signal pong(message: Pong)
	## The server drains: running turns finish, new lines are refused; reconnect after
	## [code]reconnect_ms[/code] milliseconds and resume.
	@warning_ignore("unused_signal")
	signal go_away(message: GoAway)
	## A conversation is open.
	@warning_ignore("unused_signal")
	signal opened(message: Opened)
	## The state of this revision is in force, from the next turn on.
	@warning_ignore("unused_signal")
	signal state_ok(message: StateOk)
	## A turn begins.
	@warning_ignore("unused_signal")
	signal turn(message: Turn)
	## More text of a turn.
	@warning_ignore("unused_signal")
	signal delta(message: Delta)
	## Something to do when the reveal reaches [code]offset[/code], counted in code points from the
	## start of the turn's text.
	@warning_ignore("unused_signal")
	signal cue(message: Cue)
	## A turn is over.
	@warning_ignore("unused_signal")
	signal turn_end(message: TurnEnd)
	## A request failed; the session lives on.
	@warning_ignore("unused_signal")
	signal error(message: ErrorMessage)
	## A conversation is closed.
	@warning_ignore("unused_signal")
	signal closed(message: Closed)
	## The moment is marked; [code]load[/code] or [code]open[/code] with this checkpoint returns to
	## it.
	@warning_ignore("unused_signal")
	signal saved(message: Saved)
	## What was said, oldest first.
	@warning_ignore("unused_signal")
	signal transcript(message: Transcript)
	## A request with this [code]line[/code] has been remembered, and nobody answers it.
	@warning_ignore("unused_signal")
	signal noted(message: Noted)
	## A condition on the conversation that a designer declared came true.
	@warning_ignore("unused_signal")
	signal trigger(message: Trigger)
	## Lines that the player might say, at most as many as were asked for.
	@warning_ignore("unused_signal")
	signal suggestions(message: Suggestions)
	## A prompt and its account.
	@warning_ignore("unused_signal")
	signal inspected(message: Inspected)
	## Every NPC of this server that the client may open, by id.
	@warning_ignore("unused_signal")
	signal npc_list(message: NpcList)
	## What the designers' files hold now.
	@warning_ignore("unused_signal")
	signal content_info(message: ContentInfo)
	## A designer's file as it is now; [code]line[/code] is where the key stands, from 1, 0 for
	## nowhere.
	@warning_ignore("unused_signal")
	signal source_text(message: SourceText)
	## A turn waits until the server has room for it; [code]position[/code] 1 comes next, and is
	## told again when it changes.
	@warning_ignore("unused_signal")
	signal queued(message: Queued)
	## The recorded sessions, the newest first; [code]recording[/code] is whether this server
	## records.
	@warning_ignore("unused_signal")
	signal recording_list(message: RecordingList)
	## Whole lines of a recording (docs/recording.md); [code]next[/code] is where the following
	## piece begins, 0 if this is the last.
	@warning_ignore("unused_signal")
	signal recording_text(message: RecordingText)
	## What came of a re-run: how many answers were compared, how many are otherwise, the first
	## hundred of those, and what makes the comparison less than it seems.
	@warning_ignore("unused_signal")
	signal rerun_report(message: RerunReport)


## The [code]code[/code] of an [code]error[/code] message, or of a [code]turn_end[/code] that
## fell back (spec.md, "Errors").
class ErrorCode:
	extends RefCounted

	const BAD_MESSAGE: String = "bad_message"
	const TOO_LARGE: String = "too_large"
	const UNKNOWN_NPC: String = "unknown_npc"
	const UNKNOWN_CONVERSATION: String = "unknown_conversation"
	const UNKNOWN_TURN: String = "unknown_turn"
	const UNKNOWN_CHECKPOINT: String = "unknown_checkpoint"
	const UNKNOWN_ACTION: String = "unknown_action"
	const EMPTY_LINE: String = "empty_line"
	const LINE_TOO_LONG: String = "line_too_long"
	const STATE_INVALID: String = "state_invalid"
	const STATE_TOO_LARGE: String = "state_too_large"
	const STATE_CONFLICT: String = "state_conflict"
	const BUSY: String = "busy"
	const TOO_MANY_CONVERSATIONS: String = "too_many_conversations"
	const TOO_MANY_SESSIONS: String = "too_many_sessions"
	const RATE_LIMITED: String = "rate_limited"
	const UNAUTHORIZED: String = "unauthorized"
	const FORBIDDEN: String = "forbidden"
	const MODEL_UNREACHABLE: String = "model_unreachable"
	const MODEL_TIMEOUT: String = "model_timeout"
	const MODEL_RATE_LIMITED: String = "model_rate_limited"
	const MODEL_UNAUTHORIZED: String = "model_unauthorized"
	const MODEL_NO_CREDIT: String = "model_no_credit"
	const MODEL_REFUSED: String = "model_refused"
	const MODEL_BAD_REQUEST: String = "model_bad_request"
	const MODEL_CONTEXT_OVERFLOW: String = "model_context_overflow"
	const MODEL_EMPTY: String = "model_empty"
	const MODEL_FAILED: String = "model_failed"
	const GUARDED: String = "guarded"
	const BUDGET_EXHAUSTED: String = "budget_exhausted"
	const CONTENT_INVALID: String = "content_invalid"
	const SETTINGS_INVALID: String = "settings_invalid"
	const STORE_FAILED: String = "store_failed"
	const SHUTTING_DOWN: String = "shutting_down"
	const INTERNAL: String = "internal"


## Why a turn ended: the [code]reason[/code] of [code]turn_end[/code] (spec.md, "A turn").
class EndReason:
	extends RefCounted

	const COMPLETE: String = "complete"
	const LENGTH: String = "length"
	const INTERRUPTED: String = "interrupted"
	const TRUNCATED: String = "truncated"
	const FILTERED: String = "filtered"
	const FALLBACK: String = "fallback"
	const FAILED: String = "failed"


## What a client does after a close code.
class ClosePolicy:
	extends RefCounted

	const RESUME: String = "resume"
	const RECONNECT: String = "reconnect"
	const STOP: String = "stop"


## Where a client wants to go on: the session, its epoch, the last sequence number it has.
class Resume:
	extends RefCounted

	var session: String = ""
	var epoch: String = ""
	var seq: int = 0

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_map_header(3)
		writer.put_text("session")
		writer.put_text(session)
		writer.put_text("epoch")
		writer.put_text(epoch)
		writer.put_text("seq")
		writer.put_int(seq)


## The person who speaks. [code]persona[/code] is a sentence or two on who they are in the
## game.
class Player:
	extends RefCounted

	var id: String = ""
	var name: String = "Traveller"
	var persona: String = ""

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_map_header(3)
		writer.put_text("id")
		writer.put_text(id)
		writer.put_text("name")
		writer.put_text(name)
		writer.put_text("persona")
		writer.put_text(persona)


## What the server accepts, so that a client can refuse early. Sizes in bytes unless said.
class Limits:
	extends RefCounted

	var message_bytes: int = 0
	var line_chars: int = 0
	var state_bytes: int = 0
	var state_depth: int = 0
	var conversations: int = 0

	static func read(reader: DialogueMsgpackReader, where: String) -> Limits:
		var record: Limits = Limits.new()
		var missing: int = 31
		for _index: int in reader.read_map_header(where):
			match reader.read_text(where):
				"message_bytes":
					record.message_bytes = reader.read_uint(where + ".message_bytes")
					missing &= ~1
				"line_chars":
					record.line_chars = reader.read_uint(where + ".line_chars")
					missing &= ~2
				"state_bytes":
					record.state_bytes = reader.read_uint(where + ".state_bytes")
					missing &= ~4
				"state_depth":
					record.state_depth = reader.read_uint(where + ".state_depth")
					missing &= ~8
				"conversations":
					record.conversations = reader.read_uint(where + ".conversations")
					missing &= ~16
				_:
					reader.skip()
		if missing != 0:
			reader.fail(where + ": a required field is missing")
		return record


## What a game may show of an NPC before it speaks.
class NpcInfo:
	extends RefCounted

	var id: String = ""
	var name: String = ""
	var mood: String = ""
	var moods: Array[String] = []
	var actions: Array[String] = []
	var intensity: int = 0

	static func read(reader: DialogueMsgpackReader, where: String) -> NpcInfo:
		var record: NpcInfo = NpcInfo.new()
		var missing: int = 3
		for _index: int in reader.read_map_header(where):
			match reader.read_text(where):
				"id":
					record.id = reader.read_text(where + ".id")
					missing &= ~1
				"name":
					record.name = reader.read_text(where + ".name")
					missing &= ~2
				"mood":
					record.mood = reader.read_text(where + ".mood")
				"moods":
					for _item: int in reader.read_list_header(where + ".moods"):
						var item: String
						item = reader.read_text(where + ".moods")
						record.moods.append(item)
				"actions":
					for _item: int in reader.read_list_header(where + ".actions"):
						var item: String
						item = reader.read_text(where + ".actions")
						record.actions.append(item)
				"intensity":
					record.intensity = reader.read_uint(where + ".intensity")
				_:
					reader.skip()
		if missing != 0:
			reader.fail(where + ": a required field is missing")
		return record


## One line of a transcript. [code]kind[/code] is player, npc or event; [code]id[/code] is a
## turn's stored id (kind npc); [code]line[/code] the client's id that it answers or has;
## [code]reason[/code] how the turn ended; [code]mood[/code] the last one of the turn, and
## [code]intensity[/code] its strength, 0 to 100.
class SpokenLine:
	extends RefCounted

	var id: String = ""
	var kind: String = ""
	var speaker: String = ""
	var text: String = ""
	var line: String = ""
	var reason: String = ""
	var mood: String = ""
	var intensity: int = 0

	static func read(reader: DialogueMsgpackReader, where: String) -> SpokenLine:
		var record: SpokenLine = SpokenLine.new()
		var missing: int = 15
		for _index: int in reader.read_map_header(where):
			match reader.read_text(where):
				"id":
					record.id = reader.read_text(where + ".id")
					missing &= ~1
				"kind":
					record.kind = reader.read_text(where + ".kind")
					missing &= ~2
				"speaker":
					record.speaker = reader.read_text(where + ".speaker")
					missing &= ~4
				"text":
					record.text = reader.read_text(where + ".text")
					missing &= ~8
				"line":
					record.line = reader.read_text(where + ".line")
				"reason":
					record.reason = reader.read_text(where + ".reason")
				"mood":
					record.mood = reader.read_text(where + ".mood")
				"intensity":
					record.intensity = reader.read_uint(where + ".intensity")
				_:
					reader.skip()
		if missing != 0:
			reader.fail(where + ": a required field is missing")
		return record


## One message of a prompt, as the model gets it.
class PromptMessage:
	extends RefCounted

	var role: String = ""
	var content: String = ""
	var name: String = ""

	static func read(reader: DialogueMsgpackReader, where: String) -> PromptMessage:
		var record: PromptMessage = PromptMessage.new()
		var missing: int = 3
		for _index: int in reader.read_map_header(where):
			match reader.read_text(where):
				"role":
					record.role = reader.read_text(where + ".role")
					missing &= ~1
				"content":
					record.content = reader.read_text(where + ".content")
					missing &= ~2
				"name":
					record.name = reader.read_text(where + ".name")
				_:
					reader.skip()
		if missing != 0:
			reader.fail(where + ": a required field is missing")
		return record


## A stretch of a prompt and where it comes from, such as "personas/mira.toml:knowledge[2]";
## [code]why[/code] says why it was left out, "" if it is in.
class PromptPart:
	extends RefCounted

	var source: String = ""
	var text: String = ""
	var tokens: int = 0
	var why: String = ""

	static func read(reader: DialogueMsgpackReader, where: String) -> PromptPart:
		var record: PromptPart = PromptPart.new()
		var missing: int = 7
		for _index: int in reader.read_map_header(where):
			match reader.read_text(where):
				"source":
					record.source = reader.read_text(where + ".source")
					missing &= ~1
				"text":
					record.text = reader.read_text(where + ".text")
					missing &= ~2
				"tokens":
					record.tokens = reader.read_uint(where + ".tokens")
					missing &= ~4
				"why":
					record.why = reader.read_text(where + ".why")
				_:
					reader.skip()
		if missing != 0:
			reader.fail(where + ": a required field is missing")
		return record


## Something wrong in a designer's file. [code]severity[/code] is error or warning;
## [code]line[/code] counts from 1, 0 for the whole file; [code]place[/code] is the key.
class ContentProblem:
	extends RefCounted

	var file: String = ""
	var problem: String = ""
	var line: int = 0
	var place: String = ""
	var severity: String = "error"

	static func read(reader: DialogueMsgpackReader, where: String) -> ContentProblem:
		var record: ContentProblem = ContentProblem.new()
		var missing: int = 3
		for _index: int in reader.read_map_header(where):
			match reader.read_text(where):
				"file":
					record.file = reader.read_text(where + ".file")
					missing &= ~1
				"problem":
					record.problem = reader.read_text(where + ".problem")
					missing &= ~2
				"line":
					record.line = reader.read_uint(where + ".line")
				"place":
					record.place = reader.read_text(where + ".place")
				"severity":
					record.severity = reader.read_text(where + ".severity")
				_:
					reader.skip()
		if missing != 0:
			reader.fail(where + ": a required field is missing")
		return record


## A recorded session: the name of its (first) file, which begins with its time in UTC, and the
## bytes of all its files.
class RecordingInfo:
	extends RefCounted

	var name: String = ""
	var size: int = 0

	static func read(reader: DialogueMsgpackReader, where: String) -> RecordingInfo:
		var record: RecordingInfo = RecordingInfo.new()
		var missing: int = 3
		for _index: int in reader.read_map_header(where):
			match reader.read_text(where):
				"name":
					record.name = reader.read_text(where + ".name")
					missing &= ~1
				"size":
					record.size = reader.read_uint(where + ".size")
					missing &= ~2
				_:
					reader.skip()
		if missing != 0:
			reader.fail(where + ": a required field is missing")
		return record


## An answer of a recording that is otherwise today. [code]place[/code] counts the recording's
## requests from 1; [code]what[/code] is otherwise: prompt, history, who, text, moods, actions,
## triggers, end; [code]before[/code] and [code]now[/code] are a line each;
## [code]sources[/code] are the prompt's parts that changed, [code]prompt[/code] the lines of
## its difference.
class ChangedAnswer:
	extends RefCounted

	var place: int = 0
	var npc: String = ""
	var asked: String = ""
	var what: Array[String] = []
	var before: String = ""
	var now: String = ""
	var sources: Array[String] = []
	var prompt: Array[String] = []

	static func read(reader: DialogueMsgpackReader, where: String) -> ChangedAnswer:
		var record: ChangedAnswer = ChangedAnswer.new()
		var missing: int = 63
		for _index: int in reader.read_map_header(where):
			match reader.read_text(where):
				"place":
					record.place = reader.read_uint(where + ".place")
					missing &= ~1
				"npc":
					record.npc = reader.read_text(where + ".npc")
					missing &= ~2
				"asked":
					record.asked = reader.read_text(where + ".asked")
					missing &= ~4
				"what":
					for _item: int in reader.read_list_header(where + ".what"):
						var item: String
						item = reader.read_text(where + ".what")
						record.what.append(item)
					missing &= ~8
				"before":
					record.before = reader.read_text(where + ".before")
					missing &= ~16
				"now":
					record.now = reader.read_text(where + ".now")
					missing &= ~32
				"sources":
					for _item: int in reader.read_list_header(where + ".sources"):
						var item: String
						item = reader.read_text(where + ".sources")
						record.sources.append(item)
				"prompt":
					for _item: int in reader.read_list_header(where + ".prompt"):
						var item: String
						item = reader.read_text(where + ".prompt")
						record.prompt.append(item)
				_:
					reader.skip()
		if missing != 0:
			reader.fail(where + ": a required field is missing")
		return record


## The first message of every socket. [code]resume[/code] asks to go on with an earlier
## session.
class Hello:
	extends Message

	const TYPE: int = 0

	var version: int = 1
	var client: String = ""
	var token: String = ""
	var locale: String = ""
	var capabilities: Array[String] = []
	var resume: Resume = null

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(7)
		writer.put_int(TYPE)
		writer.put_int(version)
		writer.put_text(client)
		writer.put_text(token)
		writer.put_text(locale)
		writer.put_array_header(capabilities.size())
		for item: String in capabilities:
			writer.put_text(item)
		if resume == null:
			writer.put_nil()
		else:
			resume.write(writer)


## The client has processed everything up to [code]seq[/code]; the server may forget it.
class Ack:
	extends Message

	const TYPE: int = 1

	var seq: int = 0

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(2)
		writer.put_int(TYPE)
		writer.put_int(seq)


## Answered by a pong with the same number.
class Ping:
	extends Message

	const TYPE: int = 2

	var nonce: int = 0

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(2)
		writer.put_int(TYPE)
		writer.put_int(nonce)


## Start, or return to, a conversation of this player with some NPCs.
##
## [code]conversation[/code] is the client's own name for it, at most 64 characters; the same
## player and name bring the history back. [code]checkpoint[/code], of an earlier
## [code]saved[/code], brings back that moment instead of the newest. [code]model[/code], one
## of [code]content_info.models[/code], answers in place of the server's; it needs the right
## "designer". Answered by [code]opened[/code].
class Open:
	extends Message

	const TYPE: int = 16

	var conversation: String = ""
	var npcs: Array[String] = []
	var player: Player = Player.new()
	var scene: String = ""
	var locale: String = ""
	var checkpoint: String = ""
	var model: String = ""

	func is_sequenced() -> bool:
		return true

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(8)
		writer.put_int(TYPE)
		writer.put_text(conversation)
		writer.put_array_header(npcs.size())
		for item: String in npcs:
			writer.put_text(item)
		player.write(writer)
		writer.put_text(scene)
		writer.put_text(locale)
		writer.put_text(checkpoint)
		writer.put_text(model)


## The game's state: a whole [code]snapshot[/code], or a JSON Merge Patch (RFC 7396) on the one
## before.
##
## [code]revision[/code] is the client's own counter. A patch must carry the revision that
## follows the server's (current + 1); a snapshot may carry any. Answered by
## [code]state_ok[/code], or by an error [code]state_conflict[/code], after which the client
## sends a snapshot.
class State:
	extends Message

	const TYPE: int = 17

	var conversation: String = ""
	var revision: int = 0
	var snapshot: Variant = null
	var patch: Variant = null

	func is_sequenced() -> bool:
		return true

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(5)
		writer.put_int(TYPE)
		writer.put_text(conversation)
		writer.put_int(revision)
		writer.put_value(snapshot, "snapshot")
		writer.put_value(patch, "patch")


## The player's line. [code]line[/code] is an id the client makes up (at most 64 characters,
## unique in the conversation); [code]to[/code] is the NPC addressed, if any. Answered by one
## turn, or one error.
class Say:
	extends Message

	const TYPE: int = 18

	var conversation: String = ""
	var line: String = ""
	var text: String = ""
	var to: String = ""
	var locale: String = ""

	func is_sequenced() -> bool:
		return true

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(6)
		writer.put_int(TYPE)
		writer.put_text(conversation)
		writer.put_text(line)
		writer.put_text(text)
		writer.put_text(to)
		writer.put_text(locale)


## Stop a turn. Only the first [code]seen[/code] code points of its text enter the NPC's
## memory.
class Interrupt:
	extends Message

	const TYPE: int = 19

	var turn: int = 0
	var seen: int = 0

	func is_sequenced() -> bool:
		return true

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(3)
		writer.put_int(TYPE)
		writer.put_int(turn)
		writer.put_int(seen)


## The client leaves the conversation; a running turn is cancelled. Answered by
## [code]closed[/code].
class Close:
	extends Message

	const TYPE: int = 20

	var conversation: String = ""

	func is_sequenced() -> bool:
		return true

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(2)
		writer.put_int(TYPE)
		writer.put_text(conversation)


## Answer a line anew. [code]id[/code] is the stored one of a turn ([code]turn.id[/code]); the
## new one becomes its sibling, and the talk goes on from it. [code]line[/code] is an id for
## this request, as in [code]say[/code]. Answered by one turn, or one error.
class Regenerate:
	extends Message

	const TYPE: int = 21

	var conversation: String = ""
	var id: String = ""
	var line: String = ""

	func is_sequenced() -> bool:
		return true

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(4)
		writer.put_int(TYPE)
		writer.put_text(conversation)
		writer.put_text(id)
		writer.put_text(line)


## Mark this moment of the conversation, for the game's save slot. Answered by
## [code]saved[/code].
class Save:
	extends Message

	const TYPE: int = 22

	var conversation: String = ""

	func is_sequenced() -> bool:
		return true

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(2)
		writer.put_int(TYPE)
		writer.put_text(conversation)


## Return to a marked moment: history, memory and state are as they were. A running turn is
## stopped; what was said since stays stored, on a branch of its own. Answered by
## [code]opened[/code].
class Load:
	extends Message

	const TYPE: int = 23

	var conversation: String = ""
	var checkpoint: String = ""

	func is_sequenced() -> bool:
		return true

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(3)
		writer.put_int(TYPE)
		writer.put_text(conversation)
		writer.put_text(checkpoint)


## Ask what was said: the newest [code]last[/code] lines of the branch in force, or of the
## branch that ends in the turn of the stored id [code]until[/code]. Answered by
## [code]transcript[/code].
class History:
	extends Message

	const TYPE: int = 24

	var conversation: String = ""
	var last: int = 50
	var until: String = ""

	func is_sequenced() -> bool:
		return true

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(4)
		writer.put_int(TYPE)
		writer.put_text(conversation)
		writer.put_int(last)
		writer.put_text(until)


## Something happened in the world that the cast of a conversation perceives: [code]text[/code]
## says it in a sentence. [code]react[/code] is never, may or must: whether an NPC
## ([code]npc[/code], or one that the server chooses) says something about it.
## [code]name[/code] and [code]data[/code] are for triggers. [code]line[/code] is an id for
## this request, as in [code]say[/code]. Answered by one turn, or [code]noted[/code], or one
## error.
class Event:
	extends Message

	const TYPE: int = 25

	var conversation: String = ""
	var line: String = ""
	var text: String = ""
	var react: String = "may"
	var npc: String = ""
	var name: String = ""
	var data: Dictionary = {}

	func is_sequenced() -> bool:
		return true

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(8)
		writer.put_int(TYPE)
		writer.put_text(conversation)
		writer.put_text(line)
		writer.put_text(text)
		writer.put_text(react)
		writer.put_text(npc)
		writer.put_text(name)
		writer.put_value(data, "data")


## A line that the game's author wrote: spoken by [code]npc[/code] exactly as it is, without a
## model, and remembered like any other; tags in it become cues. With "" for [code]npc[/code]
## the player says it. Answered by one turn (an NPC's), or [code]noted[/code] (the player's),
## or one error.
class ScriptMessage:
	extends Message

	const TYPE: int = 26

	var conversation: String = ""
	var line: String = ""
	var text: String = ""
	var npc: String = ""

	func is_sequenced() -> bool:
		return true

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(5)
		writer.put_int(TYPE)
		writer.put_text(conversation)
		writer.put_text(line)
		writer.put_text(text)
		writer.put_text(npc)


## Let the talk go on without the player: [code]npc[/code], or whoever is next, says something
## to the others. Answered by one turn, or one error.
class Advance:
	extends Message

	const TYPE: int = 27

	var conversation: String = ""
	var line: String = ""
	var npc: String = ""
	var locale: String = ""

	func is_sequenced() -> bool:
		return true

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(5)
		writer.put_int(TYPE)
		writer.put_text(conversation)
		writer.put_text(line)
		writer.put_text(npc)
		writer.put_text(locale)


## What became of an action that waits for it ([code]cue.action[/code]): whether the game did
## it, and [code]text[/code], what really happened or why not. [code]id[/code] is the stored
## one of its turn ([code]turn.id[/code]). [code]react[/code] as in [code]event[/code].
## Answered by one turn, or [code]noted[/code], or one error.
class ActionResult:
	extends Message

	const TYPE: int = 28

	var conversation: String = ""
	var line: String = ""
	var id: String = ""
	var action: int = 0
	var accepted: bool = false
	var text: String = ""
	var react: String = "may"
	var data: Dictionary = {}

	func is_sequenced() -> bool:
		return true

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(9)
		writer.put_int(TYPE)
		writer.put_text(conversation)
		writer.put_text(line)
		writer.put_text(id)
		writer.put_int(action)
		writer.put_bool(accepted)
		writer.put_text(text)
		writer.put_text(react)
		writer.put_value(data, "data")


## Ask for at most [code]count[/code] lines that the player might say now. Answered by
## [code]suggestions[/code], or one error.
class Suggest:
	extends Message

	const TYPE: int = 29

	var conversation: String = ""
	var line: String = ""
	var count: int = 3
	var locale: String = ""

	func is_sequenced() -> bool:
		return true

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(5)
		writer.put_int(TYPE)
		writer.put_text(conversation)
		writer.put_text(line)
		writer.put_int(count)
		writer.put_text(locale)


## Ask for a prompt and its account: that of a recent turn of this session, or, with 0 for
## [code]turn[/code], the one that [code]text[/code] said to [code]npc[/code] now would make.
## Needs the right "designer". Answered by [code]inspected[/code] or [code]error[/code].
class Inspect:
	extends Message

	const TYPE: int = 30

	var conversation: String = ""
	var turn: int = 0
	var npc: String = ""
	var text: String = ""

	func is_sequenced() -> bool:
		return true

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(5)
		writer.put_int(TYPE)
		writer.put_text(conversation)
		writer.put_int(turn)
		writer.put_text(npc)
		writer.put_text(text)


## Ask which NPCs there are. Needs the right "designer". Answered by [code]npc_list[/code] or
## [code]error[/code].
class Npcs:
	extends Message

	const TYPE: int = 31

	var locale: String = ""

	func is_sequenced() -> bool:
		return true

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(2)
		writer.put_int(TYPE)
		writer.put_text(locale)


## Ask for an account of the designers' files; with [code]watch[/code], again whenever they
## change. Needs the right "designer". Answered by [code]content_info[/code] or
## [code]error[/code].
class Content:
	extends Message

	const TYPE: int = 32

	var watch: bool = false

	func is_sequenced() -> bool:
		return true

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(2)
		writer.put_int(TYPE)
		writer.put_bool(watch)


## Ask for a designer's file and where a key stands in it. Needs the right "designer". Answered
## by [code]source_text[/code] or [code]error[/code].
class Source:
	extends Message

	const TYPE: int = 33

	var file: String = ""
	var key: String = ""

	func is_sequenced() -> bool:
		return true

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(3)
		writer.put_int(TYPE)
		writer.put_text(file)
		writer.put_text(key)


## Ask which sessions this server has recorded: the newest [code]last[/code]. Needs the right
## "designer". Answered by [code]recording_list[/code] or [code]error[/code].
class Recordings:
	extends Message

	const TYPE: int = 34

	var last: int = 100

	func is_sequenced() -> bool:
		return true

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(2)
		writer.put_int(TYPE)
		writer.put_int(last)


## Ask for a piece of a recording, from [code]offset[/code] on: 0, or the [code]next[/code] of
## the piece before. Needs the right "designer". Answered by [code]recording_text[/code] or
## [code]error[/code].
class ReadRecording:
	extends Message

	const TYPE: int = 35

	var name: String = ""
	var offset: int = 0

	func is_sequenced() -> bool:
		return true

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(3)
		writer.put_int(TYPE)
		writer.put_text(name)
		writer.put_int(offset)


## Say a recording again to today's content. Nobody is asked, the recorded answers are given
## again; or, with [code]ask[/code], [code]model[/code] is asked, one of
## [code]content_info.models[/code] or "" for the server's. Needs the right "designer".
## Answered by [code]rerun_report[/code] or [code]error[/code], when it is done.
class Rerun:
	extends Message

	const TYPE: int = 36

	var name: String = ""
	var ask: bool = false
	var model: String = ""

	func is_sequenced() -> bool:
		return true

	func write(writer: DialogueMsgpackWriter) -> void:
		writer.put_array_header(4)
		writer.put_int(TYPE)
		writer.put_text(name)
		writer.put_bool(ask)
		writer.put_text(model)


## The answer to a hello. What follows begins with sequence number [code]seq + 1[/code].
##
## [code]resumed[/code] is false when a resume was asked for and could not be had: then the
## session is new, and the client opens its conversations again. [code]received[/code] counts
## the client's sequenced messages that reached the session; the client sends the later ones
## again.
class Welcome:
	extends Message

	const TYPE: int = 0

	var session: String = ""
	var epoch: String = ""
	var seq: int = 0
	var limits: Limits = Limits.new()
	var server: String = ""
	var version: int = 1
	var capabilities: Array[String] = []
	var resumed: bool = false
	var received: int = 0

	static func read(reader: DialogueMsgpackReader, count: int) -> Welcome:
		var message: Welcome = Welcome.new()
		if count < 4:
			reader.fail_count("welcome", 4, count)
			return message
		message.session = reader.read_text("welcome.session")
		message.epoch = reader.read_text("welcome.epoch")
		message.seq = reader.read_uint("welcome.seq")
		message.limits = Limits.read(reader, "welcome.limits")
		if count > 4:
			message.server = reader.read_text("welcome.server")
		if count > 5:
			message.version = reader.read_uint("welcome.version")
		if count > 6:
			for _item: int in reader.read_list_header("welcome.capabilities"):
				var item: String
				item = reader.read_text("welcome.capabilities")
				message.capabilities.append(item)
		if count > 7:
			message.resumed = reader.read_bool("welcome.resumed")
		if count > 8:
			message.received = reader.read_uint("welcome.received")
		reader.skip_many(count - 9)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.welcome.emit(self)


## The answer to a ping.
class Pong:
	extends Message

	const TYPE: int = 1

	var nonce: int = 0

	static func read(reader: DialogueMsgpackReader, count: int) -> Pong:
		var message: Pong = Pong.new()
		if count > 0:
			message.nonce = reader.read_uint("pong.nonce")
		reader.skip_many(count - 1)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.pong.emit(self)


## The server drains: running turns finish, new lines are refused; reconnect after
## [code]reconnect_ms[/code] milliseconds and resume.
class GoAway:
	extends Message

	const TYPE: int = 2

	var reconnect_ms: int = 0
	var detail: String = ""

	static func read(reader: DialogueMsgpackReader, count: int) -> GoAway:
		var message: GoAway = GoAway.new()
		if count > 0:
			message.reconnect_ms = reader.read_uint("go_away.reconnect_ms")
		if count > 1:
			message.detail = reader.read_text("go_away.detail")
		reader.skip_many(count - 2)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.go_away.emit(self)


## A conversation is open. [code]history[/code] counts the turns that the NPCs remember of it;
## a new one (0) has a [code]greeting[/code], spoken by the first NPC, possibly empty.
## [code]revision[/code] is the state's, 0 for none.
class Opened:
	extends Message

	const TYPE: int = 16

	var conversation: String = ""
	var npcs: Array[NpcInfo] = []
	var greeting: String = ""
	var history: int = 0
	var revision: int = 0

	func is_sequenced() -> bool:
		return true

	static func read(reader: DialogueMsgpackReader, count: int) -> Opened:
		var message: Opened = Opened.new()
		if count < 2:
			reader.fail_count("opened", 2, count)
			return message
		message.conversation = reader.read_text("opened.conversation")
		for _item: int in reader.read_list_header("opened.npcs"):
			var item: NpcInfo
			item = NpcInfo.read(reader, "opened.npcs")
			message.npcs.append(item)
		if count > 2:
			message.greeting = reader.read_text("opened.greeting")
		if count > 3:
			message.history = reader.read_uint("opened.history")
		if count > 4:
			message.revision = reader.read_uint("opened.revision")
		reader.skip_many(count - 5)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.opened.emit(self)


## The state of this revision is in force, from the next turn on.
class StateOk:
	extends Message

	const TYPE: int = 17

	var conversation: String = ""
	var revision: int = 0

	func is_sequenced() -> bool:
		return true

	static func read(reader: DialogueMsgpackReader, count: int) -> StateOk:
		var message: StateOk = StateOk.new()
		if count < 2:
			reader.fail_count("state_ok", 2, count)
			return message
		message.conversation = reader.read_text("state_ok.conversation")
		message.revision = reader.read_uint("state_ok.revision")
		reader.skip_many(count - 2)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.state_ok.emit(self)


## A turn begins. [code]turn[/code] is unique in the session, [code]id[/code] for ever (a later
## message names a stored turn by it); [code]line[/code] is the player's line that it answers.
class Turn:
	extends Message

	const TYPE: int = 18

	var turn: int = 0
	var id: String = ""
	var conversation: String = ""
	var npc: String = ""
	var line: String = ""

	func is_sequenced() -> bool:
		return true

	static func read(reader: DialogueMsgpackReader, count: int) -> Turn:
		var message: Turn = Turn.new()
		if count < 4:
			reader.fail_count("turn", 4, count)
			return message
		message.turn = reader.read_uint("turn.turn")
		message.id = reader.read_text("turn.id")
		message.conversation = reader.read_text("turn.conversation")
		message.npc = reader.read_text("turn.npc")
		if count > 4:
			message.line = reader.read_text("turn.line")
		reader.skip_many(count - 5)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.turn.emit(self)


## More text of a turn. Never splits a grapheme cluster (UAX 29), and has at most
## MAX_DELTA_CHARS code points.
class Delta:
	extends Message

	const TYPE: int = 19

	var turn: int = 0
	var text: String = ""

	func is_sequenced() -> bool:
		return true

	static func read(reader: DialogueMsgpackReader, count: int) -> Delta:
		var message: Delta = Delta.new()
		if count < 2:
			reader.fail_count("delta", 2, count)
			return message
		message.turn = reader.read_uint("delta.turn")
		message.text = reader.read_text("delta.text")
		reader.skip_many(count - 2)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.delta.emit(self)


## Something to do when the reveal reaches [code]offset[/code], counted in code points from the
## start of the turn's text. [code]kind[/code] is mood ([code]args.intensity[/code], 0 to 100),
## action, pause ([code]args.ms[/code]) or filler ([code]args.text[/code], shown until the
## first delta, no part of the text). [code]action[/code] is the number, from 1 in its turn, of
## an action that waits for the game's [code]action_result[/code]; else 0.
class Cue:
	extends Message

	const TYPE: int = 20

	var turn: int = 0
	var offset: int = 0
	var kind: String = ""
	var name: String = ""
	var args: Dictionary = {}
	var action: int = 0

	func is_sequenced() -> bool:
		return true

	static func read(reader: DialogueMsgpackReader, count: int) -> Cue:
		var message: Cue = Cue.new()
		if count < 3:
			reader.fail_count("cue", 3, count)
			return message
		message.turn = reader.read_uint("cue.turn")
		message.offset = reader.read_uint("cue.offset")
		message.kind = reader.read_text("cue.kind")
		if count > 3:
			message.name = reader.read_text("cue.name")
		if count > 4:
			message.args = reader.read_object("cue.args")
		if count > 5:
			message.action = reader.read_uint("cue.action")
		reader.skip_many(count - 6)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.cue.emit(self)


## A turn is over. [code]length[/code] is its text's, in code points; times are in milliseconds
## from the player's line; tokens are 0 where the model does not tell. [code]code[/code] and
## [code]detail[/code] say what went wrong when [code]reason[/code] is fallback, truncated,
## filtered or failed.
##
## [code]reason[/code] is an EndReason and [code]code[/code] an ErrorCode; both are strings
## here, so that a client reads the values of a newer server.
class TurnEnd:
	extends Message

	const TYPE: int = 21

	var turn: int = 0
	var reason: String = ""
	var length: int = 0
	var first_token_ms: int = 0
	var total_ms: int = 0
	var input_tokens: int = 0
	var output_tokens: int = 0
	var cached_tokens: int = 0
	var code: String = ""
	var detail: String = ""

	func is_sequenced() -> bool:
		return true

	static func read(reader: DialogueMsgpackReader, count: int) -> TurnEnd:
		var message: TurnEnd = TurnEnd.new()
		if count < 3:
			reader.fail_count("turn_end", 3, count)
			return message
		message.turn = reader.read_uint("turn_end.turn")
		message.reason = reader.read_text("turn_end.reason")
		message.length = reader.read_uint("turn_end.length")
		if count > 3:
			message.first_token_ms = reader.read_uint("turn_end.first_token_ms")
		if count > 4:
			message.total_ms = reader.read_uint("turn_end.total_ms")
		if count > 5:
			message.input_tokens = reader.read_uint("turn_end.input_tokens")
		if count > 6:
			message.output_tokens = reader.read_uint("turn_end.output_tokens")
		if count > 7:
			message.cached_tokens = reader.read_uint("turn_end.cached_tokens")
		if count > 8:
			message.code = reader.read_text("turn_end.code")
		if count > 9:
			message.detail = reader.read_text("turn_end.detail")
		reader.skip_many(count - 10)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.turn_end.emit(self)


## A request failed; the session lives on. [code]detail[/code] says to the developer what to
## do. What it is about: a conversation, a line or a turn, where that is known.
## [code]retry_after_ms[/code] is 0 where the server has no advice.
class ErrorMessage:
	extends Message

	const TYPE: int = 22

	var code: String = ""
	var detail: String = ""
	var conversation: String = ""
	var line: String = ""
	var turn: int = 0
	var retryable: bool = false
	var retry_after_ms: int = 0

	func is_sequenced() -> bool:
		return true

	static func read(reader: DialogueMsgpackReader, count: int) -> ErrorMessage:
		var message: ErrorMessage = ErrorMessage.new()
		if count < 2:
			reader.fail_count("error", 2, count)
			return message
		message.code = reader.read_text("error.code")
		message.detail = reader.read_text("error.detail")
		if count > 2:
			message.conversation = reader.read_text("error.conversation")
		if count > 3:
			message.line = reader.read_text("error.line")
		if count > 4:
			message.turn = reader.read_uint("error.turn")
		if count > 5:
			message.retryable = reader.read_bool("error.retryable")
		if count > 6:
			message.retry_after_ms = reader.read_uint("error.retry_after_ms")
		reader.skip_many(count - 7)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.error.emit(self)


## A conversation is closed.
class Closed:
	extends Message

	const TYPE: int = 23

	var conversation: String = ""

	func is_sequenced() -> bool:
		return true

	static func read(reader: DialogueMsgpackReader, count: int) -> Closed:
		var message: Closed = Closed.new()
		if count < 1:
			reader.fail_count("closed", 1, count)
			return message
		message.conversation = reader.read_text("closed.conversation")
		reader.skip_many(count - 1)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.closed.emit(self)


## The moment is marked; [code]load[/code] or [code]open[/code] with this checkpoint returns to
## it.
class Saved:
	extends Message

	const TYPE: int = 24

	var conversation: String = ""
	var checkpoint: String = ""

	func is_sequenced() -> bool:
		return true

	static func read(reader: DialogueMsgpackReader, count: int) -> Saved:
		var message: Saved = Saved.new()
		if count < 2:
			reader.fail_count("saved", 2, count)
			return message
		message.conversation = reader.read_text("saved.conversation")
		message.checkpoint = reader.read_text("saved.checkpoint")
		reader.skip_many(count - 2)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.saved.emit(self)


## What was said, oldest first.
class Transcript:
	extends Message

	const TYPE: int = 25

	var conversation: String = ""
	var lines: Array[SpokenLine] = []

	func is_sequenced() -> bool:
		return true

	static func read(reader: DialogueMsgpackReader, count: int) -> Transcript:
		var message: Transcript = Transcript.new()
		if count < 2:
			reader.fail_count("transcript", 2, count)
			return message
		message.conversation = reader.read_text("transcript.conversation")
		for _item: int in reader.read_list_header("transcript.lines"):
			var item: SpokenLine
			item = SpokenLine.read(reader, "transcript.lines")
			message.lines.append(item)
		reader.skip_many(count - 2)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.transcript.emit(self)


## A request with this [code]line[/code] has been remembered, and nobody answers it.
class Noted:
	extends Message

	const TYPE: int = 26

	var conversation: String = ""
	var line: String = ""

	func is_sequenced() -> bool:
		return true

	static func read(reader: DialogueMsgpackReader, count: int) -> Noted:
		var message: Noted = Noted.new()
		if count < 2:
			reader.fail_count("noted", 2, count)
			return message
		message.conversation = reader.read_text("noted.conversation")
		message.line = reader.read_text("noted.line")
		reader.skip_many(count - 2)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.noted.emit(self)


## A condition on the conversation that a designer declared came true. [code]stage[/code] is
## the one that the scene moved to, "" where it did not move.
class Trigger:
	extends Message

	const TYPE: int = 27

	var conversation: String = ""
	var name: String = ""
	var stage: String = ""
	var args: Dictionary = {}

	func is_sequenced() -> bool:
		return true

	static func read(reader: DialogueMsgpackReader, count: int) -> Trigger:
		var message: Trigger = Trigger.new()
		if count < 2:
			reader.fail_count("trigger", 2, count)
			return message
		message.conversation = reader.read_text("trigger.conversation")
		message.name = reader.read_text("trigger.name")
		if count > 2:
			message.stage = reader.read_text("trigger.stage")
		if count > 3:
			message.args = reader.read_object("trigger.args")
		reader.skip_many(count - 4)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.trigger.emit(self)


## Lines that the player might say, at most as many as were asked for.
class Suggestions:
	extends Message

	const TYPE: int = 28

	var conversation: String = ""
	var line: String = ""
	var texts: Array[String] = []

	func is_sequenced() -> bool:
		return true

	static func read(reader: DialogueMsgpackReader, count: int) -> Suggestions:
		var message: Suggestions = Suggestions.new()
		if count < 3:
			reader.fail_count("suggestions", 3, count)
			return message
		message.conversation = reader.read_text("suggestions.conversation")
		message.line = reader.read_text("suggestions.line")
		for _item: int in reader.read_list_header("suggestions.texts"):
			var item: String
			item = reader.read_text("suggestions.texts")
			message.texts.append(item)
		reader.skip_many(count - 3)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.suggestions.emit(self)


## A prompt and its account. [code]turn[/code] is 0 for one that was never asked.
## [code]tokens[/code] is an estimate, [code]budget[/code] its bound; [code]dropped[/code] are
## the parts that were left out. [code]timings[/code] are those of a turn that is over, in
## milliseconds from the request.
class Inspected:
	extends Message

	const TYPE: int = 29

	var conversation: String = ""
	var turn: int = 0
	var npc: String = ""
	var layout: String = ""
	var tokens: int = 0
	var budget: int = 0
	var messages: Array[PromptMessage] = []
	var parts: Array[PromptPart] = []
	var dropped: Array[PromptPart] = []
	var timings: Dictionary = {}

	func is_sequenced() -> bool:
		return true

	static func read(reader: DialogueMsgpackReader, count: int) -> Inspected:
		var message: Inspected = Inspected.new()
		if count < 9:
			reader.fail_count("inspected", 9, count)
			return message
		message.conversation = reader.read_text("inspected.conversation")
		message.turn = reader.read_uint("inspected.turn")
		message.npc = reader.read_text("inspected.npc")
		message.layout = reader.read_text("inspected.layout")
		message.tokens = reader.read_uint("inspected.tokens")
		message.budget = reader.read_uint("inspected.budget")
		for _item: int in reader.read_list_header("inspected.messages"):
			var item: PromptMessage
			item = PromptMessage.read(reader, "inspected.messages")
			message.messages.append(item)
		for _item: int in reader.read_list_header("inspected.parts"):
			var item: PromptPart
			item = PromptPart.read(reader, "inspected.parts")
			message.parts.append(item)
		for _item: int in reader.read_list_header("inspected.dropped"):
			var item: PromptPart
			item = PromptPart.read(reader, "inspected.dropped")
			message.dropped.append(item)
		if count > 9:
			message.timings = reader.read_object("inspected.timings")
		reader.skip_many(count - 10)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.inspected.emit(self)


## Every NPC of this server that the client may open, by id.
class NpcList:
	extends Message

	const TYPE: int = 30

	var npcs: Array[NpcInfo] = []

	func is_sequenced() -> bool:
		return true

	static func read(reader: DialogueMsgpackReader, count: int) -> NpcList:
		var message: NpcList = NpcList.new()
		if count < 1:
			reader.fail_count("npc_list", 1, count)
			return message
		for _item: int in reader.read_list_header("npc_list.npcs"):
			var item: NpcInfo
			item = NpcInfo.read(reader, "npc_list.npcs")
			message.npcs.append(item)
		reader.skip_many(count - 1)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.npc_list.emit(self)


## What the designers' files hold now. [code]revision[/code] counts the times they were read;
## [code]models[/code] are what [code]open.model[/code] may name; [code]state[/code] is the
## world's own; [code]hints[/code] are the values that conditions compare each path of the
## state with; [code]problems[/code] is what is wrong, a broken file's last good version being
## in force.
class ContentInfo:
	extends Message

	const TYPE: int = 31

	var revision: int = 0
	var world: String = ""
	var npcs: Array[NpcInfo] = []
	var scenes: Array[String] = []
	var models: Array[String] = []
	var state: Dictionary = {}
	var hints: Dictionary = {}
	var problems: Array[ContentProblem] = []

	func is_sequenced() -> bool:
		return true

	static func read(reader: DialogueMsgpackReader, count: int) -> ContentInfo:
		var message: ContentInfo = ContentInfo.new()
		if count < 8:
			reader.fail_count("content_info", 8, count)
			return message
		message.revision = reader.read_uint("content_info.revision")
		message.world = reader.read_text("content_info.world")
		for _item: int in reader.read_list_header("content_info.npcs"):
			var item: NpcInfo
			item = NpcInfo.read(reader, "content_info.npcs")
			message.npcs.append(item)
		for _item: int in reader.read_list_header("content_info.scenes"):
			var item: String
			item = reader.read_text("content_info.scenes")
			message.scenes.append(item)
		for _item: int in reader.read_list_header("content_info.models"):
			var item: String
			item = reader.read_text("content_info.models")
			message.models.append(item)
		message.state = reader.read_object("content_info.state")
		message.hints = reader.read_object("content_info.hints")
		for _item: int in reader.read_list_header("content_info.problems"):
			var item: ContentProblem
			item = ContentProblem.read(reader, "content_info.problems")
			message.problems.append(item)
		reader.skip_many(count - 8)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.content_info.emit(self)


## A designer's file as it is now; [code]line[/code] is where the key stands, from 1, 0 for
## nowhere.
class SourceText:
	extends Message

	const TYPE: int = 32

	var file: String = ""
	var text: String = ""
	var line: int = 0

	func is_sequenced() -> bool:
		return true

	static func read(reader: DialogueMsgpackReader, count: int) -> SourceText:
		var message: SourceText = SourceText.new()
		if count < 2:
			reader.fail_count("source_text", 2, count)
			return message
		message.file = reader.read_text("source_text.file")
		message.text = reader.read_text("source_text.text")
		if count > 2:
			message.line = reader.read_uint("source_text.line")
		reader.skip_many(count - 3)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.source_text.emit(self)


## A turn waits until the server has room for it; [code]position[/code] 1 comes next, and is
## told again when it changes. The turn's next message ends the wait.
class Queued:
	extends Message

	const TYPE: int = 33

	var turn: int = 0
	var position: int = 0

	func is_sequenced() -> bool:
		return true

	static func read(reader: DialogueMsgpackReader, count: int) -> Queued:
		var message: Queued = Queued.new()
		if count < 2:
			reader.fail_count("queued", 2, count)
			return message
		message.turn = reader.read_uint("queued.turn")
		message.position = reader.read_uint("queued.position")
		reader.skip_many(count - 2)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.queued.emit(self)


## The recorded sessions, the newest first; [code]recording[/code] is whether this server
## records.
class RecordingList:
	extends Message

	const TYPE: int = 34

	var recording: bool = false
	var files: Array[RecordingInfo] = []

	func is_sequenced() -> bool:
		return true

	static func read(reader: DialogueMsgpackReader, count: int) -> RecordingList:
		var message: RecordingList = RecordingList.new()
		if count < 2:
			reader.fail_count("recording_list", 2, count)
			return message
		message.recording = reader.read_bool("recording_list.recording")
		for _item: int in reader.read_list_header("recording_list.files"):
			var item: RecordingInfo
			item = RecordingInfo.read(reader, "recording_list.files")
			message.files.append(item)
		reader.skip_many(count - 2)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.recording_list.emit(self)


## Whole lines of a recording (docs/recording.md); [code]next[/code] is where the following
## piece begins, 0 if this is the last.
class RecordingText:
	extends Message

	const TYPE: int = 35

	var name: String = ""
	var offset: int = 0
	var text: String = ""
	var next: int = 0

	func is_sequenced() -> bool:
		return true

	static func read(reader: DialogueMsgpackReader, count: int) -> RecordingText:
		var message: RecordingText = RecordingText.new()
		if count < 3:
			reader.fail_count("recording_text", 3, count)
			return message
		message.name = reader.read_text("recording_text.name")
		message.offset = reader.read_uint("recording_text.offset")
		message.text = reader.read_text("recording_text.text")
		if count > 3:
			message.next = reader.read_uint("recording_text.next")
		reader.skip_many(count - 4)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.recording_text.emit(self)


## What came of a re-run: how many answers were compared, how many are otherwise, the first
## hundred of those, and what makes the comparison less than it seems.
class RerunReport:
	extends Message

	const TYPE: int = 36

	var name: String = ""
	var answers: int = 0
	var changed: int = 0
	var first: Array[ChangedAnswer] = []
	var notes: Array[String] = []

	func is_sequenced() -> bool:
		return true

	static func read(reader: DialogueMsgpackReader, count: int) -> RerunReport:
		var message: RerunReport = RerunReport.new()
		if count < 4:
			reader.fail_count("rerun_report", 4, count)
			return message
		message.name = reader.read_text("rerun_report.name")
		message.answers = reader.read_uint("rerun_report.answers")
		message.changed = reader.read_uint("rerun_report.changed")
		for _item: int in reader.read_list_header("rerun_report.first"):
			var item: ChangedAnswer
			item = ChangedAnswer.read(reader, "rerun_report.first")
			message.first.append(item)
		if count > 4:
			for _item: int in reader.read_list_header("rerun_report.notes"):
				var item: String
				item = reader.read_text("rerun_report.notes")
				message.notes.append(item)
		reader.skip_many(count - 5)
		return message

	func deliver(incoming: Incoming) -> void:
		incoming.rerun_report.emit(self)


## Reads the frame that [param reader] was given. Null if it is not a message: then
## [member DialogueMsgpackReader.problem] says why.
static func read_server(reader: DialogueMsgpackReader) -> Message:
	var count: int = reader.read_array_header() - 1
	var type: int = reader.read_uint("type")
	reader.type = type if reader.problem.is_empty() else -1
	if type > 127:
		reader.fail("type: expected 0 to 127, got %d" % type)
	var message: Message = null
	if reader.problem.is_empty():
		match type:
			36:
				message = RerunReport.read(reader, count)
			35:
				message = RecordingText.read(reader, count)
			34:
				message = RecordingList.read(reader, count)
			33:
				message = Queued.read(reader, count)
			32:
				message = SourceText.read(reader, count)
			31:
				message = ContentInfo.read(reader, count)
			30:
				message = NpcList.read(reader, count)
			29:
				message = Inspected.read(reader, count)
			28:
				message = Suggestions.read(reader, count)
			27:
				message = Trigger.read(reader, count)
			26:
				message = Noted.read(reader, count)
			25:
				message = Transcript.read(reader, count)
			24:
				message = Saved.read(reader, count)
			23:
				message = Closed.read(reader, count)
			22:
				message = ErrorMessage.read(reader, count)
			21:
				message = TurnEnd.read(reader, count)
			20:
				message = Cue.read(reader, count)
			19:
				message = Delta.read(reader, count)
			18:
				message = Turn.read(reader, count)
			17:
				message = StateOk.read(reader, count)
			16:
				message = Opened.read(reader, count)
			2:
				message = GoAway.read(reader, count)
			1:
				message = Pong.read(reader, count)
			0:
				message = Welcome.read(reader, count)
			_:
				var unknown: Unknown = Unknown.new()
				unknown.type = type
				reader.skip_many(count)
				message = unknown
	reader.expect_end()
	return message if reader.problem.is_empty() else null


## What a client does after any WebSocket close code, known or not: a value of
## [DialogueMessages.ClosePolicy].
static func close_policy(code: int) -> String:
	if code == 1000:
		return ClosePolicy.STOP
	if code >= 1002 and code <= 1003:
		return ClosePolicy.STOP
	if code == 1007:
		return ClosePolicy.STOP
	if code >= 1009 and code <= 1010:
		return ClosePolicy.STOP
	if code >= 4200 and code <= 4299:
		return ClosePolicy.STOP
	if code >= 4100 and code <= 4199:
		return ClosePolicy.RECONNECT
	return ClosePolicy.RESUME
