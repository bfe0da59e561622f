"""Landscapes to walk down: analytic functions of one or two weights, with their gradients.

Plain NumPy in double precision, so that a page can draw a landscape without loading torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """A loss as a function of ``dimension`` weights.

    Attributes:
        domain: lowest and highest value of each axis, the part worth drawing.
        value: points of shape (…, dimension) -> losses of shape (…).
        gradient: points of shape (…, dimension) -> slopes of the same shape.
        minima: every local minimum inside the domain, the lowest first.
        starts: points worth starting from; the first is the default.
        latex: the formula.
        source: where the function was published; empty for one made for this course.
    """

    name: str
    domain: tuple[tuple[float, float], ...]
    value: Callable[[Array], Array]
    gradient: Callable[[Array], Array]
    minima: tuple[tuple[float, ...], ...]
    starts: tuple[tuple[float, ...], ...]
    latex: str
    source: str = ""

    @property
    def dimension(self) -> int:
        """How many weights it has: 1 (a curve) or 2 (a map)."""
        return len(self.domain)

    @property
    def corners(self) -> tuple[Array, Array]:
        """The domain's lowest and highest corner, each of shape (dimension,)."""
        edges = np.array(self.domain, dtype=np.float64)
        return edges[:, 0], edges[:, 1]


def _pair(x: Array, y: Array) -> Array:
    """Put two coordinates of shape (…) together as points of shape (…, 2); np.stack takes twice as long."""
    points = np.empty((*x.shape, 2))
    points[..., 0] = x
    points[..., 1] = y
    return points


def _columns(points: Array) -> tuple[Array, Array]:
    return points[..., 0], points[..., 1]


def _squares(points: Array) -> Array:
    total: Array = np.sum(points * points, axis=-1)
    return total


def _two_valleys_1d(points: Array) -> Array:
    x = points[..., 0]
    height: Array = x * x + 2.5 * (1 + np.sin(2 * x))
    return height


def _two_valleys_1d_gradient(points: Array) -> Array:
    slope: Array = 2 * points + 5 * np.cos(2 * points)
    return slope


def _two_valleys(points: Array) -> Array:
    x, y = _columns(points)
    return x * x + 2.5 * (1 + np.sin(2 * x)) + y * y


def _two_valleys_gradient(points: Array) -> Array:
    x, y = _columns(points)
    return _pair(2 * x + 5 * np.cos(2 * x), 2 * y)


def _bowl_gradient(points: Array) -> Array:
    return 2 * points


def _ravine(points: Array) -> Array:
    x, y = _columns(points)
    return x * x + 20 * y * y


def _ravine_gradient(points: Array) -> Array:
    x, y = _columns(points)
    return _pair(2 * x, 40 * y)


def _saddle(points: Array) -> Array:
    x, y = _columns(points)
    return x * x + (y * y - 1) ** 2


def _saddle_gradient(points: Array) -> Array:
    x, y = _columns(points)
    return _pair(2 * x, 4 * y * (y * y - 1))


def _plateau(points: Array) -> Array:
    return 4 * (1 - np.exp(-0.5 * _squares(points)))


def _plateau_gradient(points: Array) -> Array:
    return 4 * points * np.exp(-0.5 * _squares(points))[..., None]


def _rosenbrock(points: Array) -> Array:
    x, y = _columns(points)
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


def _rosenbrock_gradient(points: Array) -> Array:
    x, y = _columns(points)
    up = 200 * (y - x * x)
    return _pair(-2 * (1 - x) - 2 * x * up, up)  # rounded as autograd does it: valleys amplify differences


def _beale(points: Array) -> Array:
    x, y = _columns(points)
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def _beale_gradient(points: Array) -> Array:
    x, y = _columns(points)
    y2 = y * y
    y3 = y2 * y
    a, b, c = 2 * (1.5 - x + x * y), 2 * (2.25 - x + x * y2), 2 * (2.625 - x + x * y3)
    # Summed in the order of autograd: near the minimum RMSprop blows up what rounding leaves.
    return _pair(c * y3 - c + b * y2 - b + a * y - a, c * x * (3 * y2) + b * x * (2 * y) + a * x)


