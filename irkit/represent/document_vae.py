"""A variational autoencoder of documents, whose inference network reads counts of words or the words in their order.

Sources: Kingma and Welling, "Auto-encoding variational Bayes", ICLR 2014; Miao, Yu and Blunsom, "Neural variational
inference for text processing", ICML 2016, section 3 (the decoder); Fabius and van Amersfoort, "Variational recurrent
auto-encoders", ICLR 2015 workshop (the last state of a recurrent network gives the posterior).

    z ~ N(0, I)        s = U f(z) + b        log p(words | z) = sum over words w of log softmax(s)_w
    q(z | words) = N(mean, exp(log_var)), both linear in h
    mlp          h = tanh(W c + a), with c the counts of terms, or log(1 + counts)
    lstm, gru    h = the state after the first, or last, so many words in their order
    ELBO = E_q log p(words | z) - KL(q || N(0, I)) <= log p(words)

What is bounded is log p of the same words for every inference network, all words of a document and without a
multinomial coefficient: bounds of different encoders can be compared, and with those of other models of documents.

Symbols: B documents, T words of the longest, V vocabulary, Z latent, H units of the inference network, K samples.
Cost: O(V) a document and sample for the decoder, O(T) for the words; a recurrent encoder takes T steps one by one.
Departures: two latent dimensions, to be looked at; the output begins at the log unigram distribution; f is one hidden
layer unless told otherwise, of which NVDM has none; the KL term may be annealed and have free bits (both off).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from irkit.arrays import Floats, evenly
from irkit.config import Config
from irkit.errors import ShapeError
from irkit.io.kinds import Examples, Spec, Tokens
from irkit.learn.data import Padded, as_examples, cut, numbers
from irkit.learn.distributions import gaussian_kl
from irkit.learn.estimate import Estimate, Measure, Quantity, check_draws
from irkit.learn.estimators import reparameterise
from irkit.learn.latent import Bound, bound_measures, log_weights
from irkit.learn.model import EXAMPLES
from irkit.learn.neighbours import VOTES, knn_accuracy
from irkit.learn.net import ScoreNet
from irkit.learn.objectives import KLSchedule, free_bits, importance_weighted
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Loss, Now
from irkit.learn.recurrent import Cell, recurrent
from irkit.learn.softmaxes import SPREAD
from irkit.learn.trainer import TrainerConfig
from irkit.represent.documents import TOKEN, DocumentModel, by_length

SCORES = 4_000_000
"Scores of words that are looked at together in evaluation."

LOG_P, KL = "log p", "kl"


class DocumentVAEConfig(Config):
    """Settings of `DocumentVAE`."""

    latent_size: int = Field(2, ge=1)
    "Latent dimensions, Z."
    encoder: Literal["mlp", "lstm", "gru"] = "mlp"
    "The inference network: of counts, or of the words in their order."
    hidden_size: int = Field(500, ge=1)
    "Units of the inference network, H."
    counts: Literal["log", "raw"] = "log"
    "What an mlp reads: log(1 + counts) or counts."
    embedding_size: int = Field(100, ge=1)
    "Numbers a word for an lstm or gru."
    longest: int = Field(200, ge=1)
    "Words of a document that an lstm or gru reads; all of them are in the likelihood."
    reads: Literal["first", "last"] = "first"
    "Which so many words these are."
    decoder_size: int = Field(500, ge=0)
    "Units of the decoder's hidden layer; 0 has none, and scores of words are linear in z."
    dropout: float = Field(0.0, ge=0, lt=1)
    "Share of the inference network's units left out while training."
    kl: KLSchedule = KLSchedule()
    "Weight of the KL term over training."
    free_bits: float = Field(0.0, ge=0)
    "Nats that each latent dimension costs at least."


class ReadCounts(nn.Module):
    """The mlp: one hidden layer of the counts of terms, whatever the order of words."""

    def __init__(self, vocabulary: int, hidden: int, log: bool) -> None:
        super().__init__()
        self.hidden = nn.Linear(vocabulary, hidden)
        self.log = log

    def forward(self, words: Padded) -> Tensor:
        """Return h: (B, H)."""
        weight = self.hidden.weight
        counts = weight.new_zeros(len(words.x), weight.shape[1]).scatter_add_(1, words.x, words.mask.to(weight.dtype))
        return torch.tanh(self.hidden(torch.log1p(counts) if self.log else counts))


class ReadWords(nn.Module):
    """An LSTM or GRU of the words in their order; padding follows the state that is taken, so it changes nothing."""

    def __init__(self, kind: Cell, vocabulary: int, embedding: int, hidden: int, longest: int, last: bool) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, embedding)
        self.body = recurrent(kind, embedding, hidden)
        self.longest, self.last = longest, last

    def kept(self, words: Padded) -> Padded:
        """Return the words that are read, in at least one step: (B, T) to (B, 1 to longest)."""
        steps = max(1, min(words.x.shape[1], self.longest))
        lengths = words.lengths.clamp(max=self.longest)
        x = words.x if words.x.shape[1] else words.x.new_zeros(len(words.x), 1)
        start = words.lengths - lengths if self.last else torch.zeros_like(lengths)
        return Padded(x.gather(1, start[:, None] + torch.arange(steps, device=x.device)), lengths)

    def forward(self, words: Padded) -> Tensor:
        """Return h, zeros of a document without words: (B, H)."""
        read = self.kept(words)
        states, _ = self.body(self.words(read.x))
        at = (read.lengths - 1).clamp(min=0)[:, None, None].expand(-1, 1, states.shape[2])
        h: Tensor = states.gather(1, at).squeeze(1)
        return h * (read.lengths > 0)[:, None]


class DocumentVAENet(ScoreNet):
    """The inference network, its two heads, and the decoder."""

    kind = "lower_bound"
    lengths: Tensor
    "Numbers of words of the training documents, a hundred evenly spaced ones of all in order: (100,)."

    def __init__(self, vocabulary: int, config: DocumentVAEConfig) -> None:
        super().__init__()
        self.config = config
        hidden, latent = config.hidden_size, config.latent_size
        self.reader: nn.Module = (
            ReadCounts(vocabulary, hidden, config.counts == "log")
            if config.encoder == "mlp"
            else ReadWords(
                config.encoder, vocabulary, config.embedding_size, hidden, config.longest, config.reads == "last"
            )
        )
        self.dropout = nn.Dropout(config.dropout)
        self.mean = nn.Linear(hidden, latent)
        self.log_var = nn.Linear(hidden, latent)
        width = config.decoder_size or latent
        self.f = nn.Sequential(nn.Linear(latent, width), nn.Tanh()) if config.decoder_size else nn.Identity()
        self.out = nn.Linear(width, vocabulary)
        nn.init.normal_(self.out.weight, std=SPREAD)
        self.register_buffer("lengths", torch.zeros(100, dtype=torch.int64))

    @property
    def follows_budget(self) -> bool:
        """Whether the weight of the KL term grows."""
        return self.config.kl.shape != "constant"

    @property
    def topics(self) -> Tensor:
        """What each unit of the decoder, without a hidden layer each latent dimension, adds to a term: (V, width)."""
        found: Tensor = self.out.weight
        return found

    @torch.no_grad()
    def start(self, x: Tokens) -> None:
        """Let words begin at their frequencies, one added to each count; remember how long documents are."""
        counts = np.bincount(x.x.values, minlength=len(self.out.bias)) + 1
        self.out.bias.copy_(torch.from_numpy(np.log(counts / counts.sum())))
        self.lengths.copy_(torch.from_numpy(evenly(x.x.lengths, len(self.lengths))))

    def posterior(self, words: Padded) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of q(z | words): (B, Z) each."""
        h = self.dropout(self.reader(words))
        return self.mean(h), self.log_var(h)

    def scores(self, z: Tensor) -> Tensor:
        """Return the scores of all words given z, before the softmax: (..., Z) to (..., V)."""
        found: Tensor = self.out(self.f(z))
        return found

    def likelihood(self, words: Padded, z: Tensor) -> Tensor:
        """Return log p(words | z): (..., B, Z) to (..., B)."""
        scores = self.scores(z)
        own = scores.gather(-1, words.x.expand(*z.shape[:-2], *words.x.shape))
        return (own * words.mask).sum(-1) - words.lengths * scores.logsumexp(-1)

    def bound(self, words: Padded, rng: torch.Generator) -> Bound:
        """Return the parts of the ELBO with one z a document."""
        mean, log_var = self.posterior(words)
        return Bound(self.likelihood(words, reparameterise(mean, log_var, rng)), gaussian_kl(mean, log_var))

    def score(self, batch: Padded, rng: torch.Generator) -> Tensor:
        """Return the ELBO: (B,)."""
        return self.bound(batch, rng).elbo

    def loss(self, batch: Padded, now: Now) -> Loss:
        """Return minus the mean ELBO of a document, the KL term weighted and floored as configured."""
        bound = self.bound(batch, now.rng)
        reconstruction = -bound.reconstruction.mean()
        total = reconstruction + self.config.kl.weight(now.progress) * free_bits(bound.kl, self.config.free_bits)
        return Loss(total, {"reconstruction": reconstruction, "kl": bound.kl.sum(1).mean()})

    def log_weights(self, words: Padded, samples: int, rng: torch.Generator) -> Tensor:
        """Return log p(words, z_k) - log q(z_k | words) of `samples` draws: (samples, B) float64."""
        mean, log_var = self.posterior(words)

        def likelihood(z: Tensor, k: int) -> Tensor:
            return self.likelihood(words, z.view(k, *mean.shape)).flatten()

        together = max(1, SCORES // (len(mean) * len(self.out.bias)))
        return log_weights(mean, log_var, samples, rng, together=together, likelihood=likelihood)

    def encode(self, batch: Padded) -> Tensor:
        """Return the posterior means: (B, Z)."""
        return self.posterior(batch)[0]

    def decode(self, z: Tensor) -> Tensor:
        """Return the distribution of words: (B, Z) to (B, V)."""
        return self.scores(z).softmax(-1)

    def sample(self, n: int, rng: torch.Generator) -> Padded:
        """Draw z from the prior, lengths as those of training, and words independently given z."""
        where = self.out.weight
        z = torch.empty(n, self.config.latent_size, dtype=where.dtype, device=where.device).normal_(generator=rng)
        lengths = self.lengths[torch.randint(len(self.lengths), (n,), generator=rng, device=where.device)]
        longest = max(lengths.tolist(), default=0)
        drawn = torch.multinomial(self.decode(z), max(1, longest), replacement=True, generator=rng)
        return Padded(drawn[:, :longest], lengths)


class DocumentVAE(DocumentModel):
    """A variational autoencoder of documents; its likelihood is a lower bound, the same quantity for all encoders."""

    name = "document-vae"
    config_type = DocumentVAEConfig
    config: DocumentVAEConfig
    abilities = DocumentModel.abilities | {"sample", "decode"}
    gives = frozenset({"posteriors"})
    trainer = TrainerConfig(
        epochs=20,
        batch_size=100,
        optimiser=OptimiserConfig(learning_rate=2e-3, schedule="linear", hold=0.5, final=0.02, clip=100.0),
    )

    def build(self, spec: Spec) -> DocumentVAENet:
        """Return an untrained network."""
        assert spec.vocabulary is not None
        return DocumentVAENet(spec.vocabulary, self.config)

    @property
    def latent_size(self) -> int:
        """Latent dimensions Z."""
        found: int = self.config.latent_size
        return found

    @property
    def quantities(self) -> dict[str, Quantity]:
        """What `values` gives."""
        return {LOG_P: Quantity("nats"), **super().quantities, KL: Quantity("nats")}

    def examples(self, data: Examples | Floats | Tensor, *, soft: bool = False) -> Tokens:
        """Check documents and return them as tokens; bags have no order for a recurrent network to read."""
        part = as_examples(data)
        if part.kind == "bags" and self.config.encoder != "mlp":
            raise ShapeError(
                f"{self.name}: an encoder {self.config.encoder} reads words in their order, got {part.spec}; "
                "give it tokens, or use encoder mlp"
            )
        return super().examples(part, soft=soft)

    def batches(self, x: Any, n: int = EXAMPLES) -> Iterator[Any]:
        """Cut documents into parts of at most n, fewer where the vocabulary is large."""
        return cut(x, max(1, min(n, SCORES // len(self.fitted.out.bias))), self.place)

    @torch.no_grad()
    def log_prob(self, data: Examples | Floats | Tensor, *, samples: int = 100, seed: int = 1) -> Estimate:
        """Return the importance-weighted bound on log p of the words of each document: (n,) nats.

        Parameters
        ----------
        data : documents
        samples : int
            K; the bound rises to log p with it.
        seed : int
        """
        samples, rng = check_draws(self.name, "samples", samples), self.generator(seed)
        parts = self.batches(self.examples(data))
        return importance_weighted(self.fitted.log_weights(part, samples, rng) for part in parts)

    @torch.no_grad()
    def values(self, test: Examples | Floats | Tensor, **arguments: Any) -> dict[str, Estimate]:
        """Return figures of each document.

        log p           the bound of `log_prob`
        nats a word     minus that over the number of words, and over the mean number, hence from above
        nats a token
        kl              KL(q || N(0, I)), all dimensions together

        Parameters
        ----------
        test : documents
        **arguments
            `samples` and `seed` of `log_prob`.

        Raises
        ------
        DataError
            If a document has no word.
        """
        lengths, bound = self.lengths(test), self.log_prob(test, **arguments)
        kl = [gaussian_kl(*self.fitted.posterior(one)).sum(1) for one in self.batches(self.examples(test))]
        nats = replace(bound, value=-bound.value, kind="estimate")
        return {LOG_P: bound, **by_length(nats, lengths), KL: Estimate.exact(numbers(torch.cat(kl)))}

    @torch.no_grad()
    def measures(self, test: Examples | Floats | Tensor, **arguments: Any) -> dict[str, Measure]:
        """Return means of `values`, perplexities, and by one draw of z what the ELBO is made of.

        With labels, also the share of documents whose 5 nearest others, by posterior means, have their label.
        """
        part, rng = self.examples(test), self.generator(1)
        bounds = [self.fitted.bound(one, rng) for one in self.batches(part)]
        means, labels = self.encode(test), part.labels
        found = super().measures(test, **arguments) | bound_measures(bounds, means)
        if labels is not None and (labels >= 0).all() and len(part) > VOTES:
            found[f"knn_{VOTES}_accuracy"] = Measure(Estimate.exact(knn_accuracy(means, labels)), "")
        return found

    def baselines(self, train: Examples, test: Examples) -> dict[str, dict[str, float]]:
        """Return what test documents cost under the frequencies of words in training, and log p of them."""
        found = super().baselines(train, test)
        return found | {LOG_P: {"unigram": -found[TOKEN]["unigram"] * float(self.lengths(test).mean())}}
