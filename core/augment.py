"""Augmentation while a network trains: every picture of a batch is changed in its own way, all at once.

One affine sampling grid a picture carries all that moves it, so that a batch costs a few tensor operations
instead of a loop over pictures. ``Augment`` is also written, word for word, into the scripts that readers
take home: it uses ``torch`` and ``nn`` alone, and holds no comments.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Augment(nn.Module):
    """Change pictures (batch, channels, side, side) of values 0 … 1 while training; leave them be in eval().

    ``flip`` (left and right) and ``upside_down`` (half a turn) are probabilities, ``degrees`` and ``shear``
    the largest angles, ``translate`` the largest shift as a share of the side, ``scale`` the largest change
    of size, ``brightness`` and ``contrast`` the largest changes of factors around 1, ``noise`` the standard
    deviation of what is added to each pixel, ``erase`` the probability that a square of a quarter to half
    of the side is blackened (Zhong et al., Random erasing data augmentation, 2020). What falls outside the
    picture is black.
    """

    def __init__(
        self,
        flip: float = 0.0,
        upside_down: float = 0.0,
        degrees: float = 0.0,
        translate: float = 0.0,
        scale: float = 0.0,
        shear: float = 0.0,
        brightness: float = 0.0,
        contrast: float = 0.0,
        noise: float = 0.0,
        erase: float = 0.0,
    ) -> None:
        super().__init__()
        self.flip, self.upside_down = flip, upside_down
        self.degrees, self.translate, self.scale, self.shear = degrees, translate, scale, shear
        self.brightness, self.contrast, self.noise, self.erase = brightness, contrast, noise, erase

    def forward(self, x: Tensor) -> Tensor:
        """Return the pictures, changed."""
        return self.grain(self.shade(self.move(x))) if self.training else x

    def around(self, x: Tensor, middle: float, reach: float) -> Tensor:
        """Draw a number for each picture, from ``middle`` - ``reach`` to ``middle`` + ``reach``."""
        return middle + reach * (2 * torch.rand(len(x), device=x.device) - 1)

    def move(self, x: Tensor) -> Tensor:
        """Flip, turn, shift, resize and shear, in one sampling."""
        mirror = torch.where(torch.rand(len(x), device=x.device) < self.flip, -1.0, 1.0)
        turn = torch.where(torch.rand(len(x), device=x.device) < self.upside_down, 180.0, 0.0)
        angle = torch.deg2rad(turn + self.around(x, 0.0, self.degrees))
        lean = torch.tan(torch.deg2rad(self.around(x, 0.0, self.shear)))
        size = self.around(x, 1.0, self.scale)
        right, down = self.around(x, 0.0, 2 * self.translate), self.around(x, 0.0, 2 * self.translate)
        cos, sin = torch.cos(angle) / size, torch.sin(angle) / size
        first = torch.stack([mirror * cos, mirror * (lean * cos - sin), right], dim=1)
        second = torch.stack([sin, lean * sin + cos, down], dim=1)
        grid = nn.functional.affine_grid(
            torch.stack([first, second], dim=1), list(x.shape), align_corners=False
        )
        return nn.functional.grid_sample(x, grid, align_corners=False)

    def shade(self, x: Tensor) -> Tensor:
        """Change brightness, and contrast around each picture's mean."""
        light = self.around(x, 1.0, self.brightness)[:, None, None, None]
        spread = self.around(x, 1.0, self.contrast)[:, None, None, None]
        x = x * light
        mean = x.mean(dim=(1, 2, 3), keepdim=True)
        return (mean + spread * (x - mean)).clamp(0, 1)

    def grain(self, x: Tensor) -> Tensor:
        """Add noise, and blacken a square."""
        x = x + self.noise * torch.randn_like(x)
        side = x.shape[-1]
        place = torch.arange(side, device=x.device)
        width = side * self.around(x, 0.375, 0.125)
        left, top = ((side - width) * torch.rand(len(x), device=x.device) for _ in range(2))
        columns = (place >= left[:, None]) & (place < (left + width)[:, None])
        rows = (place >= top[:, None]) & (place < (top + width)[:, None])
        chosen = torch.rand(len(x), device=x.device) < self.erase
        hidden = rows[:, :, None] & columns[:, None, :] & chosen[:, None, None]
        return x.masked_fill(hidden[:, None], 0.0)
