"""TopicRNN: a recurrent language model whose scores of words rise and fall with the topics of the text around them.

Source: Dieng, Wang, Gao and Paisley, "TopicRNN: a recurrent neural network with long-range semantic dependency",
ICLR 2017, equations 1 to 4 and 7 to 9.

    h_t = RNN(h_t-1, embedding of w_t-1)        theta ~ N(0, I)
    l_t ~ Bernoulli(sigmoid(gamma . h_t + c))                             1 where w_t is a stop word
    p(w_t | h_t, l_t, theta) = softmax(W h_t + (1 - l_t) B theta + b)     `switch: position`, the paper's
    p(w_t | h_t, theta) = softmax(W h_t + (B, 0 for stop words) theta + b)     `switch: vocab`, without an l_t
    q(theta | words) = N(mean, variance) from an MLP of the words without stop words

Where l_t is not known, it is summed out: p(w_t) = sum over l of p(l | h_t) p(w_t | h_t, l, theta).

What theta has seen decides what a number is worth.

    causal   the mean of q on the `window` symbols before a block of `steps`: log p is exact, of words not yet seen
    prior    theta = 0, the same without topics
    elbo     theta ~ q(theta | the document itself), less KL(q || N(0, I)): a lower bound, of documents by themselves

A theta that has seen the words it predicts and costs nothing, or the true l_t, make other numbers, which are no
log-probabilities: `leaks` shows them under that name and nothing else does.

Symbols: B documents or streams, T steps, H hidden units, V vocabulary, K topics, W symbols of a window.
Departures: cells with gates; q adds embeddings of words, each over the root of their number; text in order is learned
with the theta that evaluation has, of the symbols before a block, and then the loss is no bound; output weights of
topics are learned together with those of h_t as one matrix.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, linear, log_softmax, logsigmoid, pad

from irkit.arrays import Floats
from irkit.errors import ConfigError, DataError
from irkit.io.kinds import Examples, Spec, Tokens
from irkit.learn.data import Padded, numbers
from irkit.learn.distributions import gaussian_kl
from irkit.learn.estimate import Estimate, Measure, check_draws
from irkit.learn.estimators import reparameterise
from irkit.learn.fused import linear_cross_entropy, linear_log_prob
from irkit.learn.net import ScoreNet
from irkit.learn.phases import Loss, Now
from irkit.learn.recurrent import State
from irkit.learn.streams import Block, Carried
from irkit.represent.documents import perplexity
from irkit.represent.inference import Inference
from irkit.represent.rnnlm import RNNLMConfig
from irkit.represent.sequences import INITIAL, CarryingModel, Reader, closed, counts_of, opened
from irkit.represent.stopwords import Stopwords, is_content

Theta: TypeAlias = Literal["causal", "prior", "elbo"]
SEEN = "seen"
"Theta of a window that holds the words it predicts: for `leaks` alone."


class TopicRNNConfig(RNNLMConfig):
    """Settings of `TopicRNN`."""

    topics: int = Field(50, ge=1)
    "K, the size of theta."
    switch: Literal["vocab", "position"] = "vocab"
    "Whether topics leave alone the scores of stop words, or all scores at places where a stop word stands."
    stopwords: Stopwords = "newspaper"
    'Words without a topic: "newspaper", "scikit-learn", or the words themselves; END always is one.'
    window: int = Field(200, ge=1)
    "Symbols before a block that a causal theta has seen, W."
    inference_size: int = Field(200, ge=1)
    "Numbers of q's embeddings, and its hidden units."
    kl_weight: float = Field(1.0, ge=0)
    "Of the divergence in the loss: 1 makes it the bound of documents by themselves; text in order needs less."
    features: Literal["both", "theta", "state"] = "both"
    "What `encode` gives: the mean of theta, the last state, or one behind the other."


class TopicRNNNet(ScoreNet):
    """The weights: a reader, q, and one softmax of [h, theta] over V + 1 symbols."""

    kind = "lower_bound"
    content: Tensor
    "1 for words of topics, 0 for stop words and END: (V + 1,)."
    share: Tensor
    "Of each symbol among those of training: (V + 1,)."

    def __init__(self, vocabulary: int, config: TopicRNNConfig) -> None:
        super().__init__()
        self.config = config
        h, k = config.hidden_size, config.topics
        self.reader = Reader(
            vocabulary, config.cell, config.embedding_size, h, layers=config.layers, dropout=config.dropout
        )
        self.inference = Inference(vocabulary + 1, config.inference_size, k)
        self.weight = nn.Parameter(torch.empty(vocabulary + 1, h).uniform_(-INITIAL, INITIAL))
        self.topic_weight = nn.Parameter(torch.empty(vocabulary + 1, k).uniform_(-INITIAL / 2, INITIAL / 2))
        self.bias = nn.Parameter(torch.zeros(vocabulary + 1))
        self.gate = nn.Linear(h, 1) if config.switch == "position" else None
        self.carried = Carried(config.cell, config.layers, h) if config.carry else None
        self.register_buffer("content", torch.ones(vocabulary + 1))
        self.register_buffer("share", torch.zeros(vocabulary + 1))
        self.content[self.end] = 0

    @property
    def end(self) -> int:
        """The number of END."""
        return self.reader.end

    @property
    def topics(self) -> Tensor:
        """How a term's score follows each topic: (V, K)."""
        return self.terms[: self.end]

    @property
    def terms(self) -> Tensor:
        """B, and with `switch: vocab` 0 for stop words: (V + 1, K)."""
        return self.topic_weight if self.gate is not None else self.topic_weight * self.content[:, None]

    @torch.no_grad()
    def start(self, x: Tokens) -> None:
        """Take over the list of stop words; let every symbol begin at its frequency."""
        if self.config.stopwords:
            if x.words is None:
                raise DataError(
                    "topicrnn: stop words are sought among words, got terms that are numbers alone; "
                    "give data with words, or stopwords: []"
                )
            self.content[: self.end] = torch.as_tensor(is_content(x.words, self.config.stopwords)).to(self.content)
        counts = counts_of(x, self.end + 1).to(self.bias)
        self.share.copy_(counts / counts.sum())
        self.bias.copy_(self.share.log())
        if self.gate is not None:
            stop = 1 - (self.share * self.content).sum().clamp(1e-3, 1 - 1e-3)
            self.gate.bias.fill_(float(torch.logit(stop)))

    # ------------------------------------------------------------------ learning

    def loss(self, batch: Padded | Block, now: Now) -> Loss:
        """Return the mean over symbols of minus log p(w, l | theta), theta drawn once from q, and of the divergence."""
        if isinstance(batch, Block):
            assert self.carried is not None
            mean, log_var = self.inference(batch.before, self.content)
            h = self.reader.follow(batch, self.carried).flatten(0, 1)
            y = batch.next.flatten()
            rows = torch.arange(len(y), device=y.device) // batch.next.shape[1]
        else:
            target = closed(batch, self.end)
            cells = target.cells
            mean, log_var = self.posterior(batch)
            h = self.reader(opened(batch, self.end)).outputs.flatten(0, 1)[cells]
            y = target.x.flatten()[cells]
            rows = cells // target.x.shape[1]
        theta = reparameterise(mean, log_var, now.rng)[rows]
        kl = gaussian_kl(mean, log_var).sum()
        total = self.joint(h, theta, y) + self.config.kl_weight * kl
        return Loss(total / len(y), {"kl": kl / len(mean)})

    def joint(self, h: Tensor, theta: Tensor, y: Tensor) -> Tensor:
        """Return the sum of minus log p(w, l | h, theta) of symbols y: (n, H), (n, K), (n,) to ()."""
        if self.gate is None:
            return linear_cross_entropy(torch.cat([h, theta], 1), self.columns, self.bias, y)
        content = self.content[y]
        gates = binary_cross_entropy_with_logits(self.gate(h).squeeze(1), 1 - content, reduction="sum")
        return gates + linear_cross_entropy(torch.cat([h, theta * content[:, None]], 1), self.columns, self.bias, y)

    @property
    def columns(self) -> Tensor:
        """W and B side by side: (V + 1, H + K)."""
        return torch.cat([self.weight, self.terms], 1)

    # ------------------------------------------------------------------ log-probabilities

    @torch.no_grad()
    def log_p(self, h: Tensor, theta: Tensor, y: Tensor, *, told: bool = False) -> Tensor:
        """Return log p of symbols y, the switch summed out: (n, H), (n, K), (n,) to (n,).

        Parameters
        ----------
        h, theta, y : outputs of the reader, topics and symbols
        told : bool
            Whether the true switch is given: a leak.
        """
        columns = self.columns
        on = linear_log_prob(torch.cat([h, theta], 1), columns, self.bias, y)
        if self.gate is None:
            return on
        off = linear_log_prob(torch.cat([h, torch.zeros_like(theta)], 1), columns, self.bias, y)
        if told:
            return torch.where(self.content[y] > 0, on, off)
        gate = self.gate(h).squeeze(1)
        return torch.logaddexp(logsigmoid(gate) + off, logsigmoid(-gate) + on)

    def posterior(self, batch: Padded) -> tuple[Tensor, Tensor]:
        """Return mean and log variance of theta of documents, from all their words: (B, K) each."""
        found: tuple[Tensor, Tensor] = self.inference(self.ended(batch), self.content)
        return found

    def ended(self, batch: Padded) -> Tensor:
        """Fill padding with END, which q does not see: (B, T), one symbol at least."""
        x = batch.x.masked_fill(~batch.mask, self.end)
        return x if x.shape[1] else x.new_full((len(x), 1), self.end)

    def thetas(self, block: Block, how: str) -> Tensor:
        """Return the theta of each symbol to predict, fixed for `steps` of them: (B, T, K).

        Parameters
        ----------
        block : Block
            Beginning where a block of `steps` does.
        how : {"causal", "prior", "seen"}
        """
        n, steps = block.next.shape
        if how == "prior":
            return self.bias.new_zeros(n, steps, self.config.topics)
        window, step = self.config.window, self.config.steps
        pieces = -(-steps // step)
        line = torch.cat([block.before, pad(block.next, (0, pieces * step - steps), value=self.end)], 1)
        windows = line.unfold(1, window, step)[:, 1:] if how == SEEN else line.unfold(1, window, step)[:, :pieces]
        mean, _ = self.inference(windows.reshape(-1, window), self.content)
        found: Tensor = mean.view(n, pieces, -1).repeat_interleave(step, 1)[:, :steps]
        return found

    def ahead(
        self, block: Block, state: State | None, *, how: str = "causal", told: bool = False
    ) -> tuple[Tensor, State]:
        """Return log p of each symbol, (B, T), and the state after the last; parameters as of `thetas` and `log_p`."""
        outputs, state = self.reader.layer(self.reader.embed(block.seen), state)
        theta = self.thetas(block, how).flatten(0, 1)
        found = self.log_p(outputs.flatten(0, 1), theta, block.next.flatten(), told=told)
        return found.view_as(block.next), state

    def alone(self, batch: Padded) -> Block:
        """Return documents as a block of their own, with nothing before it and END behind their ends."""
        seen, target = opened(batch, self.end), closed(batch, self.end)
        before = batch.x.new_full((len(batch.x), self.config.window), self.end)
        return Block(seen.x, self.ended(target), before, True)

    def log_prob(self, batch: Padded, *, how: str = "causal", told: bool = False) -> Tensor:
        """Return log p of documents by themselves: (B,); parameters as of `thetas` and `log_p`."""
        found, _ = self.ahead(self.alone(batch), None, how=how, told=told)
        return (found * closed(batch, self.end).mask).sum(1)

    def given(self, batch: Padded, theta: Tensor) -> Tensor:
        """Return log p of documents by themselves given their thetas, (B, K): (B,)."""
        block = self.alone(batch)
        h = self.reader.layer(self.reader.embed(block.seen))[0].flatten(0, 1)
        found = self.log_p(h, theta.repeat_interleave(block.next.shape[1], 0), block.next.flatten())
        return (found.view_as(block.next) * closed(batch, self.end).mask).sum(1)

    def score(self, batch: Padded, rng: torch.Generator) -> Tensor:
        """Return the bound of log p of each document, with one draw of theta: (B,)."""
        mean, log_var = self.posterior(batch)
        return self.given(batch, reparameterise(mean, log_var, rng)) - gaussian_kl(mean, log_var).sum(1)

    def state(self, batch: Padded) -> Tensor:
        """Return the mean of theta of documents, from all their words: (B, K)."""
        return self.posterior(batch)[0]

    def word_log_prob(self, state: Tensor) -> Tensor:
        """Return log p(w | theta), the softmax of B theta + b over the terms, stop words as they come: (B, V)."""
        return log_softmax(linear(state, self.topics, self.bias[: self.end]), 1)

    def encode(self, batch: Padded) -> Tensor:
        """Return the mean of theta and the state after the last word, as `features` says: (B, K), (B, H) or both."""
        symbols = opened(batch, self.end)
        outputs: Tensor = self.reader(symbols).outputs
        state = outputs[torch.arange(len(outputs), device=outputs.device), symbols.lengths - 1]
        parts = {"theta": [self.state(batch)], "state": [state]}
        return torch.cat(parts.get(self.config.features, parts["theta"] + parts["state"]), 1)


class TopicRNN(CarryingModel):
    """The recurrent language model with topics.

    With `carry`, documents are read in the order in which they are given, by training and by `log_prob`, as
    `RNNLM` does; `encode` and `word_log_prob` look at each document by itself.
    """

    name = "topicrnn"
    config_type = TopicRNNConfig
    config: TopicRNNConfig
    gives = frozenset({"word_log_prob", "posteriors"})

    def build(self, spec: Spec) -> TopicRNNNet:
        """Return an untrained network."""
        assert spec.vocabulary is not None
        return TopicRNNNet(spec.vocabulary, self.config)

    @property
    def before(self) -> int:
        """Symbols of a text in order that are looked at before each block of it."""
        return self.config.window

    @torch.no_grad()
    def log_prob(
        self, data: Examples | Floats | Tensor, *, theta: Theta = "causal", draws: int = 5, seed: int = 1
    ) -> Estimate:
        """Return log p of each document: (n,) nats; given those before it, which are in order, with `carry`.

        Parameters
        ----------
        data : documents
        theta : {"causal", "prior", "elbo"}
            What is known of topics: what stands before each block (exact), nothing (exact), or a draw from the
            posterior of the document itself, whose divergence counts (a lower bound).
        draws, seed : int
            Of theta for the bound.

        Raises
        ------
        ConfigError
            If theta would be another, which knows what it predicts, or the bound is asked of a text in order.
        """
        self.need("log_prob")
        if theta not in ("causal", "prior", "elbo"):
            raise ConfigError(
                "topicrnn: log p needs a theta that has not seen the words it predicts, or pays for it, got "
                f"{theta!r}; choose causal, prior or elbo, and see leaks() for what the others would show"
            )
        if theta != "elbo":
            return Estimate.exact(self._nats(data, how=theta))
        if self.config.carry:
            raise ConfigError("topicrnn: the bound is of documents by themselves, got carry; use theta causal")
        draws = check_draws(self.name, "draws", draws, least=2)
        rng = self.generator(seed)
        batches = list(self.batches(self.examples(data)))
        found = np.stack([numbers(torch.cat([self.fitted.score(one, rng) for one in batches])) for _ in range(draws)])
        return Estimate(found.mean(0), found.std(0, ddof=1) / draws**0.5, "lower_bound")

    def leaks(self, test: Examples | Floats | Tensor) -> dict[str, Measure]:
        """Return perplexities by token that know what they predict, under names that say so: on no board.

        Parameters
        ----------
        test : documents

        Returns
        -------
        dict of str to Measure
            "LEAK, theta has seen the words"; with `switch: position` also "LEAK, the true switch" and "LEAK, both".
        """
        ways: dict[str, dict[str, Any]] = {"LEAK, theta has seen the words": {"how": SEEN}}
        if self.config.switch == "position":
            ways["LEAK, the true switch"] = {"how": "causal", "told": True}
            ways["LEAK, both"] = {"how": SEEN, "told": True}
        words = self.lengths(test).sum()
        out = {}
        for name, way in ways.items():
            nats = float(-self._nats(test, **way).sum() / words)
            out[name] = Measure(perplexity(Estimate(nats, np.inf, "estimate")), "")
        return out

    def topics(self, n: int = 10, *, floor: float = 1e-4) -> list[tuple[list[Any], list[Any]]]:
        """Return, for each topic, the n terms that it raises most and the n that it lowers most.

        Theta is Gaussian, so a topic has two ends, and both say what it is of.

        Parameters
        ----------
        n : int
        floor : float
            Terms rarer than this share of all symbols of training are left out, as stop words are.
        """
        n, net = check_draws(self.name, "n", n, least=0), self.fitted
        kept = ((net.share >= floor) & (net.content > 0))[: net.end].nonzero().squeeze(1)
        order = kept[net.topics[kept].argsort(0, descending=True)].T.tolist()
        words = self.known.words
        named = order if words is None else [[words[at] for at in one] for one in order]
        return [(one[:n], one[: -n - 1 : -1]) for one in named]

    @torch.no_grad()
    def _nats(self, data: Examples | Floats | Tensor, **way: Any) -> Floats:
        """Return log p of each document as `TopicRNNNet.ahead` has it, honest or not: (n,)."""
        documents = self.examples(data)
        if self.config.carry:
            return np.asarray(self.in_order(documents, partial(self.fitted.ahead, **way)).value)
        return numbers(torch.cat([self.fitted.log_prob(batch, **way) for batch in self.batches(documents)]))
