"""What a designer writes: personas and the world they live in, as strict Structs.

The TOML files map onto these Structs one to one (docs/personas.md). Decoding them, with errors
that name file and key, is `content_files.py`'s; this module only says what may stand in them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from .staging import Relation, Scene, Suggestion, ToneRule, Trigger


class Fact(Struct, frozen=True, forbid_unknown_fields=True):
    """Something an NPC knows. In a file, a plain string stands for a fact without conditions.

    `when` is a condition on the game state (conditions.py); `keys` are words of the player's
    line that make it relevant, besides the words of its own text.
    """

    text: str
    when: str = ""
    keys: list[str] = field(default_factory=list)
    name: str = ""
    """For designers: triggers name it, it stands in reports and never enters a prompt."""


class KnownBy(Struct, frozen=True, forbid_unknown_fields=True):
    """Who may know something: any of these NPCs, members of these factions, people of these
    places. In a file, a plain list stands for `npcs`."""

    npcs: list[str] = field(default_factory=list)
    factions: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)


class Entry(Fact, frozen=True, forbid_unknown_fields=True):
    """Something to know about the world (lore.py). Without `keys` it is always in the prompt of
    those who may know it; with `keys` only when one of them was spoken of lately, unless
    `always`."""

    always: bool = False
    secondary_keys: list[str] = field(default_factory=list)
    logic: Literal["any", "all", "not_any", "not_all"] = "any"
    """What `secondary_keys`, if there are any, must do besides a key being there."""
    known_by: KnownBy | None = None
    """None: everybody."""
    priority: int = 0
    """Over budget, the lowest goes first; among equals, the later in the file."""
    scan_depth: int | None = None
    """How many lines of the talk are searched for keys; None: as `World.lore_rules` says."""
    recursive: bool = True
    """Whether its text may call up other entries."""


class LoreBook(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of lore/: entries that belong together. `known_by` and `when` hold for all of them,
    besides their own."""

    entries: list[Entry]
    name: str = ""
    known_by: KnownBy | None = None
    when: str = ""
    translations: dict[str, LoreBook] = field(default_factory=dict)
    """By language tag in lower case, from the files lore/NAME.TAG.toml; never written here."""


class LoreRules(Struct, frozen=True, forbid_unknown_fields=True):
    """How lore is chosen. `budget` is in tokens, for all lore of one prompt."""

    budget: int = 1000
    scan_depth: int = 4
    """How many lines of the talk are searched for keys, the player's new one included."""
    recursion: int = 2
    """How many times the text of entries that came in may call up others; 0: never."""


class MemoryRules(Struct, frozen=True, forbid_unknown_fields=True):
    """What NPCs remember of what has left the newest lines (memory/past.py)."""

    share: Annotated[float, Meta(ge=0, le=0.5)] = 0.4
    """The share of a prompt's budget that memories may take; 0: none."""
    summaries: bool = True
    """Whether the model may sum up older lines, in the background."""
    elsewhere: bool = True
    """Whether an NPC remembers what it heard in the player's other conversations."""


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the persona that applies only while `when` holds."""

    text: str
    when: str


class Example(Struct, frozen=True, forbid_unknown_fields=True):
    """An exchange that shows how the NPC talks. `fact` is what the answer rests on, if
    anything: a tiny model learns from it to use the fact beside the player's line."""

    player: str
    npc: str
    fact: str = ""


class Parameter(Struct, frozen=True, forbid_unknown_fields=True):
    """One parameter of an action. `values` are the only ones allowed, where given; `among` is a
    path of the state with what there is now, a list or a table by name, and only that is."""

    type: Literal["string", "integer", "number", "boolean"] = "string"
    description: str = ""
    values: list[str | int | float] = field(default_factory=list)
    among: str = ""
    required: bool = True


class Action(Struct, frozen=True, forbid_unknown_fields=True):
    """Something the NPC may do in the game, by a tag in its answer."""

    name: str
    description: str
    parameters: dict[str, Parameter] = field(default_factory=dict)
    when: str = ""
    awaits: bool = False
    """Whether the game says what came of it (`action_result`); the NPC then speaks of that."""


class Reaction(Struct, frozen=True, forbid_unknown_fields=True):
    """Events that the NPC speaks up at by itself: of this `name`, with one of these `keys` in
    the text, while `when` holds; what is left out fits every event."""

    name: str = ""
    keys: list[str] = field(default_factory=list)
    when: str = ""


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    """An authored answer: spoken by the scripted backend, and in place of a failed model, when
    the player's line shares words with `keys`. `mood` goes out as a cue."""

    text: str
    keys: list[str] = field(default_factory=list)
    when: str = ""
    mood: str = ""


class Model(Struct, frozen=True, forbid_unknown_fields=True):
    """What this NPC asks of the model, over the server's settings."""

    name: str = ""
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    seed: int | None = None


