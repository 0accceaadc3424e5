"""The messages as GDScript: one file of typed classes that read and write msgpack."""

from __future__ import annotations

from .ir import Description


def generate(description: Description) -> str:
    """The text of messages.gen.gd."""
    return f"# version {description.version}\n"
