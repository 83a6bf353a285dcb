"""Sentence VAE: a sentence is written from a point of a continuous space, and read back to it.

Source: Bowman, Vilnis, Vinyals, Dai, Jozefowicz and Bengio, "Generating sentences from a continuous space",
CoNLL 2016.

    z ~ N(0, I)          p(w | z) = product over t of p(w_t | w_<t, z), by a recurrent network
    q(z | w) = N(mean, exp(log variance)), both linear in the last state of another
    ELBO = E_q log p(w | z) - KL(q(z | w) || N(0, I)) <= log p(w)
    IW_K = E log mean over k of p(w, z_k) / q(z_k | w), rising to log p(w) with K

The writer can do without z, and training soon makes it: KL falls to 0. Against that the weight of the KL grows
from 0 (annealing), and words that the writer is given are left blank while training (word dropout). A
perplexity is that of a bound with its KL; what the writer loses when z comes from q alone is no perplexity.

Symbols: B sentences, T words of the longest, Z latent dimensions, E numbers of an embedding, H hidden units,
V vocabulary, K samples.
Departures: what stands for a dropped word is a vector of its own, not that of unknown words; no highway layers;
the loss is over the mean length of training sentences, which makes the gradient's norm that of a language model.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import embedding

from irkit.arrays import Floats, Ints
from irkit.config import Config
from irkit.errors import ShapeError
from irkit.io.kinds import Examples, Spec, Tokens
from irkit.learn.data import Padded
from irkit.learn.distributions import gaussian_kl
from irkit.learn.estimate import Estimate, Measure, check_draws
from irkit.learn.estimators import reparameterise
from irkit.learn.latent import Bound, bound_measures, log_weights
from irkit.learn.objectives import KLSchedule, free_bits, importance_weighted
from irkit.learn.phases import Loss, Now
from irkit.learn.recurrent import Layer, State, recurrent, run
from irkit.represent.conditioned import Conditioned
from irkit.represent.documents import CELLS, TOKEN
from irkit.represent.predicting import PredictingNet, log_prob_of
from irkit.represent.sequences import INITIAL, SequenceModel, closed, drawn, opened, written


class SentenceVAEConfig(Config):
    """Settings of `SentenceVAE`."""

    cell: Literal["lstm", "gru"] = "gru"
    "Of both recurrent networks."
    embedding_size: int = Field(100, ge=1)
    "Numbers of a word's embedding, E, which both share."
    hidden_size: int = Field(128, ge=1)
    "Hidden units of each, H."
    latent_size: int = Field(16, ge=1)
    "Latent dimensions Z."
    every_step: bool = True
    "Whether z is an input of the writer at every step, beside its first state."
    kl: KLSchedule = KLSchedule(shape="linear", wait=0.1, over=0.6)
    "Weight of the KL term over training."
    free_bits: float = Field(0.0, ge=0)
    "Nats that each latent dimension costs at least."
    word_dropout: float = Field(0.4, ge=0, le=1)
    "Share of the words given to the writer that are blank while training; with 1 they always are (inputless)."


class SentenceVAENet(PredictingNet):
    """The weights: embeddings, a layer that reads and two maps to q, a layer that writes and its softmax."""

    kind = "lower_bound"
    longest: Tensor
    "Words of the longest training sentence: ()."
    length: Tensor
    "Mean number of symbols of training sentences, END counted: ()."

    def __init__(self, vocabulary: int, config: SentenceVAEConfig) -> None:
        super().__init__()
        self.config = config
        size, hidden, latent = config.embedding_size, config.hidden_size, config.latent_size
        self.embedding = nn.Parameter(torch.empty(vocabulary + 1, size).uniform_(-INITIAL, INITIAL))
        self.blank = nn.Parameter(torch.empty(size).uniform_(-INITIAL, INITIAL))
        self.reader: Layer = recurrent(config.cell, size, hidden)
        self.mean = nn.Linear(hidden, latent)
        self.log_var = nn.Linear(hidden, latent)
        self.writer = Conditioned(config.cell, size, latent, hidden, every_step=config.every_step)
        self.predict_symbols(hidden, vocabulary)
        self.register_buffer("length", torch.ones(()))

    @property
    def follows_budget(self) -> bool:
        """Whether the weight of the KL term grows."""
        return self.config.kl.shape != "constant"

    @torch.no_grad()
    def start(self, x: Tokens) -> None:
        """Let every symbol begin at its frequency; remember how long sentences are."""
        super().start(x)
        self.length.fill_(float(x.x.lengths.mean()) + 1)

    def posterior(self, batch: Padded) -> tuple[Tensor, Tensor]:
        """Return mean and log variance of q(z | w): (B, Z) each."""
        symbols = closed(batch, self.end)
        state = run(self.reader, embedding(symbols.x, self.embedding), symbols.lengths, sizes=symbols.sizes).state
        h = (state[0] if isinstance(state, tuple) else state)[-1]
        return self.mean(h), self.log_var(h)

    def states(self, batch: Padded, z: Tensor, blank: Tensor | None = None) -> Tensor:
        """Return what tells each symbol of sentences and END, row by row: (N, H).

        Parameters
        ----------
        batch : Padded
        z : (B, Z)
        blank : (B, T) bool, optional
            Words that the writer is not given; default all if it is inputless, else none.
        """
        if blank is None and self.config.word_dropout == 1:
            blank = torch.ones_like(batch.x, dtype=torch.bool)
        inputs = embedding(opened(batch, self.end).x, self.embedding)
        if blank is not None:  # END before the first word stays
            words = torch.where(blank[:, :, None], self.blank, inputs[:, 1:])
            inputs = torch.cat([inputs[:, :1], words], 1)
        found: Tensor = self.writer(inputs, z).flatten(0, 1)
        return found[closed(batch, self.end).cells]

    def likelihood(self, batch: Padded, z: Tensor) -> Tensor:
        """Return log p(w | z): (B,)."""
        return log_prob_of(self.words, self.states(batch, z), closed(batch, self.end))

    def bound(self, batch: Padded, rng: torch.Generator) -> Bound:
        """Return the parts of the ELBO with one z a sentence."""
        mean, log_var = self.posterior(batch)
        return Bound(self.likelihood(batch, reparameterise(mean, log_var, rng)), gaussian_kl(mean, log_var))

    def score(self, batch: Padded, rng: torch.Generator) -> Tensor:
        """Return the ELBO: (B,)."""
        return self.bound(batch, rng).elbo

    def loss(self, batch: Padded, now: Now) -> Loss:
        """Return minus the ELBO over the mean length, its KL weighted and floored as configured, words dropped."""
        mean, log_var = self.posterior(batch)
        z = reparameterise(mean, log_var, now.rng)
        blank = torch.rand(batch.x.shape, device=z.device, generator=now.rng) < self.config.word_dropout
        target = closed(batch, self.end)
        symbols = target.x.flatten()[target.cells]
        reconstruction = self.words.loss(self.states(batch, z, blank), symbols, now.rng) / len(z)
        kl = gaussian_kl(mean, log_var)
        weight = self.config.kl.weight(now.progress)
        total = (reconstruction + weight * free_bits(kl, self.config.free_bits)) / self.length
        return Loss(
            total, {"reconstruction": reconstruction, "kl": kl.sum(1).mean(), "kl_weight": z.new_full((), weight)}
        )

    def log_weights(self, batch: Padded, samples: int, rng: torch.Generator) -> Tensor:
        """Return log p(w, z_k) - log q(z_k | w) of `samples` draws: (samples, B) float64."""
        mean, log_var = self.posterior(batch)

        def likelihood(z: Tensor, k: int) -> Tensor:
            sizes = None if batch.sizes is None else np.tile(batch.sizes, k)
            return self.likelihood(Padded(batch.x.repeat(k, 1), batch.lengths.repeat(k), sizes), z)

        together = max(1, CELLS // max(1, batch.x.numel()))
        return log_weights(mean, log_var, samples, rng, together=together, likelihood=likelihood)

    def encode(self, batch: Padded) -> Tensor:
        """Return the posterior means: (B, Z)."""
        return self.posterior(batch)[0]

    def sample(self, n: int, rng: torch.Generator) -> Padded:
        """Draw z from the prior and sentences given z; those longer than any of training are cut there."""
        z = self.blank.new_empty(n, self.config.latent_size).normal_(generator=rng)
        return drawn(n, int(self.longest), _Given(self, z), self.words, rng)

    def decode(self, z: Tensor) -> Padded:
        """Write a sentence from each z, always the likeliest next symbol: (n, Z) to n sentences."""
        return written(len(z), int(self.longest), _Given(self, z), self.likeliest, z.device)

    def reconstruct(self, batch: Padded) -> Padded:
        """Write sentences again from their posterior means."""
        return self.decode(self.encode(batch))


class _Given:
    """The writer, given z: (B, Z)."""

    def __init__(self, net: SentenceVAENet, z: Tensor) -> None:
        self.net, self.z, self.end = net, z, net.end

    def step(self, symbols: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Go on by a symbol of each sentence."""
        inputs = embedding(symbols, self.net.embedding)
        if self.net.config.word_dropout == 1 and state is not None:
            inputs = self.net.blank.expand_as(inputs)
        return self.net.writer.step(inputs, self.z, state)


