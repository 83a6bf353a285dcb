"""NADE: an exact density of binary vectors, one conditional at a time.

Source: Larochelle and Murray, "The neural autoregressive distribution estimator", AISTATS 2011;
Uria, Cote, Gregor, Murray and Larochelle, JMLR 17(205), 2016, section 2.

    a_1 = c;  h_d = act(a_d);  p(x_d = 1 | x_<d) = sigmoid(b_d + V_d . h_d);  a_d+1 = a_d + x_d W_d

Symbols: B batch, D bits, H hidden units; W, V (D, H) rows of weights out of and into each bit;
b (D,), c (H,); o an order of the bits, which the formulas follow.
Cost: the recurrence takes O(D H) an example where separate conditionals take O(D^2 H). It is not
run bit by bit, but in one of two forms that are equal within rounding. On a processor (`chunked_logits`):
h_d differs from h_d-1 only where x_d-1 is not 0, so the bits are cut into chunks and within a chunk only
the hidden vectors that differ are computed, all at once, as matrix products. On an accelerator
(`dense_logits`): all hidden vectors of all chunks at once, by a few large products whose shapes are known
beforehand; nothing in it is read back.
Departures: Adam in place of decreasing SGD; W and V start as N(0, 0.01^2) and b at the logit of the
training means.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import pad

from irkit.arrays import Ints
from irkit.config import Config
from irkit.errors import ConfigError
from irkit.generative.base import Density
from irkit.generative.rbm import RBM
from irkit.io.kinds import Spec
from irkit.learn.distributions import bernoulli_log_prob, logit
from irkit.learn.net import ScoreNet
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.slices import accelerated, in_slices
from irkit.learn.trainer import TrainerConfig
from irkit.rng import Seed, generator

CHUNK = 16
"Bits whose hidden vectors are computed together; longer chunks waste products, shorter ones have small ones."


class NADEConfig(Config):
    """Settings of `NADE`."""

    hidden_size: int = Field(500, ge=1)
    "Hidden units; 500 in the papers."
    activation: Literal["sigmoid", "relu"] = "sigmoid"
    "Of the hidden units; sigmoid in 2011."
    order: Literal["given", "random"] = "given"
    "Order of the bits: as they come (pixels by row), or a permutation drawn once."
    order_seed: Seed = 1
    "Of that permutation."


def nade_logits(x: Tensor, w: Tensor, c: Tensor, v: Tensor, b: Tensor, activation: str = "sigmoid") -> Tensor:
    """Return the logits of every conditional, in O(D H) an example: the dense form on accelerators, else the chunked.

    Parameters
    ----------
    x : (B, D)
        Bits in the order of the model.
    w, v : (D, H)
    c : (H,) or (B, H)
        One bias for all rows, or one for each: what a conditional NADE is told.
    b : (D,)
    activation : {"sigmoid", "relu"}

    Returns
    -------
    (B, D)
        b_d + V_d . act(c + sum over k < d of x_k W_k).
    """
    form = dense_logits if accelerated(x.device) else chunked_logits
    return form(x, w, c, v, b, activation)


def chunked_logits(x: Tensor, w: Tensor, c: Tensor, v: Tensor, b: Tensor, activation: str = "sigmoid") -> Tensor:
    """Return `nade_logits`, chunk after chunk of the bits, with a written gradient.

    If the bits want a gradient, every hidden vector is computed.
    """
    return _conditionals(x, w, c, v, b, activation, torch.is_grad_enabled())


def dense_logits(x: Tensor, w: Tensor, c: Tensor, v: Tensor, b: Tensor, activation: str = "sigmoid") -> Tensor:
    """Return `nade_logits`, all chunks of the bits at once; their shapes depend on B, D and H alone.

    Sums over earlier bits are products with triangles of ones. `torch.cumsum` would do, but where the same bits are
    wanted each time, as in training, some releases warn of it on accelerators and some take D times the memory.
    It holds about 3 B D H numbers; rows are cut where that is more than `irkit.learn.slices.NUMBERS`.
    """
    bits, hidden = w.shape
    chunks = -(-bits // CHUNK)
    lack = chunks * CHUNK - bits
    w, v = (pad(one, (0, 0, 0, lack)).view(chunks, CHUNK, hidden) for one in (w, v))
    within, across = (w.new_ones(n, n).tril(-1) for n in (CHUNK, chunks))
    act = torch.sigmoid if activation == "sigmoid" else torch.relu

    def compute(x: Tensor, c: Tensor) -> Tensor:
        rows = len(x)
        part = pad(x, (0, lack)).view(rows, chunks, CHUNK).transpose(0, 1).contiguous()  # (chunks, B, CHUNK)
        # The hidden layer before each chunk, and what the earlier bits of its own chunk add before each bit.
        before = c + (across @ (part @ w).view(chunks, rows * hidden)).view(chunks, rows, hidden)
        prefix = (part[:, :, None] * within).view(chunks, rows * CHUNK, CHUNK)
        h = act(before[:, :, None] + (prefix @ w).view(chunks, rows, CHUNK, hidden))
        every = h.view(chunks, rows * CHUNK, hidden) @ v.transpose(1, 2)  # each h of a chunk with each v of it
        own = every.view(chunks, rows, CHUNK, CHUNK).diagonal(dim1=2, dim2=3)
        return own.transpose(0, 1).reshape(rows, chunks * CHUNK)[:, :bits]

    return in_slices(compute, 3 * chunks * CHUNK * hidden, x, c.expand(len(x), -1)) + b


def hidden_states(x: Tensor, every: bool = False) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Find the N distinct prefixes of a chunk's rows: one a row, and one more after each nonzero.

    Parameters
    ----------
    x : (B, K)
    every : bool
        Take all B K prefixes as distinct; an accelerator need not wait until they are counted.

    Returns
    -------
    row : (N,) int64
        Whose prefix it is.
    prefix : (N, K)
        The row up to where the prefix ends, zero from there.
    within : (N, K) bool
        Which bits those are.
    place : (B, K) int64
        Which prefix comes before each bit, as `prefix * K + bit`.
    """
    new = torch.ones_like(x, dtype=torch.bool)
    bit = torch.arange(x.shape[1], device=x.device)
    if every:
        row = torch.arange(len(x), device=x.device).repeat_interleave(x.shape[1], output_size=x.numel())
        end = bit.repeat(len(x))
    else:
        new[:, 1:] = x[:, :-1] != 0
        row, end = new.nonzero(as_tuple=True)
    place = (new.flatten().cumsum(0) - 1).view_as(x) * x.shape[1] + bit
    within = bit < end[:, None]
    return row, torch.where(within, x[row], 0), within, place


