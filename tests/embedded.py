"""The embedded model for tests: there in CI and after `make test`, else a reason to skip."""

from __future__ import annotations

import os

import pytest

from dialogue_server.backends.weights import Found, find
from dialogue_server.errors import DialogueError


def embedded_weights() -> Found:
    """Its weights; the test is skipped where it has none, and fails where `CI` is set."""
    try:
        import xllamacpp  # noqa: F401

        return find()
    except (ImportError, DialogueError) as error:
        if os.environ.get("CI"):
            pytest.fail(f"CI needs the embedded model: {error}")
        pytest.skip(f"needs the embedded model (`dialogue-server model get`): {error}")
