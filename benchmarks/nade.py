"""Time NADE's forward and backward pass against the ways it is usually written: `python -m benchmarks.nade`.

All forms get the same weights and batch and must agree on loss and gradient. Wanted: at least 4 times
the speed of the loop under autograd and 10 times that of the cumulative sum.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import softplus

from irkit.generative.nade import nade_logits

Form = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]


def loop(x: Tensor, w: Tensor, c: Tensor, v: Tensor, b: Tensor) -> Tensor:
    """The recurrence as a Python loop that autograd records."""
    a, logits = c.expand(len(x), -1), []
    for d in range(x.shape[1]):
        logits.append(b[d] + torch.sigmoid(a) @ v[d])
        a = a + torch.outer(x[:, d], w[d])
    return torch.stack(logits, dim=1)


def cumulative(x: Tensor, w: Tensor, c: Tensor, v: Tensor, b: Tensor) -> Tensor:
    """All hidden vectors at once by a cumulative sum: (B, D, H) numbers."""
    terms = x[:, :, None] * w
    a = c + terms.cumsum(1) - terms
    return b + (torch.sigmoid(a) * v).sum(-1)


class Recurrence(torch.autograd.Function):
    """The recurrence bit by bit with a written gradient that undoes it, keeping only the last state."""

    @staticmethod
    def forward(ctx, x, w, c, v, b):
        a = c.repeat(len(x), 1)
        logits = torch.empty_like(x)
        for d in range(x.shape[1]):
            logits[:, d] = torch.sigmoid(a) @ v[d]
            a.addr_(x[:, d], w[d])
        ctx.save_for_backward(x, w, v, a)
        return logits + b

    @staticmethod
    def backward(ctx, grad):
        x, w, v, a = ctx.saved_tensors
        a = a.clone()
        grad_a, grad_w, grad_v = torch.zeros_like(a), torch.empty_like(w), torch.empty_like(v)
        for d in range(x.shape[1] - 1, -1, -1):
            grad_w[d] = grad_a.T @ x[:, d]
            a.addr_(x[:, d], w[d], alpha=-1)
            h = torch.sigmoid(a)
            grad_v[d] = h.T @ grad[:, d]
            grad_a.addcmul_(torch.outer(grad[:, d], v[d]), h * (1 - h))
        return None, grad_w, grad_a.sum(0), grad_v, grad.sum(0)


def step(form: Form, x: Tensor, weights: list[Tensor]) -> tuple[float, list[Tensor]]:
    leaves = [weight.clone().requires_grad_() for weight in weights]
    logits = form(x, *leaves)
    loss = (softplus(logits) - x * logits).sum(1).mean()
    gradients = torch.autograd.grad(loss, leaves)
    return float(loss.detach()), list(gradients)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nade", description=__doc__.split("\n")[0])
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--bits", type=int, default=784)
    parser.add_argument("--hidden", type=int, default=500)
    parser.add_argument("--ones", type=float, default=0.13, help="share of bits that are 1; 0.13 in MNIST")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    rng = torch.Generator().manual_seed(0)
    x = torch.bernoulli(torch.full((args.batch, args.bits), args.ones), generator=rng)
    w, v = (0.01 * torch.randn(args.bits, args.hidden, generator=rng) for _ in range(2))
    weights = [w, torch.zeros(args.hidden), v, torch.zeros(args.bits)]
    forms: dict[str, Form] = {
        "irkit": nade_logits,
        "recurrence, written gradient": Recurrence.apply,
        "loop under autograd": loop,
        "cumulative sum": cumulative,
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in forms}
    truth_loss, truth = step(nade_logits, x, weights)
    for _ in range(args.repeats):  # taking turns
        for name, form in forms.items():
            wall, cpu = time.perf_counter(), time.process_time()
            loss, gradients = step(form, x, weights)
            times[name].append((time.perf_counter() - wall, time.process_time() - cpu))
            assert abs(loss - truth_loss) < 1e-4 * truth_loss, name
            for ours, theirs in zip(truth, gradients, strict=True):
                assert torch.allclose(ours, theirs, rtol=1e-2, atol=1e-4 * float(ours.abs().max())), name
    print(
        f"batch {args.batch}, D = {args.bits}, H = {args.hidden}, {args.ones:.0%} ones, {args.threads} thread(s), "
        f"median of {args.repeats}, forward and backward"
    )
    base = statistics.median(cpu for _, cpu in times["irkit"])
    print("| form | wall ms | cpu ms | rows/s (cpu) | cpu time / irkit's |\n|---|---|---|---|---|")
    for name, pairs in times.items():
        wall, cpu = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"| {name} | {1e3 * wall:.0f} | {1e3 * cpu:.0f} | {args.batch / cpu:.0f} | {cpu / base:.1f} |")


if __name__ == "__main__":
    main()
