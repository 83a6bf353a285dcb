"""Tests of irkit.learn.fused: against torch's own cross-entropy and its gradients."""

import pytest
import torch
from torch.nn.functional import cross_entropy, linear

from irkit.learn import fused
from irkit.learn.fused import linear_cross_entropy


def given(n=7, h=3, v=11):
    rng = torch.Generator().manual_seed(0)
    shapes = (n, h), (v, h), (v,)
    learned = (torch.randn(shape, generator=rng, dtype=torch.float64).requires_grad_() for shape in shapes)
    return *learned, torch.randint(v, (n,), generator=rng)


@pytest.mark.parametrize("chunk", [1, 25, 1000], ids=["a row at a time", "two rows", "all"])
def test_loss_and_gradients_are_those_of_two_steps(chunk, monkeypatch):
    monkeypatch.setattr(fused, "CHUNK", chunk)
    *learned, y = given()
    ours = linear_cross_entropy(*learned, y)
    theirs = cross_entropy(linear(*learned), y, reduction="sum")
    torch.testing.assert_close(ours, theirs)
    pairs = zip(torch.autograd.grad(2.5 * ours, learned), torch.autograd.grad(2.5 * theirs, learned), strict=True)
    for one, other in pairs:
        torch.testing.assert_close(one, other)


def test_without_gradients_it_is_the_same_number():
    *learned, y = given()
    with torch.no_grad():
        torch.testing.assert_close(linear_cross_entropy(*learned, y), linear_cross_entropy(*learned, y).detach())


def test_scores_beyond_the_range_of_exp_are_no_trouble():
    h, weight, bias, y = given()
    with torch.no_grad():
        found = linear_cross_entropy(1e4 * h, weight, bias, y)
    torch.testing.assert_close(found, cross_entropy(linear(1e4 * h, weight, bias), y, reduction="sum"))
