"""Outputs of commands: checked before work, whole or as they were, written before anything is printed."""

from __future__ import annotations

import errno
import json
import os
import sys

import pytest

from irkit.cli import main
from irkit.evaluate import write_results
from irkit.evaluate.board import as_result
from tests.report.toy import toy_result

RATINGS = "".join(f"u{u}\ti{i}\t{1 + u * i % 5}\n" for u in range(6) for i in range(8) if (u + i) % 3)
SUITE = "about: Toy.\nbaseline: bm25\nmeasures: [AP]\ncollections: [lee]\nsystems: [bm25]\n"


@pytest.fixture
def inputs(folder):
    """Small inputs, and outputs that cannot be."""
    (folder / "r.tsv").write_text(RATINGS)
    (folder / "space.yaml").write_text("recipe: bm25\nparameters:\n  k1: [0.4, 1.2]\n")
    (folder / "file").write_text("old")
    (folder / "place").mkdir()
    (folder / "place" / "kept").touch()
    return folder


def measured(*_, finish=lambda result: None, **__):
    """Stand for the run of a suite."""
    result = as_result(toy_result(), who="test")
    finish(result)
    return result


COMMANDS = [
    ("irkit.recipe.ready.built", ["run", "bm25", "lee", "-o"], "file"),
    ("irkit.evaluate.tune", ["tune", "space.yaml", "lee", "-o"], "file"),
    ("irkit.evaluate.run_suite", ["leaderboard", "quickstart-retrieval", "--json"], "file"),
    ("irkit.evaluate.run_suite", ["leaderboard", "quickstart-retrieval", "--report"], "file"),
    ("irkit.evaluate.run_suite", ["leaderboard", "quickstart-retrieval", "--runs"], "folder"),
    ("irkit.recommend.load_ratings", ["recommend", "r.tsv", "u1", "--save"], "file"),
    ("irkit.recipe.runfolder.open_model", ["sample", "m.safetensors", "-o"], "file"),
    ("irkit.recipe.runfolder.open_model", ["encode", "m.safetensors", "rows.npy", "-o"], "file"),
    ("irkit.recipe.runfolder.train_run", ["train", "nade-digits", "--run"], "folder"),
    ("irkit.lucene.build_index", ["index", "lee", "--to"], "folder"),
]


@pytest.fixture
def idle(monkeypatch):
    """Let a command fail with a defect if it begins to work."""

    def install(work: str) -> None:
        def begun(*_, **__):
            raise AssertionError("the work has begun")

        monkeypatch.setattr(work, begun)

    return install


@pytest.mark.parametrize(
    ("work", "command", "kind"), COMMANDS, ids=lambda value: value[-1] if isinstance(value, list) else ""
)
def test_every_output_is_checked_before_the_work(irkit, inputs, idle, monkeypatch, work, command, kind):
    idle(work)
    suffix = {"sample": ".png", "encode": ".npy"}.get(command[0], ".json")
    impossible = ["place", f"file/x{suffix}"] if kind == "file" and command[-1] != "--report" else [f"file/x{suffix}"]
    for output in (*impossible, "file" if kind == "folder" else "n" * 300 + suffix):
        done = irkit(*command, output, status=2)
        assert done.err.count("\n") == 1
        assert output in done.err
        assert done.out == ""

    def read_only(*_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("irkit.io.outputs._probe", read_only)
    done = irkit(*command, f"new{suffix}", status=2)
    assert done.err.startswith(f"irkit: new{suffix}: cannot write: Read-only file system; ")
    assert sorted(path.name for path in inputs.iterdir()) == ["file", "place", "r.tsv", "space.yaml"]
    assert (inputs / "file").read_text() == "old"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["--report", "x.pdf"],
            "report: cannot tell what to write, got x.pdf; end it in .html, .md, .json, ",
        ),
        (["--report", "-"], "report: cannot tell what to write, got -; "),
        (["--report", "x.json", "--json", "x.json"], "leaderboard: --report and --json would both write x.json; give"),
    ],
)
def test_a_report_that_cannot_be_is_refused_before_the_suite_runs(irkit, inputs, idle, arguments, line):
    idle("irkit.evaluate.run_suite")
    assert irkit("leaderboard", "quickstart-retrieval", *arguments, status=2).err.startswith(f"irkit: {line}")


# ---------------------------------------------------------------------- files first, then text


class Gone:
    """Standard output whose reader has stopped: the first word printed fails."""

    def write(self, text):
        raise BrokenPipeError

    def flush(self):
        raise BrokenPipeError

    def fileno(self):
        raise OSError


@pytest.fixture
def unread(folder, monkeypatch):
    """Run a command that nobody listens to."""

    def run(*arguments):
        monkeypatch.setattr(sys, "stdout", Gone())
        assert main([str(argument) for argument in arguments]) == 141
        monkeypatch.undo()

    return run


def test_a_leaderboard_keeps_its_files_when_nobody_reads_the_table(unread, folder, monkeypatch):
    monkeypatch.setattr("irkit.evaluate.run_suite", measured)
    place = folder
    unread("leaderboard", "quickstart-retrieval", "--json", place / "p.json", "--report", place / "p.html")
    assert json.loads((place / "p.json").read_text())["suite"] == "toy"
    assert "<html" in (place / "p.html").read_text()


def test_a_tuning_keeps_its_table(unread, inputs):
    unread("tune", "space.yaml", "lee", "-m", "AP", "--folds", "2", "-o", inputs / "c.tsv")
    assert (inputs / "c.tsv").read_text().startswith("k1\tAP\tchosen\n")


def test_a_recommender_is_saved(unread, inputs):
    unread("recommend", inputs / "r.tsv", "u1", "--recipe", "bias", "--save", inputs / "m.safetensors")
    assert (inputs / "m.safetensors").stat().st_size > 0


