"""TREC QA's pseudo-XML, read by line."""

from __future__ import annotations

import pytest

from irkit.errors import DataError
from irkit.io.pools.trecqa import trecqa

XML = """<QApairs id='32.1'>
<question>
Who\twrote\tit\t?
WP\tVBD\tPRP\t.
</question>
<positive>
Tom\t&\tco\t<b>\t.
NNP\tCC
1\t0
</positive>
<negative>
Not\tme\t.
</negative>
</QApairs>

<QApairs id='32.2'>
<question>
Why\t?
</question>
</QApairs>
"""


def planted(folder, text):
    path = folder / "TEST.xml"
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_first_line_of_an_element_holds_its_words(tmp_path, end):
    pool = trecqa([planted(tmp_path, XML.replace("\n", end))], "test")
    assert pool.queries.values.tolist() == [["32.1", "Who wrote it ?"], ["32.2", "Why ?"]]
    found = pool.results.merge(pool.qrels, on=["qid", "docno"])
    assert sorted(found[["text", "label"]].values.tolist()) == [["Not me .", 0], ["Tom & co <b> .", 1]]
    assert pool.counts() == {"queries": 2, "candidates": 2, "relevant": 1}


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("</QApairs>\n\n", "\n\n", 16, "the question '32.1' has no </QApairs> before"),
        ("32.2", "32.1", 16, "the question '32.1' occurs twice, first in line 1"),
        ("<question>\nWho\twrote\tit\t?\nWP\tVBD\tPRP\t.\n</question>\n", "", 10, "'32.1' has no <question>"),
        ("Not\tme\t.\n", "", 11, "the element <negative> is empty"),
        ("Not\tme\t.\n", "\n", 11, "the element <negative> is empty"),
        ("</negative>\n", "", 11, "the element <negative> has no end </negative>"),
        ("<negative>\n", "<neutral>\n", 11, "no '<neutral>' can stand here"),
        ("<QApairs id='32.1'>\n", "", 1, "no '<question>' can stand here"),
        ("Why\t?\n</question>\n</QApairs>\n", "Why\t?\n</question>\n", 16, "the file ends within the question '32.2'"),
        ("Why\t?\n</question>\n</QApairs>\n", "Why\t?\n", 17, "the element <question> has no end </question>"),
        ("id='32.2'", "id=''", 16, """no "<QApairs id=''>" can stand here"""),
        ("id='32.2'", "id='\u202e'", 16, "the id of a question holds the control or invisible character U+202E"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, old, new, line, says):
    assert old in XML
    path = planted(tmp_path, XML.replace(old, new, 1))
    with pytest.raises(DataError) as caught:
        trecqa([path], "test")
    assert str(caught.value).startswith(f"{path}:{line}: {says}")
