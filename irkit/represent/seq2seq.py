"""Seq2Seq: one recurrent network reads a document, another writes a second one, with or without attention.

Source: Sutskever, Vinyals and Le, "Sequence to sequence learning with neural networks", NIPS 2014; attention by the
fit of Bahdanau, Cho and Bengio, "Neural machine translation by jointly learning to align and translate", ICLR 2015.

    m_0 .. m_S, s = encoder(END, x_1 .. x_S)             its states, of which the last begins the decoder
    h_t = decoder(END, y_1 .. y_t-1), begun in s
    without attention   p(y_t | y_<t, x) by a softmax of h_t
    with attention      of tanh(W [h_t, c_t]), c_t the mean of m weighted by softmax(v . tanh(A h_t + B m + b))

The target y is the document itself or its reverse; `log_prob_of` has the two of any kind. log p(y | x) is exact,
and is of a target given its source, not of documents.

Symbols: B documents, S and T symbols of the longest source and target, H hidden units, V vocabulary.
Departures: the decoder's state is what asks (Luong, Pham and Manning, EMNLP 2015) and the context does not go into
the next step, so that all of a target's steps are computed at once; the source is read in its order.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from irkit.arrays import Floats
from irkit.config import Config
from irkit.errors import ShapeError
from irkit.io.kinds import Examples, Ragged, Spec, Tokens
from irkit.learn.attention import AdditiveAttention, Attended
from irkit.learn.data import Padded, batch, numbers
from irkit.learn.estimate import Estimate, Measure, Quantity
from irkit.learn.model import Model
from irkit.learn.phases import Loss, Now
from irkit.learn.recurrent import State
from irkit.represent.documents import TOKEN, by_length
from irkit.represent.predicting import PredictingNet, log_prob_of, mean_loss
from irkit.represent.sequences import Reader, SequenceModel, closed, opened, written

TARGET = "nats a token, of the target"
"Of each target given its source, by the mean number of symbols."
ERROR = "error"
"Share of targets that are not written exactly."


class Seq2SeqConfig(Config):
    """Settings of `Seq2Seq`."""

    task: Literal["copy", "reverse"] = "copy"
    "The target of a document: itself, or its words from the last to the first."
    attention: bool = True
    "Whether each step of the decoder looks at all states of the encoder, or only begins in the last."
    cell: Literal["lstm", "gru", "rnn"] = "lstm"
    "Of both networks."
    embedding_size: int = Field(64, ge=1)
    "Numbers of a word's embedding."
    hidden_size: int = Field(128, ge=1)
    "Hidden units, H, of either network and of the attention."
    dropout: float = Field(0.0, ge=0, lt=1)
    "Share of numbers left out while training: of embeddings and of outputs."


def target_of(words: Padded, task: str) -> Padded:
    """Return the target of each document.

    Examples
    --------
    >>> target_of(Padded(torch.tensor([[4, 2, 3], [1, 5, 0]]), torch.tensor([3, 2])), "reverse").x.tolist()
    [[3, 2, 4], [5, 1, 0]]
    """
    if task == "copy":
        return words
    place = torch.arange(words.x.shape[1], device=words.x.device)
    back = words.lengths[:, None] - 1 - place  # negative on padding, which stays where it is
    return words._replace(x=words.x.gather(1, torch.where(back < 0, place, back)))


class Seq2SeqNet(PredictingNet):
    """The weights: two readers, a softmax, and those of attention if there is such."""

    def __init__(self, vocabulary: int, config: Seq2SeqConfig) -> None:
        super().__init__()
        self.task = config.task
        sizes, h = (config.cell, config.embedding_size, config.hidden_size), config.hidden_size
        self.encoder = Reader(vocabulary, *sizes, dropout=config.dropout)
        self.decoder = Reader(vocabulary, *sizes, dropout=config.dropout)
        self.predict_symbols(h, vocabulary)
        self.attention = AdditiveAttention(h, h, h) if config.attention else None
        self.both = nn.Linear(2 * h, h) if config.attention else None

    def read(self, source: Padded) -> tuple[Tensor, Tensor, State]:
        """Read sources: all states (B, S + 1, H), which of them there are (B, S + 1), and the last."""
        symbols = opened(source, self.end)
        found = self.encoder(symbols)
        return found.outputs, symbols.mask, found.state

    def attend(self, h: Tensor, memory: Tensor, valid: Tensor) -> Attended | None:
        """Look at a memory from some states of the decoder, (B, T, H); None without attention."""
        return None if self.attention is None else self.attention(h, memory, valid)

    def features(self, h: Tensor, memory: Tensor, valid: Tensor) -> Tensor:
        """Return what symbols are predicted from: (B, T, H) to (B, T, H)."""
        found = self.attend(h, memory, valid)
        if found is None or self.both is None:
            return h
        return torch.tanh(self.both(torch.cat([h, found.mean], 2)))

    def states(self, source: Padded, target: Padded) -> tuple[Tensor, Padded]:
        """Return what each symbol of targets is predicted from, row by row, (N, H), and the targets with their ENDs."""
        memory, valid, state = self.read(source)
        h = self.decoder(opened(target, self.end), state).outputs
        symbols = closed(target, self.end)
        return self.features(h, memory, valid).flatten(0, 1)[symbols.cells], symbols

    def loss(self, batch: Padded, now: Now) -> Loss:
        """Return the mean of minus log p over symbols of targets."""
        h, symbols = self.states(batch, target_of(batch, self.task))
        return Loss(mean_loss(self.words, h, symbols, now.rng), {})

    def log_prob_of(self, source: Padded, target: Padded) -> Tensor:
        """Return log p(target | source): (B,)."""
        return log_prob_of(self.words, *self.states(source, target))

    def score(self, batch: Padded, rng: torch.Generator) -> Tensor:
        """Return log p(target | document): (B,)."""
        return self.log_prob_of(batch, target_of(batch, self.task))

    def encode(self, batch: Padded) -> Tensor:
        """Return the encoder's last state: (B, H)."""
        state = self.read(batch)[2]
        return (state if isinstance(state, Tensor) else state[0])[-1]

    def predict(self, batch: Padded) -> Padded:
        """Write targets, of all symbols always the most probable, until END or as long as the longest of training."""
        memory, valid, state = self.read(batch)
        writer = _Looking(self, memory, valid)
        return written(len(batch.x), int(self.longest), writer, self.likeliest, batch.x.device, state)


