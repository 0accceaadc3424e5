"""Prompt assembly: everything an answer depends on, laid out for a kind of model. Pure."""

from __future__ import annotations

from typing import Literal

from . import compact_layout, standard_layout
from .prompt import Prompt, PromptInput


def assemble(prompt_input: PromptInput, layout: Literal["standard", "compact"]) -> Prompt:
    """Build the prompt: `standard` for models that follow instructions, `compact` for tiny
    ones. Raises a BackendError (MODEL_CONTEXT_OVERFLOW) if even the persona's description and
    the player's line do not fit into the budget."""
    if layout == "compact":
        return compact_layout.build(prompt_input)
    return standard_layout.build(prompt_input)
