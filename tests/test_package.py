"""Tests of the package as a whole: its door, its weight, its pins, its wheel."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import socket
import subprocess
import sys
import tomllib
import types
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import irkit

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def python(code: str, *, cwd: Path = ROOT) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=cwd, check=True)
    return done.stdout.strip()


# ------------------------------------------------------------------------------------------- the door


INTERNAL = {
    "irkit.cli",
    "irkit.evaluate.tasks",
    "irkit.table",
    *(f"irkit.io.{room}" for room in "documents library made overview pools ratings rows texts".split()),
}
"Packages that nobody imports from; what is meant to be used of them stands in the package above."

PUBLIC = [
    name
    for name in ["irkit", *(module.name for module in pkgutil.walk_packages(irkit.__path__, "irkit.") if module.ispkg)]
    if name not in INTERNAL
]


@pytest.mark.parametrize("name", [*PUBLIC, "irkit.errors", "irkit.pipeline.apply"])
def test_what_completion_shows_of_a_package_is_what_is_meant_to_be_used_and_all_of_it_opens(name):
    package = importlib.import_module(name)
    shown = dir(package)
    assert shown == sorted(shown)
    assert len(shown) >= 2
    for one in shown:
        found = getattr(package, one)
        if one not in package.__all__:
            assert isinstance(found, types.ModuleType)
            assert found.__name__ == f"{name}.{one}"
        assert one == "__version__" or not one.startswith("_")
        home = found.__name__ if isinstance(found, types.ModuleType) else getattr(found, "__module__", "irkit")
        assert home.split(".")[0] in {"irkit", "types", "typing"}, f"{name}.{one} is of {home}"
    starred: dict[str, object] = {}
    exec(f"from {name} import *", starred)
    assert {one for one in starred if one != "__builtins__"} == set(package.__all__)


def test_packages_that_are_internal_are_there():
    for name in INTERNAL:
        assert not hasattr(importlib.import_module(name), "__all__")


def test_completion_is_eager_and_import_lazy():
    code = (
        "import sys, irkit, rlcompleter\n"
        "names = dir(irkit), dir(irkit.recommend), dir(irkit.rank), dir(irkit.io)\n"
        "assert 'tune' in names[0] and 'evaluate' in names[0] and 'PMF' in names[1] and 'CrossEncode' in names[2]\n"
        "print([m for m in ('numpy', 'pandas', 'torch', 'pydantic') if m in sys.modules])\n"
        "words = rlcompleter.Completer({'irkit': irkit})\n"
        "print([words.complete(text, 0) for text in ('irkit.tu', 'irkit.recommend.PM', 'irkit.exp')])"
    )
    assert python(code).splitlines() == [
        "[]",
        "['irkit.tune(', 'irkit.recommend.PMF(', 'irkit.expand']",
    ]


def test_no_public_name_is_a_package_too():
    # Importing irkit.evaluate would put the module in the place of a function of that name.
    packages = {path.parent.name for path in (ROOT / "irkit").glob("*/__init__.py")}
    assert not packages & set(irkit.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'retrieve'"):
        _ = irkit.retrieve


# -------------------------------------------------------------------------------------- the test run


def test_tests_cannot_reach_the_network_nor_the_users_folder():
    with pytest.raises(RuntimeError, match="tests do not use the network"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(RuntimeError, match="tests do not use the network"):
        socket.getaddrinfo("example.org", 80)
    assert "irkit-tests-" in os.environ["IRKIT_HOME"]


# ----------------------------------------------------------------------------------------- the weight


def test_import_irkit_loads_nothing_heavy():
    code = (
        "import sys, irkit; print([m for m in ('numpy', 'pandas', 'torch', 'jnius', 'pydantic') if m in sys.modules])"
    )
    assert python(code) == "[]"


def test_help_loads_nothing_heavy():
    code = (
        "import contextlib, io, sys; from irkit.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main(['--help'])\n"
        "print([m for m in ('numpy', 'pandas', 'torch', 'jnius', 'scipy', 'gensim') if m in sys.modules])"
    )
    assert python(code) == "[]"


# ------------------------------------------------------------------------------------------- the pins


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pairs}


def requirements() -> list[Requirement]:
    project = PROJECT["project"]
    extras = [text for group in project["optional-dependencies"].values() for text in group]
    return [Requirement(text) for text in [*project["dependencies"], *extras, *PROJECT["build-system"]["requires"]]]


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_each_dependency_has_a_pin_that_satisfies_it(requirement):
    version = pins()[re.sub(r"[-_.]+", "-", requirement.name).lower()]
    assert requirement.specifier.contains(version, prereleases=True)


def test_pins_are_exact_and_name_no_local_build():
    for name, version in pins().items():
        assert re.fullmatch(r"\d[\w.]*", version), f"{name}=={version}"


@pytest.mark.parametrize("name", ["constraints.txt", "Makefile", "pyproject.toml", ".ci/run"])
def test_set_up_files_name_no_package_index(name):
    text = (ROOT / name).read_text()
    assert not re.search(r"https?:|file:|index-url|find-links|trusted-host", text)


# ------------------------------------------------------------------------------------------ the wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(out.glob("irkit-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """A folder with the unpacked wheel, as `pip install --target` lays it out."""
    folder = tmp_path_factory.mktemp("installed place")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(folder)]
    done = subprocess.run([*command, str(wheel)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def command(installed: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed `irkit`, away from the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    environment.pop("IRKIT_DATA", None)
    script = installed / "bin" / "irkit"
    return subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, cwd=cwd, env=environment
    )


@pytest.mark.slow
def test_wheel_holds_every_file_of_the_tree_and_the_licence_and_no_other(wheel):
    places = {"irkit": "irkit", **PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]}
    assert places.keys() == {"irkit", "pipelines", "data", "eval"}
    tree = {
        f"{place}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder, place in places.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    described, held = "irkit-" + irkit.__version__ + ".dist-info/", zipfile.ZipFile(wheel).namelist()
    assert {name for name in held if not name.startswith(described)} == tree
    assert {"irkit/py.typed", "irkit/lucene/bridge.jar", "irkit/report/board.html.j2"} <= tree
    assert set(PROJECT["project"]["license-files"]) == {
        name.removeprefix(f"{described}licenses/") for name in held if name.startswith(f"{described}licenses/")
    }


@pytest.mark.slow
def test_the_installed_command_finds_its_files_from_another_folder(installed, tmp_path):
    doctor = command(installed, tmp_path, "doctor")
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    assert str(installed) in doctor.stdout
    listed = command(installed, tmp_path, "pipelines", "list")
    assert listed.returncode == 0, listed.stderr
    assert "bm25" in listed.stdout
    shown = command(installed, tmp_path, "pipelines", "show", "bm25")
    assert str(installed / "irkit" / "_shipped" / "pipelines") in shown.stdout
    built = command(installed, tmp_path, "index", "lee")
    assert built.returncode == 0, built.stderr
    found = command(installed, tmp_path, "search", "lee-index", "storm damage", "-n", "3")
    assert len(found.stdout.splitlines()) == 3, found.stderr
