"""The corruptions by name."""

from __future__ import annotations

from imbalance_derm.evaluation.corruptions.blur import blur
from imbalance_derm.evaluation.corruptions.brightness import brightness
from imbalance_derm.evaluation.corruptions.colour_cast import colour_cast
from imbalance_derm.evaluation.corruptions.contract import SEVERITIES, Corruption
from imbalance_derm.evaluation.corruptions.hair import hair
from imbalance_derm.evaluation.corruptions.jpeg import jpeg

__all__ = ["CORRUPTIONS", "SEVERITIES"]

CORRUPTIONS: dict[str, Corruption] = {
    "brightness": brightness,
    "blur": blur,
    "jpeg": jpeg,
    "hair": hair,
    "colour_cast": colour_cast,
}
