"""Platt scaling."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from imbalance_derm.posthoc.one_vs_rest import OneVsRest, Sigmoid


class Platt(OneVsRest):
    """A sigmoid on the log-odds: ``p = sigmoid(a * score + b)``.

    With two classes the score is the difference of the logits. With more, every class has its
    own sigmoid on its log-odds against the rest, and the probabilities are divided by their sum.
    `a` and `b` are those of an unpenalised logistic regression on validation.

    Notes
    -----
    The regression has Platt's targets, ``(N+ + 1) / (N+ + 2)`` for the N+ images of the class and
    ``1 / (N- + 2)`` for the N- others, and not 1 and 0: it has a solution where the two are
    separated. Two classes give the same sigmoid from either side, so that dividing by the sum
    changes nothing. A negative `a`, of a score that ranks the class worse than chance, reverses
    the ranking. With equal scores throughout `a` is 1 and only `b` is learned.

    A class that is missing from validation, or the only one there, has a = 1 and b = 0.

    References
    ----------
    Platt 1999, "Probabilistic Outputs for Support Vector Machines and Comparisons to Regularized
    Likelihood Methods", Advances in Large Margin Classifiers 61. More classes: Zadrozny and Elkan
    2002, "Transforming classifier scores into accurate multiclass probability estimates", KDD 694.

    Examples
    --------
    >>> from imbalance_derm.posthoc.contract import PosthocContext
    >>> scores, labels = np.array([-4.0, 4.0] * 4), np.array([0, 1] * 3 + [1, 0])
    >>> counts, method = np.array([4.0, 4.0]), Platt()
    >>> method.fit(np.stack([0 * scores, scores], axis=1), labels, PosthocContext(counts, counts))
    >>> {name: round(value, 3) for name, value in method.facts()["curves"][1].items()}
    {'slope': 0.173, 'intercept': 0.0}
    """

    def learn(self, scores: np.ndarray, positive: np.ndarray) -> Sigmoid:
        """Fit slope and intercept."""
        found, others = int(positive.sum()), int((~positive).sum())
        targets = np.where(positive, (found + 1) / (found + 2), 1 / (others + 2))
        # On standardised scores both parameters have the same scale.
        centre, spread = float(scores.mean()), float(scores.std()) or 1.0
        standard = (scores - centre) / spread

        def objective(parameters: np.ndarray) -> tuple[float, np.ndarray]:
            linear = parameters[0] * standard + parameters[1]
            error = expit(linear) - targets
            value = np.logaddexp(0.0, linear) - targets * linear
            return float(value.mean()), np.array([(error * standard).mean(), error.mean()])

        result = minimize(
            objective,
            np.array([spread, centre]),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 1000, "ftol": 1e-15, "gtol": 1e-10},
        )
        slope = float(result.x[0]) / spread
        return Sigmoid(slope, float(result.x[1]) - slope * centre)
