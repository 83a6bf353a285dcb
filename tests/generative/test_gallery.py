"""Tests of irkit.generative.gallery: pictures are read back as files of their kinds."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest
from irkit.evaluate.schema import Figure

from irkit.generative import NADE, VAE
from irkit.generative.gallery import gallery
from irkit.generative.nade import NADEConfig
from irkit.generative.pictures import png, tiles
from irkit.generative.vae import VAEConfig, knn_accuracy
from irkit.io.density import DensityData, load_density
from irkit.learn.trainer import TrainerConfig

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def digits() -> DensityData:
    return load_density("digits").cut(100, 30, 40)


@pytest.fixture(scope="module")
def plane(digits) -> VAE:
    return VAE(VAEConfig(hidden_size=8)).fit(digits.train, digits.valid, trainer=TrainerConfig(epochs=3, batch_size=50))


def test_a_plane_is_shown_between_samples_and_learning_curve(digits, plane):
    figures, notes = gallery(plane, digits, seed=3)
    assert [figure["name"] for figure in figures] == ["samples", "latent plane", "learning curve"]
    for figure in figures:
        Figure.model_validate(figure)
    samples, latent, curve = figures
    assert base64.b64decode(samples["content"]) == png(tiles(plane.sample(36, seed=3), (8, 8)))
    accuracy = f"{knn_accuracy(plane.transform(digits.test), digits.test_labels):.1%} of 40 test rows"
    assert latent["caption"].endswith(f"The 5 nearest others in the plane tell the label of {accuracy}.")
    assert notes == [f"the 5 nearest others in the latent plane tell the label of {accuracy}"]
    paths = ElementTree.fromstring(latent["content"]).iter(f"{SVG}path")
    assert sum(path.get("d").count("M") for path in paths) == 40
    titles = [text.text for text in ElementTree.fromstring(curve["content"]).iter(f"{SVG}text")]
    assert {"training loss", "validation score", "epoch"} <= set(titles)
    assert "kl" not in curve["content"]


def test_only_the_rows_that_are_measured_are_looked_at(digits, plane):
    _, (note,) = gallery(plane, digits, seed=1, test_rows=25)
    assert note.endswith("of 25 test rows")
    unlabelled = replace(digits, test_labels=np.full(40, -1))
    figures, notes = gallery(plane, unlabelled, seed=1)
    assert figures[1]["caption"] == "Posterior means of the first 40 test rows, coloured by label."
    assert notes == []


def test_a_model_without_plane_or_known_training_shows_its_samples(digits, tmp_path):
    model = NADE(NADEConfig(hidden_size=3)).fit(digits.train, trainer=TrainerConfig(epochs=1))
    figures, notes = gallery(model, digits, seed=1)
    assert [figure["name"] for figure in figures] == ["samples", "learning curve"]
    assert figures[1]["caption"] == "Training loss, by epoch."
    assert notes == []
    model.save(tmp_path / "nade")
    assert [figure["name"] for figure in gallery(NADE.load(tmp_path / "nade"), digits, seed=1).figures] == ["samples"]


def test_pictures_of_a_long_training_of_large_pictures_stay_small():
    rng = np.random.default_rng(1)
    rows = (rng.random((2000, 784)) < 0.5).astype(np.float32)
    labels = rng.integers(0, 10, 2000)
    data = DensityData("noise", "bits", (28, 28), rows, rows[:10], rows, labels, labels[:10], labels)
    short = TrainerConfig(epochs=20, batch_size=2000)
    model = VAE(VAEConfig(hidden_size=2)).fit(rows, rows[:10], trainer=short)
    # As many evaluations as a long run has.
    rows_of_metrics = [{**row, "epoch": row["epoch"] + 20 * n} for n in range(20) for row in model.training.rows]
    model.training = replace(model.training, rows=rows_of_metrics)
    samples, latent, curve = gallery(model, data, seed=1).figures
    assert len(base64.b64decode(samples["content"])) <= 20_000  # noise, the worst case
    assert len(latent["content"]) <= 60_000
    assert len(curve["content"]) <= 10_000
    assert "400" in [text.text for text in ElementTree.fromstring(curve["content"]).iter(f"{SVG}text")]  # the last one
