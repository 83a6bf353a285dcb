"""Charts of a board: where things stand is what the numbers say, and both forms of a drawing have them."""

import io
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest
from PIL import Image

from irkit.errors import ConfigError
from irkit.report import chart, faces, write_report
from irkit.report.charts import BETTER, WORSE, charts
from irkit.report.shapes import SCALE, Bar, Dot, Drawing, Line, Text
from irkit.report.view import view
from tests.report.toy import gallery_result, tiny_result, tiny_system, toy_result

HOSTILE = '<script>alert("x")</script> & "q"'


def system(name, values, ms=None, interval=None):
    mean = sum(values) / len(values)
    low, high = interval or (mean - 0.1, mean + 0.1)
    return tiny_system(
        name,
        {"AP": {"mean": mean, "low": low, "high": high}},
        ms_per_query=ms,
        per_query={"AP": {f"q{number}": value for number, value in enumerate(values)}},
    )


def board(*systems):
    return view(tiny_result(*systems, queries=4)).boards[0]


def of(drawing, kind):
    return [shape for shape in drawing.shapes if isinstance(shape, kind)]


def texts(drawing):
    return [text.text for text in of(drawing, Text)]


BASE, BETTER_ONE = system("bm25", [0.1, 0.2, 0.3, 0.4], 1.0), system("new", [0.3, 0.2, 0.2, 0.5], 2.0)


def test_means_lie_on_the_axis_by_value():
    drawing = chart(board(BASE, BETTER_ONE))
    marks = {float(text.text): text.x for text in of(drawing, Text) if text.anchor == "middle"}
    (low, at_low), *_, (high, at_high) = sorted(marks.items())
    new, bm25 = of(drawing, Dot)
    for dot, mean in ((new, 0.3), (bm25, 0.25)):
        assert dot.x == pytest.approx(at_low + (mean - low) / (high - low) * (at_high - at_low))
    assert (bm25.square, new.square) == (True, False)
    whiskers = [line for line in of(drawing, Line) if line.width == 1.5]
    ends = [low + (x - at_low) / (at_high - at_low) * (high - low) for x, _ in whiskers[0].points]
    assert ends == pytest.approx([0.2, 0.4])
    assert {"new", "bm25", "0.3000", "0.2500"} <= set(texts(drawing))


def test_differences_stand_in_order_and_say_how_many():
    drawing = chart(board(BASE, BETTER_ONE), "differences")
    bars = of(drawing, Bar)  # +0.2, +0.1, none for 0, -0.1
    heights = [bar.bottom - bar.top for bar in bars]
    assert heights == pytest.approx([heights[0], heights[0] / 2, heights[0] / 2])
    assert [bar.colour for bar in bars] == [BETTER, BETTER, WORSE]
    assert [bar.left for bar in bars] == sorted(bar.left for bar in bars)
    assert texts(drawing)[-1] == "4 queries, those most helped first: 2 better, 1 equal, 1 worse"


def test_a_frontier_counts_only_what_is_beyond_the_noise():
    level = [0.1, 0.2, 0.3, 0.4]
    sure = system("sure", [value + 0.1 for value in level], 2.0)
    lucky = system("lucky", [0.5, 0.1, 0.35, 0.4], 4.0)  # a better mean, by one query
    slow = system("slow", level, 1.05)  # within a tenth of the baseline's time
    single = board(BASE, sure, lucky, slow)
    drawing = chart(replace(single, timed="pair"), "costs")
    named = dict(zip(["bm25", "slow", "sure", "lucky"], [dot.filled for dot in of(drawing, Dot)], strict=True))
    assert named == {"bm25": True, "slow": True, "sure": True, "lucky": False}
    dots = of(drawing, Dot)
    assert [dot.x for dot in dots] == sorted(dot.x for dot in dots)
    (front,) = [line for line in of(drawing, Line) if line.dashed]
    bm25, best = dots[0], dots[2]
    assert front.points == ((bm25.x, bm25.y), (best.x, bm25.y), (best.x, best.y))
    # A single run of queries holds the warm-up of what was run first.
    drawing = chart(single, "costs")
    assert all(dot.filled for dot in of(drawing, Dot))
    assert not any(line.dashed for line in of(drawing, Line))
    assert "times of a single run each: no frontier is drawn; vertical lines: 95 % bootstrap intervals" in texts(
        drawing
    )