class Guards(Struct, frozen=True, forbid_unknown_fields=True):
    """Rules over an answer on its way to the player (guards/). What a persona leaves out is as in
    world.toml; its lists are added to the world's. Without any rule nothing is held back."""

    character: bool | None = None
    """Against talk of models, prompts and being an assistant, and against code."""
    prompt: bool | None = None
    """Against the prompt's own words: instructions, the persona's description."""
    player: bool | None = None
    """Against speaking for the player."""
    repeats: bool | None = None
    """Against saying again what the NPC has said lately."""
    language: bool | None = None
    """Against another language than the one to answer in."""
    forbidden: list[str] = field(default_factory=list)
    """Words and phrases that are never said; "dragon*" is any word that begins so."""
    anachronisms: list[str] = field(default_factory=list)
    """The same, for what this world cannot know."""
    topics: dict[str, list[str]] = field(default_factory=dict)
    """The same, for what is not spoken of: a topic's name and its words."""
    allowed: list[str] = field(default_factory=list)
    """Phrases that may be said though a rule above catches them."""
    max_sentences: int | None = None
    """The answer ends after so many sentences."""
    max_chars: int | None = None
    """The answer ends with the last sentence that is within so many code points."""
    hold: Literal["every", "first"] | None = None
    """Which sentences wait until they are whole and have passed: every one (the default), or
    only the first, while later ones stream and are taken back."""
    retries: int | None = None
    """How often the model is asked anew before an authored line is spoken; 1 by default."""
    report_only: bool | None = None
    """Hits are logged, and nothing else happens: to try rules out."""


class Persona(Struct, frozen=True, forbid_unknown_fields=True):
    """One NPC. `id` must equal the file's stem; only `id`, `name` and `description` are
    needed."""

    id: str
    name: str
    description: str
    essence: str = ""
    """One sentence that is the whole character to a tiny model; else `description` is used."""
    personality: str = ""
    speech_style: str = ""
    knowledge: list[Fact] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    moods: list[str] = field(default_factory=list)
    mood: str = ""
    """The mood at the start; one of `moods`."""
    actions: list[Action] = field(default_factory=list)
    greeting: str = ""
    fallback: list[str] = field(default_factory=list)
    """What the NPC says when the model cannot; never about the model."""
    fillers: list[str] = field(default_factory=list)
    """A sound or a word while the answer is late ("Hm …"); shown, never remembered."""
    lines: list[Line] = field(default_factory=list)
    sees: list[str] = field(default_factory=lambda: ["*"])
    """Which state paths this NPC may know of, as patterns: "quest.*", "weather"."""
    factions: list[str] = field(default_factory=list)
    """What the NPC belongs to; `known_by.factions` of lore entries names them."""
    places: list[str] = field(default_factory=list)
    """Where the NPC is at home; `known_by.places` names them."""
    mood_intensity: int = 30
    """How strong the mood at the start is, and at rest: 0 to 100."""
    mood_decay: int = 10
    """How much every mood goes back towards rest with each line of the player."""
    mood_texts: dict[str, str] = field(default_factory=dict)
    """How the NPC is in a mood; in the prompt while it lasts."""
    tone: list[ToneRule] = field(default_factory=list)
    """What moves the mood (tone.py)."""
    aliases: list[str] = field(default_factory=list)
    """Other names that the player may call the NPC by."""
    narrator: bool = False
    """It is nobody in the scene, and tells what happens when the client lets it go on."""
    relationships: dict[str, list[Relation]] = field(default_factory=dict)
    """What it thinks of others: by an NPC's id, a faction, or "player"."""
    triggers: list[Trigger] = field(default_factory=list)
    suggestions: list[Suggestion] = field(default_factory=list)
    """Lines that the player might say to it."""
    reacts: list[Reaction] = field(default_factory=list)
    talkativeness: float = 0.5
    """How readily the NPC speaks where several could: 0 only when addressed, 1 always."""
    language: str = ""
    """What the NPC speaks if nobody asks for another language, as a tag such as "de-AT"."""
    guards: Guards = Guards()
    translations: dict[str, Persona] = field(default_factory=dict)
    """By language tag in lower case, from the files personas/ID.TAG.toml (languages.py); never
    written in the persona's own file."""
    model: Model = Model()


class World(Struct, frozen=True, forbid_unknown_fields=True):
    """world.toml: what all NPCs share. `state` is the game state before a game sends one."""

    name: str
    description: str
    essence: str = ""
    """The setting in one sentence, for a tiny model."""
    lore: list[Entry] = field(default_factory=list)
    lore_rules: LoreRules = LoreRules()
    memory_rules: MemoryRules = MemoryRules()
    clock: str = ""
    """The state's path that tells the game's time ("time.day"): memories are stamped with it."""
    scenes: dict[str, Scene] = field(default_factory=dict)
    """The places that a client may name in `open.scene`."""
    triggers: list[Trigger] = field(default_factory=list)
    terms: list[str] = field(default_factory=list)
    """Names that stay as they are in every language."""
    guards: Guards = Guards()
    translations: dict[str, World] = field(default_factory=dict)
    """By language tag in lower case, from the files world.TAG.toml; never written here."""
    state: dict[str, Any] = field(default_factory=dict)
    books: dict[str, LoreBook] = field(default_factory=dict)
    """The files of lore/, by their stem; never written in world.toml itself."""
