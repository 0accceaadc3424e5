"""What was sent and may have to be sent again, bounded by memory."""

from __future__ import annotations

import sys
from collections import deque

from .codec import Frame

FRAME_OVERHEAD = 8
"""What the buffer itself spends on a frame, in bytes: one slot of a deque."""


class ReplayBuffer:
    """The newest frames of a sequence, as many as fit into `capacity` bytes of memory.

    It holds the frames numbered `first` to `last`; empty when `first` is `last + 1`. A frame
    costs what the object occupies, not only its payload, so that a thousand small deltas of a
    detached session stay within the bound as well.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.size = 0
        self.last = 0
        self._frames: deque[Frame] = deque()

    @property
    def first(self) -> int:
        """The number of the oldest frame that is still here."""
        return self.last - len(self._frames) + 1

    def append(self, frame: Frame) -> None:
        """Take the next frame; the oldest ones give way if there is no room."""
        self.last += 1
        self._frames.append(frame)
        self.size += sys.getsizeof(frame) + FRAME_OVERHEAD
        while self.size > self.capacity:
            self._drop()

    def release(self, seq: int) -> None:
        """Forget everything up to and including number `seq`."""
        while self._frames and self.first <= seq:
            self._drop()

    def after(self, seq: int) -> list[Frame] | None:
        """The frames that follow number `seq`, or None where one of them is gone or `seq` was
        never reached."""
        if not self.first - 1 <= seq <= self.last:
            return None
        skipped = seq + 1 - self.first
        return [frame for index, frame in enumerate(self._frames) if index >= skipped]

    def replace(self, frames: list[Frame]) -> None:
        """The same messages in another encoding: `frames` take the place of the newest ones,
        whatever is older is forgotten. Eviction is left to the next append."""
        self._frames = deque(frames)
        self.size = sum(sys.getsizeof(frame) + FRAME_OVERHEAD for frame in frames)

    def clear(self) -> None:
        """Forget everything; numbers go on."""
        self._frames.clear()
        self.size = 0

    def _drop(self) -> None:
        self.size -= sys.getsizeof(self._frames.popleft()) + FRAME_OVERHEAD
