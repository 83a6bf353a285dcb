"""Tests of irkit.pipeline.svg."""

import re
import xml.etree.ElementTree as ET

import pytest

from irkit.pipeline import Cut, Reset, apply, rrf
from irkit.pipeline.operators import Normalise
from irkit.pipeline.svg import WIDTH, svg
from tests.pipeline.toy import Louder, toy

SPACE = "{http://www.w3.org/2000/svg}"
NESTED = Louder() >> rrf(toy() % 5, (toy(boost=2) >> Normalise()) | toy(n=7)) % 10 >> Reset()
LONG = NESTED >> NESTED >> NESTED
DEEP = rrf(Louder() >> toy() >> Cut(k=100) >> Normalise() >> Cut(k=90) >> Normalise() >> Cut(k=80), toy()) % 5
PIPELINES = [toy(), toy() % 3, Cut(k=2) >> Normalise(), toy() + toy() >> Cut(k=4), NESTED, NESTED >> NESTED, LONG, DEEP]


def drawn(pipeline):
    root = ET.fromstring(svg(pipeline))
    boxes = [tuple(float(box.get(name)) for name in ("x", "y", "width", "height")) for box in root.iter(f"{SPACE}rect")]
    return root, boxes


def stages(pipeline):
    inner = [stage for part in pipeline.parts for stage in stages(part)]
    return inner if pipeline.name == "then" else [pipeline, *inner]


@pytest.mark.parametrize("pipeline", PIPELINES, ids=repr)
def test_every_stage_has_a_box_with_its_label(pipeline):
    root, boxes = drawn(pipeline)
    texts = [text.text for text in root.iter(f"{SPACE}text")]
    expected = [stage.label() for stage in stages(pipeline)] + [pipeline.takes, pipeline.gives]
    assert sorted(texts) == sorted(expected)
    assert len(boxes) == len(stages(pipeline))


@pytest.mark.parametrize("pipeline", PIPELINES, ids=repr)
def test_boxes_do_not_overlap_and_everything_lies_inside(pipeline):
    root, boxes = drawn(pipeline)
    width, height = (float(number) for number in root.get("viewBox").split()[2:])
    for i, (x, y, w, h) in enumerate(boxes):
        assert x >= 0
        assert y >= 0
        assert x + w <= width
        assert y + h <= height
        for x2, y2, w2, h2 in boxes[:i]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y
    for path in root.iter(f"{SPACE}path"):
        for x in re.findall(r"[MLH](-?[\d.]+)", path.get("d")):
            assert 0 <= float(x) <= width


@pytest.mark.parametrize("pipeline", PIPELINES, ids=repr)
def test_arrows_end_at_boxes(pipeline):
    root, boxes = drawn(pipeline)
    lines = [path.get("d") for path in root.iter(f"{SPACE}path") if path.get("fill") == "none"]
    ends = [tuple(map(float, re.fullmatch(r"M\S+ \S+H\S+V(\S+)H(\S+)", line).groups())) for line in lines]
    into = {(x, y) for y, x in ends}
    for x, y, _, h in boxes:
        reached = any(abs(a - x) < 0.2 and y <= b <= y + h for a, b in into)
        assert reached, (x, y)


@pytest.mark.parametrize("pipeline", [LONG, DEEP], ids=repr)
def test_a_long_chain_has_several_lines_and_keeps_to_the_width_of_a_notebook(pipeline):
    root, boxes = drawn(pipeline)
    assert float(root.get("width")) <= WIDTH
    assert len({y for _, y, *_ in boxes}) > 2


def test_lines_are_read_from_left_to_right_and_from_top_to_bottom():
    chain = toy()
    for k in range(40, 20, -1):
        chain = chain >> Cut(k=k) >> Normalise()
    root, _ = drawn(chain)
    texts = [(float(t.get("y")), float(t.get("x")), t.text) for t in root.iter(f"{SPACE}text")]
    assert [text for *_, text in sorted(texts)] == ["queries", *(stage.label() for stage in stages(chain)), "results"]


def test_labels_are_escaped():
    nasty = toy() >> apply.score(lambda row: 1.0, key="<script>\"&'")
    text = svg(nasty)
    assert "<script>" not in text
    assert "key='<script>\"&\\''" in "".join(ET.fromstring(text).itertext())
    assert ET.fromstring(text).get("aria-label") == repr(nasty)


def test_a_drawing_stands_alone():
    text = svg(NESTED)
    assert text == NESTED._repr_svg_()
    links = re.findall(r"https?://[^\"' ]+", text)
    assert links == ["http://www.w3.org/2000/svg"]
    assert "<script" not in text
    assert "id=" not in text


def test_queries_and_results_travel_in_different_colours():
    root, _ = drawn(Louder() >> toy())
    strokes = [path.get("stroke") for path in root.iter(f"{SPACE}path") if path.get("fill") == "none"]
    assert strokes[0] == strokes[1] != strokes[2]
