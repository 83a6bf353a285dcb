"""Tests of irkit.report.curves."""

import numpy as np

from irkit.learn.drawing import Curve, curves, scatter
from irkit.report.curves import lines
from tests.report.toy import WHITE_SVG


def test_a_drawing_is_read_back_to_a_twentieth_of_a_pixel():
    rng = np.random.default_rng(1)
    x = np.arange(1.0, 41.0)
    panels = {
        "training loss": [Curve("loss", x, 5 + rng.random(40))],
        "AP, valid": [Curve("generator", x, -rng.random(40)), Curve("discriminator & co", x[:7], 1e4 * rng.random(7))],
    }
    found = lines(curves(panels, "pass", (312, 110)))
    assert [(line.panel, line.name, line.unit) for line in found] == [
        ("training loss", "", "pass"),
        ("AP, valid", "generator", "pass"),
        ("AP, valid", "discriminator & co", "pass"),
    ]
    for line, curve in zip(found, [one for panel in panels.values() for one in panel], strict=True):
        np.testing.assert_allclose(line.x, curve.x, atol=0.2)
        height = 1.5 if line.panel == "training loss" else 13_000
        np.testing.assert_allclose(line.y, curve.y, atol=height / 110 * 0.15)


def test_other_drawings_are_no_curves():
    assert lines(WHITE_SVG) == ()
    assert lines(scatter(np.zeros((3, 2)), np.array([0, 1, 1]))) == ()
    assert lines('<svg><polyline points="1,2 3,4"/></svg>') == ()
