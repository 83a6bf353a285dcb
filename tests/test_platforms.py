"""What macOS and Windows need, as far as Linux can tell; docs/platforms.md says what was never run there."""

import ast
import multiprocessing
import os
import re
import subprocess
import sys
import threading
from pathlib import Path, PureWindowsPath

import pytest
import torch

from irkit import locate, streams
from irkit.evaluate import memory
from irkit.learn import checkpoint
from irkit.lucene import jvm
from irkit.pipeline.worker import run_piece

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "irkit").rglob("*.py"))

POSIX = ("fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty")
"Modules of Python that Windows lacks."

# What no file may be called on Windows: characters, endings, devices whatever their ending.
UNHOLDABLE = re.compile(r'[<>:"\\|?*\x00-\x1f]|[. ](/|$)|(^|/)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|/|$)', re.I)


def text_calls(source: str) -> list[int]:
    """Lines of calls that read or write text in whatever encoding and line ends the system has."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        given = {one.arg: one.value for one in node.keywords}
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        words = [*node.args, *given.values()]
        mode = any(isinstance(one, ast.Constant) and re.fullmatch(r"[rwxa]t?\+?", str(one.value)) for one in words)
        is_text = (
            (name == "read_text" and not node.args)
            or (name == "write_text" and len(node.args) < 2)
            or (name == "open" and (mode or (isinstance(node.func, ast.Name) and len(words) == 1)))
            or any(getattr(given.get(word), "value", False) is True for word in ("text", "universal_newlines"))
        )
        if is_text and "encoding" not in given:
            found.append(node.lineno)
    return found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("path.read_text()", [1]),
        ("path.read_text('utf-8')", []),
        ("path.write_text('x')", [1]),
        ("path.write_text('x', encoding='utf-8')", []),
        ("open(path)", [1]),
        ("open(path, 'rb')", []),
        ("path.open('a')", [1]),
        ("path.open('r+b')", []),
        ("subprocess.run(command, text=True)", [1]),
    ],
)
def test_a_text_without_an_encoding_is_seen(source, found):
    assert text_calls(source) == found


def test_every_text_names_its_encoding():
    assert {str(path): lines for path in SOURCES if (lines := text_calls(path.read_text("utf-8")))} == {}


def test_every_module_can_be_imported_where_those_of_posix_are_missing():
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in SOURCES]
    code = f"""
import importlib, sys
names = {[name for name in names if not name.endswith("__main__")]!r}
for name in names:  # what other packages import for themselves comes first
    importlib.import_module(name)
for name in [name for name in sys.modules if name.split(".")[0] == "irkit"]:
    del sys.modules[name]
sys.modules.update(dict.fromkeys({POSIX!r}))
for name in names:
    importlib.import_module(name)
from irkit import atomic
from irkit.evaluate import memory
from irkit.learn import checkpoint
print(atomic.fcntl, memory.resource)
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, encoding="utf-8")
    assert done.stdout.split() == ["None", "None"], done.stderr


def test_files_are_called_as_every_system_can():
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, encoding="utf-8")
    if done.returncode:
        pytest.skip("no checkout")
    names = done.stdout.rstrip("\0").split("\0")
    assert [name for name in names if UNHOLDABLE.search(name) or not name.isascii()] == []
    assert len({name.lower() for name in names}) == len(names)
    assert max(map(len, names)) < 100  # of the 260 that Windows counts, with the folder of the checkout


def test_files_of_a_checkout_keep_their_bytes():
    assert "* -text" in (ROOT / ".gitattributes").read_text("utf-8").splitlines()


def test_paths_are_put_in_one_order():
    names = ["B.txt", "a/c.txt", "a-b.txt", "A.txt", "b.txt"]
    expected = ["A.txt", "B.txt", "a/c.txt", "a-b.txt", "b.txt"]
    for kind in (Path, PureWindowsPath):
        assert [path.as_posix() for path in locate.in_order(map(kind, names))] == expected
    assert sorted(map(Path, names)) == locate.in_order(map(Path, names))


def test_peak_memory_is_unknown_where_nobody_tells_it(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "resource", None)
    monkeypatch.setattr(memory, "_CLEAR", tmp_path / "missing" / "clear_refs")
    monkeypatch.setattr(memory, "_STATUS", tmp_path / "status")
    assert memory.peak_memory_mb() is None
    assert memory.memory_notes() == [memory.UNKNOWN]


@pytest.mark.parametrize("wrong", [AttributeError, ValueError])
def test_a_heap_where_the_system_does_not_tell_its_memory(monkeypatch, wrong):
    def untold(name):
        raise wrong

    monkeypatch.setattr(os, "sysconf", untold)
    monkeypatch.delenv("IRKIT_HEAP", raising=False)
    assert jvm.heap() == "2048m"
    monkeypatch.setenv("IRKIT_HEAP", "48g")
    assert jvm.heap() == "48g"
    monkeypatch.setenv("IRKIT_HEAP", "1m")
    with pytest.raises(jvm.JavaError, match="from 64m to the memory"):
        jvm.heap()


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_what_is_kept_of_a_stream_has_a_name_without_descriptors(monkeypatch, tmp_path, system):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "platform", system)
    reader, writer = os.pipe()
    data = os.urandom(200_000)
    threading.Thread(target=lambda: (os.write(writer, data), os.close(writer)), daemon=True).start()
    place, held = streams.on_disk(f"/dev/fd/{reader}")
    for _ in range(2):
        assert place.read_bytes() == data
    del held
    assert not place.exists()
    os.close(reader)


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="nobody says what is mapped here")
def test_a_checkpoint_that_was_read_is_not_mapped_on_windows(monkeypatch, tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    checkpoint.save(path, "toy", {"weight": torch.arange(100_000.0)})

    def mapped():
        return str(path) in Path("/proc/self/maps").read_text("utf-8")

    read = checkpoint.load(path, "toy")
    assert mapped()
    del read
    monkeypatch.setattr(sys, "platform", "win32")
    read = checkpoint.load(path, "toy")
    assert not mapped()
    assert torch.equal(read["weight"], torch.arange(100_000.0))


def test_a_worker_can_be_spawned():
    import cloudpickle

    from irkit.frames import queries_frame
    from irkit.pipeline import apply

    pipeline = apply.rewrite(lambda row: row["query"].upper())
    queries = queries_frame({"1": "storm"})
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.apply(run_piece, ("key", cloudpickle.dumps(pipeline), queries))
    assert found.equals(pipeline.run(queries))


def test_a_console_without_the_letters_gets_them_spelt_out(tmp_path):
    path = tmp_path / "documents.jsonl"
    path.write_text('{"docno": "d1", "text": "storm \\u65e5\\u672c over K\\u00f6ln"}\n', encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "IRKIT_HOME": str(tmp_path / "home")}
    commands = [["index", str(path), "--to", str(tmp_path / "index")], ["search", str(tmp_path / "index"), "storm"]]
    for command in commands:
        done = subprocess.run([sys.executable, "-m", "irkit", *command], capture_output=True, env=environment)
        assert done.returncode == 0, done.stderr
    assert b"\\u65e5\\u672c over K\xf6ln" in done.stdout
