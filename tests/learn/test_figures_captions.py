"""The figure of pictures drawn from captions."""

import re
import xml.etree.ElementTree as ET

import numpy as np

from irkit.learn.figures_captions import Heeded, captions_csv, captions_svg

TOLD = Heeded(
    np.array([[[0.0, 1.0], [0.5, 0.5]], [[0.0, 0.0], [0.0, 0.1]]]),
    [np.array([[0.25, 0.75], [1.0, 0.0]]), np.array([[1.0], [1.0]])],
    [["a", "<b>"], ["c"]],
)


def test_each_picture_stands_beside_its_words():
    root = ET.fromstring(captions_svg(TOLD))
    space = "{http://www.w3.org/2000/svg}"
    assert [one.text for one in root.iter(f"{space}text")] == ["a", "<b>", "c"]
    cells = [one.get("fill-opacity") for one in root.iter(f"{space}rect") if one.get("fill-opacity")]
    assert cells == ["0.25", "1.00", "0.75", "0.00", "1.00", "1.00"]
    runs = {one.get("stroke-opacity"): one.get("d") for one in root.iter(f"{space}path")}
    assert runs.keys() == {"0.5", "1.0"}  # a tenth is as good as nothing
    assert re.fullmatch(r"M\d+ \d+h8", runs["0.5"])  # two pixels side by side are one run
    assert re.fullmatch(r"M\d+ \d+h4", runs["1.0"])


def test_the_numbers_are_beside_it():
    lines = captions_csv(TOLD).decode().splitlines()
    assert lines[0] == "caption,step,place,word,weight"
    assert lines[1:] == ["1,1,1,a,0.25", "1,1,2,<b>,0.75", "1,2,1,a,1", "1,2,2,<b>,0", "2,1,1,c,1", "2,2,1,c,1"]
