"""Tests of irkit.report.html: the page as a document. What it does in a browser is in test_browser.py."""

import base64
import copy
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import irkit.report
from irkit.errors import DataError
from irkit.evaluate.board import as_result
from irkit.evaluate.looks import looks
from irkit.report.html import embedded, html
from tests.report.toy import WHITE_PNG, WHITE_SVG, density_result, gallery_result, tiny_result, tiny_system, toy_result

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    '"><script>alert(1)</script>',
    "</script><script>alert(1)</script>",
    "</style><style>*{display:none}</style>",
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "<!--",
    "]]>",
    "javascript:alert(1)",
    "\u202e\u2028検索\x00",
    "x" * 3000,
]
VOID = {"img", "meta", "link", "input", "circle", "line", "br"}


class Page(HTMLParser):
    """Collect elements, attributes and texts, and check that every element is closed in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts, self._open = [], [], {}, []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attributes]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attributes]

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open:
            self.texts.setdefault(self._open[-1], []).append(data)

    def values(self, name):
        return [value for _, attribute, value in self.attributes if attribute == name]


def hostile_result():
    """Put every hostile text into every place that takes text."""
    result = toy_result(systems=len(HOSTILE), queries=3, measures=("AP", "<b>RMSE</b>"))
    board = result["boards"][0]
    for text, system in zip(HOSTILE, board["systems"], strict=True):
        for key in ("name", "about", "recipe", "recipe_hash", "recipe_yaml", "command"):
            system[key] = text
        system["notes"] = [text]
        system["per_query"] = {
            m: dict(zip(HOSTILE, values.values(), strict=False)) for m, values in system["per_query"].items()
        }
    board["baseline"] = HOSTILE[0]
    for key in ("collection", "about", "data_hash", "split", "test", "correction", "interval"):
        board[key] = HOSTILE[1]
    board["notes"] = HOSTILE
    for key in ("suite", "about", "date", "irkit", "code", "command"):
        result[key] = HOSTILE[2]
    result["machine"] = {"cpu": HOSTILE[0], "cores": 2, "python": HOSTILE[2], "platform": HOSTILE[3]}
    return result


def test_the_page_holds_its_provenance_and_a_row_per_system():
    page = Page(html(toy_result()))
    text = " ".join(" ".join(parts) for parts in page.texts.values())
    assert "3f9a1c0d5be247c68f12" in page.values("data-text")
    assert "c0ffee5eed" in page.values("data-text")
    for part in ("2026-11-21", "3f9a1c0d5b…", "Toy CPU at 2.0 GHz, 2 cores, Linux, Python 3.11.7", "42"):
        assert part in text
    assert "paired t, Holm-corrected p < 0.05" in text
    assert page.values("class").count("system") == 7 + 3
    assert page.values("class").count("system baseline") == 1
    assert page.values("class").count("charts") == 2
    assert "irkit run rrf lee" in page.texts["code"]


def test_identifiers_are_unique_and_every_reference_has_its_target():
    page = Page(html(toy_result()))
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    references = page.values("for") + page.values("aria-controls") + page.values("aria-labelledby")
    assert references
    assert set(references) | {href[1:] for href in page.values("href") if href.startswith("#")} <= set(ids)


def test_the_first_measure_is_sorted_and_says_so():
    directions = Page(html(toy_result())).values("aria-sort")
    assert directions == ["none", "descending", "none", "none", "none", "none", "none", "descending"]
    assert Page(html(toy_result(measures=("RMSE",)))).values("aria-sort")[1] == "ascending"


def test_nothing_is_loaded_from_anywhere():
    text = html(toy_result())
    page = Page(text)
    assert set(page.tags).isdisjoint({"img", "iframe", "object", "embed", "base", "form"})
    assert page.values("src") == []
    assert {href for href in page.values("href") if not href.startswith("#")} == {"data:,"}
    assert not re.search(r"@import|url\(", text)
    assert set(re.findall(r"https?://[^\s\"']+", text)) == {"http://www.w3.org/2000/svg"}


def test_the_policy_admits_exactly_the_page_s_own_style_and_script():
    text = html(toy_result())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text).group(1).replace("&#39;", "'")
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (content,) = re.findall(rf"(?s)<{tag}>(.*?)</{tag}>", text)
        own = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert re.search(rf"{tag}-src 'sha256-{re.escape(own)}'", policy)


def test_hostile_text_makes_no_element_no_attribute_and_no_code():
    calm, hostile = (
        Page(html(toy_result(systems=len(HOSTILE), queries=3, measures=("AP", "RMSE")))),
        Page(html(hostile_result())),
    )
    assert set(hostile.tags) == set(calm.tags)
    assert {name for _, name, _ in hostile.attributes} == {name for _, name, _ in calm.attributes}
    assert hostile.tags.count("script") == calm.tags.count("script") == 2
    assert hostile.tags.count("style") == 1
    assert [tag for tag, name, _ in hostile.attributes if name.startswith("on") or name == "style"] == []
    names = hostile.values("data-key")
    for text in HOSTILE[:9]:
        assert text in names
    assert all(not re.search(r"[\x00\u202e]", value or "") for _, _, value in hostile.attributes)


def test_embedded_data_are_read_back_as_they_were():
    page = html(hostile_result())
    (block,) = re.findall(r'(?s)<script type="application/json" id="data">(.*?)</script>', page)
    assert block.isascii()
    assert set(block).isdisjoint("<>&\n")
    board = json.loads(block)["boards"][0]
    assert board["qids"] == HOSTILE[:3]
    assert {system["name"] for system in board["systems"]} >= set(HOSTILE[:9])
    assert json.loads(embedded(HOSTILE)) == HOSTILE


def values_of(system, measure):
    """Return a system's values as the page's scripts read them."""
    column = system["perQuery"][measure]
    if not isinstance(column, str):
        return column
    packed = base64.b64decode(column)
    whole = [int.from_bytes(packed[at : at + 3], "big") for at in range(0, len(packed), 3)]
    return [None if number == 0xFFFFFF else number / 1e6 for number in whole]


def test_per_query_values_follow_the_queries_and_missing_ones_are_null():
    result = toy_result(systems=2, queries=3, measures=("AP",))
    bm25, other = result["boards"][0]["systems"]
    bm25["per_query"] = {"AP": {"q1": 0.5, "q2": 0.123456789}}
    other["per_query"] = {"AP": {"q2": 0.25, "q3": 0.0}}
    (block,) = re.findall(r'id="data">(.*?)</script>', html(result))
    board = json.loads(block)["boards"][0]
    assert sorted(board["qids"]) == ["q1", "q2", "q3"]
    found = {s["name"]: dict(zip(board["qids"], values_of(s, 0), strict=True)) for s in board["systems"]}
    assert found == {
        "bm25": {"q1": 0.5, "q2": 0.123457, "q3": None},
        "ql-dirichlet": {"q1": None, "q2": 0.25, "q3": 0.0},
    }


def test_missing_values_are_dashes_and_missing_sections_are_left_out():
    systems = tiny_system("bm25", {"AP": {"mean": 0.1}}, ms_per_query=1.0), tiny_system("bare", {"AP": {"mean": 0.2}})
    systems[0]["peak_memory_mb"] = 9.0
    page = html(tiny_result(*systems))
    row = page[page.index("<bdi>bare</bdi>") :].split("</tbody>")[0]
    assert row.count('data-key="">–</td>') == 2  # time and memory
    assert row.count("<td>–</td>") == 6  # difference, four p-values, robustness
    assert "<pre" not in row
    alone = html(tiny_result(*systems, baseline=None))
    assert "baseline" not in re.sub(r"(?s)<(style|script).*?</\1>", "", alone)


def test_a_board_of_density_models_has_its_own_columns_words_and_signs():
    text = html(density_result())
    page = Page(text)
    heads = [re.sub("<.*", "", part) for part in re.findall(r'class="sort">([^<]*)<', text)]
    assert heads == ["System", "log p", "parameters", "ms/row", "s/fit"]
    shown = re.findall(r'<span class="mean(?: best)?">([^<]*)</span>', text)
    assert shown[:3] == ["≥ −19.125 ± 0.062", "−19.250", "~ −21.500 ± 0.250"]
    assert "≥ lower bound, the truth may be higher" in " ".join(" ".join(parts) for parts in page.texts.values())
    (block,) = re.findall(r'id="data">(.*?)</script>', text)
    board = json.loads(block)["boards"][0]
    assert board["words"] == {"query": "test row", "queries": "test rows", "cost": "row", "value": ""}
    assert board["systems"][0]["signs"] == ["≥"]
    assert 'colspan="5"' in text


def test_pictures_stand_side_by_side_in_the_order_of_the_suite():
    text = html(gallery_result())
    (gallery,) = re.findall(r'(?s)<table class="gallery">.*?</table>', text)
    head, *rows = gallery.split("<tr>")[1:]
    assert re.findall(r"<bdi>(\w+)</bdi>", head) == ["plain", "left", "right"]
    assert "log p −20.500" in head
    found = [re.findall(r'<td>(?:<figure><img src="([^"]*)" alt="([^"]*)">)?', row) for row in rows]
    png = "data:image/png;base64," + WHITE_PNG
    svg = "data:image/svg+xml;base64," + base64.b64encode(WHITE_SVG.encode()).decode()
    assert found == [
        [(png, "samples of plain"), (png, "samples of left"), ("", "")],
        [("", ""), (svg, "latent plane of left"), (svg, "latent plane of right")],
        [(svg, "learning curve of plain"), (svg, "learning curve of left"), ("", "")],
    ]
    assert re.findall(r"<figcaption>([^<]*)</figcaption>", rows[1]) == ["91.0 %.", "93.0 %."]
    assert "img-src data:; " in text
    assert Page(text).values("src") == [src for row in found for src, _ in row if src]


def test_a_board_without_pictures_has_no_gallery():
    assert "gallery" not in re.sub(r"(?s)<style>.*?</style>", "", html(density_result()))


def test_a_hostile_picture_stays_in_its_attribute():
    result = gallery_result()
    calm = Page(html(result))
    for system in result["boards"][0]["systems"][1:]:
        for figure in system["figures"]:
            figure["caption"] = HOSTILE[1]
            if figure["media"] == "image/svg+xml":
                figure["content"] += HOSTILE[1]
    hostile = Page(html(result))
    assert hostile.tags == calm.tags
    assert {name for _, name, _ in hostile.attributes} == {name for _, name, _ in calm.attributes}
    assert all(source.startswith("data:image/") for source in hostile.values("src"))


def test_the_same_result_gives_the_same_bytes_whatever_its_order_of_keys():
    result = toy_result()
    shuffled = {key: copy.deepcopy(result[key]) for key in reversed(result)}
    assert html(result) == html(result) == html(shuffled)


def test_a_large_result_stays_small_enough_to_mail():
    assert len(html(toy_result(systems=40, queries=1000))) < 2_000_000


def many_queries(queries):
    """Return a result of five systems and five measures whose values have all their digits."""
    result = toy_result(systems=5, queries=queries, measures=("AP", "nDCG@10", "P@10", "R@1000", "RR@10"))
    for system in result["boards"][0]["systems"]:
        system["per_query"] = {
            measure: {f"topic-{qid}": value / 3 for qid, value in column.items()}
            for measure, column in system["per_query"].items()
        }
    return result


def test_ten_thousand_queries_stay_small_and_are_drawn_by_no_element():
    few, many = html(many_queries(30)), html(many_queries(10_000))
    assert 1_000_000 < len(many) < 1_300_000
    assert abs(len(Page(many).tags) - len(Page(few).tags)) < 100  # marks of differences, and no row for a query
    assert many.count('"topic-9999"') == 1  # named once, whatever the number of systems and measures
    (block,) = re.findall(r'id="data">(.*?)</script>', many)
    board = json.loads(block)["boards"][0]
    for system in board["systems"]:
        for number in range(5):
            own = values_of(system, number)
            assert len(own) == 10_000
            assert all(value == round(value, 7) for value in own)


def found_in_many(queries):
    """Return such a result with what its systems found for single queries."""
    result = as_result(many_queries(queries), who="toy")
    board = result.boards[0]
    values = {row.name: row.values["AP"] for row in board.rows}
    first = {
        name: {qid: [f"doc-{7 * n + i}" for i in range(20)] for qid in own}
        for n, (name, own) in enumerate(values.items())
    }
    texts = {qid: f"a query of some words {qid}" for qid in values["bm25"]}
    board.looks = looks(first, values, "bm25", texts, {}, lambda names: ["some words of a text " * 30] * len(names))
    return result


def test_what_was_found_for_single_queries_adds_little_to_a_page_of_ten_thousand():
    page, plain = html(found_in_many(10_000)), html(many_queries(10_000))
    assert 200_000 < len(page) - len(plain) < 450_000
    assert len(page) < 1_600_000


def test_a_result_without_boards_systems_or_measures_is_a_page_all_the_same():
    Page(html({**toy_result(), "boards": []}))
    assert "No systems." in html(tiny_result(measures=()))
    Page(html(tiny_result(tiny_system("a", {}), measures=())))


def test_another_schema_is_refused():
    with pytest.raises(DataError, match=r"^report: "):
        html({})


def test_the_scripts_never_parse_text_as_markup():
    for path in Path(irkit.report.__file__).parent.glob("*.js"):
        code = path.read_text(encoding="utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(|fetch\(|XMLHttp", code
        )
