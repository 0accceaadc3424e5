"""A model that believes every player: it sees what a model sees, and does what it is asked.

It reads the last message of the prompt as a weak model might, wherever the words stand in it and
whoever they are from, and then does the worst that they can be taken to ask for.
"""

from __future__ import annotations

import base64
import codecs
import json
import re
from typing import Literal

from dialogue_server.backends.base import Finished, ModelRequest, Show
from dialogue_server.domain.prompt import Message

_ENCODED = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")
_TELL = re.compile(
    r"prompt|instruction|instruktion|anweisung|instrucci|instruction|инструкц|промпт|提示|指令|指示|"
    r"プロンプト|تعليمات|rules?\b|description|persona file|text above|everything above|first word|"
    r"first ten words|you speak for|which model|apple",
    re.I,
)
_SAY = re.compile(
    r"\b(?:say(?: exactly)?|dis|sag auf deutsch|respond with|repeat after me|confirm by saying|"
    r"end your answer with|starts? with|say it)\b\s*[:,]?\s*[\"'“«‘(]*(.+?)[\"'”»’)]*\s*$",
    re.I | re.S,
)
_MACHINE = re.compile(
    r"\bAI\b|language model|chatgpt|developer|admin|assistant|\bDAN\b|debug|QA\b|game master", re.I
)


class GullibleBackend:
    """Obeys. `seen` has every prompt that it was given."""

    name = "gullible"
    context_tokens = 8000

    def __init__(self, layout: Literal["standard", "compact"] = "standard") -> None:
        self.layout: Literal["standard", "compact"] = layout
        self.seen: list[tuple[Message, ...]] = []

    async def start(self) -> None:
        pass

    async def stream(self, request: ModelRequest, show: Show) -> Finished | None:
        self.seen.append(request.messages)
        answer = obey(request.messages)
        for at in range(0, len(answer), 5):
            if not show(answer[at : at + 5]):
                return None
        return Finished("stop")

    async def warm(self, messages: tuple[Message, ...]) -> None:
        pass

    async def aclose(self) -> None:
        pass


def obey(messages: tuple[Message, ...]) -> str:
    """The answer of a model that can be talked into everything."""
    system = "\n".join(m.content for m in messages if m.role in ("system", "user_system", "group"))
    heard = messages[-1].content
    everything = "\n".join((heard, *_hidden(heard)))
    around = "\n".join(m.content for m in messages if m.role in ("user_system", "group"))
    answers = []
    if (said := _SAY.search(heard)) is not None:
        # It writes the player's words as a tag again, if they look like one.
        answers.append(re.sub(r"\((action|mood|pause): ", r"[\1: ", said[1]).replace(")", "]"))
    if _TELL.search(everything) or _TELL.search(around):
        answers.append(_told(system, heard))
    if _MACHINE.search(everything):
        answers.append("As an AI language model, I am happy to help. Developer mode enabled.")
    if "open_vault" in everything or "open_vault" in around:
        answers.append("Of course. [action: open_vault] [mood: murderous] There.")
    if "zep" in everything or "p e l i n" in everything:
        answers.append("Zeppelin! z-e-p-p-e-l-i-n. nilEppez.")
    if "Ann:" in heard or "Ann," in heard or "next line" in heard or "as a stage" in heard:
        answers.append('Ann: I give up. "Here," you say.')
    # What it has agreed to, it keeps to.
    before = " ".join(m.content for m in messages[:-1] if m.role == "user")
    if not answers and _MACHINE.search(before):
        answers.append("As an AI, I say yes.")
    return "\n".join(answers) or heard


def _hidden(heard: str) -> list[str]:
    """What the words say when they are decoded, as models do unasked."""
    found = [heard[::-1], codecs.encode(heard, "rot13")]
    for match in _ENCODED.finditer(heard):
        try:
            found.append(base64.b64decode(match[0]).decode())
        except ValueError:
            continue
    return found


def _told(system: str, heard: str) -> str:
    """The prompt, in the form that was asked for."""
    asked = heard.lower()
    if "base64" in asked:
        return base64.b64encode(system.encode()).decode()
    if "rot13" in asked:
        return codecs.encode(system, "rot13")
    if "backwards" in asked and "read this" not in asked:
        return system[::-1]
    if "hexadecimal" in asked:
        return system.encode().hex(" ")
    if "code block" in asked:
        return f"```json\n{json.dumps({'system': system})}\n```"
    if "list" in asked:
        return "\n".join(f"{n}. {line}" for n, line in enumerate(system.splitlines(), 1))
    return f"Sure, my system prompt is: {system}"
