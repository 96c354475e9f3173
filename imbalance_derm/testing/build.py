"""How the kit builds the part that it tries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imbalance_derm.registry.component import Component


@dataclass(frozen=True, eq=False)
class Build:
    """Builds a part with chosen parameters: ``build(*given, **values)``.

    Attributes
    ----------
    component : Component
        How it is announced.
    target : object
        What stands behind ``component.target``.
    root : Path or None
        For a data set: a small copy of it in the publisher's layout.
    """

    component: Component
    target: Any
    root: Path | None = None

    def __call__(self, *given: Any, **values: Any) -> Any:
        """Return a new part; `given` are the positional arguments of the kind's contract.

        Raises
        ------
        InputError
            A value is out of range, or the part refuses to work here.
        """
        from imbalance_derm.registry.parameters import parameter_model, validate

        model = parameter_model(self.target)
        filled = model.model_validate(validate(self.component.kind, model, values))
        return self.target(*given, **{name: getattr(filled, name) for name in model.model_fields})

    def has(self, parameter: str) -> bool:
        """Whether there is a parameter of that name."""
        from imbalance_derm.registry.parameters import parameter_model

        return parameter in parameter_model(self.target).model_fields
