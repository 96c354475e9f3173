"""Averages of the weights of a training."""

from __future__ import annotations

from typing import cast

from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from imbalance_derm.experiment.spec import TrainSection
from imbalance_derm.models.contract import Model

SWA_BEGINS = 0.75
"""Share of a stage after which stochastic weight averaging begins, as in its paper."""


class WeightAverage:
    """An exponential moving average (EMA) or an equal one (SWA) of weights and statistics.

    Parameters
    ----------
    model : Model
    settings : TrainSection
        ``average`` is ``"ema"`` (decay ``average_decay``, from the first update) or ``"swa"``
        (of all updates after :data:`SWA_BEGINS` of a stage).

    Notes
    -----
    Statistics of batch normalisation are averaged like weights, where the papers compute them
    anew in a pass over the data.

    References
    ----------
    Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima and Better Generalization",
    arXiv 1803.05407, section 3.2. EMA: Polyak and Juditsky 1992, SIAM J. Control Optim. 30:838.
    """

    def __init__(self, model: Model, settings: TrainSection) -> None:
        ema = settings.average == "ema"
        average = get_ema_multi_avg_fn(settings.average_decay) if ema else None
        self.begins = 0.0 if ema else SWA_BEGINS
        self.averaged = AveragedModel(model, multi_avg_fn=average, use_buffers=True)

    def update(self, model: Model, share: float) -> None:
        """Take in the weights after an update; `share` of the stage is done."""
        if share > self.begins:
            self.averaged.update_parameters(model)

    def best_of(self, model: Model) -> Model:
        """Return the averaged model, or `model` itself before averaging has begun."""
        if int(self.averaged.n_averaged) == 0:
            return model
        return cast(Model, self.averaged.module)
