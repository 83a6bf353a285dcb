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

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from irkit.config import Config
from irkit.errors import ConfigError
from irkit.generative.base import LatentDensity
from irkit.generative.windows import Filters, Window
from irkit.io.kinds import Spec
from irkit.learn.distributions import bernoulli_log_prob, gaussian_kl, gaussian_log_prob, logit
from irkit.learn.estimate import check_draws
from irkit.learn.estimators import reparameterise, sample_bits
from irkit.learn.figures_latent import Strokes
from irkit.learn.latent import Bound, standard_normal
from irkit.learn.model import numbers
from irkit.learn.net import ScoreNet
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Loss, Now
from irkit.learn.recurrent import remembering
from irkit.learn.trainer import TrainerConfig

TOGETHER = 2000
"Pictures drawn at once where importance weights are computed."


class DRAWConfig(Config):
    """Settings of `DRAW`."""

    steps: int = Field(10, ge=1)
    "Steps T."
    latent_size: int = Field(10, ge=1)
    "Latent dimensions Z of each step."
    hidden_size: int = Field(128, ge=1)
    "Units of both LSTMs."
    attention: bool = True
    "Whether reading and writing go through windows."
    read: int = Field(5, ge=1)
    "Filters along a side of the window that reads."
    write: int = Field(5, ge=1)
    "Likewise of that which writes."
    stride: float = Field(4.0, gt=0)
    "Pixels between filters where training starts."
    shape: tuple[int, int] | None = None
    "Rows and columns of the picture that a row is; None takes them from the data."


class Path(NamedTuple):
    """What came of drawing B pictures that were looked at."""

    canvas: Tensor
    "(B, D) logits after the last step."
    mean: Tensor
    "(B, T, Z) of the posterior of each step."
    log_var: Tensor
    "(B, T, Z)"
    z: Tensor
    "(B, T, Z) what was drawn from it."


class Stroke(NamedTuple):
    """One step of drawing B pictures."""

    canvas: Tensor
    "(B, D) logits after it."
    window: Filters | None
    "Where it wrote; None without attention."


class State(NamedTuple):
    """The memory of both LSTMs: outputs and cells, (B, H) each."""

    encoder: tuple[Tensor, Tensor]
    decoder: tuple[Tensor, Tensor]


