"""The figures of a trained model: what is drawn of it, each with a caption and with the numbers it shows.

samples           examples drawn from the model, of rows and pictures; points of the plane where they lie
reconstructions   test examples above what the model makes of them
latent plane      test examples by label, as a model with two latent dimensions represents them
latent grid       that plane decoded
interpolations    lines between test examples' vectors, decoded
traversals        one number of a vector changed, of more than two
steps             pictures drawn in steps, as they come to be
captions          pictures drawn from captions, with the words that each step attended to
learning curve    losses and validation score over the epochs

What a model is not able to do is left out. A run folder has the figures in `LARGE`, a leaderboard in
`SMALL`, where all of one name have one size and one scale of the plane, so that models can be laid side by
side. How arrays become pictures is in `irkit.learn.drawing`.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from irkit.arrays import Floats
from irkit.atomic import write_bytes
from irkit.errors import ShapeError
from irkit.io.kinds import Examples, Spec
from irkit.learn.data import Data
from irkit.learn.drawing import Curve, curves, png, scatter, ticks, tiles
from irkit.learn.figures_captions import TOLD, FromCaptions, captions_csv, captions_svg
from irkit.learn.figures_latent import (
    ALONG,
    DRAWN,
    REACH,
    STOPS,
    InSteps,
    framed,
    interpolations,
    traversals,
)
from irkit.learn.model import Model
from irkit.learn.neighbours import VOTES, knn_accuracy
from irkit.rng import generator

RECONSTRUCTED = 10
"Test examples shown with their reconstructions."

POINTS = 2000
"Samples or test examples drawn in a plane; of more of these so many by lot, since a set may be sorted by label."

GRID = 20
"Pictures on a side of the latent grid."

_PNG, _SVG = "image/png", "image/svg+xml"
_ASIDE = ("learning_rate", "grad_norm")  # of a step, not of the model
_TITLES = {("loss", "train"): "training loss", ("score", "valid"): "validation score"}


class Look(NamedTuple):
    """How much is drawn, and how large."""

    samples: int
    "Examples drawn from the model."
    curve: tuple[int, int]
    "Pixels of the learning curve's width, and of the height of each panel."
    side: int
    "Pixels of the latent plane."
    evaluations: int | None
    "Points of a learning curve at most, evenly spread; None for all."
    whole: bool
    "Whether parts of losses, reconstructions and the latent grid are drawn."


LARGE = Look(samples=64, curve=(640, 200), side=480, evaluations=None, whole=True)
SMALL = Look(samples=36, curve=(312, 110), side=200, evaluations=100, whole=False)


@dataclass(frozen=True)
class Figure:
    """One picture."""

    name: str
    "What it shows."
    caption: str
    media: str
    "image/png or image/svg+xml."
    content: bytes
    "Of the picture's file."
    numbers: bytes
    "What is shown, as CSV."
    note: str = ""
    "What a report without pictures should say of it."

    @property
    def file(self) -> str:
        """Name of its file: `latent-plane.svg`."""
        return self.name.replace(" ", "-") + (".png" if self.media == _PNG else ".svg")

    def write(self, folder: Path) -> None:
        """Write the picture and, beside it, its numbers."""
        write_bytes(folder / self.file, self.content)
        write_bytes((folder / self.file).with_suffix(".csv"), self.numbers)

    def embedded(self) -> dict[str, str]:
        """Return what a result file holds of it: a PNG in base64, an SVG as its text."""
        content = base64.b64encode(self.content) if self.media == _PNG else self.content
        return {"name": self.name, "caption": self.caption, "media": self.media, "content": content.decode()}


def figures(model: Model, data: Data, *, seed: int, test_rows: int | None = None, look: Look = LARGE) -> list[Figure]:
    """Draw every figure there is of a fitted model.

    Parameters
    ----------
    model : Model
        Fitted in this process, or its learning curve is not known and left out.
    data : Data
        Test examples with their labels, and the shape of a picture.
    seed : int
        Of the samples.
    test_rows : int, optional
        How many of the test examples are looked at, from the first; default all.
    look : Look
    """
    test, found = data.part("test").cut(test_rows), []
    drawable = shape_of(data.spec) is not None
    plane = model.latent_size == 2 and model.can("encode")
    if drawable and model.can("sample"):
        of_plane = data.spec.shape == (2,) and data.spec.picture is None and len(test)
        found.append(_points(model, test, seed, look) if of_plane else _samples(model, data.spec, seed, look))
    if drawable and look.whole and model.can("reconstruct") and len(test):
        found.append(_reconstructions(model, data.spec, test.cut(RECONSTRUCTED)))
    if plane and len(test):
        found.append(_plane(model, test, f"{data.spec.word}s", look))
    if plane and drawable and look.whole and model.can("decode"):
        rows = latent_grid(model, GRID)
        caption = f"The latent plane decoded at Gaussian quantiles, {GRID} a side."
        found.append(_pictures("latent grid", caption, rows, data.spec, GRID))
    decodes = drawable and look.whole and model.can("encode") and model.can("decode") and model.latent_size
    if decodes and len(test) > 1:
        found.append(_interpolations(model, data.spec, test))
    if decodes and not plane and len(test):
        found.append(_traversals(model, data.spec, test))
    if drawable and isinstance(model, InSteps) and model.can("sample"):
        found.append(_steps(model, seed))
    if isinstance(model, FromCaptions):
        found.append(_captions(model, seed))
    if model.training is not None and model.training.rows:
        found.append(learning_curve(model.training.rows, look))
    return found


def shape_of(spec: Spec) -> tuple[int, int, int] | None:
    """Return channels, rows and columns of what can be drawn of an example; None where it is no picture.

    Examples
    --------
    >>> shape_of(Spec("rows", (64,), picture=(8, 8))), shape_of(Spec("rows", (64,))), shape_of(Spec("rows", (6,)))
    ((1, 8, 8), (1, 8, 8), (1, 1, 6))
    """
    if spec.kind == "rows" and len(spec.shape) == 1:
        (size,), side = spec.shape, math.isqrt(spec.size)
        picture = spec.picture or ((side, side) if side * side == size else (1, size))
        return (picture[2] if len(picture) == 3 else 1), picture[0], picture[1]
    if spec.kind in ("pictures", "captioned") and spec.channels in (1, 3):
        channels, rows, columns = spec.shape
        return channels, rows, columns
    return None


def grid(examples: Floats, spec: Spec, columns: int | None = None) -> bytes:
    """Draw examples side by side as a PNG file.

    Raises
    ------
    ShapeError
        If they are no pictures.
    """
    shape = shape_of(spec)
    if shape is None:
        raise ShapeError(f"figures: rows and pictures can be drawn, got {spec}; write numbers, to .npy or .jsonl")
    channels, rows, columns_of_one = shape
    flat = np.asarray(examples).reshape(len(examples), -1)
    if channels == 1:
        return png(tiles(flat, (rows, columns_of_one), columns))
    if spec.kind != "rows":  # a row has its channels last
        flat = flat.reshape(len(flat), channels, -1).swapaxes(1, 2).reshape(flat.shape)
    return png(tiles(flat, (rows, columns_of_one, channels), columns))


def latent_grid(model: Model, side: int) -> Floats:
    """Decode a square of z at Gaussian quantiles, top row first, for two latent dimensions: (side^2, ...)."""
    quantiles = torch.special.ndtri((torch.arange(side, dtype=torch.float64) + 0.5) / side)
    found: Floats = model.decode(torch.cartesian_prod(-quantiles, quantiles).flip(1))  # x to the right, y upwards
    return found


def csv(header: Sequence[str], rows: Floats) -> bytes:
    """Write numbers with six digits under a header."""
    out = io.BytesIO()
    np.savetxt(out, rows, fmt="%.6g", delimiter=",", header=",".join(header), comments="")
    return out.getvalue()


def _pictures(name: str, caption: str, examples: Floats, spec: Spec, columns: int | None = None) -> Figure:
    flat = np.asarray(examples).reshape(len(examples), -1)
    numbers = csv([f"x{d}" for d in range(flat.shape[1])], flat)
    return Figure(name, caption, _PNG, grid(examples, spec, columns), numbers)


def _samples(model: Model, spec: Spec, seed: int, look: Look) -> Figure:
    drawn = model.sample(look.samples, seed=seed)
    return _pictures("samples", f"{look.samples} samples, seed {seed}.", drawn, spec)


def _points(model: Model, test: Examples, seed: int, look: Look) -> Figure:
    """Draw samples of points of the plane where they lie, on axes that hold all test points."""
    drawn = model.sample(POINTS, seed=seed)
    farthest = float(np.abs(test.x).max()) or 1.0
    picture = scatter(drawn, np.full(POINTS, -1), ticks(-farthest, farthest)[-1], look.side).encode()
    caption = f"{POINTS:,} samples, seed {seed}, on axes that hold all test points."
    return Figure("samples", caption, _SVG, picture, csv(["x0", "x1"], drawn))


def _reconstructions(model: Model, spec: Spec, test: Examples) -> Figure:
    pairs = np.concatenate([test.x, model.reconstruct(test)])
    shape = shape_of(spec)
    columns = 1 if shape is not None and shape[1] == 1 else len(test)
    what = "rows" if spec.kind == "rows" else "pictures"
    caption = f"The first {len(test)} test {what} above their reconstructions."
    return _pictures("reconstructions", caption, pairs, spec, columns)


def _interpolations(model: Model, spec: Spec, test: Examples) -> Figure:
    made = interpolations(model, test)
    caption = f"Decoded lines between the vectors of the first test {spec.word}s, {ALONG} points each, a pair a line."
    return _pictures("interpolations", caption, made.reshape(made.shape[0] * ALONG, -1), spec, ALONG)


def _traversals(model: Model, spec: Spec, test: Examples) -> Figure:
    made, chosen = traversals(model, test)
    caption = (
        f"The first test {spec.word} decoded with one number of its vector from {-REACH:g} to {REACH:g}, a line for "
        f"each of those that vary most: {', '.join(map(str, chosen))}."
    )
    return _pictures("traversals", caption, made.reshape(len(chosen) * STOPS, -1), spec, STOPS)


def _steps(model: InSteps, seed: int) -> Figure:
    """Draw pictures as they come to be, a line each, with the frame of what each step wrote through."""
    strokes = model.strokes(DRAWN, seed=seed)
    pictures = framed(strokes)
    n, steps, rows, columns, _ = pictures.shape
    drawn = png(tiles(pictures.reshape(n * steps, -1), (rows, columns, 3), steps))
    frame = "" if strokes.windows is None else ", and through which window"
    caption = f"How {n} samples of seed {seed} are drawn{frame}: {steps} steps, from left to right."
    plain = strokes.pictures.reshape(n * steps, -1)
    windows = np.zeros((n, steps, 0)) if strokes.windows is None else strokes.windows
    header = [*("picture", "step"), *("first row", "last row", "first column", "last column")[: windows.shape[2]]]
    places = np.indices((n, steps)).reshape(2, -1).T + 1
    table: Floats = np.column_stack([places, windows.reshape(n * steps, -1), plain])
    numbers = csv([*header, *(f"x{d}" for d in range(plain.shape[1]))], table)
    return Figure("steps", caption, _PNG, drawn, numbers)


def _captions(model: FromCaptions, seed: int) -> Figure:
    heeded = model.heeded(TOLD, seed=seed)
    steps = len(heeded.weights[0])
    caption = (
        f"Pictures of captions, seed {seed}; a line of cells for each of {steps} steps, the darker the more it heeds."
    )
    return Figure("captions", caption, _SVG, captions_svg(heeded).encode(), captions_csv(heeded))


def _plane(model: Model, test: Examples, what: str, look: Look) -> Figure:
    """Draw posterior means, and say how well neighbours in the plane tell the label, where labels are known."""
    points = model.encode(test)
    labels = np.full(len(points), -1) if test.labels is None else test.labels
    every, note = len(points), ""
    which = f"{POINTS:,} of {every:,}" if every > POINTS else f"the first {every:,}"
    caption = f"Posterior means of {which} test {what}, coloured by label."
    if (labels >= 0).all() and len(points) > VOTES:
        accuracy = f"{knn_accuracy(points, labels):.1%} of {len(points):,} test {what}"
        caption += f" The 5 nearest others in the plane tell the label of {accuracy}."
        note = f"the 5 nearest others in the latent plane tell the label of {accuracy}"
    if every > POINTS:
        lot = generator(1, "plane").permutation(every)[:POINTS]
        points, labels = points[lot], labels[lot]
    drawn = scatter(points, labels, side=look.side).encode()
    numbers = csv(["z1", "z2", "label"], np.column_stack([points, labels]))
    return Figure("latent plane", caption, _SVG, drawn, numbers, note)


def learning_curve(rows: Sequence[Mapping[str, Any]], look: Look) -> Figure:
    """Draw the loss of every phase, its parts if there is room, and the validation score, over the epochs.

    Parameters
    ----------
    rows : sequence of mappings
        The metrics of a run, as `metrics.jsonl` holds them.
    """
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row in rows:
        *_, metric = row["metric"].split(".")
        if (metric, row["split"]) in _TITLES or (look.whole and not any(one in row["metric"] for one in _ASIDE)):
            found.setdefault((row["metric"], row["split"]), []).append((row["epoch"], row["value"]))
    panels = {_title(*key): np.array(_thinned(points, look.evaluations)) for key, points in found.items()}
    drawn = curves({title: [Curve(title, *points.T)] for title, points in panels.items()}, "epoch", look.curve)
    lines = [f"{','.join(key)},{epoch:g},{value:.6g}" for key, points in found.items() for epoch, value in points]
    numbers = "\n".join(["metric,split,epoch,value", *lines]) + "\n"
    *others, last = panels
    titles = f"{', '.join(others)} and {last}" if others else last
    caption = f"{titles[0].upper()}{titles[1:]}, by epoch."
    return Figure("learning curve", caption, _SVG, drawn.encode(), numbers.encode())


def game_curve(curve: Floats, measure: str, look: Look) -> Figure:
    """Draw how well each player of an adversarial game ranks, over its passes.

    Parameters
    ----------
    curve : (E, 3)
        Passes, and the measure of generator and discriminator after them.
    measure : str
        Its name.
    look : Look
    """
    points = np.array(_thinned(list(curve), look.evaluations))
    title = f"{measure} on held-out data"
    lines = [Curve(name, points[:, 0], points[:, at]) for at, name in ((1, "generator"), (2, "discriminator"))]
    drawn = curves({title: lines}, "pass", look.curve)
    caption = f"{title} of generator and discriminator, by pass."
    return Figure("players", caption, _SVG, drawn.encode(), csv(["pass", "generator", "discriminator"], curve))


def _title(metric: str, split: str) -> str:
    """Say in words what a metric is; `critic.loss` is the training loss of the phase `critic`."""
    *phase, name = metric.split(".")
    return ", ".join([_TITLES.get((name, split), f"{name}, {split}"), *phase])


def _thinned(points: list[tuple[float, float]], most: int | None) -> list[tuple[float, float]]:
    """Return at most so many of the points, evenly spread, with the last one."""
    return points if most is None else points[::-1][:: math.ceil(len(points) / most)][::-1]
