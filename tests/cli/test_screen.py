"""What reaches a terminal: nothing that it would obey, wherever a text comes from; files and data keep it."""

from __future__ import annotations

import ast
import io
import json
import logging
import os
import shlex
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import irkit as package
from irkit import cli
from irkit.errors import DownloadError

ESC, CSI, TURN = "\x1b]0;owned\x07", "\x9b31m", "\u202e"
HOSTILE = f"a{ESC}{CSI}{TURN}b"
SHOWN = r"a\x1b]0;owned\x07\x9b31m\u202eb"


def obeyed(text: str) -> list[str]:
    """Return the characters of a text that a terminal would obey, besides our own newlines and tabs."""
    return [c for c in text if (ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 or c in f"{TURN}\u2066\u200f"]


@pytest.fixture
def index(folder, irkit):
    rows = [{"id": "d1", "text": f"storm {HOSTILE} damage"}, {"id": "d2", "text": "storm"}, {"id": "d3", "text": "x"}]
    (folder / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    irkit("index", "d.jsonl", "--to", f"index{TURN}")
    return folder / f"index{TURN}"


def test_texts_of_documents_are_shown_spelt_out_and_given_as_they_are(irkit, index):
    found = irkit("search", index, "storm")
    assert obeyed(found.out + found.err) == []
    assert f"\td1\tstorm {SHOWN} damage\n" in found.out
    found = irkit("search", index, "storm", "--json")
    assert obeyed(found.out) == []
    assert {json.loads(line)["text"] for line in found.lines} == {f"storm {HOSTILE} damage", "storm"}
    found = irkit("explain", "bm25", index, f"storm {HOSTILE}", "d1", "--query")
    assert obeyed(found.out) == []
    assert obeyed(irkit("explain", "bm25", index, "storm", HOSTILE, "--query", status=2).err) == []


def test_names_of_files_are_shown_spelt_out(irkit, folder, index):
    (folder / "q.tsv").write_text("1\tstorm\n")
    (folder / "qrels").write_text("1 0 d1 1\n")
    for name in ("r.run", f"{HOSTILE}.run"):
        found = irkit("run", "bm25", index, "--queries", "q.tsv", "-o", name, "--tag", "t")
        assert obeyed(found.out) == []
    assert (folder / f"{HOSTILE}.run").read_bytes() == (folder / "r.run").read_bytes()
    found = irkit("evaluate", "qrels", f"{HOSTILE}.run", "r.run", "--per-query", "-m", "AP")
    assert obeyed(found.out) == []
    assert found.lines[1].split()[0] == f"{SHOWN}.run"
    assert len({len(line) for line in found.lines}) == 1, "columns are aligned as they are shown"
    for arguments in (["--json"], []):
        found = irkit("compare", "qrels", "r.run", f"{HOSTILE}.run", "-m", "AP", *arguments)
        assert obeyed(found.out) == []
    assert json.loads(irkit("evaluate", "qrels", f"{HOSTILE}.run", "--json").out)["run"] == f"{HOSTILE}.run"


def test_errors_and_warnings_show_what_was_given_spelt_out(irkit, folder, capsys, monkeypatch):
    assert irkit("evaluate", "qrels", HOSTILE + ".run", status=2).err.count("\n") == 1
    (folder / "qrels").write_text("1 0 d 1\n")
    assert (
        irkit("evaluate", "qrels", HOSTILE, status=2).err == f"irkit: {SHOWN}: there is no such file; check the path\n"
    )
    assert obeyed(irkit(HOSTILE, status=2).err) == []
    monkeypatch.setattr(cli, "application", lambda: lambda *_, **__: warnings.warn(f"odd\n{HOSTILE}", stacklevel=1))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert cli.main([]) == 0
    assert capsys.readouterr().err == f"irkit: warning: odd {SHOWN}\n"


def test_what_is_logged_is_shown_spelt_out(capsys, monkeypatch):
    def work(*_, **__):
        logging.getLogger("irkit.io").warning("odd %s\n", HOSTILE)

    monkeypatch.setattr(cli, "application", lambda: work)
    assert cli.main([]) == 0
    assert capsys.readouterr().err == f"irkit: odd {SHOWN}\n"


def test_a_servers_reason_is_shown_spelt_out_in_the_trace_too(capsys, monkeypatch):
    def fail(*_, **__):
        raise DownloadError(f"http://x: {HOSTILE}; try again")

    monkeypatch.setattr(cli, "application", lambda: fail)
    assert cli.main(["--debug"]) == 2
    printed = capsys.readouterr().err
    assert printed.endswith(f"irkit: http://x: {SHOWN}; try again\n")
    assert "Traceback" in printed
    assert obeyed(printed) == []


def test_cards_are_shown_spelt_out(irkit, folder, capsys):
    from irkit.io.library.cards import load_card
    from irkit.io.library.fetch import _announce

    (folder / "c").mkdir()
    (folder / "c" / "documents.jsonl").write_text('{"id": "1", "text": "x"}\n')
    text = r"a\e]0;owned\a\x9b31m\u202eb"
    (folder / "c" / "card.yaml").write_text(
        f'name: c\nabout: "{text}"\nterms: "{text}"\nsource: ["https://x/{text}"]\n'
        "kind: texts\ndocuments: {files: [documents.jsonl]}\n"
    )
    found = irkit("data", "show", "./c")
    assert obeyed(found.out) == []
    assert f"about:    {SHOWN}\n" in found.out
    _announce(load_card(folder / "c" / "card.yaml"), folder)
    printed = capsys.readouterr().err
    assert f"terms: {SHOWN}\n" in printed
    assert obeyed(printed) == []


def test_json_is_json_on_an_output_that_knows_ascii_only(monkeypatch):
    from irkit.cli.printing import say_json

    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="backslashreplace")
    monkeypatch.setattr(sys, "stdout", out)
    say_json({"id": "K\u00f6ln", "text": HOSTILE})
    out.flush()
    assert json.loads(out.buffer.getvalue()) == {"id": "K\u00f6ln", "text": HOSTILE}


def test_reports_show_ids_spelt_out():
    from irkit.report import html, markdown, table
    from tests.report.toy import toy_result

    result = toy_result()
    for board in result["boards"]:
        board["notes"] = [HOSTILE]
        board["systems"][0]["name"] = HOSTILE
        if board["baseline"] == "bm25":
            board["baseline"] = HOSTILE
    for shown in (html(result), markdown(result), table(result)):
        assert obeyed(shown) == []
        assert "owned" in shown


def test_in_python_too_what_is_printed_is_spelt_out():
    import pandas as pd

    from irkit.evaluate import compare

    run = pd.DataFrame({"qid": ["1"], "docno": ["d"], "score": [1.0]}).astype({"qid": "str", "docno": "str"})
    qrels = pd.DataFrame({"qid": ["1"], "docno": ["d"], "label": [1]}).astype({"qid": "str", "docno": "str"})
    assert obeyed(str(compare({HOSTILE: run, "b": run}, qrels, "AP"))) == []


@pytest.mark.slow
@pytest.mark.parametrize("strict", [False, True])
def test_a_path_that_is_not_utf_8_and_a_poor_locale_end_in_one_line(tmp_path, strict):
    locale = {"LC_ALL": "C"} | ({"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"} if strict else {})
    odd = os.fsencode(tmp_path) + b"/caf\xe9.run"
    (tmp_path / "qrels").write_text("1 0 d 1\n")

    def evaluate(path):
        arguments = [sys.executable, "-m", "irkit", "evaluate", "qrels", path, "-m", "AP"]
        return subprocess.run(arguments, capture_output=True, cwd=tmp_path, env={**os.environ, **locale})

    missing = evaluate("d\u00e9j\u00e0".encode())
    assert (missing.returncode, missing.stdout, missing.stderr.count(b"\n")) == (2, b"", 1)
    with open(odd, "wb") as file:
        file.write(b"1 Q0 d 1 1.0 x\n")
    found = evaluate(odd)
    assert (found.returncode, found.stderr) == (0, b"")
    assert rb"caf\xe9.run" in found.stdout.splitlines()[1]


@pytest.mark.slow
@pytest.mark.parametrize(("closed", "status"), [(">&-", 2), ("2>&-", 0), ("<&-", 0)])
def test_a_closed_output_is_never_another_file(tmp_path, lee_index, closed, status):
    (tmp_path / "q.tsv").write_text("1\tstorm\n")
    python, index = shlex.quote(sys.executable), shlex.quote(str(lee_index))
    line = f"{python} -m irkit run bm25 {index} --queries q.tsv -n 1 -o - {closed}"
    done = subprocess.run(line, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    if status:
        assert done.stderr == "irkit: -: cannot write: Bad file descriptor; check free space and permissions\n"
    else:
        assert done.stdout.startswith("1 Q0 ")


PRINTS = {"cli/__init__.py", "recipe/indexes.py", "cli/printing.py", "io/library/fetch.py", "lucene/jar.py"}


def test_nothing_is_printed_but_through_the_one_door():
    root = Path(package.__file__).parent
    found = set()
    for path in root.rglob("*.py"):
        text = path.read_text("utf-8")
        for node in ast.walk(ast.parse(text)) if "print(" in text else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                found.add(path.relative_to(root).as_posix())
    assert found <= PRINTS, "print text with irkit.cli.printing.say, which spells out what a terminal would obey"