def _himmelblau(points: Array) -> Array:
    x, y = _columns(points)
    return (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2


def _himmelblau_gradient(points: Array) -> Array:
    x, y = _columns(points)
    a, b = x * x + y - 11, x + y * y - 7
    return _pair(4 * x * a + 2 * b, 2 * a + 4 * y * b)


# Stationary points of x² + 2.5 (1 + sin 2x): the deep valley, the shallow one and the pass between them.
DEEP, SHALLOW, BARRIER = -0.6532200041847555, 1.9187335532495244, 0.9886915146644205

LANDSCAPES: dict[str, Landscape] = {
    landscape.name: landscape
    for landscape in (
        Landscape(
            name="two_valleys_1d",
            domain=((-4.0, 4.0),),
            value=_two_valleys_1d,
            gradient=_two_valleys_1d_gradient,
            minima=((DEEP,), (SHALLOW,)),
            starts=((-3.5,), (3.5,)),
            latex=r"L(w) = w^2 + 2.5\,(1 + \sin 2w)",
        ),
        Landscape(
            name="bowl_1d",
            domain=((-4.0, 4.0),),
            value=_squares,
            gradient=_bowl_gradient,
            minima=((0.0,),),
            starts=((-3.5,),),
            latex=r"L(w) = w^2",
        ),
        Landscape(
            name="bowl",
            domain=((-4.0, 4.0), (-4.0, 4.0)),
            value=_squares,
            gradient=_bowl_gradient,
            minima=((0.0, 0.0),),
            starts=((-3.5, 2.5),),
            latex=r"L(w_1, w_2) = w_1^2 + w_2^2",
        ),
        Landscape(
            name="ravine",
            domain=((-4.0, 4.0), (-2.0, 2.0)),
            value=_ravine,
            gradient=_ravine_gradient,
            minima=((0.0, 0.0),),
            starts=((-3.5, 1.5),),
            latex=r"L(w_1, w_2) = w_1^2 + 20\,w_2^2",
        ),
        Landscape(
            name="saddle",
            domain=((-2.0, 2.0), (-2.0, 2.0)),
            value=_saddle,
            gradient=_saddle_gradient,
            minima=((0.0, 1.0), (0.0, -1.0)),
            starts=((-1.8, 0.001), (-1.8, 0.0)),
            latex=r"L(w_1, w_2) = w_1^2 + (w_2^2 - 1)^2",
        ),
        Landscape(
            name="plateau",
            domain=((-4.0, 4.0), (-4.0, 4.0)),
            value=_plateau,
            gradient=_plateau_gradient,
            minima=((0.0, 0.0),),
            starts=((-2.5, 1.5), (-3.5, 2.5)),
            latex=r"L(w_1, w_2) = 4\left(1 - e^{-(w_1^2 + w_2^2)/2}\right)",
        ),
        Landscape(
            name="two_valleys",
            domain=((-4.0, 4.0), (-4.0, 4.0)),
            value=_two_valleys,
            gradient=_two_valleys_gradient,
            minima=((DEEP, 0.0), (SHALLOW, 0.0)),
            starts=((-3.5, 2.5), (3.5, 2.5)),
            latex=r"L(w_1, w_2) = w_1^2 + 2.5\,(1 + \sin 2w_1) + w_2^2",
        ),
        Landscape(
            name="rosenbrock",
            domain=((-2.0, 2.0), (-1.0, 3.0)),
            value=_rosenbrock,
            gradient=_rosenbrock_gradient,
            minima=((1.0, 1.0),),
            starts=((-1.2, 1.0),),
            latex=r"L(w_1, w_2) = (1 - w_1)^2 + 100\,(w_2 - w_1^2)^2",
            source="H. H. Rosenbrock, An automatic method for finding the greatest or least value of a "
            "function, The Computer Journal 3 (3), 175–184, 1960",
        ),
        Landscape(
            name="beale",
            domain=((-4.5, 4.5), (-4.5, 4.5)),
            value=_beale,
            gradient=_beale_gradient,
            minima=((3.0, 0.5),),
            starts=((1.0, 1.0),),
            latex=r"\begin{aligned}L(w_1, w_2) = {} & (1.5 - w_1 + w_1 w_2)^2 \\"
            r" & + (2.25 - w_1 + w_1 w_2^2)^2 \\"
            r" & + (2.625 - w_1 + w_1 w_2^3)^2\end{aligned}",
            source="E. M. L. Beale, On an iterative method for finding a local minimum of a function of more "
            "than one variable, Technical Report 25, Princeton University, 1958",
        ),
        Landscape(
            name="himmelblau",
            domain=((-5.0, 5.0), (-5.0, 5.0)),
            value=_himmelblau,
            gradient=_himmelblau_gradient,
            minima=(
                (3.0, 2.0),
                (-2.805118086952745, 3.131312518250573),
                (-3.779310253377747, -3.283185991286170),
                (3.584428340330492, -1.848126526964404),
            ),
            starts=((0.0, 0.0), (-1.0, 0.0)),
            latex=r"L(w_1, w_2) = (w_1^2 + w_2 - 11)^2 + (w_1 + w_2^2 - 7)^2",
            source="D. M. Himmelblau, Applied Nonlinear Programming, McGraw-Hill, 1972",
        ),
    )
}
