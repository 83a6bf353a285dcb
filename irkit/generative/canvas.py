"""Pictures that are drawn in several steps on a canvas: what DRAW and AlignDRAW share.

    for t = 1 ... T
        r       = read(x, x - sigmoid(c), h_dec)
        h_enc   = LSTM_enc([r, h_dec])
        z_t     ~ q_t = N(mean(h_enc), exp(log_var(h_enc)))        when drawing, z_t ~ p_t
        h_dec   = LSTM_dec([z_t, s_t])
        c       = c + write(h_dec)
    log p(x | z) = sum over pixels of log Bernoulli(x; sigmoid(c))
    ELBO = E_q log p(x | z) - sum over t of KL(q_t || p_t) <= log p(x)

The prior p_t of a step is N(0, I), or what a subclass makes of h_dec of the step before; s_t is nothing, or what a
subclass lets the decoder attend to. With windows, read is one of N x N on the picture and one on what is missing, and
write puts a patch of N x N through another; without them, read takes all of both and write all of the canvas.

Symbols: B batch, D pixels of R rows and C columns, T steps, Z latent dimensions of each, N filters along a side of a
window, H units of an LSTM; W words of a caption, M numbers of each.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from irkit.config import Config
from irkit.errors import ConfigError
from irkit.generative.windows import Filters, Window
from irkit.learn.attention import Attended
from irkit.learn.data import numbers
from irkit.learn.distributions import bernoulli_log_prob, gaussian_kl, gaussian_log_prob, logit
from irkit.learn.estimators import reparameterise, sample_bits
from irkit.learn.figures_latent import Strokes
from irkit.learn.latent import Bound, Gaussian, standard_normal
from irkit.learn.net import ScoreNet
from irkit.learn.phases import Loss, Now
from irkit.learn.recurrent import remembering

TOGETHER = 2000
"Pictures drawn at once where importance weights are computed."


class CanvasConfig(Config):
    """Settings of all that draw on a canvas."""

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


class Told(NamedTuple):
    """What is told of B pictures: words that every step may attend to."""

    words: Tensor
    "(B, W, M)"
    valid: Tensor
    "(B, W) bool, which are no padding."

    def repeated(self, times: int) -> Told:
        """Return the same of all pictures again and again: (times B, ...)."""
        return Told(self.words.repeat(times, 1, 1), self.valid.repeat(times, 1))


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
    prior: Gaussian | None
    "Of each step, (B, T, Z) each; None for N(0, I)."

    @property
    def kl(self) -> Tensor:
        """KL(q || p) of each latent dimension: (B, T, Z)."""
        return gaussian_kl(self.mean, self.log_var, *((None, None) if self.prior is None else self.prior))

    @property
    def log_ratio(self) -> Tensor:
        """log p(z) - log q(z | x): (B,)."""
        prior = standard_normal(self.z) if self.prior is None else gaussian_log_prob(self.z, *self.prior)
        return (prior - gaussian_log_prob(self.z, self.mean, self.log_var)).sum(1)


class Stroke(NamedTuple):
    """One step of drawing B pictures."""

    canvas: Tensor
    "(B, D) logits after it."
    window: Filters | None
    "Where it wrote; None without windows."
    weights: Tensor | None
    "Of the words that were attended to, (B, W); None where nothing is told."


class State(NamedTuple):
    """The memory of both LSTMs: outputs and cells, (B, H) each."""

    encoder: tuple[Tensor, Tensor]
    decoder: tuple[Tensor, Tensor]


class CanvasNet(ScoreNet):
    """Both LSTMs, the heads of the posterior, and what reads and writes.

    Parameters
    ----------
    size : int
        Pixels D.
    shape : (rows, columns)
    config : CanvasConfig
    told_size : int
        Numbers M that the decoder is given beside z.
    """

    kind = "lower_bound"

    def __init__(self, size: int, shape: tuple[int, int], config: CanvasConfig, told_size: int = 0) -> None:
        super().__init__()
        self.size, self.shape, self.config = size, shape, config
        hidden, latent = config.hidden_size, config.latent_size
        seen = 2 * (config.read**2 if config.attention else size)
        self.encoder = nn.LSTMCell(seen + hidden, hidden)
        self.mean, self.log_var = nn.Linear(hidden, latent), nn.Linear(hidden, latent)
        self.decoder = nn.LSTMCell(latent + told_size, hidden)
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
    def start(self, x: Any) -> None:
        """Let the canvas begin at the training means."""
        self.canvas.copy_(logit(x.mean(0), floor=5e-3))

    # ------------------------------------------------------------------ what subclasses may change

    def taken(self, batch: Any) -> tuple[Tensor, Told | None]:
        """Return the pictures of a batch, (B, D), and what is told of them."""
        return batch, None

    def given(self, n: int) -> Told | None:
        """Return what is told of n pictures that are drawn by the model itself."""
        return None

    def prior(self, step: int, h: Tensor) -> Gaussian | None:
        """Return the prior of a step from the decoder's output before it, (B, H); None for N(0, I)."""
        return None

    def attend(self, h: Tensor, told: Told | None) -> Attended | None:
        """Return what the decoder is given beside z, (B, 1, M), by its output before the step."""
        return None

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

    def stroke(
        self, z: Tensor, canvas: Tensor, memory: tuple[Tensor, Tensor], told: Told | None = None
    ) -> tuple[Stroke, tuple[Tensor, Tensor]]:
        """Draw one step, z (B, Z); return it and the decoder's new memory."""
        attended = self.attend(memory[0], told)
        weights = None if attended is None else attended.weights[:, 0]
        memory = self.decoder(z if attended is None else torch.cat([z, attended.mean[:, 0]], 1), memory)
        patch = self.patch(memory[0])
        if self.writing is None:
            return Stroke(canvas + patch, None, weights), memory
        window = self.writing(memory[0])
        n = self.config.write
        return Stroke(canvas + window.write(patch.view(-1, n, n)).flatten(1), window, weights), memory

    # ------------------------------------------------------------------ all steps

    def follow(self, x: Tensor, rng: torch.Generator | None, told: Told | None = None) -> Path:
        """Look at pictures (B, D) and draw them, z at random or, without a generator, at the posterior means."""
        canvas, state = self.begin(len(x))
        means, log_vars, zs, priors = [], [], [], []
        for step in range(self.config.steps):
            priors.append(self.prior(step, state.decoder[0]))
            mean, log_var, encoder = self.look(x, canvas, state)
            z = mean if rng is None else reparameterise(mean, log_var, rng)
            (canvas, *_), decoder = self.stroke(z, canvas, state.decoder, told)
            state = State(encoder, decoder)
            means.append(mean)
            log_vars.append(log_var)
            zs.append(z)
        given = [one for one in priors if one is not None]
        prior = Gaussian(*(torch.stack(part, 1) for part in zip(*given, strict=True))) if given else None
        return Path(canvas, torch.stack(means, 1), torch.stack(log_vars, 1), torch.stack(zs, 1), prior)

    def noise(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw standard normal noise for all steps of n pictures: (n, T, Z)."""
        return self.canvas.new_empty(n, self.config.steps, self.config.latent_size).normal_(generator=rng)

    def strokes(self, noise: Tensor, told: Told | None = None) -> Iterator[Stroke]:
        """Yield the steps of drawing pictures from noise (B, T, Z), which is z itself where the prior is N(0, I)."""
        canvas, state = self.begin(len(noise))
        memory = state.decoder
        for step, one in enumerate(noise.unbind(1)):
            prior = self.prior(step, memory[0])
            z = one if prior is None else prior.mean + torch.exp(0.5 * prior.log_var) * one
            stroke, memory = self.stroke(z, canvas, memory, told)
            canvas = stroke.canvas
            yield stroke

    def drawn(self, noise: Tensor, told: Told | None = None) -> Tensor:
        """Return the last canvas of noise (B, T, Z): logits (B, D)."""
        *_, last = self.strokes(noise, told)
        return last.canvas

    # ------------------------------------------------------------------ what training and models ask

    def bound(self, batch: Any, rng: torch.Generator) -> Bound:
        """Return the parts of the ELBO with one z a picture, the KL of all steps side by side: (B,), (B, T Z)."""
        x, told = self.taken(batch)
        path = self.follow(x, rng, told)
        return Bound(bernoulli_log_prob(x, path.canvas), path.kl.flatten(1))

    def score(self, batch: Any, rng: torch.Generator) -> Tensor:
        """Return the ELBO: (B,)."""
        return self.bound(batch, rng).elbo

    def loss(self, batch: Any, now: Now) -> Loss:
        """Return minus the mean ELBO."""
        bound = self.bound(batch, now.rng)
        return Loss(-bound.elbo.mean(), {"reconstruction": -bound.reconstruction.mean(), "kl": bound.kl.sum(1).mean()})

    def log_weights(self, batch: Any, samples: int, rng: torch.Generator) -> Tensor:
        """Return log p(x, z_k) - log q(z_k | x) of `samples` draws: (samples, B) float64."""
        x, told = self.taken(batch)
        found = []
        step = max(1, TOGETHER // len(x))
        for done in range(0, samples, step):
            times = min(step, samples - done)
            rows = x.repeat(times, 1)
            path = self.follow(rows, rng, None if told is None else told.repeated(times))
            log_w = bernoulli_log_prob(rows, path.canvas) + path.log_ratio
            found.append(log_w.view(-1, len(x)).double())
        return torch.cat(found)

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw z from the prior and x given z: (n, D)."""
        return sample_bits(self.drawn(self.noise(n, rng), self.given(n)), rng)

    def encode(self, batch: Any) -> Tensor:
        """Return the posterior means of all steps, each given the means before it: (B, T Z)."""
        x, told = self.taken(batch)
        return self.follow(x, None, told).mean.flatten(1)

    def reconstruct(self, batch: Any) -> Tensor:
        """Return the means of p(x | z) at the posterior means: (B, D)."""
        x, told = self.taken(batch)
        return torch.sigmoid(self.follow(x, None, told).canvas)


def shown(net: CanvasNet, n: int, rng: torch.Generator) -> Strokes:
    """Draw n pictures and say how: what is on the canvas after each step, and where it was written."""
    steps = list(net.strokes(net.noise(n, rng), net.given(n)))
    pictures = torch.sigmoid(torch.stack([one.canvas for one in steps], 1)).view(n, -1, *net.shape)
    windows = [one.window.frame() for one in steps if one.window is not None]
    return Strokes(numbers(pictures), numbers(torch.stack(windows, 1)) if windows else None)


def checked_sides(who: str, shape: tuple[int, ...] | None, size: int) -> tuple[int, int]:
    """Return rows and columns of pictures of so many pixels.

    Raises
    ------
    ConfigError
        If they are not known, or are not those of such pictures.
    """
    if shape is None or len(shape) != 2 or shape[0] * shape[1] != size or min(shape) < 1:
        got = "none" if shape is None else " x ".join(map(str, shape))
        raise ConfigError(f"{who}: needs the rows and columns of pictures of {size} pixels, got {got}; set shape")
    return shape[0], shape[1]