def _through(grad: Tensor, h: Tensor, activation: str) -> Tensor:
    """Return grad * act'(a) from h = act(a), in one pass over memory."""
    if activation == "sigmoid":
        found: Tensor = torch.ops.aten.sigmoid_backward(grad, h)
    else:
        found = torch.ops.aten.threshold_backward(grad, h, 0)
    return found


class _Conditionals(torch.autograd.Function):
    """`chunked_logits`; backward walks the chunks downwards and reuses their hidden vectors."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, c: Tensor, v: Tensor, b: Tensor, activation: str, keep: bool) -> Tensor:
        a = c.expand(len(x), -1)  # (B, H)
        every = x.is_cuda or (keep and ctx.needs_input_grad[0])
        logits = torch.empty_like(x)
        chunks = []
        for d in range(0, x.shape[1], CHUNK):
            part = slice(d, d + CHUNK)
            row, prefix, within, place = hidden_states(x[:, part], every)
            h = a.index_select(0, row).addmm_(prefix, w[part])  # (N, H)
            h = h.sigmoid_() if activation == "sigmoid" else h.relu_()
            logits[:, part] = (h @ v[part].T).flatten()[place]
            a = torch.addmm(a, x[:, part], w[part])
            if keep:  # under no_grad nothing asks for them again
                chunks.append((part, row, prefix, within, place, h))
        ctx.save_for_backward(x, w, v)
        ctx.chunks, ctx.activation, ctx.one_c = chunks, activation, c.ndim == 1
        return logits + b

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, w, v = ctx.saved_tensors
        grad_w, grad_v = torch.empty_like(w), torch.empty_like(v)
        grad_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        grad_a = w.new_zeros(len(x), w.shape[1])  # of a after the chunk at hand: (B, H)
        for part, row, prefix, within, place, h in reversed(ctx.chunks):
            grad_logits = torch.zeros_like(prefix)  # (N, K), nonzero at the bits that each prefix comes before
            grad_logits.view(-1)[place] = grad[:, part]
            grad_v[part] = grad_logits.T @ h
            grad_h = _through(grad_logits @ v[part], h, ctx.activation)
            grad_w[part] = torch.addmm(x[:, part].T @ grad_a, prefix.T, grad_h)
            if grad_x is not None:
                from_states = torch.where(within, grad_h @ w[part].T, 0)
                grad_x[:, part] = (grad_a @ w[part].T).index_add(0, row, from_states)
            grad_a.index_add_(0, row, grad_h)
        return grad_x, grad_w, grad_a.sum(0) if ctx.one_c else grad_a, grad_v, grad.sum(0), None, None


_conditionals: Callable[..., Tensor] = _Conditionals.apply


class NADENet(ScoreNet):
    """The weights of NADE; rows are in the data's order, weights in the model's."""

    order: Tensor

    def __init__(self, size: int, config: NADEConfig) -> None:
        super().__init__()
        self.size = size
        self.activation = config.activation
        permutation = np.arange(size) if config.order == "given" else _permutation(size, config.order_seed)
        self.register_buffer("order", torch.from_numpy(permutation))
        self.w = nn.Parameter(0.01 * torch.randn(size, config.hidden_size))
        self.v = nn.Parameter(0.01 * torch.randn(size, config.hidden_size))
        self.c = nn.Parameter(torch.zeros(config.hidden_size))
        self.b = nn.Parameter(torch.zeros(size))

    @torch.no_grad()
    def start(self, x: Tensor) -> None:
        """Let every conditional begin at the bit's frequency."""
        self.b.copy_(logit(x.mean(0))[self.order])

    def logits(self, x: Tensor) -> Tensor:
        """Return the logits of p(x_d | x_<d), in the model's order: (B, D)."""
        return nade_logits(x[:, self.order], self.w, self.c, self.v, self.b, self.activation)

    def score(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return log p(x), exact: (B,)."""
        return bernoulli_log_prob(x[:, self.order], self.logits(x))

    def encode(self, x: Tensor) -> Tensor:
        """Return the hidden units once every bit is seen, act(c + sum over d of x_d W_d): (B, H)."""
        a = torch.addmm(self.c, x[:, self.order], self.w)
        return torch.sigmoid(a) if self.activation == "sigmoid" else torch.relu(a)

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw bit after bit, in O(D H) a row."""
        a = self.c.expand(n, -1)
        x = self.w.new_empty(n, self.size)
        for d, place in enumerate(self.order.tolist()):
            h = torch.sigmoid(a) if self.activation == "sigmoid" else torch.relu(a)
            bit = torch.bernoulli(torch.sigmoid(self.b[d] + h @ self.v[d]), generator=rng)
            x[:, place] = bit
            a = torch.addr(a, bit, self.w[d])
        return x


class NADE(Density):
    """The neural autoregressive distribution estimator: exact likelihood, exact samples."""

    name = "nade"
    config_type = NADEConfig
    config: NADEConfig
    abilities = Density.abilities | {"encode"}
    trainer = TrainerConfig(epochs=10, batch_size=100, optimiser=OptimiserConfig(learning_rate=1e-3))

    def build(self, spec: Spec) -> NADENet:
        """Return an untrained network."""
        return NADENet(spec.size, self.config)

    @classmethod
    def from_weights(cls, w: Tensor, c: Tensor, v: Tensor, b: Tensor, order: Ints | None = None) -> NADE:
        """Return a model with given weights, a row of `w`, `v` and `b` for each bit of the data.

        Parameters
        ----------
        w, v : (D, H)
        c : (H,)
        b : (D,)
        order : (D,) int, optional
            The bit that comes first, second, ...; default as they come.

        Raises
        ------
        ConfigError
            If the order is not a permutation.
        """
        size, hidden_size = w.shape
        permutation = np.arange(size) if order is None else np.asarray(order)
        if sorted(permutation.tolist()) != list(range(size)):
            raise ConfigError(f"nade: the order must name each of {size} bits once, got {permutation.tolist()[:20]}")
        model = cls(NADEConfig(hidden_size=hidden_size))
        model.spec = Spec("rows", (size,))
        model.net = model.build(model.spec).to(w)
        rows = torch.from_numpy(permutation.astype(np.int64)).to(w.device)
        state = {"order": rows, "w": w[rows], "v": v[rows], "c": c, "b": b[rows]}
        model.net.load_state_dict(state)
        return model

    @classmethod
    def from_rbm(cls, rbm: RBM, order: Ints | None = None) -> NADE:
        """Return the NADE whose conditionals are one mean-field sweep of p(v_i | v_<i) from zero: V = W.

        Source: Larochelle and Murray 2011, section 3.

        Raises
        ------
        ConfigError
            If the RBM is not one of bits.
        """
        if not rbm.bits:
            raise ConfigError("nade: an RBM of reals has no such link, got visible='reals'; fit one of bits")
        net = rbm.fitted
        return cls.from_weights(net.w.detach(), net.c.detach(), net.w.detach(), net.b.detach(), order)


def _permutation(size: int, seed: int) -> Ints:
    return generator(seed, "nade order").permutation(size)
