"""DeepSMOTE for imbalance_derm: SMOTE between the codes of an autoencoder."""

from __future__ import annotations

from imbalance_derm import Component, hookimpl


@hookimpl
def imbderm_components() -> list[Component]:
    """Announce the synthesizer."""
    return [
        Component(
            "synthesizer",
            "deepsmote",
            "SMOTE between the codes of an autoencoder of all classes, decoded to images.",
            "imbderm_deepsmote.synthesizer:DeepSmote",
            "Dablain et al. 2022, arXiv 2105.02340, algorithm 1",
        )
    ]
