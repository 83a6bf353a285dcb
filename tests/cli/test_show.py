"""`irkit data show` on paths of the user's own."""

from __future__ import annotations

import json
from pathlib import Path

from irkit.cli.overview import cut_table


def test_a_folder_is_shown(irkit, folder: Path):
    (folder / "coll").mkdir()
    (folder / "coll" / "documents.tsv").write_text(f"d1\t{'storm ' * 40}\nd2\train\n")
    (folder / "coll" / "card.txt").write_text("")
    done = irkit("data", "show", "coll")
    assert "holds:    2 documents" in done.lines
    assert any(line.startswith("documents.tsv  documents  tsv") for line in done.lines)
    assert any(line.startswith("d1     storm storm") and line.endswith("...") for line in done.lines)
    assert max(map(len, done.lines)) <= 100
    assert done.lines[-1] == "use: irkit search coll QUERY"


def test_json_has_everything_whole(irkit, folder: Path):
    (folder / "my.run").write_text("q1 Q0 d1 1 3.5 a\n")
    value = json.loads(irkit("data", "show", "my.run", "--json").out)
    assert list(value) == [
        "name",
        "kind",
        "files",
        "counts",
        "shape",
        "splits",
        "facts",
        "columns",
        "first",
        "notes",
        "uses",
    ]
    assert value["files"] == [{"name": "my.run", "what": "run", "format": "trec", "size": 17}]
    named = json.loads(irkit("data", "show", "lee", "--json").out)
    assert named["kind"] == "texts"
    assert named["holds"].startswith("350 documents")


def test_a_card_in_a_folder_is_said_too(irkit, folder: Path):
    (folder / "mine").mkdir()
    (folder / "mine" / "a.tsv").write_text("d1\train\n")
    (folder / "mine" / "card.yaml").write_text(
        "name: mine\nkind: texts\nabout: Rain.\nterms: Mine.\ndocuments: {files: [a.tsv], format: tsv}\n"
    )
    lines = irkit("data", "show", "mine").lines
    assert "about:    Rain." in lines
    assert "terms:    Mine." in lines
    assert "holds:    1 document" in lines


def test_an_index_is_shown(irkit, small_index: str):
    lines = irkit("data", "show", small_index).lines
    assert "kind:     index" in lines
    assert "holds:    2 documents, 3 terms, 3 tokens" in lines


def test_mistakes_are_one_line(irkit, folder: Path):
    (folder / "corpus").mkdir()
    (folder / "old.csv").write_bytes("id,text\n1,rain\n".encode("utf-16"))
    assert irkit("data", "show", "./corpsu", status=2).err.startswith(
        "irkit: corpsu: there is no such file or folder; did you mean corpus?"
    )
    assert "old.csv:1: this is UTF-16; write it as UTF-8" in irkit("data", "show", "old.csv", status=2).err
    assert "--encoding and --columns are for a file, got the name lee" in (
        irkit("data", "show", "lee", "--encoding", "latin-1", status=2).err
    )
    assert "did you mean cranfield?" in irkit("data", "show", "cranfeild", status=2).err


def test_wide_letters_are_cut_by_what_they_take():
    table = cut_table(["docno", "text"], [["d1", "検索" * 20]], 40)
    assert table.splitlines()[1] == "d1     " + "検索" * 7 + "検..."
