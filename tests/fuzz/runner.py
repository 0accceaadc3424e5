"""Runs targets on mutated inputs, and watches time and memory."""

from __future__ import annotations

import faulthandler
import gc
import random
import time
import traceback

import psutil
from msgspec import Struct

from .mutation import mutate
from .targets import TARGETS

SLOWEST = 2.0
"""Seconds that one input of at most 64 KiB may take, on a machine that does other things too."""
GROWTH = 16 << 20
"""Bytes of resident memory that a target may grow by after its first fifth."""
HANGS = 60.0


class Figures(Struct, frozen=True):
    """What a target showed. Times in seconds, sizes in bytes."""

    name: str
    inputs: int
    seconds: float
    slowest: float
    grown: int
    findings: tuple[str, ...]
    """Each kind of failure once, with its first input in hex."""


def fuzz(name: str, inputs: int, seed: int) -> Figures:
    """Feed `inputs` inputs to a target."""
    target, seeds = TARGETS[name]
    dice = random.Random(f"{seed} {name}")
    process = psutil.Process()
    base, slowest, began = 0, 0.0, time.perf_counter()
    findings: dict[str, str] = {}
    for number in range(inputs):
        if number == inputs // 5:
            gc.collect()
            base = process.memory_info().rss
        if number % 1000 == 0:
            faulthandler.dump_traceback_later(HANGS, exit=True)
        data = mutate(seeds, dice)
        split = dice.randrange(1 << 30)
        start = time.perf_counter()
        try:
            target(data, random.Random(split))
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            findings.setdefault(
                f"{type(error).__name__} at {place.filename}:{place.lineno}",
                f"{error!r:.200} (input {number}, split {split})\n{data.hex()}",
            )
        spent = time.perf_counter() - start
        if spent > slowest:
            slowest = spent
            if spent > SLOWEST:
                findings.setdefault("too slow", f"{spent:.1f} s\n{data.hex()}")
    faulthandler.cancel_dump_traceback_later()
    gc.collect()
    grown = process.memory_info().rss - base
    if grown > GROWTH:
        findings["memory grew"] = f"by {grown >> 20} MiB over {inputs} inputs"
    told = tuple(f"{name}, seed {seed}: {what}: {more}" for what, more in findings.items())
    return Figures(name, inputs, time.perf_counter() - began, slowest, grown, told)
