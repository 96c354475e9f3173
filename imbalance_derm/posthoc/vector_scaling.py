"""Vector scaling."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field
from scipy.optimize import minimize
from scipy.special import log_softmax

from imbalance_derm.posthoc.contract import Posthoc, PosthocContext


class VectorScaling(Posthoc):
    """Scale and shift the logits of each class: ``w * logits + b``.

    ``w, b`` minimise ``sum_i -log p_i[label_i] + ridge / 2 * (||w - 1||^2 + ||b||^2)`` on
    validation. The likelihood grows with the images and the ridge does not: it matters where a
    class has a handful.

    Parameters
    ----------
    ridge : float
        How strongly `w` is held to 1 and `b` to 0; 1 is a normal prior of standard deviation 1.
        With 0, as published, classes that validation separates have no finite solution, and
        the search ends at a large one.

    Notes
    -----
    The ridge is not in the paper. The negative log-likelihood of validation never rises. A class
    missing from validation is learned to be rare, as far as the ridge lets its `b` fall. A
    negative `w`, of a class whose logit ranks it worse than chance, is allowed.

    References
    ----------
    Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv 1706.04599, section 4.2.

    Examples
    --------
    >>> logits, labels = np.zeros((8, 2)), np.array([0] * 6 + [1] * 2)
    >>> counts, method = np.array([6.0, 2.0]), VectorScaling(ridge=0.0)
    >>> method.fit(logits, labels, PosthocContext(counts, counts))
    >>> bias = method.facts()["bias"]
    >>> round(bias[0] - bias[1], 4)  # log(6 / 2)
    1.0986
    """

    def __init__(self, *, ridge: Annotated[float, Field(ge=0)] = 1.0) -> None:
        self.ridge = ridge
        self.scale: np.ndarray = np.ones(())
        self.bias: np.ndarray = np.zeros(())

    def fit(self, logits: np.ndarray, labels: np.ndarray, context: PosthocContext) -> None:
        """Find scale and bias."""
        n, classes = logits.shape
        truth = np.eye(classes)[labels]
        identity = np.concatenate([np.ones(classes), np.zeros(classes)])

        def objective(parameters: np.ndarray) -> tuple[float, np.ndarray]:
            log_p = log_softmax(logits * parameters[:classes] + parameters[classes:], axis=1)
            error = np.exp(log_p) - truth
            gradient = np.concatenate([(error * logits).sum(axis=0), error.sum(axis=0)])
            away = parameters - identity
            value = -(log_p * truth).sum() + self.ridge / 2 * away @ away
            return float(value) / n, (gradient + self.ridge * away) / n

        result = minimize(
            objective,
            identity,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 1000, "maxfun": 10000, "ftol": 1e-15, "gtol": 1e-9},
        )
        self.scale, self.bias = result.x[:classes], result.x[classes:]

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """Return ``w * logits + b``."""
        return logits * self.scale + self.bias

    def facts(self) -> dict[str, Any]:
        """Return the scale and the bias of each class."""
        return {"scale": self.scale.tolist(), "bias": self.bias.tolist()}
