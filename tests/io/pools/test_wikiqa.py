"""WikiQA's four files of parallel lines."""

from __future__ import annotations

import pytest

from irkit.errors import ConfigError, DataError
from irkit.io.pools.wikiqa import wikiqa

NAMES = ("a.toks", "b.toks", "sim.txt", "id.txt")
LINES = {
    "a.toks": ["who wrote hamlet ?", "who wrote hamlet ?", "where is rome ?", "where is rome ?"],
    "b.toks": ["hamlet is a play .", "shakespeare did .", "in italy .", "in italy ."],
    "sim.txt": ["0", "1", "1", "0"],
    "id.txt": ["7", "7", "8", "8"],
}


def planted(folder, end="\n", **changes):
    for name, lines in (LINES | changes).items():
        (folder / name).write_bytes("".join(f"{line}{end}" for line in lines).encode())
    return [folder / name for name in NAMES]


@pytest.mark.parametrize("end", ["\n", "\r\n", " \n"])
def test_parallel_lines_become_questions(tmp_path, end):
    pool = wikiqa(planted(tmp_path, end), "test")
    assert pool.queries.values.tolist() == [["test-7", "who wrote hamlet ?"], ["test-8", "where is rome ?"]]
    found = pool.results.merge(pool.qrels, on=["qid", "docno"])
    assert sorted(found[["qid", "text", "label"]].values.tolist()) == [
        ["test-7", "hamlet is a play .", 0],
        ["test-7", "shakespeare did .", 1],
        ["test-8", "in italy .", 0],
        ["test-8", "in italy .", 1],
    ]
    assert sorted(found["docno"]) == ["test-7-1", "test-7-2", "test-8-1", "test-8-2"]


def test_questions_of_different_parts_have_different_ids(tmp_path):
    paths = planted(tmp_path)
    assert not set(wikiqa(paths, "train").queries["qid"]) & set(wikiqa(paths, "test").queries["qid"])


@pytest.mark.parametrize(
    ("name", "lines", "where", "says"),
    [
        ("sim.txt", ["0", "1", "1"], "sim.txt:4", "the file ends before a.toks does"),
        ("a.toks", LINES["a.toks"][:1], "a.toks:2", "the file ends before b.toks does"),
        ("sim.txt", ["0", "1", "yes", "0"], "sim.txt:3", "the label must be a whole number, got 'yes'"),
        ("id.txt", ["7", "7", "7", "8"], "a.toks:3", "the question 7 has another text before"),
        ("id.txt", ["7", "7", "8", ""], "id.txt:4", "the number of the question is missing"),
        ("id.txt", ["7", "7", "8", "\x1b"], "id.txt:4", "the id of a question holds the control"),
    ],
)
def test_a_wrong_file_is_explained_with_file_and_line(tmp_path, name, lines, where, says):
    paths = planted(tmp_path, **{name: lines})
    with pytest.raises(DataError) as caught:
        wikiqa(paths, "test")
    assert str(caught.value).startswith(f"{tmp_path}/{where}: {says}")


def test_a_card_with_other_files_is_told_which_there_must_be(tmp_path):
    with pytest.raises(ConfigError, match=r"wikiqa: a part has 4 files \(questions, answers, labels, numbers\), got 3"):
        wikiqa(planted(tmp_path)[:3], "test")
