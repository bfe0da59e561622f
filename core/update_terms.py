"""The terms of an optimizer's formula at every update of a path, from the state that torch kept on the way.

The formulas are those of ``torch.optim``. They follow Robbins and Monro (1951), Polyak (1964), Nesterov
(1983), Duchi, Hazan and Singer (2011), Tieleman and Hinton (2012), Kingma and Ba (2015), and Loshchilov
and Hutter (2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.landscape import Path
from core.specs import OptimizerSpec
from core.surfaces import Array
from core.update_rules import decay

BETA1, BETA2 = 0.9, 0.999
"""How much Adam and AdamW keep of the mean and of the mean square at each update."""

SMOOTHING = 0.99
"""How much RMSprop keeps of the mean square at each update."""

EPSILON = {"adagrad": 1e-10, "rmsprop": 1e-8, "adam": 1e-8, "adamw": 1e-8}
"""What is added to the root in the denominator, so that nothing is divided by zero."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Terms:
    """What each update was made of; every array is (updates, dimension), row k belongs to update k + 1.

    Attributes:
        before: the weights from which it moved.
        gradient: g, the slope there.
        step: by how much it moved the weights.
        inertia: what earlier gradients added to the step; None for a rule that forgets them.
        denominator: what each coordinate's step was divided by; None for a rule that treats all alike.
        velocity: v, with momentum only.
        mean, square: m and v (Adam), the mean square (RMSprop) or the sum of squares (Adagrad).
        mean_hat, square_hat: m̂ and v̂, corrected for their start at zero (Adam).
        shrunk: the weights after the decay that AdamW begins with.
    """

    before: Array
    gradient: Array
    step: Array
    inertia: Array | None = None
    denominator: Array | None = None
    velocity: Array | None = None
    mean: Array | None = None
    square: Array | None = None
    mean_hat: Array | None = None
    square_hat: Array | None = None
    shrunk: Array | None = None

    @property
    def updates(self) -> int:
        """How many updates there were."""
        return len(self.step)


def terms(path: Path, optimizer: OptimizerSpec) -> Terms:
    """Take the updates of ``path``, walked by ``optimizer``, apart."""
    name, lr = optimizer.name, optimizer.lr
    before, g = path.positions[:-1], path.gradients[:-1]
    step = np.diff(path.positions, axis=0)
    states = {key: values[1:] for key, values in path.states.items()}
    number = np.arange(1, len(step) + 1)[:, None]
    if name in ("momentum", "nesterov"):
        v = states["momentum_buffer"]
        earlier = v if name == "nesterov" else path.states["momentum_buffer"][:-1]
        return Terms(
            before=before, gradient=g, step=step, velocity=v, inertia=-lr * optimizer.momentum * earlier
        )
    if name in ("adagrad", "rmsprop"):
        square = states["sum" if name == "adagrad" else "square_avg"]
        return Terms(
            before=before, gradient=g, step=step, square=square, denominator=np.sqrt(square) + EPSILON[name]
        )
    if name in ("adam", "adamw"):
        mean, square = states["exp_avg"], states["exp_avg_sq"]
        mean_hat, square_hat = mean / (1 - BETA1**number), square / (1 - BETA2**number)
        shrink = 1 - lr * decay(name, optimizer.weight_decay) if name == "adamw" else 1.0
        denominator = np.sqrt(square_hat) + EPSILON[name]
        return Terms(
            before=before,
            gradient=g,
            step=step,
            inertia=-lr * BETA1 * path.states["exp_avg"][:-1] / (1 - BETA1**number) / denominator,
            denominator=denominator,
            mean=mean,
            square=square,
            mean_hat=mean_hat,
            square_hat=square_hat,
            shrunk=before * shrink if name == "adamw" else None,
        )
    return Terms(before=before, gradient=g, step=step)