class SentenceVAE(SequenceModel):
    """A variational autoencoder of sentences; its likelihood is a lower bound."""

    name = "sentence-vae"
    config_type = SentenceVAEConfig
    config: SentenceVAEConfig
    abilities = SequenceModel.abilities | {"sample", "decode", "reconstruct"}
    gives = frozenset({"posteriors"})

    def build(self, spec: Spec) -> SentenceVAENet:
        """Return an untrained network."""
        assert spec.vocabulary is not None
        return SentenceVAENet(spec.vocabulary, self.config)

    @property
    def latent_size(self) -> int:
        """Latent dimensions Z."""
        return self.config.latent_size

    @torch.no_grad()
    def log_prob(self, data: Examples | Floats | Tensor, *, samples: int = 100, seed: int = 1) -> Estimate:
        """Return the importance-weighted bound on log p of each sentence: (n,) nats, END counted.

        Parameters
        ----------
        samples : int
            K; the bound rises to log p with it.
        seed : int
        """
        samples, rng = check_draws(self.name, "samples", samples), self.generator(seed)
        return importance_weighted(self.fitted.log_weights(part, samples, rng) for part in self._parts(data))

    @torch.no_grad()
    def interpolate(
        self, a: Examples | Floats | Tensor, b: Examples | Floats | Tensor, steps: int = 5
    ) -> list[list[Ints]]:
        """Write sentences from points at equal distances on the line between two, as `decode` does.

        Parameters
        ----------
        a, b : documents
            As many of one as of the other.
        steps : int
            Points of a line, its ends among them: their sentences are the ends' reconstructions.

        Returns
        -------
        list of `steps` sentences for each pair

        Raises
        ------
        ConfigError
            If there are fewer than two points.
        ShapeError
            If there are not as many of both.
        """
        steps = check_draws(self.name, "steps", steps, least=2)
        ends = self.encode(a), self.encode(b)
        if len(ends[0]) != len(ends[1]):
            raise ShapeError(
                f"{self.name}: as many ends as beginnings are needed, got {len(ends[0])} and {len(ends[1])}; pair them"
            )
        weights = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
        return [self.decode((1 - weights) * one + weights * other) for one, other in zip(*ends, strict=True)]

    @torch.no_grad()
    def measures(self, test: Examples | Floats | Tensor, **arguments: Any) -> dict[str, Measure]:
        """Return the bound by word, token and sentence and, by one draw of z, what the ELBO is made of."""
        found = super().measures(test, **arguments)
        rng = self.generator(1)
        bounds = [self.fitted.bound(part, rng) for part in self._parts(test)]
        token, mean = found[TOKEN].estimate, float(self.lengths(test).mean())
        sentence = Estimate(float(token.value) * mean, float(token.stderr) * mean, token.kind)
        own = {"nats a sentence": Measure(sentence, "nats")}
        return found | own | bound_measures(bounds, self.encode(test))

    def _parts(self, data: Examples | Floats | Tensor) -> Iterator[Padded]:
        return self.batches(self.examples(data))
