"""The loop of a chat: read a line, obey it or say it, play the answer."""

from __future__ import annotations

import copy
import json
from typing import Any

from dialogue_protocol.messages import Player

from .keyboard import Interrupts, Keyboard
from .link import Link
from .talk import Refused, Report, Talk
from .terminal import Terminal

HELP = """\
  /npc ID            talk to somebody else
  /state             show the state that you set
  /state KEY=VALUE   change the game's state; KEY may be a path, VALUE is JSON or text
  /mood              how the NPC feels
  /help              this
  Enter              while somebody speaks: show the rest at once
  Ctrl-C             while somebody speaks: interrupt; else leave
  Ctrl-D             leave"""


class ChatLoop:
    """One person at a keyboard and one conversation at a time. `everybody` is who may be named
    to talk to, as far as that is known; `state` what the game's state is changed to for each."""

    def __init__(
        self,
        link: Link,
        terminal: Terminal,
        player: Player,
        *,
        speed: float,
        everybody: list[str],
        state: dict[str, Any] | None = None,
    ) -> None:
        self._terminal = terminal
        self._talk = Talk(link, terminal, player, speed=speed)
        self._everybody = everybody
        self._npc = ""
        self._scene = ""
        self._state = state or {}
        self._keyboard = Keyboard(self._talk.hurry)
        self._leaving = False

    async def run(self, npc: str, scene: str = "") -> None:
        """Talk until the person leaves. Raises Refused if the first NPC cannot be talked to,
        LinkLost when the server is gone."""
        self._scene = scene
        with Interrupts(self._interrupted):
            others = [other for other in self._everybody if other != npc]
            if others:
                self._terminal.note(f"Also here: {', '.join(others)} (/npc ID). /help for more.")
            await self._turn_to(npc)
            while (line := await self._line()) is not None:
                try:
                    await self._obey(line.strip())
                except Refused as refusal:
                    self._terminal.error(str(refusal))
            await self._talk.close()

    async def _line(self) -> str | None:
        if self._leaving:
            return None
        if self._terminal.interactive and not self._keyboard.pending:
            self._terminal.prompt("> ")
        line = await self._keyboard.line()
        if line is None and self._terminal.interactive:
            self._terminal.say()
        return line

    async def _obey(self, line: str) -> None:
        command, _, rest = line.partition(" ")
        match command:
            case "":
                return
            case "/help" | "/?":
                self._terminal.say(HELP)
            case "/npc" if rest.strip():
                await self._turn_to(rest.strip())
            case "/npc":
                self._terminal.say(", ".join(self._everybody) or f"You talk to {self._npc}.")
            case "/mood":
                self._terminal.say(self._talk.mood.get(self._npc) or "no mood in particular")
            case "/state":
                await self._change_state(rest.strip())
            case "/quit" | "/exit":
                self._leaving = True
            case _ if command.startswith("/"):
                self._terminal.error(f"{command} is not known; /help lists what is")
            case _:
                self._remark(await self._talk.say(line))

    async def _turn_to(self, npc: str) -> None:
        opened = await self._talk.open(f"terminal-{npc}"[:64], [npc], self._scene)
        self._npc = npc
        if opened.history:
            self._terminal.note(
                f"({opened.npcs[0].name} remembers you: {opened.history} lines so far.)"
            )
        if self._state:
            await self._talk.set_state(self._state)

    async def _change_state(self, assignment: str) -> None:
        if not assignment:
            self._terminal.say(json.dumps(self._state, ensure_ascii=False, indent=2))
            return
        key, equals, value = assignment.partition("=")
        if not equals or not key.strip():
            self._terminal.error("write it as /state KEY=VALUE, such as /state quest.lamp=lit")
            return
        patch = patch_of(key.strip(), value.strip())
        revision = await self._talk.set_state(patch)
        merge(self._state, patch)
        self._terminal.note(f"(The state has changed, revision {revision}.)")

    def _remark(self, report: Report) -> None:
        if report.reason == "refused":
            self._terminal.error(f"{report.detail} ({report.code})")
        elif report.reason == "interrupted":
            self._terminal.note(f"(It remembers the first {report.seen} characters.)")

    def _interrupted(self) -> None:
        if self._talk.speaking:
            self._talk.interrupt()
        else:
            self._leaving = True
            self._keyboard.end()


def patch_of(path: str, text: str) -> dict[str, Any]:
    """The merge patch that sets one value: `quest.lamp`, `lit` → {"quest": {"lamp": "lit"}}.
    What reads as JSON is JSON (true, 3, null to remove), everything else is text."""
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    for key in reversed(path.split(".")):
        value = {key: value}
    assert isinstance(value, dict)
    return value


def merge(target: dict[str, Any], patch: dict[str, Any]) -> None:
    """What the person has set so far, for the NPC that comes next. Keeps the nulls, which
    remove what the world begins with."""
    for key, value in patch.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            merge(target[key], value)
        else:
            target[key] = copy.deepcopy(value)
