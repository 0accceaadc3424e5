"""How many tokens a text costs, without the model's tokenizer: an estimate, then calibrated.

Characters per token differ by script (published measurements: English 3.7-4.3, German, French
and Spanish 2.8-3.8, Polish and Russian 1.9-2.6, Chinese, Japanese and Korean 0.8-1.4, Arabic
1.1-2.7, Thai 1.0-2.4, Hindi 0.9-2.7), so the estimate counts each script by itself; what the
model then says it read corrects it, model by model.
"""

from __future__ import annotations

import math
import re

from msgspec import Struct, field

MESSAGE_TOKENS = 4
"""What a chat template adds to each message: role, start and end."""
MARGIN = 1.10
"""Estimates miss; a prompt that does not fit costs a turn."""

_WEIGHT = 0.3
_LOWEST, _HIGHEST = 0.4, 3.0

_CYRILLIC_GREEK = re.compile("[\u0370-\u052f\u1c80-\u1c8f\u1f00-\u1fff\u2de0-\u2dff\ua640-\ua69f]")
_CJK = re.compile(
    "[\u1100-\u11ff\u2e80-\u30ff\u3100-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef"
    "\U00020000-\U0003ffff]"
)
_HEBREW_ARABIC = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_LATIN = re.compile("[\u0080-\u024f\u1e00-\u1eff]")
_PUNCTUATION = re.compile("[\u2010-\u2027\u2030-\u203f]")
_BRAHMIC_AND_OTHER_ALPHABETS = re.compile("[\u0530-\u058f\u0900-\u10ff\u1200-\u1c7f\u1c90-\u1dff]")


def estimate(text: str) -> int:
    """About how many tokens `text` is, 0 for an empty one."""
    if text.isascii():
        return math.ceil(len(text) / 3.9)
    cjk = len(_CJK.findall(text))
    cyrillic = len(_CYRILLIC_GREEK.findall(text))
    semitic = len(_HEBREW_ARABIC.findall(text))
    brahmic = len(_BRAHMIC_AND_OTHER_ALPHABETS.findall(text))
    accented = len(_LATIN.findall(text))
    punctuation = len(_PUNCTUATION.findall(text))
    ascii_size = len(text.encode("ascii", "ignore"))
    other = len(text) - cjk - cyrillic - semitic - brahmic - accented - punctuation - ascii_size
    # Accents tell the language: German and French have few, Polish and Vietnamese many.
    latin = ascii_size + accented
    share = accented / latin if latin else 0.0
    per_token = 3.9 if share == 0 else 3.2 if share < 0.05 else 2.3
    return math.ceil(
        latin / per_token
        + cyrillic / 2.2
        + cjk / 1.0
        + semitic / 1.8
        + brahmic / 1.5
        + punctuation
        + other * 2
    )


class Calibration(Struct, frozen=True):
    """What models have taught about the estimate. `factors` are real tokens per estimated one,
    as a moving average, by model."""

    factors: dict[str, float] = field(default_factory=dict)

    def observe(self, model: str, estimated: int, actual: int) -> Calibration:
        """Learn from a prompt's real size; 0 (it does not tell) teaches nothing."""
        if estimated <= 0 or actual <= 0:
            return self
        ratio = min(max(actual / estimated, _LOWEST), _HIGHEST)
        before = self.factors.get(model)
        factor = ratio if before is None else before + _WEIGHT * (ratio - before)
        return Calibration({**self.factors, model: factor})

    def tokens(self, model: str, estimated: int) -> int:
        """The tokens to reckon with for an estimate, margin included."""
        return math.ceil(estimated * self.factors.get(model, 1.0) * MARGIN)

    def budget(self, model: str, tokens: int) -> int:
        """How many estimated tokens fit into real ones, margin included: `PromptInput.budget`."""
        return max(0, math.floor(tokens / (self.factors.get(model, 1.0) * MARGIN)))
