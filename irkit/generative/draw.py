"""DRAW: a picture drawn in several steps on a canvas, each step from a latent vector of its own.

Source: Gregor, Danihelka, Graves, Rezende and Wierstra, "DRAW: A recurrent neural network for image generation", ICML
2015, sections 2 and 3. The windows of attention are in `irkit.generative.windows`.

    for t = 1 ... T
        r       = read(x, x - sigmoid(c), h_dec)
        h_enc   = LSTM_enc([r, h_dec])
        z_t     ~ q_t = N(mean(h_enc), exp(log_var(h_enc)))        when drawing, z_t ~ N(0, I)
        h_dec   = LSTM_dec(z_t)
        c       = c + write(h_dec)
    log p(x | z) = sum over pixels of log Bernoulli(x; sigmoid(c))
    ELBO = E_q log p(x | z) - sum over t of KL(q_t || N(0, I)) <= log p(x)

With attention, read is a window of N x N on the picture and one on what is missing, and write puts a patch of N x N
through another window; without it, read takes all of both and write all of the canvas.

Symbols: B batch, D pixels of R rows and C columns, T steps, Z latent dimensions of each, N filters along a side of a
window, H units of an LSTM.
Departures: the canvas starts at the logits of the training means, windows in the middle with overlapping filters, and
what is written at the brightness of the patch (1 / gamma is stride^2, as each filter sums to 1): with all of these at
zero it hardly learns. Forget gates start near 1.
"""

from __future__ import annotations

import torch
from torch import Tensor

from irkit.generative.base import LatentDensity
from irkit.generative.canvas import CanvasConfig, CanvasNet, checked_sides, shown
from irkit.io.kinds import Spec
from irkit.learn.estimate import Kind, check_draws
from irkit.learn.figures_latent import Strokes
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.trainer import TrainerConfig


class DRAWConfig(CanvasConfig):
    """Settings of `DRAW`."""


class DRAWNet(CanvasNet):
    """Draws on a canvas by itself: nothing is told of a picture, and z of every step is standard normal."""

    def decode(self, z: Tensor) -> Tensor:
        """Return the means of p(x | z), z of all steps: (B, T Z) to (B, D)."""
        return torch.sigmoid(self.drawn(z.view(len(z), self.config.steps, self.config.latent_size).to(self.canvas)))


class DRAW(LatentDensity):
    """A picture in several steps, with windows of attention or without; its likelihood is a lower bound."""

    name = "draw"
    config_type = DRAWConfig
    config: DRAWConfig
    trainer = TrainerConfig(
        epochs=9,
        batch_size=100,
        optimiser=OptimiserConfig(learning_rate=3e-3, schedule="linear", hold=0.5, final=0.02, clip=20),
    )

    def build(self, spec: Spec) -> DRAWNet:
        """Return an untrained network."""
        return DRAWNet(spec.size, checked_sides(self.name, self.config.shape or spec.picture, spec.size), self.config)

    @property
    def latent_size(self) -> int:
        """Latent dimensions of all steps, T Z."""
        return self.config.steps * self.config.latent_size

    @property
    def kl_kind(self) -> Kind:
        """An estimate where there are several steps, whose posteriors depend on what was drawn in those before."""
        return "exact" if self.config.steps == 1 else "estimate"

    @torch.no_grad()
    def strokes(self, n: int, *, seed: int = 1) -> Strokes:
        """Draw n pictures and say how: what is on the canvas after each step, and where it was written."""
        return shown(self.fitted, check_draws(self.name, "n", n), self.generator(seed))
