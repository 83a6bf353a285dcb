"""What a notebook shows, and what is written from the same description (`irkit.table`)."""

from __future__ import annotations

from html.parser import HTMLParser

import pandas as pd

from irkit.evaluate import compare
from irkit.pipeline.explain import explain
from irkit.recommend import RatingTable
from irkit.table import Cell, Column, Table, words
from irkit.table.delimited import delimited
from irkit.table.html import facts_html, html
from irkit.table.latex import latex
from irkit.table.markdown import markdown
from irkit.table.text import text
from tests.pipeline.toy import toy

HOSTILE = "<script>alert('x')</script>\x1b[2J"
QRELS = pd.DataFrame({"qid": [str(i) for i in range(8)], "docno": "a", "label": 1}).astype({"qid": "str"})
RUNS = {
    "base": QRELS[["qid"]].assign(docno="b", score=1.0),
    HOSTILE: QRELS[["qid"]].assign(docno="a", score=1.0),
}


class Seen(HTMLParser):
    """Note the elements of a page and what stands in them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        assert not any(name.startswith("on") or "color" in (value or "") for name, value in attrs)

    def handle_data(self, data):
        self.texts.append(data)


def test_a_hostile_name_is_text_in_a_notebook():
    seen = Seen(compare(RUNS, QRELS, "P@1")._repr_html_())
    assert set(seen.tags) <= {"div", "table", "caption", "thead", "tbody", "tr", "th", "td", "b", "small"}
    assert HOSTILE.replace("\x1b", r"\x1b") in "".join(seen.texts)
    facts = Seen(facts_html(HOSTILE, {HOSTILE: HOSTILE}))
    assert "script" not in facts.tags


def test_a_comparison_is_published_with_marks():
    found = compare(RUNS | {"none": RUNS["base"][:0]}, QRELS, "P@1 AP")
    header = [f"{measure}{own}" for measure in ("P@1", "AP") for own in ("", " low", " high", " delta", " p")]
    assert found.to_csv().splitlines()[0].split(",") == ["system", *header]
    assert "1.0000}$^{+}$" in found.to_latex()
    assert "| **1.0000** (1.0000–1.0000) ▲ |" in found.to_markdown()
    assert "▲ better, ▼ worse than the baseline base" in found.to_markdown()


def test_a_long_table_says_how_long_it_is():
    rows = tuple((words(f"row {number}"), Cell(str(number), number)) for number in range(100))
    table = Table((Column("name", number=False), Column("n")), rows)
    seen = Seen(html([table], shown=10))
    assert seen.tags.count("tr") == 11
    assert "90 more rows, 100 in all" in seen.texts
    assert "more rows" not in html([table], shown=100)
    assert len(delimited([table]).splitlines()) == 101


def test_every_writing_has_the_same_cells():
    columns = (Column("system", number=False), Column("RMSE", lower=True, measure=True, beside=("p",)))
    rows = ((words("a"), Cell("0.5000", 0.5, True, "better", beside=(0.01,))), (words("b"), Cell("0.7500", 0.75)))
    table = Table(columns, rows, title="set", ranked=True, baseline=1, against="the baseline b (t)", notes=("noted",))
    for written in (text(table), markdown([table]), latex([table]), html([table])):
        for part in ("0.5000", "0.7500", "b (baseline)", "lower is better", "worse than the baseline b (t)", "noted"):
            assert part in written
    assert delimited([table]) == "system,RMSE,RMSE p\na,0.5,0.01\nb,0.75,\n"
    both = delimited([table, Table((Column("n"),), ((Cell("1", 1),),), title="other")])
    assert both == "table,system,RMSE,RMSE p,n\nset,a,0.5,0.01,\nset,b,0.75,,\nother,,,,1\n"


def test_ratings_and_explanations_show_themselves():
    ratings = pd.DataFrame({"user_id": ["u", "v"], "item_id": ["a", "a"], "rating": [3.0, 4.0]})
    assert Seen(RatingTable.from_frame(ratings)._repr_html_()).texts[:3] == ["ratings", "ratings", "2"]
    stage = toy()
    found = explain(stage % 3, "some words", next(iter(stage.index.docs)))
    seen = Seen(found._repr_html_())
    assert seen.tags.count("tr") == 1 + len(found.frame())


def test_a_line_end_in_a_name_begins_no_line_of_markdown():
    hostile = "a\n# b"
    column = Column("system", number=False)
    told = {"notes": (f"{hostile}: read",), "legend": (hostile,), "against": hostile}
    table = Table((column,), ((Cell("x"),),), **told)
    assert not [line for line in markdown([table]).splitlines() if line.startswith("#")]
