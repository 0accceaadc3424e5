"""A recorded session as one self-contained HTML page: no script, no font, nothing fetched."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from statistics import median

from dialogue_protocol.messages import Cue, Delta, Error, Noted, Opened, Trigger, Turn, TurnEnd
from msgspec import Struct, field

from .exchanges import Exchange, asked_line, exchanges
from .recording import Asked, Recording

_HUES = (200, 25, 150, 285, 340, 95)


class _Told(Struct):
    """A turn as it was told. Times in milliseconds since the session began."""

    place: int
    npc: str
    name: str
    at: float
    first: float = 0.0
    end: float = 0.0
    parts: list[str] = field(default_factory=list)
    """Text and cues, as HTML."""
    moods: list[tuple[float, str]] = field(default_factory=list)
    reason: str = "unfinished"
    note: str = ""


def page(recording: Recording, title: str) -> str:
    """The page. `title` is shown at its top, beside what the recording says of itself."""
    prompts = {e.what.turn: e.what for e in recording.entries if isinstance(e.what, Asked)}
    names: dict[str, str] = {}
    told: list[_Told] = []
    body = [
        section
        for exchange in exchanges(recording)
        for section in _exchange(exchange, names, prompts, told)
    ]
    hues = {npc: _HUES[n % len(_HUES)] for n, npc in enumerate(dict.fromkeys(t.npc for t in told))}
    end = max([1.0, *(entry.at for entry in recording.entries)])
    head = recording.head
    about = " · ".join(
        filter(None, (f"session {head.session}", head.client, head.server, *_figures(told)))
    )
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<style>{_STYLE}{_colours(hues)}</style></head><body>",
            f"<h1>{escape(title)}</h1><p class=about>{escape(about)}</p>",
            *_timeline(told, end),
            "<main>",
            *body,
            "</main></body></html>",
            "",
        ]
    )


def _exchange(
    exchange: Exchange, names: dict[str, str], prompts: dict[int, Asked], told: list[_Told]
) -> Iterator[str]:
    line = asked_line(exchange.request)
    if line:
        kind = "player" if line.startswith(">") else "world"
        yield f"<p class={kind}>{_time(exchange.at)}{escape(line.removeprefix('> '))}</p>"
    turns: dict[int, _Told] = {}
    for delay, answer in exchange.answers:
        at = exchange.at + delay
        match answer:
            case Opened():
                names |= {npc.id: npc.name for npc in answer.npcs}
                if answer.greeting:
                    npc = answer.npcs[0]
                    yield f"<p class=npc><b>{escape(npc.name)}</b> {escape(answer.greeting)}</p>"
            case Turn():
                turns[answer.turn] = turn = _Told(
                    len(told), answer.npc, names.get(answer.npc, answer.npc), exchange.at
                )
                told.append(turn)
            case Delta(turn=number, text=text) if number in turns:
                turns[number].first = turns[number].first or at
                turns[number].end = at
                turns[number].parts.append(escape(text))
            case Cue(turn=number) if number in turns:
                _note_cue(turns[number], answer, at)
            case TurnEnd(turn=number) if number in turns:
                turns[number].end = at
                turns[number].reason = answer.reason
                turns[number].note = _note(answer)
            case Error():
                yield f"<p class=error>{escape(f'{answer.code}: {answer.detail}')}</p>"
            case Noted():
                yield "<p class=world>nobody answers</p>"
            case Trigger():
                yield f"<p class=world>trigger {escape(answer.name)}</p>"
            case _:
                pass
    for number, turn in turns.items():
        yield "".join(_turn(turn, prompts.get(number)))


def _turn(turn: _Told, asked: Asked | None) -> Iterator[str]:
    yield (
        f'<article id=t{turn.place} class="npc n-{_class(turn.npc)}"><b>{escape(turn.name)}</b> '
        f"{''.join(turn.parts)}<p class=note>{escape(turn.note or turn.reason)}</p>"
    )
    if asked is not None:
        model = escape(" ".join(filter(None, (asked.backend, asked.model))))
        yield f"<details><summary>the prompt, for {model}</summary>"
        for message in asked.messages:
            yield f"<h4>{escape(message.role)}</h4><pre>{escape(message.content)}</pre>"
        yield "</details>"
    yield "</article>"


def _note_cue(turn: _Told, cue: Cue, at: float) -> None:
    if cue.kind == "mood":
        turn.moods.append((at, cue.name))
        shown = " ".join([cue.name, *(str(v) for k, v in cue.args.items() if k == "intensity")])
        turn.parts.append(f" <i class=mood>{escape(shown)}</i> ")
    elif cue.kind == "action":
        args = "".join(f" {key}={value}" for key, value in cue.args.items())
        turn.parts.append(f" <i class=action>{escape(cue.name + args)}</i> ")


def _note(end: TurnEnd) -> str:
    parts = [] if end.reason == "complete" else [end.reason]
    parts += [f"first word {end.first_token_ms} ms", f"all {end.total_ms} ms"]
    if end.output_tokens:
        parts.append(f"{end.input_tokens} tokens in, {end.output_tokens} out")
    if end.code:
        parts.append(f"{end.code}: {end.detail}")
    return ", ".join(parts)


def _figures(told: list[_Told]) -> Iterator[str]:
    yield f"{len(told)} turns"
    waits = [turn.first - turn.at for turn in told if turn.first]
    if waits:
        yield f"first word {median(waits):.0f} ms (median), {max(waits):.0f} ms at worst"


def _timeline(told: list[_Told], end: float) -> Iterator[str]:
    """A row an NPC: how long it was waited for, how long it spoke, and its moods."""
    yield '<section class=timeline aria-label="Timeline">'
    for npc in dict.fromkeys(turn.npc for turn in told):
        own = [turn for turn in told if turn.npc == npc]
        yield f'<div class="row n-{_class(npc)}"><span>{escape(own[0].name)}</span><div>'
        for turn in own:
            first, last = turn.first or turn.end or turn.at, max(turn.end, turn.at)
            label = escape(f"{turn.name} at {turn.at / 1000:.1f} s: {turn.note or turn.reason}")
            link = f'<a href=#t{turn.place} title="{label}"'
            yield f"{link} class=wait {_span(turn.at, first, end)}></a>"
            yield f"{link} class=talk {_span(first, last, end)}></a>"
            for at, mood in turn.moods:
                yield f'<em style="left:{100 * at / end:.2f}%">{escape(mood)}</em>'
        yield "</div></div>"
    yield f"<p class=note>0 to {end / 1000:.1f} s; pale: waiting for the first word</p></section>"


def _span(start: float, stop: float, end: float) -> str:
    width = 100 * max(0.0, stop - start) / end
    return f'style="left:{100 * start / end:.2f}%;width:{width:.2f}%"'


def _time(at: float) -> str:
    return f"<time>{at / 1000:.1f} s</time> "


def _class(npc: str) -> str:
    """An NPC's id as a class: letters and digits, others as their code."""
    return "".join(c if c.isascii() and c.isalnum() else f"_{ord(c):x}" for c in npc)


