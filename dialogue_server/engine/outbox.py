"""What a conversation has the store do, in its order, also where the store fails for a while."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ..errors import StoreError

Work = Callable[[], Awaitable[object]]
"""A change of the store that may be done twice."""


class Outbox:
    """The changes of one conversation that must not be skipped, since what comes next builds upon
    them: a line whose parent is missing has no past."""

    def __init__(self) -> None:
        self._owed: list[Work] = []

    def __len__(self) -> int:
        return len(self._owed)

    async def put(self, *works: Work) -> None:
        """Do something, after what is owed. A StoreError says that it is owed now, too."""
        self._owed.extend(works)
        await self.flush()

    async def flush(self) -> None:
        """Do what is owed; a StoreError where the store still fails. What breaks in its own way,
        as it would again, is left undone."""
        while self._owed:
            work = self._owed[0]
            try:
                await work()
            except StoreError:
                raise
            except Exception:
                self._owed.remove(work)
                raise
            if work in self._owed:  # two may do it at the same time
                self._owed.remove(work)

    def clear(self) -> None:
        """Owe nothing any more."""
        self._owed.clear()
