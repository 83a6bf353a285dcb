"""Tests of irkit.learn.drawing: PNG files are decoded by hand, drawings parsed as XML."""

from __future__ import annotations

import io
import struct
import xml.etree.ElementTree as ElementTree
import zlib

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from irkit.errors import ShapeError
from irkit.learn.drawing import COLOURS, Curve, curves, png, scatter, ticks, tiles

SVG = "{http://www.w3.org/2000/svg}"


def decoded(data: bytes) -> np.ndarray:
    """Read a grey PNG of 8 bits without filters, checking every checksum."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(name + body)
        chunks[name] = body
        at += 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    columns, rows, *kind = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert kind == [8, 0, 0, 0, 0]
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(rows, columns + 1)
    assert not lines[:, 0].any()
    return lines[:, 1:]


def test_a_png_holds_the_grey_values():
    grey = np.array([[0.0, 0.5, 1.0], [-1.0, 2.0, 0.2]])
    assert decoded(png(grey)).tolist() == [[0, 128, 255], [0, 255, 51]]


def test_pictures_in_colour_are_laid_out_and_written_as_such():
    rows = np.array([[0.0, 0.5, 1.0] * 4, [1.0, 0.0, 0.0] * 4])
    grid = tiles(rows, (2, 2, 3), columns=2)
    assert grid.shape == (33 + 1, 2 * 33 + 1, 3)
    assert (grid[1:33, 1:33] == [0.0, 0.5, 1.0]).all()
    assert (grid[1:33, 34:66] == [1.0, 0.0, 0.0]).all()
    assert (grid[0] == 0.5).all()
    with Image.open(io.BytesIO(png(grid))) as picture:
        assert picture.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(picture), np.rint(255 * grid))
    with pytest.raises(ShapeError, match=r"tiles: rows of 2 x 2 x 3 values are needed, got shape \(2, 11\)"):
        tiles(rows[:, :11], (2, 2, 3))


def test_tiles_lie_row_by_row_with_a_grey_line_around_each():
    rows = np.array([[0.0, 1.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0], [0.25] * 4])
    grid = tiles(rows, (2, 2), columns=2)
    assert grid.shape == (2 * 33 + 1, 2 * 33 + 1)  # pictures of 2 x 2 enlarged to 32 x 32, and lines of one pixel
    assert (grid[0] == 0.5).all()
    assert (grid[:, 33] == 0.5).all()
    assert (grid[1:17, 1:17] == 0).all()
    assert (grid[1:17, 17:33] == 1).all()
    assert (grid[1:17, 34:66] == 1).all()
    assert (grid[34:66, 1:33] == 0.25).all()
    assert (grid[34:, 34:] == 0.5).all()  # no fourth picture


def test_rows_that_are_no_pictures_are_lines_below_one_another():
    grid = tiles(np.eye(5), (1, 5))
    assert grid.shape == (5 * 5 + 1, 5 * 4 + 1 + 1)
    assert [int(row.argmax()) for row in grid[1::5]] == [1, 5, 9, 13, 17]


@pytest.mark.parametrize(("rows", "shape"), [(np.zeros((2, 6)), (2, 2)), (np.zeros((0, 4)), (2, 2))])
def test_pictures_that_cannot_be_are_refused(rows, shape):
    with pytest.raises(ShapeError, match=r"tiles: rows of 2 x 2 values are needed, got shape"):
        tiles(rows, shape)


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
@example(0.0, 5e-324)
def test_ticks_are_few_and_span_the_values(low, width):
    found = ticks(low, low + width)
    assert 2 <= len(found) <= 9
    assert found == sorted(set(found))
    slack = 1e-9 * max(1, abs(low), width)
    assert found[0] <= low + slack
    assert found[-1] >= low + width - slack


def test_curves_are_at_their_places_on_a_scale_of_their_own():
    one = Curve("a", np.array([0.0, 10.0]), np.array([0.0, 5.0]))
    two = Curve("b<", np.array([0.0, 5.0]), np.array([5.0, 0.0]))
    root = ElementTree.fromstring(curves({"first": [one], "second": [one, two]}, "epoch"))
    lines = [line.get("points") for line in root.iter(f"{SVG}polyline")]
    assert len(lines) == 3
    (x0, y0), (x1, y1) = (map(float, pair.split(",")) for pair in lines[0].split())
    assert (x0, x1) == (64, 628)
    assert y0 - y1 == 200  # 0 at the foot, 5 at the head
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert {"first", "second", "b<", "epoch"} <= set(words)
    assert len(list(root.iter(f"{SVG}circle"))) == 6
    assert not [one for one in root.iter() if one.get("style") or one.get("href")]


def test_a_single_point_is_a_visible_curve():
    root = ElementTree.fromstring(curves({"a": [Curve("a", np.array([1.0]), np.array([3.0]))]}, "epoch"))
    (point,) = root.iter(f"{SVG}circle")
    assert (point.get("cx"), point.get("cy")) == ("628.0", "128.0")  # at the end of an axis from 0, half way up


def test_points_are_coloured_by_label_and_kept_inside():
    points = np.array([[0.0, 0.0], [9.0, -9.0], [-4.0, 4.0]])
    root = ElementTree.fromstring(scatter(points, np.array([0, 3, -1])))
    dots = {path.get("stroke"): path.get("d") for path in root.iter(f"{SVG}path")}
    assert dots == {"#858d95": "M40.0 12.0h0", COLOURS[0]: "M280.0 252.0h0", COLOURS[3]: "M520.0 492.0h0"}
    assert [circle.get("fill") for circle in root.iter(f"{SVG}circle")] == [COLOURS[0], COLOURS[3]]  # the key


def test_no_label_covers_all_the_others():
    points, labels = np.zeros((250, 2)), np.arange(250) % 2
    root = ElementTree.fromstring(scatter(points, labels, side=200))
    paths = [(path.get("stroke"), path.get("d").count("M")) for path in root.iter(f"{SVG}path")]
    assert paths == [(COLOURS[0], 50), (COLOURS[1], 50)] * 2 + [(COLOURS[0], 25), (COLOURS[1], 25)]


def test_twenty_labels_have_colours_of_their_own_and_a_key_within_the_picture():
    root = ElementTree.fromstring(scatter(np.zeros((20, 2)), np.arange(20), side=200))
    key = [(float(one.get("cx")), float(one.get("cy")), one.get("fill")) for one in root.iter(f"{SVG}circle")]
    assert len({fill for *_, fill in key}) == len({(x, y) for x, y, _ in key}) == 20
    assert all(x + 40 < float(root.get("width")) and y < float(root.get("height")) for x, y, _ in key)
