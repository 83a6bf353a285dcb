"""The small pictures of a trained model that stand on a leaderboard, as JSON-able values.

samples           rows drawn from the model, PNG
latent plane      test rows in the plane of a VAE with two latent dimensions, SVG
learning curve    the training loss and the validation score over the epochs, SVG

All of one kind have the same size and, where there are axes of a plane, the same axes, so that models
can be laid side by side.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from irkit.generative.base import Density
from irkit.generative.figures import POINTS, has_plane
from irkit.generative.pictures import Curve, curves, png, scatter, tiles
from irkit.generative.vae import VAE, knn_accuracy
from irkit.io.density import DensityData

SAMPLES = 36
"Rows drawn from the model."

EVALUATIONS = 100
"Points of a learning curve at most, evenly spread."

_WIDTH, _SIDE = 312, 200  # pixels of a chart, and of the sides of a plane without its margins
_CURVES = {("loss", "train"): "training loss", ("score", "valid"): "validation score"}


class Gallery(NamedTuple):
    """What is shown of a model beside its numbers."""

    figures: list[dict[str, str]]
    "`name`, `caption`, `media` (image/png in base64, or image/svg+xml as text) and `content` of each."
    notes: list[str]
    "What a report without pictures should say of them."


def gallery(model: Density, data: DensityData, *, seed: int, test_rows: int | None = None) -> Gallery:
    """Draw a model that has just been fitted.

    Parameters
    ----------
    model : Density
    data : DensityData
        Test rows with their labels, and the shape of a picture.
    seed : int
        Of the samples.
    test_rows : int, optional
        How many of the test rows are looked at, from the first; default all.
    """
    grid = png(tiles(model.sample(SAMPLES, seed=seed), data.shape))
    samples = {"media": "image/png", "content": base64.b64encode(grid).decode()}
    figures = [{"name": "samples", "caption": f"{SAMPLES} samples, seed {seed}.", **samples}]
    notes = []
    if has_plane(model):
        figure, accuracy = _plane(model, data, test_rows)
        figures.append(figure)
        notes += accuracy
    if model.training is not None and model.training.rows:
        figures.append(_learning_curve(model.training.rows))
    return Gallery(figures, notes)


def _plane(model: VAE, data: DensityData, test_rows: int | None) -> tuple[dict[str, str], list[str]]:
    """Draw posterior means, and say how well neighbours in the plane tell the label, where labels are known."""
    labels = data.test_labels[:test_rows]
    points = model.transform(data.test[:test_rows])
    shown = min(POINTS, len(points))
    caption, notes = f"Posterior means of the first {shown:,} test rows, coloured by label.", []
    if (labels >= 0).all():
        accuracy = f"{knn_accuracy(points, labels):.1%} of {len(points):,} test rows"
        caption += f" The 5 nearest others in the plane tell the label of {accuracy}."
        notes.append(f"the 5 nearest others in the latent plane tell the label of {accuracy}")
    drawing = scatter(points[:POINTS], labels[:POINTS], side=_SIDE)
    return {"name": "latent plane", "caption": caption, "media": "image/svg+xml", "content": drawing}, notes


def _learning_curve(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Draw the loss of every phase, and the validation score where there is one."""
    found: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        *phase, metric = row["metric"].split(".")
        title = _CURVES.get((metric, row["split"]))
        if title is not None:
            found.setdefault(", ".join([title, *phase]), []).append((row["epoch"], row["value"]))
    panels = {title: [Curve(title, *np.array(_thinned(points)).T)] for title, points in found.items()}
    return {
        "name": "learning curve",
        "caption": f"{' and '.join(panels).capitalize()}, by epoch.",
        "media": "image/svg+xml",
        "content": curves(panels, "epoch", (_WIDTH, 110)),
    }


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return at most `EVALUATIONS` of the points, evenly spread, with the last one."""
    step = math.ceil(len(points) / EVALUATIONS)
    return points[::-1][::step][::-1]
