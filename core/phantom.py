"""A chest film made of formulas: a schematic picture (模式図), of no patient. NumPy alone.

The module is self-contained, so that its source can stand verbatim in a reader's script.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Grid = npt.NDArray[np.float32]


def _inside(distance: Grid, width: float) -> Grid:
    """Turn a signed distance (positive inside) into 0 … 1 with an edge about ``width`` wide."""
    result: Grid = 0.5 + 0.5 * np.tanh(distance / width)
    return result


def _blob(x: Grid, y: Grid, radius: float) -> Grid:
    """Return a soft round spot around the origin."""
    result: Grid = np.exp(-(x * x + y * y) / (radius * radius))
    return result


def _ribs(phase: Grid, edge: float) -> Grid:
    """Return bands at whole numbers of ``phase`` (one rib each), with brighter rims as cortical bone has."""
    off: Grid = np.abs(phase - np.round(phase))  # 0 in the middle of a rib, 0.5 between two
    rim: Grid = np.exp(-(((off - 0.17) / (0.07 + edge)) ** 2))
    result: Grid = _inside(0.22 - off, 0.05 + edge) * (0.65 + 0.35 * rim)
    return result


def film(
    rng: np.random.Generator, side: int = 256, *, mirrored: bool = False, nodule: bool = False
) -> npt.NDArray[np.float32]:
    """Draw a chest film, posterior-anterior: the patient's left is on the right of the picture.

    Each draw of ``rng`` is another body: size, rotation, exposure, ribs and heart vary. Equal draws give
    the same body at every ``side``, with and without a ``nodule`` and when ``mirrored`` (situs inversus).

    Returns:
        Brightness of shape (side, side) in [0, 1]; air is dark.
    """
    size, tilt, shift_x, shift_y = rng.uniform(
        [0.94, -0.035, -0.03, -0.03], [1.06, 0.035, 0.03, 0.03]
    ).tolist()
    exposure, contrast, spacing, arch = rng.uniform(
        [-0.05, 0.9, 0.168, 0.30], [0.05, 1.1, 0.196, 0.42]
    ).tolist()
    heart, dome, width, apex = rng.uniform([0.88, -0.05, 0.76, -0.86], [1.14, 0.06, 0.84, -0.79]).tolist()
    bubble_x, bubble_y, markings, knob = rng.uniform([0.34, 0.07, 0.8, 0.9], [0.48, 0.11, 1.2, 1.15]).tolist()
    lung, angle, reach, radius = rng.uniform([0.0, 0.0, 0.0, 0.065], [1.0, 2 * np.pi, 1.0, 0.085]).tolist()

    axis = ((np.arange(side, dtype=np.float32) + 0.5) * (2 / side) - 1).astype(np.float32)
    across, down = axis[None, :], axis[:, None]
    x = ((across - tilt * down - shift_x) / size).astype(np.float32)  # -1 … 1, to the patient's left
    y = ((down + tilt * across - shift_y) / size).astype(np.float32)  # -1 … 1, towards the feet
    pixel = 2 / side
    lateral = np.abs(x)
    left = _inside(x, 0.02)

    # The rib cage and the two lungs in it, which end on the domes of the diaphragm: the right is higher.
    depth = np.clip((y - apex) / (0.95 - apex), 0, 1)
    wall = width * np.sqrt(1 - (1 - depth) ** 2.6) * (1 - 0.05 * depth)
    across_lung = (lateral - 0.42) / 0.42
    floor = 0.42 + dome + 0.07 * left + 0.17 * across_lung**2 + 0.13 * np.clip(across_lung, 0, None) ** 3
    cage = _inside(wall - lateral, 0.015 + pixel / 2)
    air = cage * _inside(floor - y, 0.012 + pixel / 2)
    air *= _inside(lateral - 0.09 - 0.05 * depth, 0.025 + pixel / 2)  # the lungs leave the middle free

    # Soft tissue: neck, shoulders and the sides of the trunk; outside them the film is black.
    shoulder = y + 0.93 - 0.42 * np.clip(lateral - 0.24, 0, None) ** 1.1
    body = np.maximum(_inside(shoulder, 0.03 + pixel / 2), _inside(0.25 - lateral, 0.03 + pixel / 2))
    body *= _inside(width + 0.19 + 0.10 * np.clip(-y, 0, 1) - lateral, 0.02 + pixel / 2)
    muscle = 0.10 * _inside(lateral - wall - 0.02, 0.05) * (1 - depth)
    density = body * (0.62 + muscle + 0.10 * _inside(y - floor, 0.05) - 0.46 * air)

    # The shadow of heart and great vessels, between a right and a left border: two thirds of the heart
    # lie to the patient's left, with the aortic knob above; and the two hila.
    rise = np.clip((y + 0.22) / 0.48, 0, 1)
    apex_end = np.sqrt(np.clip(1 - (np.clip(y - 0.24, 0, None) / 0.34) ** 2, 0, 1))
    left_border = 0.115 + 0.06 * knob * np.exp(-(((y + 0.31) / 0.085) ** 2))
    left_border += 0.36 * heart * rise * rise * (3 - 2 * rise) * apex_end - 0.02 * _inside(-0.45 - y, 0.08)
    right_border = 0.10 + 0.095 * heart * np.exp(-(((y - 0.24) / 0.22) ** 2))
    shadow = _inside(np.minimum(left_border - x, x + right_border), 0.022 + pixel / 2)
    density += shadow * (0.07 + (0.27 + 0.10 * rise) * air) * body
    hilum_x, hilum_y = lateral - 0.21, y - 0.01 + 0.04 * left
    density += 0.15 * markings * _blob(hilum_x, hilum_y * 0.75, 0.12) * air

    # Vessels that fan out from each hilum, thinner towards the wall.
    bearing = np.arctan2(hilum_y, hilum_x + 0.12)
    far = np.sqrt(hilum_x**2 + hilum_y**2)
    fan = np.cos(4 * bearing + 3 * far + 4 * left) ** 6 + np.cos(7 * bearing - 5 * far + 1) ** 6
    density += 0.07 * markings * fan * np.exp(-far / 0.22) * np.clip(far / 0.12, 0, 1) * air

    # Bones: posterior ribs arch down and outwards, anterior ribs run down and inwards and fade there.
    outward = lateral / width
    posterior = (y - apex - 0.06 - arch * outward**2 * (1 - 0.35 * depth)) / spacing
    anterior = (y - apex - 0.22 - arch * (1 - outward) * 1.25 - 0.1 * outward) / spacing
    edge = 0.5 * pixel / spacing
    seen = cage * (0.35 + 0.65 * _inside(floor - y, 0.06))  # faint below the diaphragm
    behind = _inside(posterior + 0.5, 0.1) * _inside(10.5 - posterior, 0.1)
    before = _inside(anterior + 0.5, 0.1) * _inside(outward - 0.48, 0.12)
    density += seen * (0.115 * _ribs(posterior, edge) * behind + 0.065 * _ribs(anterior, edge) * before)
    clavicle = np.abs(y + 0.56 + 0.26 * (lateral - 0.06) - 0.05 * np.sin(6 * (lateral - 0.06)))
    bone = _inside(0.034 - clavicle, 0.012 + pixel / 2) * (1 - 0.3 * _inside(0.018 - clavicle, 0.01 + pixel))
    density += 0.19 * bone * _inside(lateral - 0.07, 0.02) * _inside(0.80 - lateral, 0.03) * body
    vertebra = 0.75 + 0.25 * np.cos(2 * np.pi * y / (0.8 * spacing))
    density += 0.10 * vertebra * _inside(0.085 - lateral, 0.02 + pixel / 2)

    # Air where it belongs: the windpipe above, the gastric bubble under the left dome.
    trachea = _inside(0.04 - np.abs(x + 0.01), 0.015 + pixel / 2) * _inside(-0.30 - y, 0.05)
    density -= 0.20 * trachea
    bubble = 1 - ((x - bubble_x) / 0.17) ** 2 - ((y - floor - bubble_y) / 0.065) ** 2
    density -= 0.24 * _inside(bubble, 0.25 + pixel) * _inside(y - floor - 0.025, 0.02)

    # A round nodule, if asked for, within one of the lungs.
    centre_x = np.where(lung < 0.5, -0.47, 0.55) + 0.13 * reach * np.cos(angle)
    centre_y = -0.12 + 0.30 * reach * np.sin(angle)
    if nodule:
        spot = radius - np.sqrt((x - centre_x) ** 2 + (y - centre_y) ** 2)
        density += 0.30 * _inside(spot, 0.02 + pixel / 3)

    # Exposure, and the grain of the film, which is coarser than a pixel of a large picture.
    shown = 1 / (1 + np.exp(-(density - 0.50 + exposure) * 5.2 * contrast))
    grain = rng.standard_normal((side, side), dtype=np.float32)
    result: Grid = np.clip(shown * 0.96 + 0.02 + 0.014 * grain, 0, 1).astype(np.float32)
    return np.ascontiguousarray(result[:, ::-1]) if mirrored else result
