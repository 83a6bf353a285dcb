"""The pictures of a trained model, each beside a CSV file with the numbers it shows.

learning-curves.svg     losses and validation score over the epochs
samples.png             rows drawn from the model
reconstructions.png     test rows above what the model makes of them, where it has such a thing
latent.svg, grid.png    the plane of a VAE with two latent dimensions: test rows by label, and decoded
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from irkit.arrays import Floats
from irkit.generative.base import Density
from irkit.generative.pictures import Curve, curves, png, scatter, tiles
from irkit.generative.vae import VAE
from irkit.io.atomic import write_bytes
from irkit.io.density import DensityData

SAMPLES = 64
"Rows drawn from the model."

RECONSTRUCTED = 10
"Test rows shown with their reconstructions."

POINTS = 2000
"Test rows, from the first, in the latent plane."

_ASIDE = ("learning_rate", "grad_norm")  # of a step, not of the model


@dataclass(frozen=True)
class Figure:
    """One picture that was written."""

    path: Path
    caption: str


def write_figures(model: Density, data: DensityData, folder: Path, *, seed: int = 1) -> list[Figure]:
    """Write every picture there is to show of a model that has just been fitted.

    Parameters
    ----------
    model : Density
        Fitted in this process, or its learning curve is not known and left out.
    data : DensityData
        Test rows and the shape of a picture.
    folder : path
        Made if need be.
    seed : int
        Of the samples.
    """
    found: list[Figure] = []
    if model.training is not None and model.training.rows:
        found.append(learning_curves(model.training.rows, folder))
    samples = model.sample(SAMPLES, seed=seed)
    found.append(images(samples, data.shape, folder / "samples", f"{SAMPLES} samples, seed {seed}."))
    reconstruct: Callable[[Floats], Floats] | None = getattr(model, "reconstruct", None)
    if reconstruct is not None:
        rows = data.test[:RECONSTRUCTED]
        pairs = np.concatenate([rows, reconstruct(rows)])
        caption = f"The first {len(rows)} test rows above their reconstructions."
        columns = 1 if data.shape[0] == 1 else len(rows)
        found.append(images(pairs, data.shape, folder / "reconstructions", caption, columns))
    if has_plane(model):
        found.append(latent_plane(model, data, folder))
        if model.config.decoder == "mlp":
            caption = "The latent plane decoded at Gaussian quantiles, 20 a side."
            found.append(images(model.grid(20), data.shape, folder / "grid", caption, 20))
    return found


def has_plane(model: Density) -> TypeGuard[VAE]:
    """Whether a model's representation of a row is a point of the plane."""
    return isinstance(model, VAE) and model.config.latent_size == 2


def images(rows: Floats, shape: tuple[int, ...], stem: Path, caption: str, columns: int | None = None) -> Figure:
    """Write rows as a grid of pictures, and as numbers: a line each."""
    path = stem.with_suffix(".png")
    write_bytes(path, png(tiles(rows, shape, columns)))
    write_bytes(stem.with_suffix(".csv"), csv([f"x{d}" for d in range(rows.shape[1])], rows))
    return Figure(path, caption)


def latent_plane(model: VAE, data: DensityData, folder: Path) -> Figure:
    """Draw the posterior means of test rows, coloured by their labels."""
    labels = data.test_labels[:POINTS]
    points = model.transform(data.test[:POINTS])
    path = folder / "latent.svg"
    write_bytes(path, scatter(points, labels).encode())
    write_bytes(path.with_suffix(".csv"), csv(["z1", "z2", "label"], np.column_stack([points, labels])))
    return Figure(path, f"Posterior means of the first {len(points)} test rows, coloured by label.")


def learning_curves(rows: Sequence[Mapping[str, Any]], folder: Path) -> Figure:
    """Draw each loss, and the validation score, over the epochs.

    Parameters
    ----------
    rows : sequence of mappings
        The metrics of a run, as `metrics.jsonl` holds them.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if not any(word in row["metric"] for word in _ASIDE):
            found.setdefault(f"{row['metric']}, {row['split']}", []).append((row["epoch"], row["value"]))
    panels = {name: [Curve(name, *np.array(points).T)] for name, points in found.items()}
    path = folder / "learning-curves.svg"
    write_bytes(path, curves(panels, "epoch").encode())
    lines = [
        f"{name.replace(', ', ',')},{epoch:g},{value:.6g}" for name, pairs in found.items() for epoch, value in pairs
    ]
    write_bytes(path.with_suffix(".csv"), ("\n".join(["metric,split,epoch,value", *lines]) + "\n").encode())
    return Figure(
        path, "Losses over the training rows and the score of the validation rows, where there is one, by epoch."
    )


def csv(header: Sequence[str], rows: Floats) -> bytes:
    """Write numbers with six digits under a header."""
    out = io.BytesIO()
    np.savetxt(out, rows, fmt="%.6g", delimiter=",", header=",".join(header), comments="")
    return out.getvalue()
