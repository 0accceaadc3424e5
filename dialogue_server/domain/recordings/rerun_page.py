"""A re-run as one self-contained HTML page: no script, no font, nothing fetched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from .rerun import Compared, Row, Said, rows
from .rerun_report import first_words, marked, sources, summary


def page(compared: Sequence[Compared], title: str, notes: Sequence[str] = ()) -> str:
    """The page: NPCs, the most changed first; the sources that changed prompts; every answer
    that is otherwise, then and now."""
    changed = [each for each in compared if each.what]
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<style>{_STYLE}</style></head><body><main>",
            f"<h1>{escape(title)}</h1><p><b>{escape(summary(compared))}</b></p>",
            *(f"<p class=note>{escape(note)}</p>" for note in notes),
            *_npcs(rows(compared)),
            *_sources(changed),
            *_answers(changed, [row.npc for row in rows(compared)]),
            "</main></body></html>",
            "",
        ]
    )


def _npcs(found: Sequence[Row]) -> Iterator[str]:
    yield "<h2>NPCs, the most changed first</h2><table><thead><tr>"
    for name in ("NPC", "changed answers", "text", "moods", "actions", "prompt", "alike"):
        yield f"<th scope=col>{name}</th>"
    yield "<th scope=col>first word</th></tr></thead><tbody>"
    for row in found:
        name = escape(row.npc or "(nobody)")
        link = f'<a href="#n-{_anchor(row.npc)}">{name}</a>' if any(row.changed.values()) else name
        share = f"{100 * row.noticed:.0f}%"
        yield (
            f"<tr><th scope=row>{link}</th><td class=share style='--share:{share}'>"
            f"{row.changed['answers']} of {row.answers}</td>"
        )
        for what in ("text", "moods", "actions", "prompt"):
            yield f"<td>{row.changed[what] or '–'}</td>"
        yield f"<td>{100 * row.likeness:.0f} %</td>"
        yield f"<td>{first_words(row.first_before, row.first_now) or '–'}</td></tr>"
    yield "</tbody></table>"


def _sources(changed: Sequence[Compared]) -> Iterator[str]:
    found = sources(changed)
    if found:
        yield "<h2>What changed the prompts</h2><table><tbody>"
        for source, number in found:
            yield f"<tr><th scope=row>{escape(source)}</th><td>{number} prompts</td></tr>"
        yield "</tbody></table>"


def _answers(changed: Sequence[Compared], order: Sequence[str]) -> Iterator[str]:
    for npc in order:
        own = [each for each in changed if each.npc == npc]
        if own:
            yield f'<h2 id="n-{_anchor(npc)}">{escape(npc or "(nobody)")}</h2>'
            for each in own:
                yield from _answer(each)


def _answer(each: Compared) -> Iterator[str]:
    chips = "".join(f"<span class=chip>{name}</span>" for name in each.what)
    yield f"<article><p class=note>{escape(each.file)}, request {each.place} {chips}</p>"
    yield f"<p class=asked>{escape(each.asked)}</p>"
    words = marked(each.before.text, each.now.text)
    yield _said(each.before, words, "-", "then")
    yield _said(each.now, words, "+", "now")
    if each.sources:
        listed = ", ".join(f"{change.source} {change.how}" for change in each.sources)
        yield f"<p class=note>Prompt: {escape(listed)}</p>"
    if each.prompt:
        yield "<details><summary>Difference of the prompts</summary><pre>"
        for line in each.prompt:
            tag = {"+": "ins", "-": "del"}.get(line[:1], "span")
            yield f"<{tag}>{escape(line)}</{tag}>"
        yield "</pre></details>"
    yield "</article>"


def _said(said: Said, words: Sequence[tuple[str, str]], own: str, when: str) -> str:
    tag = {"-": "del", "+": "ins"}[own]
    text = "".join(
        escape(part) if kind == " " else f"<{tag}>{escape(part)}</{tag}>"
        for kind, part in words
        if kind in (" ", own)
    )
    chips = "".join(
        f"<span class=chip>{escape(name)}</span>"
        for name in (
            *said.moods,
            *(f"*{action}*" for action in said.actions),
            *(f"trigger {trigger}" for trigger in said.triggers),
            *([said.end] if said.end not in ("", "complete") else []),
        )
    )
    time = f" <span class=note>{said.first_ms} ms</span>" if said.first_ms else ""
    who = f"{escape(said.npc)} " if said.npc else ""
    return f"<div class={when}><b>{who}{when}</b>{time} {chips}<p>{text}</p></div>"


def _anchor(npc: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else f"_{ord(c):x}" for c in npc)


_STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.3rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .4rem}
.note,summary{color:GrayText;font-size:.85rem}
table{border-collapse:collapse}th,td{text-align:left;padding:.2rem .8rem;border-bottom:1px solid}
td{font-variant-numeric:tabular-nums}
.share{background:linear-gradient(90deg,#c3392b55 var(--share),transparent var(--share))}
article{border-left:4px solid GrayText;padding:.2rem 1rem;margin:1rem 0}
.asked{font-weight:600;margin:.2rem 0}.then p,.now p{margin:.1rem 0 .5rem;white-space:pre-wrap}
.chip{font-size:.8rem;border:1px solid GrayText;border-radius:.6rem;padding:0 .5rem;margin:0 .2rem}
ins{background:#2e8b5744;text-decoration:none}del{background:#c3392b44}
pre{white-space:pre-wrap;font-size:.85rem}pre>*{display:block}
"""
