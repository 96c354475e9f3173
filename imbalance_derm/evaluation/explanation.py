"""Which images a model gets most wrong, and where in an image it looks."""

from __future__ import annotations

import numpy as np
import torch
from captum.attr import LayerGradCam
from torch.nn import functional

from imbalance_derm.evaluation.decision import Decision, decide
from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.models.contract import Model

_BATCH = 32


def worst_errors(predictions: Predictions, decision: Decision, k: int) -> np.ndarray:
    """Return the rows of the `k` most confident wrong decisions, worst first, int64 (at most k,).

    Most confident is where the true class has the lowest probability.

    Examples
    --------
    >>> from imbalance_derm.evaluation.decision import ARGMAX
    >>> ids = np.array(["a", "b", "c"])
    >>> p = np.array([[0.6, 0.4], [0.9, 0.1], [0.9, 0.1]])
    >>> said = Predictions(ids, ids, np.array([1, 1, 0]), p, ("benign", "malignant"))
    >>> worst_errors(said, ARGMAX, 5).tolist()
    [1, 0]
    """
    rows = np.arange(len(predictions.labels))
    of_truth = predictions.probabilities[rows, predictions.labels]
    wrong = rows[decide(predictions, decision) != predictions.labels]
    return wrong[np.argsort(of_truth[wrong], kind="stable")][:k]


def grad_cam(model: Model, images: np.ndarray, labels: np.ndarray) -> np.ndarray | None:
    """Return where in each image the evidence for a class lies.

    Parameters
    ----------
    model : Model
        Used in evaluation mode on the device where its parameters are; left as it was.
    images : ndarray of uint8, shape (n, height, width, 3)
    labels : ndarray of int64, shape (n,)
        The class to explain, such as the decided one.

    Returns
    -------
    ndarray of float32, shape (n, height, width), or None
        In [0, 1]: 1 at the strongest evidence of each image, 0 where there is none or evidence
        against. None where the model has no backbone: its inputs are embeddings, not images.

    Notes
    -----
    Grad-CAM, Selvaraju et al., ICCV 2017, equations 1 and 2, on the backbone's last feature
    maps, enlarged bilinearly and scaled by each image's maximum.

    Examples
    --------
    >>> from torch import nn
    >>> from imbalance_derm.models.contract import Backbone, Head, Outputs
    >>> class Linear(Head):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.layer = nn.Linear(4, 2)
    ...     def forward(self, features):
    ...         return Outputs(self.layer(features))
    >>> backbone = Backbone(nn.Conv2d(3, 4, 3), 4, (0.5,) * 3, (0.5,) * 3, "random")
    >>> maps = grad_cam(
    ...     Model(backbone, Linear()), np.zeros((2, 8, 8, 3), np.uint8), np.array([0, 1])
    ... )
    >>> maps.shape, maps.dtype
    ((2, 8, 8), dtype('float32'))
    """
    if model.backbone is None:
        return None
    explainer = LayerGradCam(lambda inputs: model(inputs)[0].logits, model.backbone.network)
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    try:
        maps = [
            _explain(explainer, images[i : i + _BATCH], labels[i : i + _BATCH], device)
            for i in range(0, len(images), _BATCH)
        ]
    finally:
        model.train(was_training)
    return np.concatenate(maps) if maps else np.zeros(images.shape[:3], dtype=np.float32)


def _explain(
    explainer: LayerGradCam, images: np.ndarray, labels: np.ndarray, device: torch.device
) -> np.ndarray:
    # A copy: torch does not take the store's read-only memory.
    inputs = torch.from_numpy(np.array(images)).to(device).permute(0, 3, 1, 2).float() / 255
    evidence = explainer.attribute(
        inputs, target=torch.as_tensor(labels, device=device), relu_attributions=True
    ).detach()
    size = list(images.shape[1:3])
    large = functional.interpolate(evidence, size=size, mode="bilinear", align_corners=False)
    strongest = large.amax(dim=(2, 3), keepdim=True)
    scaled = torch.where(strongest > 0, large / strongest, torch.zeros_like(large))
    return scaled[:, 0].float().cpu().numpy()
