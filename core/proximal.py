"""Carry out penalised fits in PyTorch: proximal gradient for L1, an exact solution for L2, plain SGD.

Many λ and many groups of patients are fitted as one batch. ``soft_threshold``, ``fista``, ``ridge`` and
``plain_sgd`` are also written, word for word, into the scripts that readers take home: they use ``torch``
alone, and hold no comments.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from core import tables
from core.shrinkage import STRENGTHS, TAIL, Paths, PathsSpec, Walks, WeightSpec


def soft_threshold(values: Tensor, threshold: Tensor) -> Tensor:
    """Pull values towards zero by ``threshold``; those nearer than that become exactly zero."""
    return values - torch.maximum(torch.minimum(values, threshold), -threshold)


def fista(gram: Tensor, cross: Tensor, l1: Tensor, l2: Tensor, still: float, most: int) -> tuple[Tensor, int]:
    """Find the w that makes mean (y − Xw)² + l1 Σ|w| + l2 Σw² smallest, for all penalties at once.

    ``gram`` (groups, features, features) is XᵀX / N, ``cross`` (groups, 1, features) is Xᵀy / N, and
    ``l1`` and ``l2`` are (1, penalties, 1). Returns w (groups, penalties, features) and the iterations.
    FISTA (Beck and Teboulle, 2009), whose momentum starts anew where it leads uphill (O'Donoghue and
    Candès, 2015). A penalty whose weights move by no more than ``still`` in any group is done and leaves
    the batch; none takes more than ``most`` steps.
    """
    step = 0.5 / torch.linalg.eigvalsh(gram)[:, -1, None, None]
    done = cross.new_zeros(len(gram), l1.shape[1], gram.shape[-1])
    left = torch.arange(l1.shape[1])
    w = ahead = done
    t = done[..., :1] + 1
    for iteration in range(1, most + 1):
        slope = 2 * (ahead @ gram - cross)
        new = soft_threshold(ahead - step * slope, step * l1) / (1 + 2 * step * l2)
        uphill = ((ahead - new) * (new - w)).sum(-1, keepdim=True) > 0
        following = (1 + (1 + 4 * t**2).sqrt()) / 2
        ahead = new + ((t - 1) / following).masked_fill(uphill, 0) * (new - w)
        moved = (new - w).abs().amax(dim=(0, 2))
        w, t = new, following.masked_fill(uphill, 1)
        if iteration % 10 == 0 or iteration == most:
            done[:, left] = w
            moving = moved > still
            if not moving.any():
                break
            left, l1, l2 = left[moving], l1[:, moving], l2[:, moving]
            w, ahead, t = w[:, moving], ahead[:, moving], t[:, moving]
    return done, iteration


def ridge(gram: Tensor, cross: Tensor, l2: Tensor) -> Tensor:
    """Solve for the w that makes mean (y − Xw)² + l2 Σw² smallest; shapes as in ``fista``.

    With l2 = 0, and more features than patients, the shortest of the many solutions.
    """
    values, vectors = torch.linalg.eigh(gram)
    floor = 1e-10 * values[:, -1:]
    inside = (values > floor)[:, None]
    divisor = (values[:, None] + l2).masked_fill(~inside, 1)
    return torch.matmul((cross @ vectors) * inside / divisor, vectors.mT)


def plain_sgd(x: Tensor, y: Tensor, l1: Tensor, lr: float, steps: int, tail: int) -> tuple[Tensor, Tensor]:
    """Train with λ Σ|w| simply added to the loss, one row of weights for each λ of ``l1`` (penalties, 1).

    ``x`` is (patients, features), ``y`` (patients, 1). Returns the last weights, (penalties, features), and
    the weights of the last ``tail`` steps and the one before, (tail + 1, penalties, features).
    """
    w = torch.zeros(len(l1), x.shape[1], dtype=x.dtype, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=lr)
    kept = []
    for step in range(steps + 1):
        if step >= steps - tail:
            kept.append(w.detach().clone())
        if step < steps:
            errors = ((x @ w.T - y) ** 2).mean(dim=0)
            penalties = (l1 * w.abs()).sum(dim=1)
            optimizer.zero_grad()
            (errors + penalties).sum().backward()
            optimizer.step()
    return kept[-1], torch.stack(kept)


def paths(spec: PathsSpec) -> Paths:
    """Fit the ten columns of the diabetes table at every λ, by FISTA, exactly for L2, and by plain SGD."""
    data = tables.load(spec.table)
    x = torch.tensor(data.train.inputs).double()
    y = torch.tensor(data.train.targets).double()[:, None]
    held_x = torch.tensor(data.validation.inputs).double()
    held_y = torch.tensor(data.validation.targets).double()[:, None]
    strengths = torch.tensor(STRENGTHS)
    gram, cross = x.T @ x / len(x), (x.T @ y).T / len(x)
    several = strengths[None, :, None]
    lasso, iterations = fista(gram[None], cross[None], several, 0 * several, still=1e-10, most=3000)
    shrunk = ridge(gram[None], cross[None], several)
    plain, tail = plain_sgd(x, y, strengths[:, None], spec.lr, spec.steps, TAIL)
    found = (lasso[0], plain, shrunk[0])
    losses = torch.stack([((held_x @ w.T - held_y) ** 2).mean(dim=0) for w in found])
    return Paths(
        lasso=lasso[0].numpy(),
        ridge=shrunk[0].numpy(),
        plain=plain.numpy(),
        tail=tail.float().numpy(),
        losses=losses.numpy(),
        vanish=float(2 * cross.abs().max()),
        slopes=(2 * (lasso[0] @ gram - cross)).numpy(),
        iterations=iterations,
    )


def walk_weight(spec: WeightSpec) -> Walks:
    """Walk one weight down (w − a)² + λ R(w) by three methods, in float64."""
    a, strength, lr = spec.target, spec.strength, spec.lr
    proximal = [a]
    w, threshold = torch.tensor(a, dtype=torch.float64), torch.tensor(lr * strength, dtype=torch.float64)
    for _ in range(spec.steps):
        w = soft_threshold(w - lr * 2 * (w - a), threshold)
        proximal.append(float(w))
    trails = []
    for power in (1, 2):
        w = torch.tensor(a, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=lr)
        trail = [a]
        for _ in range(spec.steps):
            optimizer.zero_grad()
            ((w - a) ** 2 + strength * w.abs() ** power).backward()
            optimizer.step()
            trail.append(float(w.detach()))
        trails.append(np.array(trail))
    return Walks(proximal=np.array(proximal), plain=trails[0], squared=trails[1])
