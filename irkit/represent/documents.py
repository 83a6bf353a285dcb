"""What every document model shares: documents as numbers of terms, and the perplexities that are never mixed up.

A document is a list of terms (`Tokens`, in their order) or a count of each (`Bags`). Two perplexities are in
use, and published tables mix them:

    by document   exp(mean over documents of -log p(document) / its number of words)
    by token      exp(-sum of log p over all documents / number of all words)

For one and the same model the second is often a quarter higher, since long documents are harder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from irkit.arrays import Floats, Ints, offsets, segments
from irkit.config import digest
from irkit.errors import AbilityError, ConfigError, DataError, ShapeError
from irkit.io.kinds import Bags, Examples, Ragged, Tokens
from irkit.learn.batches import fingerprint
from irkit.learn.data import Padded, as_examples, batch
from irkit.learn.estimate import Estimate, Measure, Quantity, check_draws
from irkit.learn.model import Model
from irkit.text.vectors import Vectors

CELLS = 20_000
"Words and padding that are looked at together."

SCORES = 1 << 22
"Probabilities of words that are computed together."

MOST = 2**31 - 1
"Occurrences of a word in a document, at most."

WORD = "nats a word"
"Of each document by its own number of words: the mean is the log of the perplexity by document."
TOKEN = "nats a token"
"Of each document by the mean number of words: the mean is the log of the perplexity by token."


def by_length(nats: Estimate, lengths: Ints) -> dict[str, Estimate]:
    """Return nats of documents, (n,), as nats a word and nats a token.

    Examples
    --------
    >>> found = by_length(Estimate.exact(np.array([2.0, 9.0])), np.array([1, 3]))
    >>> {name: one.value.tolist() for name, one in found.items()}
    {'nats a word': [2.0, 3.0], 'nats a token': [1.0, 4.5]}
    """
    parts = {WORD: lengths, TOKEN: lengths.mean()}
    return {name: replace(nats, value=nats.value / by, stderr=nats.stderr / by) for name, by in parts.items()}


def perplexity(nats: Estimate) -> Estimate:
    """Return exp of a mean of nats, infinite where it is beyond all numbers.

    Examples
    --------
    >>> perplexity(Estimate.exact(0.0)).value, perplexity(Estimate.exact(1e4)).value
    (1.0, inf)
    """
    with np.errstate(over="ignore"):
        value = float(np.exp(nats.value))
    if nats.kind == "exact":
        return Estimate.exact(value)
    return Estimate(value, value * float(nats.stderr) if nats.stderr else 0.0, "estimate")


def log_counts(documents: Ragged) -> Ragged:
    """Keep the first round(log(1 + n)) of a term's n occurrences in a document, the rest of the words in their order.

    Source: Hinton and Salakhutdinov, "Replicated softmax", NIPS 2009, whose counts later work on 20 Newsgroups has.

    Examples
    --------
    >>> [one.tolist() for one in log_counts(Ragged.of([[7, 7, 3, 7, 7], [3]]))]
    [[7, 7, 3], [3]]
    """
    row = segments(offsets(documents.lengths))
    pairs = row * (documents.values.max(initial=0) + 1) + documents.values
    _, pair, counts = np.unique(pairs, return_inverse=True, return_counts=True)
    order = np.argsort(pair, kind="stable")
    occurrence = np.empty(len(row), dtype=np.int64)
    occurrence[order] = np.arange(len(row)) - offsets(counts)[:-1][pair[order]]
    kept = occurrence < np.round(np.log1p(counts))[pair]
    return Ragged(documents.values[kept], np.bincount(row[kept], minlength=len(documents)))


def as_tokens(part: Examples) -> Tokens:
    """Return documents as tokens, int64; the terms of a bag one beside the other, as often as they are counted.

    Raises
    ------
    DataError
        If counts are not whole numbers from 0 to `MOST`.
    """
    assert isinstance(part, (Tokens, Bags))
    terms = Ragged(np.asarray(part.x.values, dtype=np.int64), part.x.lengths)
    if isinstance(part, Tokens):
        return replace(part, x=terms)
    if part.counts is not None:
        counts = np.asarray(part.counts.values)
        number = counts.dtype.kind in "buif"
        wrong = counts[~((counts >= 0) & (counts <= MOST) & (counts == np.floor(counts)))] if number else counts
        if len(wrong):
            raise DataError(f"bags: counts of words must be whole numbers, 0 to 2^31 - 1, got {wrong[0]}; count words")
        row = segments(offsets(terms.lengths))
        counts = counts.astype(np.int64)
        terms = Ragged(np.repeat(terms.values, counts), np.bincount(row, counts, len(part)).astype(np.int64))
    return Tokens(terms, part.vocabulary, labels=part.labels, words=part.words)


class DocumentModel(Model):
    """Base of the models of documents."""

    takes = frozenset({"tokens", "bags"})
    abilities = frozenset({"log_prob", "score", "encode"})
    gives: ClassVar[frozenset[str]] = frozenset()
    "What it says of documents besides: `word_log_prob`, `posteriors`."

    @property
    def quantities(self) -> dict[str, Quantity]:
        """What `values` gives."""
        return {WORD: Quantity("nats", lower=True), TOKEN: Quantity("nats", lower=True)}

    def examples(self, data: Examples | Floats | Tensor, *, soft: bool = False) -> Tokens:
        """Check documents and return them as tokens."""
        part = as_examples(data)
        if part.kind not in self.takes or not len(part):
            super().examples(part)
        tokens = as_tokens(part)
        if self.spec is not None and not replace(self.spec, kind=tokens.kind).fits(tokens.spec):
            got = f"{tokens.spec}" if tokens.vocabulary != self.spec.vocabulary else "as many, but other words"
            raise ShapeError(
                f"{self.name}: documents of {self.spec.vocabulary:,} terms are needed, those it was trained on, got "
                f"{got}; number them by the same vocabulary, as tokens_of_texts(texts, like=data) does"
            )
        return tokens

    def batches(self, x: Any, n: int = CELLS) -> Iterator[Padded]:
        """Cut documents into parts of at most n words and padding, or of one document."""
        start = 0
        lengths = x.x.lengths
        while start < len(x):
            widest = np.maximum.accumulate(lengths[start:])
            fits = np.flatnonzero(widest * np.arange(1, len(widest) + 1) > n)
            end = start + max(1, int(fits[0]) if len(fits) else len(widest))
            made = batch(x.take(np.arange(start, end)), self.place)
            assert isinstance(made, Padded)
            yield made
            start = end

    def give(self, name: str) -> None:
        """Raise `AbilityError` unless the model gives something besides vectors."""
        if name not in self.gives:
            others = ", ".join(sorted(self.gives)) or "vectors alone"
            raise AbilityError(f"{self.name}: has no {name} of documents, it gives {others}; choose another model")

    @torch.no_grad()
    def word_log_prob(self, data: Examples | Floats | Tensor) -> Floats:
        """Return log p(a next word is w | all words of the document), of every word w: (n, V) float32 nats.

        The net has `state(batch)`, (B, H), and `word_log_prob(state)`, (B, V).
        """
        self.give("word_log_prob")
        tokens = self.examples(data)
        states = torch.cat([self.fitted.state(part) for part in self.batches(tokens)])
        out = np.empty((len(tokens), self.known.vocabulary or 0), dtype=np.float32)
        step = max(1, SCORES // out.shape[1])
        for start in range(0, len(out), step):
            out[start : start + step] = self.fitted.word_log_prob(states[start : start + step]).cpu().numpy()
        return out

    @torch.no_grad()
    def posteriors(self, data: Examples | Floats | Tensor) -> tuple[Floats, Floats]:
        """Return means and variances of the Gaussian posterior of each document: (n, Z) float32 each.

        The net has `posterior(batch)`, which returns means and logarithms of variances.
        """
        self.give("posteriors")
        parts = [self.fitted.posterior(part) for part in self.batches(self.examples(data))]
        mean, log_var = (torch.cat(one) for one in zip(*parts, strict=True))
        return mean.cpu().numpy(), log_var.exp().cpu().numpy()

    def word_vectors(self) -> Vectors:
        """Return what each word adds to the hidden units as its vector, for query expansion and other uses.

        Raises
        ------
        ConfigError
            If the model does not know its words.
        """
        weights = self.fitted.topics.detach().cpu().numpy()
        if self.words is None:
            raise ConfigError(
                f"{self.name}: does not know its words, so they have no vectors; fit it on bags with words="
            )
        return Vectors(self.words, weights, analyzed=True)

    @property
    def words(self) -> tuple[str, ...] | None:
        """The terms themselves, where the data had them."""
        return self.known.words

    @property
    def fingerprint(self) -> str:
        """Hash of what it makes of documents."""
        weights = [fingerprint(one) for one in self.fitted.state_dict().values()]
        return digest(self.name, self.config.essence(), self.words, weights)

    def topics(self, n: int = 10) -> list[tuple[list[Any], list[Any]]]:
        """Return, for each hidden unit, the n terms that raise it most and the n that lower it most.

        Terms are words where the data had them, else their numbers. A unit has two ends, and both say what it is of.
        """
        n = check_draws(self.name, "n", n, least=0)
        weights = self.fitted.topics.detach().cpu()  # (V, H)
        order = weights.argsort(0, descending=True).T.numpy()
        words = self.known.words
        named = order.tolist() if words is None else np.array(words, dtype=object)[order].tolist()
        return [(one[:n], one[: -n - 1 : -1]) for one in named]

    def measures(self, test: Examples | Floats | Tensor, **arguments: Any) -> dict[str, Measure]:
        """Return nats a word and a token, and the perplexities that they make."""
        out = super().measures(test, **arguments)
        for name, what in ((WORD, "document"), (TOKEN, "token")):
            nats, _ = out[name]
            out[f"perplexity by {what}"] = Measure(perplexity(nats), "")
        return out

    def baselines(self, train: Examples, test: Examples) -> dict[str, dict[str, float]]:
        """Return what test documents cost under the frequencies of words in training, one added to each."""
        seen, asked = (self.predicted(part) for part in (train, test))
        counts = np.bincount(seen.values) + 1
        counts = np.concatenate([counts, np.ones(max(0, self.symbols - len(counts)))])
        log_p = np.log(counts / counts.sum())
        nats: Floats = np.bincount(segments(offsets(asked.lengths)), -log_p[asked.values], len(asked)).astype(
            np.float64
        )
        found = by_length(Estimate.exact(nats), np.maximum(asked.lengths, 1))
        return {name: {"unigram": float(one.mean().value)} for name, one in found.items()}

    @property
    def symbols(self) -> int:
        """How many there are to predict one of: the terms."""
        return self.known.vocabulary or 0

    def predicted(self, data: Examples | Floats | Tensor) -> Ragged:
        """Return the symbols of each document that are predicted: its terms, as often as they count."""
        found: Ragged = self.examples(data).x
        return found

    def lengths(self, test: Examples | Floats | Tensor) -> Ints:
        """Return how many symbols of each document are predicted; an error if none is, which has no perplexity."""
        found: Ints = self.predicted(test).lengths
        empty = np.flatnonzero(found == 0)
        if len(empty):
            raise DataError(
                f"{self.name}: a document without a word of the vocabulary has no perplexity, got {len(empty)} of "
                f"{len(found)}, the first is number {empty[0]}; leave them out"
            )
        return found
