"""Another hospital: the illness looks the same there, but the machine's brightness tells another story.

Zech et al. (2018) found chest films to be read by the hospital they came from. Everything here is plain
NumPy, so that a trained network can be asked about any simulated patient without a worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.classification import Confusion, Truth, confusion, probabilities
from core.simulated import Matrix
from core.specs import require_between, require_one_of

SHADOW, BRIGHTNESS, CONTRAST = range(3)
LINKS = ("same", "brighter", "unrelated", "reversed")
REPEATS = 20
Weights = Mapping[str, npt.NDArray[np.floating]]


@dataclass(frozen=True, kw_only=True)
class HospitalSpec:
    """Hospital B: how brightness goes with the illness there, and how much it scatters.

    ``same`` is as at A; ``brighter`` the same on a machine whose films are all 2.5 SD brighter;
    ``unrelated`` as bright on average and as varied as at A, whoever is ill; ``reversed`` bright films are
    the healthy ones. ``noise`` scatters the brightness as in ``core.simulated.hospital``.
    """

    link: str = "unrelated"
    patients: int = 1000
    noise: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        require_one_of("病院Bの明るさ", self.link, LINKS)
        require_between("病院Bの患者数", self.patients, 50, 20_000)
        require_between("明るさのばらつき", self.noise, 0.0, 1.0)
        require_between("乱数の種", self.seed, 0, 2**31 - 1)


def hospital_b(spec: HospitalSpec) -> tuple[Matrix, Truth]:
    """Simulate films of hospital B -> shadow, brightness, contrast (patients, 3) and illness (patients,)."""
    rng = np.random.default_rng([spec.seed, 1])
    ill = rng.integers(0, 2, spec.patients)
    shadow = rng.normal(1.2 * ill, 1)
    sd = 0.3 + 2 * spec.noise
    spread = rng.normal(0, 1, spec.patients)
    brightness = {
        "same": 2.5 * ill + sd * spread,
        "brighter": 2.5 * ill + 2.5 + sd * spread,
        "unrelated": 1.25 + np.hypot(1.25, sd) * spread,
        "reversed": 2.5 * (1 - ill) + sd * spread,
    }[spec.link]
    contrast = rng.normal(0, 1, spec.patients)
    return np.column_stack([shadow, brightness, contrast]), ill.astype(np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Reader:
    """A trained ReLU network that reads films in clinical units; ``centre`` and ``scale`` are its own.

    ``weights`` are named as in a ``state_dict`` of nn.Sequential: ``0.weight`` (outputs, inputs), ``0.bias``,
    ``2.weight``, …
    """

    weights: Weights
    centre: Matrix
    scale: Matrix

    def outputs(self, films: Matrix) -> Matrix:
        """Return the logits (patients, 2) of films (patients, 3)."""
        x = (films - self.centre) / self.scale
        layers = sorted({int(name.split(".")[0]) for name in self.weights})
        for layer in layers:
            x = x @ self.weights[f"{layer}.weight"].T + self.weights[f"{layer}.bias"]
            if layer != layers[-1]:
                x = np.maximum(x, 0)
        return x

    def judged(self, films: Matrix, truth: Truth) -> Confusion:
        """Count the answers at a threshold of 0.5."""
        return confusion(probabilities(self.outputs(films)), truth, 0.5)


def importance(reader: Reader, films: Matrix, truth: Truth, seed: int = 0) -> Matrix:
    """Return what shuffling each column among the patients costs in accuracy, (columns,).

    Permutation importance (Breiman 2001; Fisher, Rudin and Dominici 2019), the mean of 20 shuffles.
    """
    rng = np.random.default_rng([seed, 2])
    whole = reader.judged(films, truth).accuracy
    lost = np.zeros(films.shape[1])
    for column in range(films.shape[1]):
        for _ in range(REPEATS):
            mixed = films.copy()
            mixed[:, column] = rng.permutation(mixed[:, column])
            lost[column] += whole - reader.judged(mixed, truth).accuracy
    return lost / REPEATS