def test_what_there_are_no_numbers_of_is_refused_and_left_out():
    alone = board(system("only", [0.1, 0.2]))
    assert set(charts(alone)) == {"means"}
    for kind, message in (
        ("differences", "there is no system 'beside the baseline'"),
        ("costs", "has no two systems whose times are known"),
        ("curves", "no system of lee has a learning curve"),
        ("pie", "there is no chart 'pie'; choose from costs, curves, differences, means"),
    ):
        with pytest.raises(ConfigError, match=message):
            chart(alone, kind)
    with pytest.raises(ConfigError, match="there is no measure 'APP'; did you mean AP"):
        chart(alone, measure="APP")
    with pytest.raises(ConfigError, match="has no system with figures"):
        chart(board(), "means")
    with pytest.raises(ConfigError, match="there is no board 4; their places are 0 to 1"):
        chart(toy_result(), board=4)
    with pytest.raises(ConfigError, match="there is no system 'nwe'; did you mean new"):
        chart(board(BASE, BETTER_ONE), "differences", system="nwe")


def test_names_are_text_and_an_svg_is_whole():
    drawing = chart(board(system(HOSTILE, [0.1, 0.2], 1.0), system("b", [0.2, 0.3], 2.0)), "costs")
    root = ElementTree.fromstring(drawing.svg())
    assert HOSTILE[:27] in "".join(root.itertext())
    assert "<script" not in drawing.svg()


@pytest.mark.parametrize("result", [toy_result(systems=40), gallery_result()], ids=["forty", "density"])
def test_every_chart_of_a_board_stays_inside_and_is_as_large_in_pixels(result):
    for one in view(result).boards:
        for drawing in charts(one).values():
            for shape in drawing.shapes:
                points = shape.points if isinstance(shape, Line) else [(shape[0], shape[1])]
                assert all(-1 <= x <= drawing.width + 1 and -1 <= y <= drawing.height + 1 for x, y in points)
            image = Image.open(io.BytesIO(drawing.png()))
            assert image.size == (drawing.width * SCALE, drawing.height * SCALE)
            assert len(image.getcolors(1 << 20)) > 20  # letters and lines


def test_a_file_is_written_as_it_ends(tmp_path):
    drawing = Drawing("t", 20, 10, (Dot(5, 5, "#000000"),))
    assert drawing.save(tmp_path / "a.svg").read_text() == drawing.svg() == drawing._repr_svg_()
    assert Image.open(io.BytesIO(drawing.save(tmp_path / "a.png").read_bytes())).size == (40, 20)
    with pytest.raises(ConfigError, match=r"chart: cannot tell what to write, got .*a\.pdf; end it in \.svg or \.png"):
        drawing.save(tmp_path / "a.pdf")


def test_a_report_in_a_folder_has_the_charts_of_each_board(tmp_path):
    write_report(toy_result(), tmp_path)
    names = {path.name for path in (tmp_path / "charts").iterdir()}
    kinds = ["1-lee-means", "1-lee-differences", "1-lee-costs", "2-cranfield-means"]
    assert names == {f"{name}{ending}" for name in kinds for ending in (".svg", ".png")}


def test_letters_beyond_ascii_are_drawn_or_named(monkeypatch, caplog):
    monkeypatch.setattr(faces, "FACES", ())
    faces._mention.cache_clear()
    faces.face("plain", 12)
    assert not caplog.records
    faces.face("Müller", 12)
    assert "no face on this machine has ü: boxes stand for them in the PNG; write an SVG" in caplog.text


def test_the_first_face_with_all_letters_is_taken(monkeypatch):
    class Face:
        def __init__(self, letters):
            self.letters = letters

        def getmask(self, letter):
            return letter.encode() if letter in self.letters else b"box"

    latin, greek = Face("üé"), Face("üα")
    monkeypatch.setattr(faces, "_opened", {"a": latin, "b": greek, "c": None}.get)
    monkeypatch.setattr(faces, "_opened", lambda name, size: {"a": latin, "b": greek}.get(name))
    monkeypatch.setattr(faces, "FACES", ("none", "a", "b"))
    assert faces.face("ü", 12) is latin
    assert faces.face("α ü", 12) is greek


def test_a_board_without_a_title_has_no_comma_behind_the_measure():
    drawing = chart(board(BASE, BETTER_ONE))
    assert texts(drawing)[0] == "AP, lee"
    assert texts(chart(replace(board(BASE, BETTER_ONE), title="")))[0] == "AP"
