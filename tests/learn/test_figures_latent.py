"""Lines and single numbers of a latent space, and pictures drawn in steps: by hand and against the model itself."""

from __future__ import annotations

import numpy as np
import pytest

from irkit.generative import DRAW, VAE
from irkit.generative.draw import DRAWConfig
from irkit.generative.vae import VAEConfig
from irkit.io import load_rows
from irkit.learn.figures import LARGE, SMALL, figures
from irkit.learn.figures_latent import FRAME, REACH, InSteps, Strokes, framed, interpolations, traversals
from irkit.learn.trainer import TrainerConfig

SHORT = TrainerConfig(epochs=2, batch_size=50)


@pytest.fixture(scope="module")
def digits():
    return load_rows("digits").cut(100, 0, 40)


@pytest.fixture(scope="module")
def vae(digits):
    return VAE(VAEConfig(hidden_size=8, latent_size=3)).fit(digits, trainer=SHORT)


@pytest.fixture(scope="module")
def draw(digits):
    return DRAW(DRAWConfig(steps=3, latent_size=2, hidden_size=6, read=2, write=2, stride=2)).fit(digits, trainer=SHORT)


def test_a_line_runs_from_one_example_to_the_next(vae, digits):
    test = digits.part("test")
    made = interpolations(vae, test)
    assert made.shape == (5, 9, 64)
    ends = vae.decode(vae.encode(test)[:10])
    np.testing.assert_allclose(made[:, 0], ends[::2], atol=1e-6)
    np.testing.assert_allclose(made[:, -1], ends[1::2], atol=1e-6)
    middle = vae.decode(vae.encode(test)[:2].mean(0, keepdims=True))
    np.testing.assert_allclose(made[0, 4], middle[0], atol=1e-6)
    assert interpolations(vae, test.cut(3)).shape == (1, 9, 64)


def test_one_number_changes_and_the_others_stay(vae, digits):
    test = digits.part("test")
    made, chosen = traversals(vae, test)
    assert (made.shape, chosen) == ((3, 7, 64), [0, 1, 2])
    for line, at in zip(made, chosen, strict=True):
        for value, one in zip(np.linspace(-REACH, REACH, 7), line, strict=True):
            z = vae.encode(test)[:1].copy()
            z[0, at] = value
            np.testing.assert_allclose(one, vae.decode(z)[0], atol=1e-6)


def test_a_frame_lies_around_the_window_and_on_the_edge_where_that_is_beyond():
    pictures = np.zeros((1, 2, 4, 4))
    windows = np.array([[[1, 2, 0, 1], [-5, 9, 2, 9]]], dtype=float)
    red = (framed(Strokes(pictures, windows)) == FRAME).all(-1)[0]  # (2, 12, 12)
    rows, columns = np.nonzero(red[0])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (3, 9, 0, 6)
    assert red[0].sum() == 2 * 7 + 2 * 5  # a frame, not a filled square
    rows, columns = np.nonzero(red[1])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (0, 11, 6, 11)
    assert not framed(Strokes(pictures, None)).any()


def test_strokes_are_what_draw_draws(draw):
    assert isinstance(draw, InSteps)
    strokes = draw.strokes(4, seed=2)
    assert strokes.pictures.shape == (4, 3, 8, 8)
    assert strokes.windows.shape == (4, 3, 4)
    z = draw.fitted.noise(4, draw.generator(2)).flatten(1)
    np.testing.assert_allclose(strokes.pictures[:, -1].reshape(4, 64), draw.decode(z), atol=1e-6)
    top, bottom, left, right = np.moveaxis(strokes.windows, -1, 0)
    assert (top < bottom).all()
    assert (left < right).all()


def test_every_board_shows_the_steps_and_a_run_folder_the_space_too(draw, vae, digits):
    large, small = ([one.name for one in figures(draw, digits, seed=1, look=look)] for look in (LARGE, SMALL))
    assert large == ["samples", "reconstructions", "interpolations", "traversals", "steps", "learning curve"]
    assert small == ["samples", "steps", "learning curve"]
    assert "traversals" in [one.name for one in figures(vae, digits, seed=1)]
    steps = next(one for one in figures(draw, digits, seed=1) if one.name == "steps")
    table = np.loadtxt(steps.numbers.decode().splitlines(), delimiter=",", skiprows=1)
    assert table.shape == (12, 2 + 4 + 64)
    assert steps.caption.startswith("How 4 samples of seed 1 are drawn, and through which window: 3 steps")
    plain = DRAW(DRAWConfig(steps=2, latent_size=2, hidden_size=6, attention=False)).fit(digits, trainer=SHORT)
    (caption,) = [one.caption for one in figures(plain, digits, seed=1, look=SMALL) if one.name == "steps"]
    assert caption == "How 4 samples of seed 1 are drawn: 2 steps, from left to right."
