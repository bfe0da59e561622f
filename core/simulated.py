"""Simulated patients, with a seed for each table.

These functions are also written, word for word, into the scripts that readers take home: they use ``np``
alone, and hold no comments. Each gives inputs (patients, columns) and targets (patients,).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]


def blood_pressure(seed: int) -> tuple[Matrix, Matrix]:
    """Simulate 150 adults whose systolic pressure (mmHg) rises with age (years), sd 8 mmHg."""
    rng = np.random.RandomState(seed)
    age = rng.uniform(25, 85, 150).round()
    pressure = (100 + 0.55 * age + rng.normal(0, 8, 150)).round()
    return age[:, None], pressure


def sepsis(patients: int, positive_share: float, seed: int) -> tuple[Matrix, Matrix]:
    """Simulate ward patients, a share of them septic: lactate, respiratory rate, pressure, temperature."""
    rng = np.random.RandomState(seed)
    ill = np.zeros(patients)
    ill[: max(round(patients * positive_share), 5)] = 1
    lactate = np.exp(rng.normal(0.2 + 0.6 * ill, 0.45)).round(1)
    breaths = rng.normal(17 + 4 * ill, 3.5 + ill).round()
    pressure = rng.normal(125 - 14 * ill, 17).round()
    temperature = rng.normal(36.8 + 0.8 * ill, 0.5 + 0.4 * ill).round(1)
    return np.column_stack([lactate, breaths, pressure, temperature]), ill


def readmission(patients: int, seed: int) -> tuple[Matrix, Matrix]:
    """Simulate patients sent home after heart failure, and who is back within 30 days.

    Risk rises with age and the logarithm of BNP, falls with ejection fraction, and is lowest at a
    systolic pressure of 125 mmHg.
    """
    rng = np.random.RandomState(seed)
    age = rng.normal(74, 10, patients).clip(40, 98).round()
    pressure = rng.normal(122, 20, patients).clip(75, 200).round()
    ejection = rng.normal(44, 13, patients).clip(12, 75).round()
    bnp = np.exp(rng.normal(5.6 - 0.03 * (ejection - 44), 0.8)).clip(5, 5000).round()
    logit = -1.6 + 0.05 * (age - 74) - 0.06 * (ejection - 44) + 0.9 * (np.log(bnp) - 5.6)
    logit += 0.0012 * (pressure - 125) ** 2
    back = (rng.uniform(0, 1, patients) < 1 / (1 + np.exp(-logit))).astype(np.float64)
    return np.column_stack([age, pressure, ejection, np.log(bnp)]), back


def u_shape(patients: int, noise: float, seed: int) -> tuple[Matrix, Matrix]:
    """Simulate inpatients whose mortality (%) is lowest at a potassium of 4.2 mmol/L; sd ``noise`` × 10 %."""
    rng = np.random.RandomState(seed)
    potassium = rng.uniform(2.4, 6.2, patients).round(1)
    mortality = 3 + 9 * (potassium - 4.2) ** 2 + rng.normal(0, 10 * noise, patients)
    return potassium[:, None], mortality


def wave(patients: int, noise: float, seed: int) -> tuple[Matrix, Matrix]:
    """Simulate a body temperature (℃) that swings over three days (hours 0 to 72), sd ``noise`` ℃."""
    rng = np.random.RandomState(seed)
    hour = rng.uniform(0, 72, patients)
    temperature = 37 + 0.7 * np.sin(hour / 72 * 6 * np.pi) + 0.01 * hour
    return hour[:, None], temperature + rng.normal(0, noise, patients)


def markers(patients: int, noise: float, seed: int) -> tuple[Matrix, Matrix]:
    """Simulate 20 biomarkers, 6 of which decide the class by a curved rule, a share ``noise`` mislabelled."""
    rng = np.random.RandomState(seed)
    x = rng.normal(0, 1, (patients, 20))
    score = x[:, 0] + x[:, 1] * x[:, 2] + np.sin(2 * x[:, 3]) + 0.5 * x[:, 4] ** 2 - x[:, 5]
    ill = score > np.median(score)
    ill ^= rng.uniform(0, 1, patients) < noise
    return x, ill.astype(np.float64)


def random_labels(patients: int, seed: int) -> tuple[Matrix, Matrix]:
    """Simulate 20 biomarkers and a class that has nothing to do with them."""
    rng = np.random.RandomState(seed)
    return rng.normal(0, 1, (patients, 20)), rng.randint(0, 2, patients).astype(np.float64)


def hospital(patients: int, noise: float, seed: int) -> tuple[Matrix, Matrix]:
    """Simulate films of hospital A: a faint shadow, and a brightness that goes with the illness there."""
    rng = np.random.RandomState(seed)
    ill = rng.randint(0, 2, patients).astype(np.float64)
    shadow = rng.normal(1.2 * ill, 1, patients)
    brightness = rng.normal(2.5 * ill, 0.3 + 2 * noise, patients)
    contrast = rng.normal(0, 1, patients)
    return np.column_stack([shadow, brightness, contrast]), ill


def circle(patients: int, noise: float, seed: int) -> tuple[Matrix, Matrix]:
    """Simulate a class within a ring of the other; points lie in [-6, 6]²."""
    rng = np.random.RandomState(seed)
    ill = (np.arange(patients) % 2).astype(np.float64)
    radius = np.where(ill == 1, rng.uniform(0, 2.5, patients), rng.uniform(3.5, 5, patients))
    angle = rng.uniform(0, 2 * np.pi, patients)
    x = np.column_stack([radius * np.sin(angle), radius * np.cos(angle)])
    return x + noise * rng.normal(0, 1.5, x.shape), ill


def exclusive_or(patients: int, noise: float, seed: int) -> tuple[Matrix, Matrix]:
    """Simulate a class whose two values are both high or both low; points lie in [-6, 6]²."""
    rng = np.random.RandomState(seed)
    x = rng.uniform(-5, 5, (patients, 2))
    x += 0.4 * np.sign(x)
    ill = (x[:, 0] * x[:, 1] > 0).astype(np.float64)
    return x + noise * rng.normal(0, 2, x.shape), ill


def clusters(patients: int, noise: float, seed: int) -> tuple[Matrix, Matrix]:
    """Simulate two clouds that a straight line parts; points lie about (±2, ±2)."""
    rng = np.random.RandomState(seed)
    ill = (np.arange(patients) % 2).astype(np.float64)
    centre = np.where(ill == 1, 2.0, -2.0)
    return rng.normal(0, 0.6 + 2 * noise, (patients, 2)) + centre[:, None], ill


def spiral(patients: int, noise: float, seed: int) -> tuple[Matrix, Matrix]:
    """Simulate two arms wound into one another (Lang and Witbrock, 1988); points lie in [-6, 6]²."""
    rng = np.random.RandomState(seed)
    ill = (np.arange(patients) % 2).astype(np.float64)
    turn = (np.arange(patients) // 2) / (patients / 2)
    angle = 1.75 * turn * 2 * np.pi + np.pi * ill
    x = np.column_stack([5 * turn * np.sin(angle), 5 * turn * np.cos(angle)])
    return x + noise * rng.uniform(-2, 2, x.shape), ill
