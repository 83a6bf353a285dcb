"""A linear layer and the cross-entropy of its outputs in one: the scores of all words are never kept.

    loss = sum over n of log sum over w of exp(s_nw) - s_n,y_n          s = h weight^T + bias
    d loss / d s = softmax(s) - onehot(y)

What the gradient needs of s is gone once a chunk of rows has been looked at, so the gradient is made in the
forward pass, chunk by chunk: a chunk of scores stays in the cache, where n rows of V scores would not.

Symbols: n rows, H hidden units, V words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

CHUNK = 700_000
"Scores looked at together on a processor, about 3 MB of them; on an accelerator a hundred times as many."


def linear_cross_entropy(h: Tensor, weight: Tensor, bias: Tensor, y: Tensor) -> Tensor:
    """Return the sum of -log softmax(h weight^T + bias) at y.

    Parameters
    ----------
    h : (n, H)
    weight : (V, H)
    bias : (V,)
    y : (n,) int64, 0 to V - 1

    Returns
    -------
    ()
        It can be differentiated once.
    """
    return _apply(h, weight, bias, y, torch.is_grad_enabled())


def linear_log_prob(h: Tensor, weight: Tensor, bias: Tensor, y: Tensor) -> Tensor:
    """Return log softmax(h weight^T + bias) at y, without gradients: (n,); shapes as `linear_cross_entropy`."""
    out = torch.empty_like(h[:, 0])
    for here in _chunks(h, weight):
        scores = torch.addmm(bias, h[here], weight.T)
        out[here] = scores.gather(1, y[here, None]).squeeze(1) - scores.logsumexp(1)
    return out


def _chunks(h: Tensor, weight: Tensor) -> list[slice]:
    """Cut rows so that few scores are looked at together."""
    rows = max(1, CHUNK * (100 if h.is_cuda else 1) // len(weight))
    return [slice(start, start + rows) for start in range(0, len(h), rows)]


class _LinearCrossEntropy(torch.autograd.Function):
    """`linear_cross_entropy`; forward makes the gradients, backward scales them."""

    @staticmethod
    def forward(ctx: Any, h: Tensor, weight: Tensor, bias: Tensor, y: Tensor, learns: bool) -> Tensor:
        total = h.new_zeros(())
        grad_h, grad_weight, grad_bias = torch.empty_like(h), torch.zeros_like(weight), torch.zeros_like(bias)
        for here in _chunks(h, weight):
            part, own = h[here], y[here]
            scores = torch.addmm(bias, part, weight.T)  # (rows, V)
            top = scores.logsumexp(1, keepdim=True)
            total += (top - scores.gather(1, own[:, None])).sum()
            if learns:
                p = scores.sub_(top).exp_()
                p.scatter_add_(1, own[:, None], p.new_full((), -1.0).expand(len(own), 1))
                torch.mm(p, weight, out=grad_h[here])
                grad_weight.addmm_(p.T, part)
                grad_bias += p.sum(0)
        ctx.save_for_backward(grad_h, grad_weight, grad_bias)
        return total

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        grad_h, grad_weight, grad_bias = ctx.saved_tensors
        return grad_h * grad, grad_weight * grad, grad_bias * grad, None, None


_apply: Callable[..., Tensor] = _LinearCrossEntropy.apply
