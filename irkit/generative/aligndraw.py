"""AlignDRAW: a picture drawn in several steps from a caption, each step with an eye on the words that it needs.

Source: Mansimov, Parisotto, Ba and Salakhutdinov, "Generating images from captions with attention", ICLR 2016, sections
3.1 to 3.3. Canvas and windows are those of DRAW, `irkit.generative.canvas`.

    h_lang  = both directions of an LSTM over the embedded words y_1 ... y_W
    for t = 1 ... T
        p_t     = N(0, I) for t = 1, else N(mean'(h_dec), exp(log_var'(h_dec)))
        h_enc   = LSTM_enc([read(x, x - sigmoid(c), h_dec), h_dec])
        z_t     ~ q_t = N(mean(h_enc), exp(log_var(h_enc)))        when drawing, z_t ~ p_t
        e_k     = v . tanh(U h_lang_k + V h_dec + b)
        s_t     = sum over k of softmax(e)_k h_lang_k
        h_dec   = LSTM_dec([z_t, s_t])
        c       = c + write(h_dec)
    log p(x | z, y) = sum over pixels of log Bernoulli(x; sigmoid(c))
    ELBO = E_q log p(x | z, y) - sum over t of KL(q_t || p_t) <= log p(x | y)

Symbols: B batch, D pixels of R rows and C columns, T steps, Z latent dimensions of each, W words of a caption, M
numbers of a word: twice the units of the LSTM over captions.
Departures: the canvas starts at the training means and windows as DRAW's do; means and log-variances are linear in the
states, where the paper's pass through tanh; those of the prior start near 0; the adversarial network that sharpens the
paper's pictures is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from irkit.arrays import Floats
from irkit.errors import DataError, ShapeError, near_misses
from irkit.generative.base import Bounded
from irkit.generative.canvas import CanvasConfig, CanvasNet, Told, checked_sides, shown
from irkit.generative.independent import INDEPENDENT, independent_log_prob
from irkit.io.kinds import Captioned, Examples, Ragged, Spec
from irkit.learn.attention import AdditiveAttention, Attended
from irkit.learn.data import Held, Padded, arrays, as_examples, numbers, placed
from irkit.learn.estimate import Estimate, Kind, Measure, Quantity, check_draws
from irkit.learn.figures_captions import Heeded
from irkit.learn.figures_latent import Strokes
from irkit.learn.latent import Gaussian
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.recurrent import remembering, run
from irkit.learn.trainer import TrainerConfig
from irkit.rng import generator

KEPT = 100
"Captions of the training part that are kept with the weights, of which the model draws by itself."


class AlignDRAWConfig(CanvasConfig):
    """Settings of `AlignDRAW`."""

    embedding_size: int = Field(32, ge=1)
    "Numbers of a word before it is read."
    caption_size: int = Field(64, ge=1)
    "Units of the LSTM over captions in each direction."
    align_size: int = Field(64, ge=1)
    "Units that align words with what is drawn."


class AlignDRAWNet(CanvasNet):
    """A canvas, the network that reads captions, and the heads of the prior."""

    captions: Tensor
    lengths: Tensor

    def __init__(self, spec: Spec, shape: tuple[int, int], config: AlignDRAWConfig) -> None:
        told = 2 * config.caption_size
        super().__init__(spec.size, shape, config, told)
        self.words = nn.Embedding(spec.vocabulary or 0, config.embedding_size)
        self.reader = nn.LSTM(config.embedding_size, config.caption_size, batch_first=True, bidirectional=True)
        self.align = AdditiveAttention(config.hidden_size, told, config.align_size)
        self.prior_mean, self.prior_log_var = (nn.Linear(config.hidden_size, config.latent_size) for _ in range(2))
        remembering(self.reader)
        with torch.no_grad():
            for head in (self.prior_mean, self.prior_log_var):
                head.weight *= 0.1
                head.bias.zero_()
        self.register_buffer("captions", torch.zeros(KEPT, spec.longest or 0, dtype=torch.int64))
        self.register_buffer("lengths", torch.full((KEPT,), -1))

    @torch.no_grad()
    def start(self, x: Captioned) -> None:
        """Let the canvas begin at the training means, and keep the first captions."""
        super().start(torch.from_numpy(x.x.reshape(len(x), -1).mean(0, dtype=np.float64))[None])
        rows = np.column_stack([x.caption.padded(), x.caption.lengths])
        _, first = np.unique(rows, axis=0, return_index=True)
        kept = np.unique(rows[np.sort(first)[:KEPT]], axis=0)
        self.captions[: len(kept), : rows.shape[1] - 1] = torch.from_numpy(kept[:, :-1].astype(np.int64))
        self.lengths[: len(kept)] = torch.from_numpy(kept[:, -1].astype(np.int64))

    def taken(self, batch: dict[str, Any]) -> tuple[Tensor, Told]:
        """Return the pictures of a batch, (B, D), and the words of their captions."""
        return batch["x"].flatten(1).to(self.canvas.dtype), self.told(batch["caption"])

    def told(self, captions: Padded) -> Told:
        """Read captions: (B, W, M)."""
        found = run(self.reader, self.words(captions.x.long()), captions.lengths, sizes=captions.sizes)
        return Told(found.outputs, captions.mask)

    @property
    def kept(self) -> int:
        """How many captions are kept."""
        return int((self.lengths >= 0).sum())

    def chosen(self, rows: Tensor) -> Padded:
        """Return some of the captions that are kept, by their numbers (n,)."""
        return Padded(self.captions[rows], self.lengths[rows])

    def given(self, n: int) -> Told:
        """Return what is told by n captions, those that are kept again and again in their order."""
        return self.told(self.chosen(torch.arange(n, device=self.lengths.device) % self.kept))

    def prior(self, step: int, h: Tensor) -> Gaussian:
        """Return the prior of a step: N(0, I) of the first, and later what the decoder's output (B, H) says."""
        if step == 0:
            nothing = h.new_zeros(len(h), self.config.latent_size)
            return Gaussian(nothing, nothing)
        return Gaussian(self.prior_mean(h), self.prior_log_var(h))

    def attend(self, h: Tensor, told: Told | None) -> Attended:
        """Return the mean of the words, weighted by how well each fits the decoder's output: (B, 1, M)."""
        assert told is not None
        found: Attended = self.align(h[:, None], told.words, told.valid)
        return found

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw pictures for n of the captions that are kept: (n, 1, R, C) bits."""
        return super().sample(n, rng).view(n, 1, *self.shape)

    def reconstruct(self, batch: dict[str, Any]) -> Tensor:
        """Return the means of p(x | z, y) at the posterior means: (B, 1, R, C)."""
        return super().reconstruct(batch).view(-1, 1, *self.shape)

    def draw(self, captions: Padded, rng: torch.Generator) -> Tensor:
        """Return the means of p(x | z, y), z drawn from the prior: (B, 1, R, C)."""
        found = self.drawn(self.noise(len(captions.x), rng), self.told(captions))
        return torch.sigmoid(found).view(-1, 1, *self.shape)


class AlignDRAW(Bounded):
    """Pictures from captions; the likelihood of a picture given its caption is a lower bound."""

    name = "aligndraw"
    config_type = AlignDRAWConfig
    config: AlignDRAWConfig
    takes = frozenset({"captioned"})
    trainer = TrainerConfig(
        epochs=6, batch_size=100, optimiser=OptimiserConfig(learning_rate=2e-3, schedule="cosine", clip=20)
    )

    def build(self, spec: Spec) -> AlignDRAWNet:
        """Return an untrained network."""
        sides = spec.shape[1:] if spec.channels == 1 else spec.shape
        return AlignDRAWNet(spec, checked_sides(self.name, self.config.shape or sides, spec.size), self.config)

    def examples(self, data: Any, *, soft: bool = False) -> Held:
        """Check pictures with captions, also that pixels are bits, or probabilities where these will do."""
        part = as_examples(data)
        found = super().examples(part)
        x = np.asarray(part.x)
        wrong = ~((x >= 0) & (x <= 1)) if soft or part.dynamic else (x != 0) & (x != 1)
        if wrong.any():
            row = int(np.argwhere(wrong)[0][0])
            what = "probabilities from 0 to 1" if soft or part.dynamic else "0 and 1"
            raise DataError(
                f"{self.name}: pictures must hold {what}, got {float(x[wrong][0]):g} in picture {row}; "
                "binarise the data"
            )
        return found

    # ------------------------------------------------------------------ pictures of captions

    @torch.no_grad()
    def draw(self, captions: Sequence[Any] | Ragged, *, seed: int = 1) -> Floats:
        """Draw a picture for each caption: (n, 1, R, C) of the means of pixels, z drawn from the prior.

        Parameters
        ----------
        captions : sequence of str or of word numbers, or Ragged
            Words of a string stand between blanks, as "the digit two is at the top left of the image ."
        seed : int

        Raises
        ------
        DataError
            If a word is not one of the training captions'; lists near ones.
        """
        net: AlignDRAWNet = self.fitted
        found: Floats = arrays(net.draw(self.read(captions), self.generator(seed)))
        return found

    @torch.no_grad()
    def heeded(self, n: int, *, seed: int = 1) -> Heeded:
        """Draw pictures of n of the training captions, evenly spread, and say which words each step attended to."""
        net: AlignDRAWNet = self.fitted
        captions = net.chosen(torch.linspace(0, net.kept - 1, check_draws(self.name, "n", n)).long())
        steps = list(net.strokes(net.noise(n, self.generator(seed)), net.told(captions)))
        weights = numbers(torch.stack([one.weights for one in steps if one.weights is not None], 1))
        pictures = numbers(torch.sigmoid(steps[-1].canvas)).reshape(n, *net.shape)
        each = [self._named(words[:size]) for words, size in zip(captions.x, captions.lengths.tolist(), strict=True)]
        return Heeded(pictures, [one[:, : len(words)] for one, words in zip(weights, each, strict=True)], each)

    @torch.no_grad()
    def strokes(self, n: int, *, seed: int = 1) -> Strokes:
        """Draw pictures of n of the training captions and say how."""
        return shown(self.fitted, check_draws(self.name, "n", n), self.generator(seed))

    def read(self, captions: Sequence[Any] | Ragged) -> Padded:
        """Return captions as the network is given them."""
        if isinstance(captions, str):
            raise ShapeError(
                f"{self.name}: captions must be a sequence of them, got {captions!r} alone; put it in a list"
            )
        none = Ragged(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
        if isinstance(captions, Ragged):
            numbered = captions
        else:
            numbered = Ragged.of([self._numbers(one) for one in captions]) if len(captions) else none
        terms, most = numbered.values, self.known.vocabulary or 0
        if len(terms) and (terms.dtype.kind not in "iu" or not 0 <= terms.min() <= terms.max() < most):
            raise DataError(
                f"{self.name}: words must be numbers from 0 to {most - 1}, got {terms.min()} to {terms.max()}; number "
                "them as the training captions are"
            )
        found = placed(Ragged(terms.astype(np.int64), numbered.lengths), self.place)
        assert isinstance(found, Padded)
        return found

    def _numbers(self, caption: Any) -> Any:
        if not isinstance(caption, str):
            return caption
        known = self.known.words
        if known is None:
            raise ShapeError(f"{self.name}: the words of its data are not known, got {caption!r}; give word numbers")
        for word in caption.split():
            if word not in known:
                raise DataError(f"{self.name}: does not know the word {word!r}; {near_misses(word, known)}")
        return [known.index(word) for word in caption.split()]

    def _named(self, words: Tensor) -> list[str]:
        known = self.known.words
        return [str(one) if known is None else known[one] for one in words.tolist()]

    # ------------------------------------------------------------------ figures of test examples

    @property
    def kl_kind(self) -> Kind:
        """An estimate where there are several steps, whose posteriors depend on what was drawn in those before."""
        return "exact" if self.config.steps == 1 else "estimate"

    @property
    def quantities(self) -> Mapping[str, Quantity]:
        """Both bounds, and what the caption tells of a picture."""
        return {**super().quantities, "caption gain": Quantity("nats")}

    def values(self, test: Any, **arguments: Any) -> dict[str, Estimate]:
        """Return both bounds of each test example, and the caption gain: (n,) nats each."""
        return super().values(test, **arguments) | {"caption gain": self.caption_gain(test)}

    def measures(self, test: Any, **arguments: Any) -> dict[str, Measure]:
        """Return the bounds, what the ELBO is made of, and the mean caption gain."""
        gain = Measure(self.caption_gain(test).mean(), "nats")
        return super().measures(test, **arguments) | {"caption gain": gain}

    @torch.no_grad()
    def caption_gain(self, test: Captioned) -> Estimate:
        """Return each picture's ELBO with its caption less that with another's, drawn by lot: (n,) nats."""
        other = replace(test, caption=test.caption.take(generator(0, "captions").permutation(len(test))))
        own, others = (numbers(torch.cat([one.elbo for one in self._bounds(part)])) for part in (test, other))
        gain = own - others
        return Estimate.by_one_draw(gain, "estimate")

    def baselines(self, train: Examples, test: Examples) -> dict[str, dict[str, float]]:
        """Return the mean log p of test pictures under independent bits, in nats."""
        flat, rows = (np.asarray(part.x).reshape(len(part), -1) for part in (train, test))
        return {"log p": {INDEPENDENT: float(independent_log_prob(flat, rows).mean())}}
