"""Sharpness-aware minimisation around any optimiser of PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import torch
from pydantic import Field

from imbalance_derm.optimizers.named import Groups, Option, named


class SharpnessAware(torch.optim.Optimizer):
    """Step with the gradient at the worst point nearby: ``w <- step(w, grad L(w + e))``.

    ``e = rho * T^2 g / ||T g||`` with ``g = grad L(w)``; T is 1, or ``|w|`` where `adaptive`.
    Every update costs two forward and two backward passes.

    Parameters
    ----------
    rho : float
        Radius of the neighbourhood.
    adaptive : bool
        Measure the neighbourhood relative to each weight (ASAM).
    algorithm : str
        Class of ``torch.optim`` that takes the step.
    options : dict of str to bool, float or list of float
        Its other arguments.

    Notes
    -----
    Batch normalisation sees both passes. Mixed precision with loss scaling (fp16) cannot be
    used, as a step needs the gradients unscaled; bf16 can.

    References
    ----------
    Foret et al. 2021, "Sharpness-Aware Minimization for Efficiently Improving Generalization",
    arXiv 2010.01412, eq. 2 and algorithm 1; rho 0.05 is theirs. ASAM: Kwon et al. 2021,
    arXiv 2102.11600, eq. 6.

    Examples
    --------
    >>> weight = torch.tensor([1.0], requires_grad=True)
    >>> sam = SharpnessAware([{"params": [weight], "lr": 0.1}], algorithm="SGD", rho=0.5)
    >>> def closure():
    ...     sam.zero_grad()
    ...     value = (weight**2).sum() / 2
    ...     value.backward()
    ...     return value
    >>> _ = sam.step(closure)  # the gradient at 1.5
    >>> round(weight.item(), 6)
    0.85
    """

    def __init__(
        self,
        groups: Groups,
        *,
        rho: Annotated[float, Field(gt=0)] = 0.05,
        adaptive: bool = False,
        algorithm: str = "AdamW",
        options: dict[str, Option] = {},  # noqa: B006 - a schema default, copied
    ) -> None:
        self.base = named(groups, algorithm=algorithm, options=options)
        super().__init__(self.base.param_groups, {})
        # Both look at the same groups, so that a learning rate set here holds there.
        self.param_groups = self.base.param_groups
        self.rho = rho
        self.adaptive = adaptive

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; `closure` computes the loss and its gradients anew.

        Raises
        ------
        ValueError
            There is no closure.
        """
        if closure is None:
            raise ValueError("sharpness-aware minimisation needs a closure")
        compute = torch.enable_grad()(closure)
        value = compute()
        moved = self._climb()
        compute()
        for parameter, before in moved:
            parameter.copy_(before)
        self.base.step()
        return value

    def _climb(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Go to the worst point nearby; return the parameters with their values before."""
        trained = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        gradients = [p.grad * p.abs() if self.adaptive else p.grad for p in trained]
        if not gradients:
            return []
        norm = torch.stack([g.norm() for g in gradients]).norm()
        scale = self.rho / norm.clamp(min=1e-12)
        moved = []
        for parameter, gradient in zip(trained, gradients, strict=True):
            moved.append((parameter, parameter.clone()))
            parameter.add_((gradient * parameter.abs() if self.adaptive else gradient) * scale)
        return moved

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the optimiser that takes the steps; this one has none."""
        return self.base.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Read what :meth:`state_dict` gave."""
        self.base.load_state_dict(state_dict)
        self.param_groups = self.base.param_groups