class DRAWNet(ScoreNet):
    """Both LSTMs, the heads of the posterior, and what reads and writes."""

    kind = "lower_bound"

    def __init__(self, size: int, shape: tuple[int, int], config: DRAWConfig) -> None:
        super().__init__()
        self.size, self.shape, self.config = size, shape, config
        hidden, latent = config.hidden_size, config.latent_size
        seen = 2 * (config.read**2 if config.attention else size)
        self.encoder = nn.LSTMCell(seen + hidden, hidden)
        self.mean, self.log_var = nn.Linear(hidden, latent), nn.Linear(hidden, latent)
        self.decoder = nn.LSTMCell(latent, hidden)
        self.patch = nn.Linear(hidden, config.write**2 if config.attention else size)
        self.canvas = nn.Parameter(torch.zeros(size))
        for cell in (self.encoder, self.decoder):
            remembering(cell)
        if config.attention:
            self.reading: Window | None = Window(hidden, config.read, shape, config.stride)
            log_gamma = -2 * math.log(config.stride)
            self.writing: Window | None = Window(hidden, config.write, shape, config.stride, log_gamma)
        else:
            self.reading = self.writing = None
            with torch.no_grad():
                self.patch.weight *= 0.1
                self.patch.bias.zero_()

    @torch.no_grad()
    def start(self, x: Tensor) -> None:
        """Let the canvas begin at the training means."""
        self.canvas.copy_(logit(x.mean(0), floor=5e-3))

    # ------------------------------------------------------------------ one step

    def begin(self, n: int) -> tuple[Tensor, State]:
        """Return the canvas of n pictures before the first step, and empty memories."""
        nothing = self.canvas.new_zeros(n, self.config.hidden_size)
        return self.canvas.expand(n, -1), State((nothing, nothing), (nothing, nothing))

    def read(self, x: Tensor, missing: Tensor, state: Tensor) -> Tensor:
        """Return what is seen of pictures and of what is missing of them, (B, D) each, as the decoder's state wants."""
        if self.reading is None:
            return torch.cat([x, missing], 1)
        both = torch.stack([x, missing], 1).view(-1, 2, *self.shape)
        found: Tensor = self.reading(state).read(both)
        return found.flatten(1)

    def look(self, x: Tensor, canvas: Tensor, state: State) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
        """Return mean and log-variance of a step's posterior, and the encoder's new memory."""
        h = state.decoder[0]
        seen = self.read(x, x - torch.sigmoid(canvas), h)
        memory = self.encoder(torch.cat([seen, h], 1), state.encoder)
        return self.mean(memory[0]), self.log_var(memory[0]), memory

    def stroke(self, z: Tensor, canvas: Tensor, memory: tuple[Tensor, Tensor]) -> tuple[Stroke, tuple[Tensor, Tensor]]:
        """Draw one step, z (B, Z); return it and the decoder's new memory."""
        memory = self.decoder(z, memory)
        patch = self.patch(memory[0])
        if self.writing is None:
            return Stroke(canvas + patch, None), memory
        window = self.writing(memory[0])
        n = self.config.write
        return Stroke(canvas + window.write(patch.view(-1, n, n)).flatten(1), window), memory

    # ------------------------------------------------------------------ all steps

    def follow(self, x: Tensor, rng: torch.Generator | None) -> Path:
        """Look at pictures (B, D) and draw them, z at random or, without a generator, at the posterior means."""
        canvas, state = self.begin(len(x))
        means, log_vars, zs = [], [], []
        for _ in range(self.config.steps):
            mean, log_var, encoder = self.look(x, canvas, state)
            z = mean if rng is None else reparameterise(mean, log_var, rng)
            (canvas, _), decoder = self.stroke(z, canvas, state.decoder)
            state = State(encoder, decoder)
            means.append(mean)
            log_vars.append(log_var)
            zs.append(z)
        return Path(canvas, torch.stack(means, 1), torch.stack(log_vars, 1), torch.stack(zs, 1))

    def strokes(self, z: Tensor) -> Iterator[Stroke]:
        """Yield the steps of drawing pictures from z (B, T, Z)."""
        canvas, state = self.begin(len(z))
        memory = state.decoder
        for one in z.unbind(1):
            stroke, memory = self.stroke(one, canvas, memory)
            canvas = stroke.canvas
            yield stroke

    def drawn(self, z: Tensor) -> Tensor:
        """Return the last canvas of z (B, T, Z): logits (B, D)."""
        *_, last = self.strokes(z)
        return last.canvas

    # ------------------------------------------------------------------ what training and models ask

    def bound(self, x: Tensor, rng: torch.Generator) -> Bound:
        """Return the parts of the ELBO with one z a picture, the KL of all steps side by side: (B,), (B, T Z)."""
        path = self.follow(x, rng)
        kl = gaussian_kl(path.mean, path.log_var)
        return Bound(bernoulli_log_prob(x, path.canvas), kl.flatten(1))

    def score(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return the ELBO: (B,)."""
        return self.bound(x, rng).elbo

    def loss(self, batch: Tensor, now: Now) -> Loss:
        """Return minus the mean ELBO."""
        bound = self.bound(batch, now.rng)
        return Loss(-bound.elbo.mean(), {"reconstruction": -bound.reconstruction.mean(), "kl": bound.kl.sum(1).mean()})

    def log_weights(self, x: Tensor, samples: int, rng: torch.Generator) -> Tensor:
        """Return log p(x, z_k) - log q(z_k | x) of `samples` draws: (samples, B) float64."""
        found = []
        step = max(1, TOGETHER // len(x))
        for done in range(0, samples, step):
            rows = x.repeat(min(step, samples - done), 1)
            path = self.follow(rows, rng)
            each = standard_normal(path.z) - gaussian_log_prob(path.z, path.mean, path.log_var)
            log_w = bernoulli_log_prob(rows, path.canvas) + each.sum(1)
            found.append(log_w.view(-1, len(x)).double())
        return torch.cat(found)

    def prior(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw z of all steps from the prior: (n, T, Z)."""
        return self.canvas.new_empty(n, self.config.steps, self.config.latent_size).normal_(generator=rng)

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw z from the prior and x given z."""
        return sample_bits(self.drawn(self.prior(n, rng)), rng)

    def encode(self, x: Tensor) -> Tensor:
        """Return the posterior means of all steps, each given the means before it: (B, T Z)."""
        return self.follow(x, None).mean.flatten(1)

    def decode(self, z: Tensor) -> Tensor:
        """Return the means of p(x | z), z of all steps: (B, T Z) to (B, D)."""
        return torch.sigmoid(self.drawn(z.view(len(z), self.config.steps, -1).to(self.canvas)))

    def reconstruct(self, x: Tensor) -> Tensor:
        """Return the means of p(x | z) at the posterior means."""
        return torch.sigmoid(self.follow(x, None).canvas)


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
        shape = self.config.shape or spec.picture
        if shape is None or shape[0] * shape[1] != spec.size or len(shape) > 2:
            got = "none" if shape is None else " x ".join(map(str, shape))
            raise ConfigError(
                f"draw: needs the rows and columns of pictures of {spec.size} pixels, got {got}; set shape"
            )
        return DRAWNet(spec.size, (shape[0], shape[1]), self.config)

    @property
    def latent_size(self) -> int:
        """Latent dimensions of all steps, T Z."""
        return self.config.steps * self.config.latent_size

    @torch.no_grad()
    def strokes(self, n: int, *, seed: int = 1) -> Strokes:
        """Draw n pictures and say how: what is on the canvas after each step, and where it was written."""
        net: DRAWNet = self.fitted
        steps = list(net.strokes(net.prior(check_draws(self.name, "n", n), self.generator(seed))))
        pictures = torch.sigmoid(torch.stack([one.canvas for one in steps], 1)).view(n, -1, *net.shape)
        windows = [one.window.frame() for one in steps if one.window is not None]
        return Strokes(numbers(pictures), numbers(torch.stack(windows, 1)) if windows else None)
