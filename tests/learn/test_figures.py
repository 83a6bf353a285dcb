"""Tests of irkit.learn.figures: pictures are read back as files of their kinds."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ElementTree
import zlib
from dataclasses import replace

import numpy as np
import pytest

from irkit.errors import ShapeError
from irkit.evaluate import board
from irkit.generative import NADE, RBM, VAE
from irkit.generative.nade import NADEConfig
from irkit.generative.rbm import RBMConfig
from irkit.generative.vae import VAEConfig
from irkit.io import DensityData, load_rows
from irkit.io.kinds import DataSet, Rows, Spec
from irkit.learn.drawing import png, tiles
from irkit.learn.figures import LARGE, SMALL, figures, game_curve, grid, latent_grid, learning_curve
from irkit.learn.neighbours import knn_accuracy
from irkit.learn.trainer import TrainerConfig

SHORT = TrainerConfig(epochs=2, batch_size=50)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def digits() -> DensityData:
    return load_rows("digits").cut(100, 30, 40)


@pytest.fixture(scope="module")
def plane(digits) -> VAE:
    return VAE(VAEConfig(hidden_size=8)).fit(digits, trainer=SHORT)


def numbers(path) -> np.ndarray:
    return np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)


def names(found) -> list[str]:
    return [figure.name for figure in found]


def test_a_vae_with_a_plane_shows_everything(digits, plane, tmp_path):
    found = figures(plane, digits, seed=3)
    every = ["samples", "reconstructions", "latent plane", "latent grid", "interpolations", "learning curve"]
    assert names(found) == every
    for figure in found:
        figure.write(tmp_path)
        assert figure.caption.endswith(".")
        assert (tmp_path / figure.file).read_bytes() == figure.content
    assert {path.name for path in tmp_path.glob("*.csv")} == {f"{name.replace(' ', '-')}.csv" for name in every}
    np.testing.assert_array_equal(numbers(tmp_path / "samples.csv"), plane.sample(64, seed=3))
    pairs = numbers(tmp_path / "reconstructions.csv")
    np.testing.assert_array_equal(pairs[:10], digits.test[:10])
    np.testing.assert_allclose(pairs[10:], plane.reconstruct(digits.test[:10]), rtol=1e-5)
    points = numbers(tmp_path / "latent-plane.csv")
    np.testing.assert_allclose(points[:, :2], plane.encode(digits.test), rtol=1e-5)
    np.testing.assert_array_equal(points[:, 2], digits.test_labels)
    np.testing.assert_allclose(numbers(tmp_path / "latent-grid.csv"), latent_grid(plane, 20), rtol=1e-5)
    header, *lines = (tmp_path / "learning-curve.csv").read_text().splitlines()
    assert header == "metric,split,epoch,value"
    metrics = {tuple(line.split(",")[:3]) for line in lines}
    assert metrics == {
        (*pair, epoch)
        for pair in (("loss", "train"), ("reconstruction", "train"), ("kl", "train"), ("score", "valid"))
        for epoch in "12"
    }


def test_a_leaderboard_shows_the_small_ones(digits, plane):
    found = figures(plane, digits, seed=3, look=SMALL)
    assert names(found) == ["samples", "latent plane", "learning curve"]
    embedded = [figure.embedded() for figure in found]
    for figure in embedded:
        board.Figure.model_validate(figure)
    samples, latent, curve = embedded
    assert base64.b64decode(samples["content"]) == png(tiles(plane.sample(36, seed=3), (8, 8)))
    accuracy = f"{knn_accuracy(plane.encode(digits.test), digits.test_labels):.1%} of 40 test rows"
    assert latent["caption"].endswith(f"The 5 nearest others in the plane tell the label of {accuracy}.")
    notes = [figure.note for figure in found if figure.note]
    assert notes == [f"the 5 nearest others in the latent plane tell the label of {accuracy}"]
    paths = ElementTree.fromstring(latent["content"]).iter(f"{SVG}path")
    assert sum(path.get("d").count("M") for path in paths) == 40
    titles = [text.text for text in ElementTree.fromstring(curve["content"]).iter(f"{SVG}text")]
    assert {"training loss", "validation score", "epoch"} <= set(titles)
    assert "kl" not in curve["content"]


def test_of_many_examples_a_lot_is_drawn_since_they_may_be_sorted_by_label(digits, plane, monkeypatch):
    monkeypatch.setattr("irkit.learn.figures.POINTS", 20)
    order = np.argsort(digits.test_labels, kind="stable")
    data = replace(digits, test=digits.test[order], test_labels=digits.test_labels[order])
    _, latent, _ = figures(plane, data, seed=1, look=SMALL)
    assert latent.caption.startswith("Posterior means of 20 of 40 test rows, coloured by label.")
    shown = np.loadtxt(latent.numbers.decode().splitlines(), delimiter=",", skiprows=1)
    assert len(shown) == 20
    assert len(set(shown[:, 2])) > 5
    codes = np.column_stack([plane.encode(data.test), data.test_labels])
    assert all(np.abs(codes - one).sum(1).min() < 1e-4 for one in shown), "points keep their labels"


def test_only_the_rows_that_are_measured_are_looked_at(digits, plane):
    notes = [figure.note for figure in figures(plane, digits, seed=1, test_rows=25) if figure.note]
    assert [note.endswith("of 25 test rows") for note in notes] == [True]
    unlabelled = replace(digits, test_labels=np.full(40, -1))
    _, latent, _ = figures(plane, unlabelled, seed=1, look=SMALL)
    assert latent.caption == "Posterior means of the first 40 test rows, coloured by label."
    assert latent.note == ""


def test_other_models_show_what_they_are_able_to(digits, tmp_path):
    nade = NADE(NADEConfig(hidden_size=3)).fit(digits.train, trainer=SHORT)
    _, curve = found = figures(nade, digits, seed=1)
    assert names(found) == ["samples", "learning curve"]
    assert curve.caption == "Training loss, by epoch."
    rbm = RBM(RBMConfig(hidden_size=3)).fit(digits.train, trainer=SHORT)
    rbm.save(tmp_path / "rbm")
    loaded = RBM.load(tmp_path / "rbm")  # which knows no learning curve
    assert names(figures(loaded, digits, seed=1)) == ["samples", "reconstructions"]
    assert names(figures(loaded, digits, seed=1, look=SMALL)) == ["samples"]


def test_points_of_the_plane_are_drawn_where_they_lie():
    x = np.random.default_rng(0).uniform(-1, 1, (300, 2)).astype(np.float32)
    data = DataSet("square", *[Rows(x)] * 3)
    model = VAE(VAEConfig(hidden_size=3, observed="reals")).fit(data, trainer=SHORT)
    samples, *_ = found = figures(model, data, seed=1)
    assert samples.name == "samples"
    assert [figure.name for figure in found].count("samples") == 1
    assert samples.caption == "2,000 samples, seed 1, on axes that hold all test points."
    shown = np.loadtxt(samples.numbers.decode().splitlines(), delimiter=",", skiprows=1)
    np.testing.assert_allclose(shown, model.sample(2000, seed=1), rtol=1e-5)
    drawn = ElementTree.fromstring(samples.content)
    assert sum(path.get("d").count("M") for path in drawn.iter(f"{SVG}path")) == 2000
    assert {"-1", "0", "1"} <= {text.text for text in drawn.iter(f"{SVG}text")}


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
    samples, latent, curve = (figure.embedded() for figure in figures(model, data, seed=1, look=SMALL))
    assert len(base64.b64decode(samples["content"])) <= 20_000  # noise, the worst case
    assert len(latent["content"]) <= 60_000
    assert len(curve["content"]) <= 10_000
    assert "400" in [text.text for text in ElementTree.fromstring(curve["content"]).iter(f"{SVG}text")]  # the last one


def test_pictures_are_drawn_in_their_colours_and_sequences_are_not():
    red = np.zeros((1, 3, 2, 2))
    red[:, 0] = 1
    content = grid(red, Spec("pictures", (3, 2, 2)))
    assert content[25] == 2  # RGB
    pixels = zlib.decompress(content[content.index(b"IDAT") + 4 : -16])
    width = int.from_bytes(content[16:20], "big")
    second = pixels[1 + 3 * width :][1:]  # without the grey edge
    assert second[3:6] == bytes([255, 0, 0])
    with pytest.raises(
        ShapeError, match=r"figures: rows and pictures can be drawn, got sequences of shape \(88,\); wri"
    ):
        grid(np.zeros((1, 88)), Spec("sequences", (88,)))


# ---------------------------------------------------------------------- curves


def points_of(content: str) -> list[int]:
    """Count the points of each line of a drawing."""
    return [len(line.get("points").split()) for line in ElementTree.fromstring(content).iter(f"{SVG}polyline")]


def texts_of(content: str) -> list[str]:
    return [text.text for text in ElementTree.fromstring(content).iter(f"{SVG}text")]


def metrics(evaluations: int) -> list[dict]:
    """The rows of a game."""
    names = [
        ("discriminator.loss", "train"),
        ("discriminator.grad_norm", "train"),
        ("learning_rate.generator", "train"),
        ("generator.reward", "train"),
        ("score", "valid"),
        ("generator.nDCG@10", "valid"),
    ]
    return [
        {"metric": metric, "split": split, "epoch": float(epoch), "value": 0.5 * epoch}
        for epoch in range(1, evaluations + 1)
        for metric, split in names
    ]


def test_a_learning_curve_has_the_losses_of_all_phases_and_if_there_is_room_their_parts():
    small, large = (learning_curve(metrics(3), look) for look in (SMALL, LARGE))
    assert small.caption == "Training loss, discriminator and validation score, by epoch."
    assert large.caption == (
        "Training loss, discriminator, reward, train, generator, validation score and nDCG@10, valid, generator, "
        "by epoch."
    )
    assert points_of(small.content.decode()) == [3] * 2
    assert points_of(large.content.decode()) == [3] * 4
    assert {"training loss, discriminator", "validation score"} <= set(texts_of(small.content.decode()))
    lines = small.numbers.decode().splitlines()
    assert lines[:2] == ["metric,split,epoch,value", "discriminator.loss,train,1,0.5"]
    assert len(lines) == 1 + 6
    assert len(large.numbers.decode().splitlines()) == 1 + 12
    first = learning_curve([{"metric": "nDCG@10.loss", "split": "train", "epoch": 1.0, "value": 1.0}], LARGE)
    assert first.caption == "Training loss, nDCG@10, by epoch.", "names keep their capitals"


def test_a_long_learning_curve_is_thinned_with_the_last_point_and_its_numbers_are_not():
    found = learning_curve(metrics(1001), SMALL)
    assert all(count <= 100 for count in points_of(found.content.decode()))
    assert "1001,500.5" in found.numbers.decode()
    assert len(found.numbers.decode().splitlines()) == 1 + 2002
    board.Figure.model_validate(found.embedded())


@pytest.mark.parametrize("looks", [1, 4, 1001])
def test_the_curve_of_a_game_has_a_line_for_each_player(looks):
    passes = np.arange(1.0, looks + 1)
    values = np.column_stack([passes, 0.1 + 0 * passes, passes / looks])
    found = game_curve(values, "P@5", SMALL)
    assert (found.name, found.file) == ("players", "players.svg")
    assert found.caption == "P@5 on held-out data of generator and discriminator, by pass."
    embedded = found.embedded()
    board.Figure.model_validate(embedded)
    assert len(embedded["content"]) < 10_000
    lines = points_of(embedded["content"])
    assert lines[0] == lines[1] == (looks if looks <= 100 else 91)
    assert {"P@5 on held-out data", "pass", "generator", "discriminator"} <= set(texts_of(embedded["content"]))
    read = np.loadtxt(found.numbers.decode().splitlines(), delimiter=",", skiprows=1, ndmin=2)
    np.testing.assert_allclose(read, values, rtol=1e-5)
    assert found.numbers.decode().startswith("pass,generator,discriminator\n")


def test_of_five_test_examples_no_neighbours_are_asked(digits, plane):
    few = digits.cut(100, 30, 5)
    (caption,) = [one.caption for one in figures(plane, few, seed=1) if one.name == "latent plane"]
    assert caption == "Posterior means of the first 5 test rows, coloured by label."
    assert "knn_5_accuracy" not in plane.measures(few.part("test"))
