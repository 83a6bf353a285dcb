"""Tests of irkit.generative.windows."""

import numpy as np
import pytest
import torch

from irkit.generative.windows import Filters, Window, filters


def numbers(*values):
    return torch.tensor(values, dtype=torch.float64)


def slow_filters(g, sigma, stride, n, size):
    """The paper's equations 19 to 26, counted from 1, for one window."""
    found = np.zeros((n, size))
    for i in range(1, n + 1):
        centre = (g + 1) + (i - n / 2 - 0.5) * stride
        for a in range(1, size + 1):
            found[i - 1, a - 1] = np.exp(-((a - centre) ** 2) / (2 * sigma**2))
    return found / found.sum(1, keepdims=True)


def test_filters_are_those_of_the_paper():
    middle, sigma, stride = numbers(3.2, -1.0), numbers(0.8, 2.5), numbers(1.7, 0.6)
    found = filters(middle, 2 * sigma.log(), stride, 4, 9)
    for b in range(2):
        want = slow_filters(float(middle[b]), float(sigma[b]), float(stride[b]), 4, 9)
        np.testing.assert_allclose(found[b], want, rtol=1e-12)


def test_rows_sum_to_one_and_have_a_gradient_however_narrow_the_filter():
    middle = numbers(3.0).requires_grad_()  # centres at 2.5 and 3.5, between pixels
    found = filters(middle, 2 * numbers(0.02).log(), numbers(1.0), 2, 8)
    np.testing.assert_allclose(found.detach().sum(2), np.ones((1, 2)), rtol=1e-12)
    (gradient,) = torch.autograd.grad(found[0, 0, 2], middle)
    assert float(gradient) == pytest.approx(-0.25 / 0.02**2)  # of a logistic function of middle / sigma^2


def test_centres_are_symmetric_about_the_middle():
    found = filters(numbers(4.0), numbers(-4.0), numbers(1.5), 3, 9)
    np.testing.assert_allclose(found, found.flip(1, 2), atol=1e-12)
    np.testing.assert_allclose((found * torch.arange(9)).sum(2), [[2.5, 4.0, 5.5]], atol=1e-6)


def test_gradients_of_reading_and_writing_are_those_of_finite_differences():
    generator = torch.Generator().manual_seed(0)
    pictures = torch.rand(2, 2, 5, 6, generator=generator, dtype=torch.float64, requires_grad=True)
    given = [torch.randn(2, generator=generator, dtype=torch.float64, requires_grad=True) for _ in range(5)]

    def through(y, x, log_var, log_stride, log_gamma, pictures):
        stride = log_stride.exp()
        window = Filters(filters(y, log_var, stride, 3, 5), filters(x, log_var, stride, 3, 6), log_gamma)
        return window.write(window.read(pictures)[:, 0])

    assert torch.autograd.gradcheck(through, (*given, pictures))


def test_a_grid_as_fine_as_the_picture_reads_and_writes_it_exactly():
    side = filters(numbers(3.0), numbers(-12.0), numbers(1.0), 7, 7)
    window = Filters(side, side, numbers(0.0))
    picture = torch.rand(1, 1, 7, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    np.testing.assert_allclose(window.read(picture), picture, atol=1e-12)
    np.testing.assert_allclose(window.write(window.read(picture)[:, 0]), picture[:, 0], atol=1e-12)


def test_intensity_multiplies_what_is_read_and_divides_what_is_written():
    side = filters(numbers(3.0), numbers(0.0), numbers(2.0), 3, 7)
    plain, bright = Filters(side, side, numbers(0.0)), Filters(side, side, numbers(2.0).log())
    picture = torch.rand(1, 1, 7, 7, dtype=torch.float64)
    np.testing.assert_allclose(bright.read(picture), 2 * plain.read(picture))
    np.testing.assert_allclose(bright.write(picture[:, 0, :3, :3]), plain.write(picture[:, 0, :3, :3]) / 2)


@pytest.mark.parametrize(("shape", "n"), [((28, 28), 5), ((8, 12), 3), ((6, 6), 1)])
def test_training_starts_in_the_middle_with_the_stride_asked_for(shape, n):
    torch.manual_seed(0)
    window = Window(4, n, shape, 2.0, 0.5)
    with torch.no_grad():
        found = [float(one) for one in window.grid(torch.zeros(1, 4))]
    middle = [(side - 1) / 2 for side in shape]
    assert found == pytest.approx([*middle, 0.0, 2.0, 0.5], abs=1e-5)  # a deviation of half the stride is 1


def test_filters_start_without_holes():
    window = Window(4, 5, (28, 28), 4.0)
    with torch.no_grad():
        covered = 4 * window(torch.zeros(1, 4)).rows[0].sum(0)[6:22]
    assert 0.9 < float(covered.min()) <= float(covered.max()) < 1.1