class _Looking:
    """The decoder, with a memory (B, S + 1, H) to look at and what of it there is, (B, S + 1)."""

    def __init__(self, net: Seq2SeqNet, memory: Tensor, valid: Tensor) -> None:
        self.net, self.memory, self.valid, self.end = net, memory, valid, net.end

    def step(self, symbols: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Read one more symbol and look: (B,) to (B, H), and the state."""
        h, state = self.net.decoder.step(symbols, state)
        return self.net.features(h[:, None], self.memory, self.valid)[:, 0], state


class Seq2Seq(SequenceModel):
    """The two networks."""

    name = "seq2seq"
    config_type = Seq2SeqConfig
    config: Seq2SeqConfig
    abilities = frozenset({"score", "encode", "predict"})

    def build(self, spec: Spec) -> Seq2SeqNet:
        """Return an untrained network."""
        assert spec.vocabulary is not None
        return Seq2SeqNet(spec.vocabulary, self.config)

    @torch.no_grad()
    def log_prob_of(self, targets: Examples | Floats | Tensor, sources: Examples | Floats | Tensor) -> Estimate:
        """Return log p(target | source) of each pair: (n,) nats, exact.

        Raises
        ------
        ShapeError
            If there is not one source a target.
        """
        given, asked = self.examples(sources), self.examples(targets)
        if len(given) != len(asked):
            raise ShapeError(f"{self.name}: each target has a source, got {len(asked)} and {len(given)}; give as many")
        parts, start = [], 0
        for source in self.batches(given):
            end = start + len(source.x)
            target = batch(asked.take(np.arange(start, end)), self.place)
            parts.append(self.fitted.log_prob_of(source, target))
            start = end
        return Estimate.exact(numbers(torch.cat(parts)))

    def targets(self, data: Examples | Floats | Tensor) -> Tokens:
        """Return the targets of documents."""
        found = self.examples(data)
        each = [one[::-1] if self.config.task == "reverse" else one for one in found.x]
        return Tokens(Ragged.of(each), found.vocabulary, labels=found.labels, words=found.words)

    @torch.no_grad()
    def attention(self, data: Examples | Floats | Tensor) -> list[Floats]:
        """Return how much each step of a target, END last, looks at END before its source and at each of its words.

        Returns
        -------
        list of n (T + 1, S + 1) float32
            Rows sum to 1; none without attention.
        """
        net, out = self.fitted, []
        for source in self.batches(self.examples(data)):
            memory, valid, state = net.read(source)
            target = opened(target_of(source, self.config.task), net.end)
            found = net.attend(net.decoder(target, state).outputs, memory, valid)
            if found is not None:
                weights = found.weights.float().cpu().numpy()
                out += [one[: n + 1, : n + 1] for one, n in zip(weights, source.lengths.tolist(), strict=True)]
        return out

    @property
    def quantities(self) -> dict[str, Quantity]:
        """What `values` gives."""
        return {TARGET: Quantity("nats", lower=True), ERROR: Quantity(lower=True)}

    def values(self, test: Examples | Floats | Tensor, **arguments: object) -> dict[str, Estimate]:
        """Return nats a token of each target given its document, END counted, and whether it is written wrongly."""
        targets = self.targets(test)
        nats = self.log_prob_of(targets, test)
        pairs = zip(self.predict(test), targets.x, strict=True)
        wrong = np.array([not np.array_equal(one, two) for one, two in pairs], dtype=np.float64)
        return {
            TARGET: by_length(Estimate.exact(-np.asarray(nats.value)), self.lengths(test))[TOKEN],
            ERROR: Estimate.exact(wrong),
        }

    def measures(self, test: Examples | Floats | Tensor, **arguments: object) -> dict[str, Measure]:
        """Return the means of `values`; no perplexity, which would be taken for that of the documents."""
        return Model.measures(self, test, **arguments)

    def baselines(self, train: Examples, test: Examples) -> dict[str, dict[str, float]]:
        """Return what targets cost without their sources, under the frequencies of symbols in training."""
        return {TARGET: super().baselines(train, test)[TOKEN]}