def _colours(hues: dict[str, int]) -> str:
    return "".join(f".n-{_class(npc)}{{--hue:{hue}}}" for npc, hue in hues.items())


_STYLE = """
:root{color-scheme:light dark;--hue:200}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.3rem;margin:0}.about,.note,time,summary{color:GrayText;font-size:.85rem}time{font-weight:400}
.timeline{position:sticky;top:0;background:Canvas;padding:.5rem 0;border-bottom:1px solid GrayText}
.row{display:flex;gap:1rem;align-items:center}.row>span{width:7rem;overflow:hidden}
.row>div{position:relative;flex:1;height:2.6rem}
.row a{position:absolute;top:.2rem;height:.9rem;min-width:2px;background:hsl(var(--hue) 60% 45%)}
.row a.wait{opacity:.3}.row a:focus,.row a:hover{outline:2px solid}
.row em{position:absolute;top:1.2rem;font-size:.75rem;white-space:nowrap}
main p,article{margin:.6rem 0;white-space:pre-wrap}
.player{padding-left:2rem;font-weight:600}.world{color:GrayText}.error{color:#c33}
article{padding:.4rem .8rem;border-left:4px solid hsl(var(--hue) 60% 45%)}
article .note{margin:.2rem 0}article:target{outline:2px solid hsl(var(--hue) 60% 45%)}
.mood,.action{font-size:.85rem;border-radius:.6rem;padding:0 .5rem;border:1px solid GrayText}
.action{font-weight:600}
pre{white-space:pre-wrap;font-size:.85rem;border-left:1px solid GrayText;padding-left:.8rem}
h4{margin:.5rem 0 0}
"""
