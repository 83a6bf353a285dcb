"""Tests of irkit.recipe.code."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import irkit
from irkit.pipeline.chain import Cut
from irkit.recipe import code
from irkit.recipe.code import class_digest, code_digest, environment_digest, holdings_digest


class Own:
    pass


@pytest.fixture
def package(tmp_path) -> Path:
    folder = tmp_path / "package"
    (folder / "inner").mkdir(parents=True)
    (folder / "a.py").write_text("x = 1\n")
    (folder / "inner" / "b.py").write_text("y = 2\n")
    (folder / "inner" / "bridge.jar").write_bytes(b"PK\x00")
    (folder / "page.html").write_text("<p>")
    return folder


def exchange(a: str, b: str):
    """Write both modules of the package."""

    def change(folder: Path) -> None:
        (folder / "a.py").write_text(a)
        (folder / "inner" / "b.py").write_text(b)

    return change


CHANGES = {
    "a module": exchange("x = 2\n", "y = 2\n"),
    "contents exchanged": exchange("y = 2\n", "x = 1\n"),
    "text moved over a border": exchange("x = 1\ny", " = 2\n"),
    "one byte of the jar": lambda folder: (folder / "inner" / "bridge.jar").write_bytes(b"PK\x01"),
    "a template": lambda folder: (folder / "page.html").write_text("<b>"),
    "a new file": lambda folder: (folder / "inner" / "c.py").write_text(""),
    "a file gone": lambda folder: (folder / "page.html").unlink(),
    "a file renamed": lambda folder: (folder / "a.py").rename(folder / "z.py"),
    "a file moved": lambda folder: (folder / "a.py").rename(folder / "inner" / "a.py"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_any_change_of_a_file_changes_the_digest(package, change):
    before = code._folder_digest(package)
    change(package)
    assert code._folder_digest(package) != before


def test_what_is_not_code_does_not_count(package):
    before = code._folder_digest(package)
    for name in ("__pycache__", "_shipped", ".git"):
        (package / name).mkdir()
        (package / name / "x.py").write_text("1")
    (package / "a.pyc").write_bytes(b"1")
    (package / ".a.py.swp").write_bytes(b"1")
    assert code._folder_digest(package) == before


def test_the_digest_does_not_depend_on_where_the_package_lies(package, tmp_path):
    shutil.copytree(package, tmp_path / "with a space" / "package")
    assert code._folder_digest(package) == code._folder_digest(tmp_path / "with a space" / "package")


def test_the_digest_of_irkit_covers_every_module_and_the_jar():
    root = Path(irkit.__file__).parent
    covered = set(code._files(root))
    assert set(root.rglob("*.py")) <= covered | set((root / "_shipped").rglob("*.py"))
    assert set(root.rglob("*.jar")) <= covered
    assert code_digest.__wrapped__() == code._folder_digest(root)
    assert code_digest() is code_digest()  # read once


def test_the_digest_is_the_same_in_another_process():
    command = "from irkit.recipe import code_digest, environment_digest; print(code_digest(), environment_digest())"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [code_digest.__wrapped__(), environment_digest()]


def test_the_environment_is_the_versions_of_packages(monkeypatch):
    before = environment_digest()
    monkeypatch.setattr(code, "version", lambda name: "1.0")
    assert environment_digest.__wrapped__() != before


def test_a_class_s_code_is_its_package_or_its_file(tmp_path, monkeypatch):
    assert class_digest(Cut) == code_digest()
    own = class_digest(Own)
    assert own is not None
    assert own != code_digest()

    class Inside:
        pass

    assert class_digest(Inside) is None  # it may depend on what is around it
    monkeypatch.setattr(Own, "__module__", "__main__")
    assert class_digest(Own) is None
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "plug_in").mkdir()
    (tmp_path / "plug_in" / "__init__.py").write_text("")
    (tmp_path / "plug_in" / "stages.py").write_text("class A:\n    pass\n")
    (tmp_path / "plug_in" / "helper.py").write_text("x = 1\n")
    from plug_in.stages import A  # type: ignore[import-not-found]

    before = class_digest(A)
    (tmp_path / "plug_in" / "helper.py").write_text("x = 2\n")
    code._module_digest.cache_clear()
    assert class_digest(A) not in (None, before)


def test_holdings_are_known_by_the_files_of_their_kinds(monkeypatch):
    plain = holdings_digest([1, "x", {}, None, Cut(k=1), Path()])
    assert plain == holdings_digest([])
    assert holdings_digest([Own()]) != plain
    assert holdings_digest([Own(), Own()]) == holdings_digest([Own()])

    class Prompt:
        __module__ = "__main__"

    main = type(sys)("__main__")  # as at the prompt: no file
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert holdings_digest([Prompt()]) is None
