"""Windows of DRAW: a grid of Gaussian filters through which a network reads part of a picture, or writes there.

Source: Gregor, Danihelka, Graves, Rezende and Wierstra, "DRAW: A recurrent neural network for image generation", ICML
2015, section 3.2, equations 19 to 26.

    centre of filter i      g + (i - (N - 1) / 2) stride               i = 0 ... N - 1, so that g is in the middle
    F[i, a]                 softmax over a of -(a - centre_i)^2 / (2 sigma^2)
    read                    gamma F_y x F_x'
    write                   1 / gamma F_y' w F_x

Symbols: B pictures of R rows and C columns, K channels, N filters along each side; g the middle of the grid in pixels,
0 the first; sigma the filters' deviation, gamma the intensity.
Departures: pixels and filters are counted from 0, where the paper's equations 19 to 22 count from 1; rows of F are
normalised by a softmax, which keeps their sum at 1 and their gradient alive where a narrow filter lies between pixels.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Grid(NamedTuple):
    """Where the filters of B windows are."""

    y: Tensor
    "(B,) the middle of the grid, in pixels from the first row."
    x: Tensor
    "(B,) likewise from the first column."
    log_var: Tensor
    "(B,) of the filters, in squared pixels."
    stride: Tensor
    "(B,) pixels between centres."
    log_gamma: Tensor
    "(B,) logarithm of the intensity."


class Filters(NamedTuple):
    """The filters of B windows."""

    rows: Tensor
    "(B, N, R)"
    columns: Tensor
    "(B, N, C)"
    log_gamma: Tensor
    "(B,)"

    def frame(self) -> Tensor:
        """Return first and last row, first and last column that the filters' middles lie on: (B, 4) pixels."""
        ends = [(side[:, [0, -1]] @ torch.arange(side.shape[2]).to(side)) for side in (self.rows, self.columns)]
        return torch.cat(ends, 1)

    def read(self, pictures: Tensor) -> Tensor:
        """Return what the window shows: (B, K, R, C) to (B, K, N, N)."""
        patch = self.rows[:, None] @ pictures @ self.columns[:, None].mT
        return patch * self.log_gamma.exp()[:, None, None, None]

    def write(self, patch: Tensor) -> Tensor:
        """Return the picture that a patch makes: (B, N, N) to (B, R, C)."""
        return (self.rows.mT @ patch @ self.columns) * torch.exp(-self.log_gamma)[:, None, None]


def filters(middle: Tensor, log_var: Tensor, stride: Tensor, n: int, size: int) -> Tensor:
    """Return N filters along a side, each of sum 1.

    Parameters
    ----------
    middle, log_var, stride : (B,)
    n, size : int
        Filters, and pixels of the side.

    Returns
    -------
    (B, N, size)

    Examples
    --------
    Filters one pixel apart and much narrower than one copy the side:

    >>> one = torch.ones(1)
    >>> filters(one, -9 * one, one, 3, 3).round()
    tensor([[[1., 0., 0.],
             [0., 1., 0.],
             [0., 0., 1.]]])
    """
    along = torch.arange(n, device=middle.device, dtype=middle.dtype) - (n - 1) / 2
    centres = middle[:, None] + along * stride[:, None]  # (B, N)
    pixels = torch.arange(size, device=middle.device, dtype=middle.dtype)
    apart = (pixels - centres[:, :, None]).square()
    return torch.softmax(-0.5 * apart * torch.exp(-log_var)[:, None, None], dim=2)


class Window(nn.Module):
    """Five numbers of a state that say where a window lies.

    Parameters
    ----------
    inputs : int
        Numbers of a state.
    n : int
        Filters along each side, N.
    shape : (rows, columns)
        Of a picture.
    stride : float
        Pixels between the centres where training starts: the grid is in the middle of the picture then, and the
        deviation half the stride, so that filters overlap without holes.
    log_gamma : float
        Likewise.
    """

    def __init__(self, inputs: int, n: int, shape: tuple[int, int], stride: float, log_gamma: float = 0.0) -> None:
        super().__init__()
        self.n, self.shape = n, shape
        self.widest = max(max(shape) - 1, 1) / max(n - 1, 1)
        "The stride with which a grid in the middle of the picture spans its longer side; of one pixel a pixel."
        self.numbers = nn.Linear(inputs, 5)
        with torch.no_grad():
            self.numbers.weight *= 0.1
            start = (0.0, 0.0, 2 * math.log(stride / 2), math.log(stride / self.widest), log_gamma)
            self.numbers.bias.copy_(torch.tensor(start))

    def grid(self, state: Tensor) -> Grid:
        """Return where the windows lie: (B, inputs)."""
        y, x, log_var, log_share, log_gamma = self.numbers(state).unbind(1)
        rows, columns = self.shape
        return Grid(
            (rows + 1) / 2 * (y + 1) - 1,
            (columns + 1) / 2 * (x + 1) - 1,
            log_var,
            self.widest * log_share.exp(),
            log_gamma,
        )

    def forward(self, state: Tensor) -> Filters:
        """Return the filters of each state: (B, inputs)."""
        grid, (rows, columns) = self.grid(state), self.shape
        return Filters(
            filters(grid.y, grid.log_var, grid.stride, self.n, rows),
            filters(grid.x, grid.log_var, grid.stride, self.n, columns),
            grid.log_gamma,
        )
