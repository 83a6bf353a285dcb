"""Time the two forms of NADE's and CF-NADE's loss on the device there is: `python -m benchmarks.forms [--device cpu]`.

One form leaves out what is absent or alike, the other computes every cell by shapes known beforehand. Both get the
same weights and batch, take turns, and must agree on the loss and its gradient. A step is forward and backward.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from irkit.generative.nade import chunked_logits, dense_logits
from irkit.learn.conditions import choose_device, conditions
from irkit.learn.distributions import bernoulli_log_prob
from irkit.recommend.cfnade import random_split
from irkit.recommend.cfnade_net import Entries, cell_costs, rating_costs

Loss = Callable[[list[Tensor]], Tensor]


def nade(args: argparse.Namespace, device: torch.device) -> tuple[str, list[Tensor], dict[str, Loss]]:
    """Return what is timed, the weights, and the loss by each form."""
    rng = torch.Generator().manual_seed(0)
    x = torch.bernoulli(torch.full((args.batch, args.bits), args.ones), generator=rng).to(device)
    w, v = (0.01 * torch.randn(args.bits, args.hidden, generator=rng) for _ in range(2))
    weights = [w, torch.zeros(args.hidden), v, torch.zeros(args.bits)]

    def loss(form: Callable[..., Tensor]) -> Loss:
        return lambda leaves: -bernoulli_log_prob(x, form(x, *leaves)).mean()

    what = f"NADE, batch {args.batch}, D = {args.bits}, H = {args.hidden}, {args.ones:.0%} ones"
    return what, weights, {"chunks": loss(chunked_logits), "dense": loss(dense_logits)}


def cfnade(args: argparse.Namespace, device: torch.device) -> tuple[str, list[Tensor], dict[str, Loss]]:
    """Return what is timed, the weights, and the loss by each form."""
    rng, levels = np.random.default_rng(0), 5
    row, column = np.nonzero(rng.random((args.rows, args.columns)) < args.rated)
    parts = [torch.from_numpy(part) for part in (row, column, rng.integers(levels, size=len(row)))]
    given = torch.from_numpy(random_split(np.searchsorted(row, np.arange(args.rows + 1)), rng))
    entries = Entries(parts[0], parts[1], parts[2], args.rows)
    cells = (levels, args.columns, args.units)
    shapes = {"input": cells, "hidden_bias_1": cells[2:], "output": cells, "level_bias": cells[:2]}
    weights = [torch.from_numpy(rng.normal(scale=0.05, size=shape)).float() for shape in shapes.values()]

    def loss(form: Callable[..., Tensor]) -> Loss:
        return lambda leaves: form(dict(zip(shapes, leaves, strict=True)), entries, given).mean()

    what = f"CF-NADE, {args.rows} rows of {args.columns}, H = {args.units}, K = {levels}, {args.rated:.1%} rated"
    return what, weights, {"ratings": loss(rating_costs), "dense": loss(cell_costs)}


def step(loss: Loss, weights: list[Tensor]) -> tuple[float, list[Tensor]]:
    """Return the loss and its gradient, once the device has them."""
    leaves = [weight.clone().requires_grad_() for weight in weights]
    value = loss(leaves)
    gradients = torch.autograd.grad(value, leaves)
    return float(value.detach() + 0 * sum(gradient.sum() for gradient in gradients)), list(gradients)


def compare(weights: list[Tensor], forms: dict[str, Loss], repeats: int) -> dict[str, tuple[float, float]]:
    """Return for each form the median seconds of a step, elapsed and of this process."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in forms}
    for _ in range(repeats + 1):  # taking turns; the first time warms up
        found = []
        for name, loss in forms.items():
            wall, cpu = time.perf_counter(), time.process_time()
            found.append(step(loss, weights))
            times[name].append((time.perf_counter() - wall, time.process_time() - cpu))
        (value, gradients), (other, others) = found
        assert abs(value - other) <= 1e-5 * abs(value)
        for one, two in zip(gradients, others, strict=True):
            assert torch.allclose(one, two, rtol=1e-3, atol=1e-5 * float(one.abs().max()))
    medians: dict[str, Any] = {}
    for name, pairs in times.items():
        wall, cpu = (statistics.median(column) for column in zip(*pairs[1:], strict=True))
        medians[name] = wall, cpu
    return medians


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forms", description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--bits", type=int, default=784)
    parser.add_argument("--hidden", type=int, default=500)
    parser.add_argument("--ones", type=float, default=0.13, help="share of bits that are 1; 0.13 in MNIST")
    parser.add_argument("--rows", type=int, default=128)
    parser.add_argument("--columns", type=int, default=943, help="the users of MovieLens 100K")
    parser.add_argument("--units", type=int, default=200)
    parser.add_argument("--rated", type=float, default=0.063, help="share of cells rated; 0.063 in MovieLens 100K")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    device = choose_device(args.device)
    with conditions(device, args.threads, seed=1):
        for model in (nade, cfnade):
            what, weights, forms = model(args, device)
            medians = compare([weight.to(device) for weight in weights], forms, args.repeats)
            print(f"{what}; {_name(device, args.threads)}, median of {args.repeats}, forward and backward\n")
            print("| form | wall ms | cpu ms |\n|---|---|---|")
            for name, (wall, cpu) in medians.items():
                print(f"| {name} | {1e3 * wall:.1f} | {1e3 * cpu:.1f} |")
            print()


def _name(device: torch.device, threads: int) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"{device}, {threads} thread(s)"


if __name__ == "__main__":
    main()
