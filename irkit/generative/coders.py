"""Networks between pictures and latent vectors: four that infer, three that decode.

A picture of R rows and C columns is a vector of D = R C values, or, to a recurrent network, a
sequence of R steps of C values. Symbols: B batch, D values, Z latent, H hidden units.

Source of the recurrent pair: Fabius and van Amersfoort, "Variational recurrent auto-encoders", ICLR
2015 workshop: the last state gives the posterior; h_0 = tanh(W z + b) and x_t-1 is fed back.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from irkit.errors import ConfigError
from irkit.learn.recurrent import Cell, recurrent

EncoderKind: TypeAlias = Literal["mlp", "lstm", "gru", "conv"]
DecoderKind: TypeAlias = Literal["mlp", "lstm", "gru"]


class Encoder(nn.Module):
    """A body and two linear heads: (B, D) to mean and log-variance of q(z | x), (B, Z) each."""

    def __init__(self, kind: EncoderKind, size: int, shape: tuple[int, int] | None, hidden: int, latent: int) -> None:
        super().__init__()
        self.shape = checked_shape(kind, size, shape)
        self.kind = kind
        width = hidden
        if kind == "mlp":
            self.body: nn.Module = nn.Sequential(nn.Linear(size, hidden), nn.Tanh())
        elif kind == "conv":
            # Two halvings, 16 and 32 maps.
            layers = [nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2, padding=1)]
            rows, columns = (-(-side // 4) for side in self.shape)
            self.body = nn.Sequential(
                nn.Unflatten(1, (1, *self.shape)),
                *layers,
                nn.ReLU(),
                nn.Flatten(),
                nn.Linear(32 * rows * columns, hidden),
                nn.ReLU(),
            )
        else:
            self.body = recurrent(kind, self.shape[1], hidden)
        self.mean = nn.Linear(width, latent)
        self.log_var = nn.Linear(width, latent)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance."""
        if self.kind in {"lstm", "gru"}:
            states, _ = self.body(x.view(len(x), *self.shape))
            h = states[:, -1]
        else:
            h = self.body(x)
        return self.mean(h), self.log_var(h)


class MLPDecoder(nn.Module):
    """One hidden layer of tanh units."""

    def __init__(self, size: int, hidden: int, latent: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(latent, hidden)
        self.out = nn.Linear(hidden, size)

    @torch.no_grad()
    def start(self, bias: Tensor) -> None:
        """Let the output begin at given parameters, (D,)."""
        self.out.bias.copy_(bias)

    def forward(self, z: Tensor, x: Tensor) -> Tensor:
        """Return the parameters of p(x | z), (B, D); `x` is not looked at."""
        parameters: Tensor = self.out(torch.tanh(self.hidden(z)))
        return parameters


class RecurrentDecoder(nn.Module):
    """Row after row, each given z and the rows above it."""

    def __init__(self, kind: Cell, size: int, shape: tuple[int, int] | None, hidden: int, latent: int) -> None:
        super().__init__()
        self.shape = checked_shape(kind, size, shape)
        self.kind = kind
        self.first = nn.Linear(latent, hidden)
        self.body = recurrent(kind, self.shape[1], hidden)
        self.out = nn.Linear(hidden, self.shape[1])
        self.bias = nn.Parameter(torch.zeros(size))

    @torch.no_grad()
    def start(self, bias: Tensor) -> None:
        """Let the output begin at given parameters, (D,)."""
        self.bias.copy_(bias)
        self.out.bias.zero_()

    def state(self, z: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Return the state before the first row."""
        h = torch.tanh(self.first(z))[None]
        return (h, torch.zeros_like(h)) if self.kind == "lstm" else h

    def forward(self, z: Tensor, x: Tensor) -> Tensor:
        """Return the parameters of p(x_t | z, x_<t) for all rows t: (B, D)."""
        rows = x.view(len(x), *self.shape)
        above = torch.cat([torch.zeros_like(rows[:, :1]), rows[:, :-1]], dim=1)
        states, _ = self.body(above, self.state(z))
        parameters: Tensor = self.out(states).flatten(1) + self.bias
        return parameters


def checked_shape(kind: str, size: int, shape: tuple[int, int] | None) -> tuple[int, int]:
    """Return the picture's shape.

    Raises
    ------
    ConfigError
        If the network needs one and there is none, or it does not make `size` values.
    """
    if shape is None and kind == "mlp":
        return 1, size
    if shape is None:
        raise ConfigError(f"vae: a {kind} network reads pictures; set shape to their rows and columns")
    if shape[0] * shape[1] != size or min(shape) < 1:
        raise ConfigError(f"vae: shape {shape[0]} x {shape[1]} does not make the {size} values of a row; correct shape")
    return shape
