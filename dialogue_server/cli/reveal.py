"""The typewriter, without a terminal: what of a turn may be seen by now.

Text comes in bursts and is shown cluster by cluster at an even pace; cues come out when the
reveal reaches their offset, and a pause among them holds it up. Times are passed in.
"""

from __future__ import annotations

from collections import deque

from dialogue_protocol.messages import Cue

from ..domain.graphemes import clusters

LONGEST_PAUSE = 3.0
"""Seconds; a pause is the model's wish, and nobody waits longer for one."""


class Reveal:
    """One turn's reveal. Feed it with `text` and `cue`; ask `due` what to show.

    `speed` is in code points a second; 0 shows everything at once, pauses or not. `shown`
    counts the code points that `due` has handed out, which is what an interrupt reports.
    """

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self.shown = 0
        self._waiting: deque[str] = deque()
        self._cues: deque[Cue] = deque()
        self._clock = 0.0
        self._complete = False

    def text(self, text: str) -> None:
        """More of the turn's text; deltas never split a cluster, so neither does this."""
        self._waiting.extend(clusters(text))

    def cue(self, cue: Cue) -> None:
        """Something to do when its offset is reached; cues come in the order of offsets."""
        self._cues.append(cue)

    def complete(self) -> None:
        """No more text will come: a cue beyond its end is shown there."""
        self._complete = True

    def hurry(self) -> None:
        """Show the rest at once."""
        self.speed = 0

    @property
    def empty(self) -> bool:
        """Whether everything that was fed has been shown."""
        return not self._waiting and not self._cues

    @property
    def upcoming(self) -> str:
        """The text that is known but not shown, up to its first space."""
        word = []
        for cluster in self._waiting:
            if cluster.isspace():
                break
            word.append(cluster)
        return "".join(word)

    def wait(self, now: float) -> float | None:
        """Seconds until `due` has something; None if it has to be fed first."""
        ready = self._waiting or self._cue_is_due()
        return max(0.0, self._clock - now) if ready else None

    def due(self, now: float) -> str | Cue | None:
        """The next cluster or cue to show, or None if it is not yet time."""
        if self.speed and now < self._clock:
            return None
        # After a wait for text the pace starts again; it does not catch up in a rush.
        clock = max(self._clock, now - 0.05)
        if self._cue_is_due():
            cue = self._cues.popleft()
            if cue.kind == "pause":
                self._clock = clock + _pause_seconds(cue)
            return cue
        if not self._waiting:
            return None
        cluster = self._waiting.popleft()
        self.shown += len(cluster)
        if self.speed:
            self._clock = clock + len(cluster) / self.speed
        return cluster

    def _cue_is_due(self) -> bool:
        if not self._cues:
            return False
        # A cue may arrive before the text that leads up to it.
        return self._cues[0].offset <= self.shown or (self._complete and not self._waiting)


def _pause_seconds(cue: Cue) -> float:
    ms = cue.args.get("ms", 0)
    return min(ms / 1000, LONGEST_PAUSE) if isinstance(ms, int | float) and ms > 0 else 0.0
