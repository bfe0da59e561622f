"""Sets of small pictures by name: schematic chest films. Plain NumPy.

Each function is also written, word for word, into the scripts that readers take home, after the source of
``core.phantom``. It gives pictures (count, 1, side, side) in [0, 1] and classes (count,).
"""

from __future__ import annotations

import numpy as np

from core.phantom import film
from core.simulated import Matrix

FILM_SIDE = 32


def situs(patients: int, noise: float, seed: int) -> tuple[Matrix, Matrix]:
    """Draw films, half of them (class 1) with all organs on the other side: situs inversus."""
    rng = np.random.default_rng(seed)
    inverted = np.arange(patients) % 2
    films = np.stack([film(rng, 32, mirrored=bool(side)) for side in inverted])
    seen = np.clip(films + rng.normal(0, noise, films.shape), 0, 1)
    return seen[:, None], inverted.astype(float)


def nodules(patients: int, noise: float, seed: int) -> tuple[Matrix, Matrix]:
    """Draw films, half of them (class 1) with a round nodule in one lung."""
    rng = np.random.default_rng(seed)
    ill = np.arange(patients) % 2
    films = np.stack([film(rng, 32, nodule=bool(sick)) for sick in ill])
    seen = np.clip(films + rng.normal(0, noise, films.shape), 0, 1)
    return seen[:, None], ill.astype(float)
