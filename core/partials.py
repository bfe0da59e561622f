"""How a trained network's risk of readmission changes with each input of a patient, in clinical units.

Only ``network_partials`` loads torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core import tables
from core.cohorts import COHORTS
from core.specs import TableRunSpec, require_between

Array = npt.NDArray[np.float64]
BNP = 3
"""The column that the network sees as a logarithm; here it is in pg/mL."""


@dataclass(frozen=True, kw_only=True)
class AtDischarge:
    """A patient on the day of discharge: years, mmHg, %, pg/mL."""

    age: float = 74.0
    pressure: float = 150.0
    ejection: float = 44.0
    bnp: float = 300.0

    def __post_init__(self) -> None:
        require_between("年齢", self.age, 40, 98)
        require_between("収縮期血圧", self.pressure, 75, 200)
        require_between("LVEF", self.ejection, 12, 75)
        require_between("BNP", self.bnp, 5, 5000)

    @property
    def values(self) -> Array:
        """Return the four inputs in the order of the table."""
        return np.array([self.age, self.pressure, self.ejection, self.bnp])


@dataclass(frozen=True, kw_only=True, eq=False)
class Partials:
    """What ``networks`` say of ``points``, in float64.

    Attributes:
        risks: (networks, points), probability of readmission.
        gradients: (networks, points, 4), its partial derivative per year, mmHg, % and pg/mL.
    """

    risks: Array
    gradients: Array


def network_partials(
    spec: TableRunSpec, networks: Sequence[Mapping[str, npt.NDArray[Any]]], points: Array
) -> Partials:
    """Differentiate trained networks with ``spec``'s architecture at ``points`` (points, 4), clinical units.

    Autograd goes back through softmax, network, standardization and the logarithm of BNP.
    """
    import torch

    from core import models

    data, cohort = tables.load(spec.table), COHORTS[spec.table.name]
    centre, scale = torch.tensor(data.centre), torch.tensor(data.scale)
    model = models.mlp(spec.model, cohort.inputs, cohort.outputs).double().eval()
    risks, gradients = [], []
    for weights in networks:
        model.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
        x = torch.tensor(points, dtype=torch.float64, requires_grad=True)
        seen = torch.cat([x[:, :BNP], x[:, BNP:].log()], dim=1)
        risk = torch.softmax(model((seen - centre) / scale), dim=1)[:, 1]
        # Each risk depends on its own patient alone, so the gradient of the sum holds every patient's.
        (gradient,) = torch.autograd.grad(risk.sum(), x)
        risks.append(risk.detach().numpy())
        gradients.append(gradient.numpy())
    return Partials(risks=np.array(risks), gradients=np.array(gradients))


def test_patients(spec: TableRunSpec) -> Array:
    """Return the test patients in clinical units, (patients, 4)."""
    data = tables.load(spec.table)
    clinical = data.test.inputs * data.scale + data.centre
    clinical[:, BNP] = np.exp(clinical[:, BNP])
    return np.asarray(clinical, dtype=np.float64)


def around(point: Array, share: float = 1e-5) -> Array:
    """Return each input once a little higher and once a little lower, (8, 4), for a numeric check."""
    moves = np.diag(share * point)
    return np.concatenate([point + moves, point - moves])


def from_around(point: Array, risks: Array, share: float = 1e-5) -> Array:
    """Return central differences (…, 4) from the risks (…, 8) at ``around(point)``."""
    return (risks[..., :4] - risks[..., 4:]) / (2 * share * point)


def influence(gradients: Array, patients: Array) -> Array:
    """Return (4,): mean size of each partial derivative times the input's standard deviation."""
    sizes: Array = np.abs(gradients).mean(axis=tuple(range(gradients.ndim - 1))) * patients.std(axis=0)
    return sizes
