"""MLflow for imbalance_derm: announces the tracker; MLflow is imported when one is built."""

from __future__ import annotations

from imbalance_derm import Component, hookimpl


@hookimpl
def imbderm_components() -> list[Component]:
    """Announce the tracker."""
    return [
        Component(
            "tracker",
            "mlflow",
            "Parameters, figures with intervals, pictures and weights for MLflow.",
            "imbderm_mlflow.tracker:MlflowTracker",
            shorthand="tracking_uri",
        )
    ]
