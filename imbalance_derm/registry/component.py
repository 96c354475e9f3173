"""The record by which a plugin announces one component."""

from __future__ import annotations

from dataclasses import dataclass

API = 1
"""Version of the component contracts that this release speaks."""

KINDS = (
    "dataset", "synthesizer", "sampler", "mixer", "backbone", "head", "loss", "stage", "optimizer",
    "posthoc", "tracker",
)  # fmt: skip
"""Every kind of component, in the order in which a run uses them."""


@dataclass(frozen=True, slots=True)
class Component:
    """One interchangeable part, announced without importing the code behind it.

    Parameters
    ----------
    kind : str
        One of :data:`KINDS`.
    name : str
        What users type, for example ``"focal"``: lower-case letters, digits, ``-`` and ``_``.
    summary : str
        One line that says what the component does.
    target : str
        Where the component is, as ``"package.module:attribute"``. It is imported only when
        the component is used. Its keyword-only arguments are the component's parameters.
    citation : str
        The source paper, with the equation or section; empty where there is none.
    api : int
        Version of the contract that the component was written for.
    shorthand : str
        The parameter that ``NAME/VALUE`` sets on the command line: with ``"model"``,
        ``timm/resnet18`` means component ``timm`` with ``model="resnet18"``.

    Examples
    --------
    >>> Component("loss", "focal", "Focal loss.", "imbalance_derm.losses.focal:Focal").kind
    'loss'
    """

    kind: str
    name: str
    summary: str
    target: str
    citation: str = ""
    api: int = API
    shorthand: str = ""