def test_a_result_on_standard_output_stands_there_alone(folder, capfd, monkeypatch):
    monkeypatch.setattr("irkit.evaluate.run_suite", measured)
    assert main(["leaderboard", "quickstart-retrieval", "--json", "-"]) == 0
    printed = capfd.readouterr()
    assert json.loads(printed.out)["suite"] == "toy"
    assert "bm25" in printed.err
    assert os.listdir(folder) == []


def test_a_table_of_candidates_on_standard_output_stands_there_alone(inputs, capfd):
    assert main(["tune", "space.yaml", "lee", "-m", "AP", "--folds", "2", "-o", "-"]) == 0
    printed = capfd.readouterr()
    assert [line.count("\t") for line in printed.out.splitlines()] == [2, 2, 2]
    assert "held-out queries: AP" in printed.err


def test_a_result_may_be_packed_and_is_read_back(irkit, folder, monkeypatch):
    from irkit.evaluate import read_results

    monkeypatch.setattr("irkit.evaluate.run_suite", measured)
    irkit("leaderboard", "quickstart-retrieval", "--json", "p.json.xz")
    assert (folder / "p.json.xz").read_bytes().startswith(b"\xfd7zXZ")
    assert read_results("p.json.xz") == as_result(toy_result(), who="test")


# ---------------------------------------------------------------------- what goes wrong while writing


def write_a_result(path):
    write_results(toy_result(), path)


def write_a_run(path):
    import pandas as pd

    from irkit.io import write_run

    write_run(pd.DataFrame({"qid": ["1"], "docno": ["d"], "score": [1.0]}).astype({"qid": "str", "docno": "str"}), path)


def write_judgements(path):
    import pandas as pd

    from irkit.io.documents.qrels import write_qrels

    write_qrels(pd.DataFrame({"qid": ["1"], "docno": ["d"], "label": [1]}).astype({"qid": "str", "docno": "str"}), path)


def write_a_report(path):
    from irkit.report import write_report

    write_report(toy_result(), path)


def write_examples(path):
    import numpy as np

    from irkit.cli.models import write_examples

    write_examples(path, np.eye(3))


def save_a_recommender(path):
    import pandas as pd

    from irkit.recommend import Bias, RatingTable

    rows = pd.DataFrame([line.split("\t") for line in RATINGS.splitlines()], columns=["user_id", "item_id", "rating"])
    rows = rows.astype({"user_id": "str", "item_id": "str", "rating": "float64"})
    Bias().fit(RatingTable.from_frame(rows)).save(path)


WRITERS = [
    (write_a_result, "a.json"),
    (write_a_result, "a.json.gz"),
    (write_a_run, "a.run"),
    (write_a_run, "a.run.zst"),
    (write_judgements, "a.qrels"),
    (write_a_report, "a.html"),
    (write_a_report, "a.md"),
    (write_examples, "a.npy"),
    (write_examples, "a.csv"),
    (save_a_recommender, "a.safetensors"),
]


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EFBIG])
@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize(("write", "name"), WRITERS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_writer_that_fails_leaves_the_old_file_and_nothing_beside_it(
    tmp_path, monkeypatch, write, name, step, reason
):
    from irkit.errors import DataError

    path = tmp_path / name
    path.write_bytes(b"old")

    def fail(*_):
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(DataError) as caught:
        write(path)
    assert str(caught.value) == f"{path}: cannot write: {os.strerror(reason)}; check free space and permissions"
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_a_disk_that_fills_up_for_real_leaves_the_old_file(tmp_path):
    import subprocess

    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "from irkit.errors import DataError; from irkit.atomic import write_bytes\n"
        "for pack in (False, True):\n"
        "    try: write_bytes(sys.argv[1], __import__('os').urandom(9000), pack=pack)\n"
        "    except DataError as error: print(error)\n"
    )
    path = tmp_path / "a.gz"
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{path}: cannot write: File too large; check free space and permissions"] * 2
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["a.gz"]


def test_a_part_of_a_suite_never_takes_the_place_of_the_whole_that_is_kept(irkit, folder, monkeypatch):
    monkeypatch.setattr("irkit.evaluate.board.results_folder", lambda suite: folder / "results")
    monkeypatch.setattr("irkit.evaluate.run_suite", lambda *_, **__: pytest.fail("the suite was run"))
    kept = toy_result() | {"suite": "quickstart"}
    path = write_results(kept, folder / "results" / "quickstart.json")
    names = sorted({board["collection"] for board in kept["boards"]} - {"lee"})
    before = path.read_bytes()
    line = irkit("leaderboard", "quickstart", "--only", "lee", "--save", status=2).err
    assert line.startswith("irkit: leaderboard: --save with --only or --system would drop ")
    assert ", ".join(names) in line
    assert path.read_bytes() == before


def test_a_board_that_cannot_be_written_down_is_printed(irkit, monkeypatch):
    monkeypatch.setattr("irkit.evaluate.run_suite", measured)
    done = irkit("leaderboard", "quickstart-retrieval", "--json", "/dev/full", status=2)
    assert "bm25 (baseline)" in done.out
    assert done.err.startswith("irkit: /dev/full: cannot write: No space left on device")


def test_a_tuning_that_cannot_be_written_down_is_printed(irkit, inputs):
    done = irkit("tune", "space.yaml", "lee", "-m", "AP", "--folds", "2", "-o", "/dev/full", status=2)
    assert "held-out queries: AP" in done.out


def test_quiet_leaves_nothing_beside_a_result_on_standard_output(folder, capfd):
    assert main(["run", "bm25", "lee", "-o", "-", "--quiet"]) == 0
    printed = capfd.readouterr()
    assert printed.out.startswith("lee-01 Q0 ")
    assert printed.err == ""
