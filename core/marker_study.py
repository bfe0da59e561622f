"""Ten markers that tell of an illness among 200: which does a penalty find, and how many wrong ones?

Groups of patients are drawn anew for each repetition, and all repetitions and all λ are fitted as one
batch. Only ``study`` loads torch. ``patients`` is also written, word for word, into the script that readers
take home: it uses ``np`` and ``REAL`` alone, and holds no comments.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from core.specs import require_between

Array = npt.NDArray[np.float64]
MARKERS = 200
REAL = (20, 21, 60, 61, 100, 101, 140, 141, 180, 181)
"""Places of the real markers, counted from 0: five pairs of neighbours."""

STRENGTHS: Array = 10.0 ** (np.arange(19) / 10 - 1.5)
"""The λ of the study: 0.03 to 2, ten to a factor of ten."""

REPEATS, HELD_OUT, TESTED = 10, 200, 500
"""Repetitions; patients for validation and for test."""

NONE, L2, L1, ELASTIC = range(4)
"""The penalties, in the order of ``Study.weights``. The elastic net (Zou, Hastie, 2005) is half of each."""

STILL, MOST = 1e-6, 400
"""FISTA is done when no weight moves by more than this, and stops after this many steps."""


def patients(count: int, effect: float, noise: float, twins: float, seed: int) -> tuple[Array, Array]:
    """Simulate 200 markers, (count, 200), neighbours in pairs correlated by ``twins``, and a severity score.

    A real marker adds ``effect`` a standard deviation to the score, the next pair takes it away, and so on;
    ``noise`` is the standard deviation of all else that moves the score.
    """
    rng = np.random.default_rng(seed)
    own = rng.standard_normal((count, 200))
    shared = rng.standard_normal((count, 100)).repeat(2, axis=1)
    markers = np.sqrt(twins) * shared + np.sqrt(1 - twins) * own
    effects = effect * np.array([1, 1, -1, -1, 1, 1, -1, -1, 1, 1])
    return markers, markers[:, REAL] @ effects + noise * rng.standard_normal(count)


@dataclass(frozen=True, kw_only=True)
class StudySpec:
    """How many patients to train on, and how clearly ten of 200 markers speak."""

    patients: int = 300
    effect: float = 0.5
    noise: float = 1.0
    twins: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        require_between("患者数", self.patients, 20, 2000)
        require_between("効果の大きさ", self.effect, 0.0, 2.0)
        require_between("雑音", self.noise, 0.1, 10.0)
        require_between("となりどうしの相関", self.twins, 0.0, 0.99)
        require_between("乱数の種", self.seed, 0, 9999)


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """What each penalty made of the markers.

    Attributes:
        weights: (4, strengths, markers), of the first repetition, float32; those of ``NONE`` are the same at
            every λ.
        found: (4, repeats, strengths), real markers whose weight isn't exactly zero; ``wrong``: useless ones.
        top: (4, repeats, strengths), real markers among the ten largest weights.
        validation: (4, repeats, strengths), MSE on the validation patients, the score being scaled to a
            standard deviation of 1; ``test``: on the test patients.
        spread: (repeats,), mean square of the scaled score of the test patients: R² is 1 − test / spread.
    """

    weights: npt.NDArray[np.float32] = field(repr=False)
    found: npt.NDArray[np.int64] = field(repr=False)
    wrong: npt.NDArray[np.int64] = field(repr=False)
    top: npt.NDArray[np.int64] = field(repr=False)
    validation: Array = field(repr=False)
    test: Array = field(repr=False)
    spread: Array = field(repr=False)

    def best(self, penalty: int, repeat: int = 0) -> int:
        """Return the place of the λ with the lowest validation loss."""
        return int(self.validation[penalty, repeat].argmin())

    def explained(self, penalty: int, place: int, repeat: int = 0) -> float:
        """Return R² on the test patients."""
        return float(1 - self.test[penalty, repeat, place] / self.spread[repeat])


def _drawn(spec: StudySpec, repeat: int) -> tuple[Array, Array]:
    """Draw all patients of one repetition, the training ones first, standardized by those."""
    count = spec.patients + HELD_OUT + TESTED
    x, y = patients(count, spec.effect, spec.noise, spec.twins, spec.seed * REPEATS + repeat)
    seen = slice(spec.patients)
    x = (x - x[seen].mean(axis=0)) / x[seen].std(axis=0)
    y = (y - y[seen].mean()) / y[seen].std()
    return x, y


def tables(spec: StudySpec) -> tuple[tuple[Array, Array], ...]:
    """Draw the patients of every repetition: training, validation and test, put on the training scale.

    Each is inputs (repeats, patients, 200) and scores (repeats, patients), standardized by the training
    patients of its repetition.
    """
    sizes = (spec.patients, HELD_OUT, TESTED)
    parts: list[list[tuple[Array, Array]]] = [[], [], []]
    for repeat in range(REPEATS):
        x, y = _drawn(spec, repeat)
        cuts = np.cumsum(sizes)[:-1]
        for part, inputs, scores in zip(parts, np.split(x, cuts), np.split(y, cuts), strict=True):
            part.append((inputs, scores))
    return tuple((np.stack([x for x, _ in part]), np.stack([y for _, y in part])) for part in parts)


@lru_cache(maxsize=32)
def correlations(spec: StudySpec) -> Array:
    """Return each marker's correlation with the score among the training patients of the first repetition."""
    x, y = _drawn(spec, 0)
    seen = slice(spec.patients)
    found: Array = x[seen].T @ y[seen] / spec.patients
    return found


def study(spec: StudySpec) -> Study:
    """Fit all repetitions under all four penalties and all λ."""
    import torch

    from core.proximal import fista, ridge

    (x, y), *others = tables(spec)
    inputs, scores = torch.tensor(x), torch.tensor(y)[:, None]
    gram, cross = inputs.mT @ inputs / spec.patients, scores @ inputs / spec.patients
    strengths = torch.tensor(STRENGTHS)[None, :, None]
    squared = ridge(gram, cross, torch.cat([0 * strengths[:, :1], strengths], dim=1))
    kinds = [
        squared[:, :1].expand_as(squared[:, 1:]),
        squared[:, 1:],
        fista(gram, cross, strengths, 0 * strengths, STILL, MOST)[0],
        fista(gram, cross, strengths / 2, strengths / 2, STILL, MOST)[0],
    ]
    weights = torch.stack(kinds)  # (penalties, repeats, strengths, markers)
    losses = [
        ((weights @ torch.tensor(held).mT - torch.tensor(truth)[:, None]) ** 2).mean(dim=-1).numpy()
        for held, truth in others
    ]
    fitted = weights.numpy()
    real = np.isin(np.arange(MARKERS), REAL)
    chosen = fitted != 0
    largest = np.argpartition(-np.abs(fitted), len(REAL), axis=-1)[..., : len(REAL)]
    in_top = np.take_along_axis(chosen, largest, axis=-1) & real[largest]
    return Study(
        weights=fitted[:, 0].astype(np.float32),
        found=chosen[..., real].sum(axis=-1),
        wrong=chosen[..., ~real].sum(axis=-1),
        top=in_top.sum(axis=-1),
        validation=losses[0],
        test=losses[1],
        spread=np.square(others[1][1]).mean(axis=-1),
    )
