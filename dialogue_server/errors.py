"""Every error the server raises on purpose, each bound to a wire code.

DialogueError            anything below; caught at the session's border and sent as `error`
├── RequestError         the client asked for something that cannot be had
├── ContentError         a designer's file is wrong: names the file, the place, the mend
├── SettingsError        the operator's settings are wrong
├── BackendError         the model: its code says how it failed
└── StoreError           the disk or the database
    └── TakenOverError   another server has the conversation now

`detail` is read by a developer: it says what to do, and never carries a secret, an upstream's
body or a path outside the content folder.
"""

from __future__ import annotations

from dialogue_protocol.codes import ErrorCode


class DialogueError(Exception):
    """Base of the tree. `code` is sent on the wire, `detail` beside it."""

    def __init__(
        self,
        code: ErrorCode,
        detail: str,
        *,
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.retry_after = retry_after
        """Seconds after which a retry makes sense; 0 for no advice."""

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later, unchanged."""
        return self.code.retryable


class RequestError(DialogueError):
    """The client asked for something that cannot be had."""


class ContentError(DialogueError):
    """A designer's file is wrong. `place` is a line ("line 12") or a key ("actions[0].name")."""

    def __init__(self, file: str, place: str, problem: str) -> None:
        super().__init__(
            ErrorCode.CONTENT_INVALID,
            f"{file}: {place}: {problem}" if place else f"{file}: {problem}",
        )
        self.file = file
        self.place = place
        self.problem = problem


class SettingsError(DialogueError):
    """The operator's settings are wrong; raised at start-up only."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorCode.SETTINGS_INVALID, detail)


class BackendError(DialogueError):
    """The model failed, before its first token or in mid-stream."""


class StoreError(DialogueError):
    """The store failed; nothing that was acknowledged before is lost."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorCode.STORE_FAILED, detail)


class TakenOverError(StoreError):
    """Another server has taken a conversation, and nothing of this one is kept there any more:
    what its client is told, as for one that another connection has taken over on this server."""

    def __init__(self, conversation: str) -> None:
        DialogueError.__init__(
            self,
            ErrorCode.UNKNOWN_CONVERSATION,
            f"There is no open conversation {conversation!r}; another connection has taken it "
            "over.",
        )
        self.conversation = conversation
