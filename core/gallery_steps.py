"""Two of torchvision's transforms that blur in a faster way: the same values to seven digits.

Everything here is also written, word for word, into the scripts that readers take home.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchvision.transforms import v2


def blurred(picture: Tensor, kernel: int, sigma: float) -> Tensor:
    """Blur square pictures (…, side, side): lengthwise, then crosswise, each by a product with one matrix.

    Row i of the matrix holds the weights of the pixels around i; beyond the edge the picture is mirrored.
    """
    side, reach = picture.shape[-1], kernel // 2
    around = torch.arange(-reach, reach + 1)
    weights = torch.softmax(-((around / sigma) ** 2) / 2, dim=0)
    seen = (torch.arange(side)[:, None] + around).abs()
    seen = torch.where(seen >= side, 2 * side - 2 - seen, seen)
    matrix = torch.zeros(side, side).scatter_add(1, seen, weights.expand(side, -1))
    return matrix @ picture @ matrix.T


class Blur(v2.GaussianBlur):  # type: ignore[misc]
    """``v2.GaussianBlur``, faster."""

    def transform(self, inpt: Tensor, params: dict[str, Any]) -> Tensor:
        """Blur a picture (channels, side, side)."""
        return blurred(inpt, self.kernel_size[0], params["sigma"][0])


class Elastic(v2.ElasticTransform):  # type: ignore[misc]
    """``v2.ElasticTransform``, faster (Simard et al., 2003)."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the shifts of all pixels, (1, side, side, 2), in halves of the picture's edge."""
        side = flat_inputs[0].shape[-1]
        wild = torch.cat([torch.rand(1, 1, side, side) * 2 - 1 for _ in range(2)], dim=1)
        shifts = blurred(wild, int(8 * self.sigma[0] + 1) // 2 * 2 + 1, self.sigma[0])
        return {"displacement": (shifts * self.alpha[0] / side).permute([0, 2, 3, 1])}
