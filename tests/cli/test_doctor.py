"""Tests of irkit.cli.doctor."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from irkit.cli.doctor import diagnose


def states(out: str) -> dict[str, str]:
    return {line[9:].split()[0]: line.split()[0] for line in out.splitlines()}


def test_all_is_well_here(irkit):
    found = states(irkit("doctor").out)
    names = ["python", "irkit", "java", "lucene", "bridge", "jvm", "packages", "shipped", "home", "collections"]
    assert list(found) == names
    assert set(found.values()) == {"ok"}


@pytest.mark.parametrize(
    ("name", "value", "check", "remedy"),
    [
        ("IRKIT_JAVA_HOME", "/nowhere", "java", "point it at a Java 21+ folder"),
        ("IRKIT_DATA", "/nowhere", "collections", "point IRKIT_DATA at a folder of collections, or unset it"),
        ("IRKIT_HOME", "/dev/null/home", "home", "set IRKIT_HOME"),
    ],
)
def test_a_wrong_variable_is_a_problem_with_a_remedy(irkit, monkeypatch, name, value, check, remedy):
    monkeypatch.setenv(name, value)
    done = irkit("doctor", status=1)
    line = next(line for line in done.lines if line.startswith("problem"))
    assert line[9:].split()[0] == check
    assert remedy in line
    assert done.err == ""


def test_a_missing_bridge_is_a_problem(irkit, monkeypatch):
    monkeypatch.setattr("irkit.lucene.jvm.BRIDGE_JAR", Path("/nowhere/bridge.jar"))
    assert "make jar" in irkit("doctor", status=1).out


def test_a_missing_and_an_old_package_are_a_problem(monkeypatch):
    wanted = ["numpy>=99", "no-such-package-of-irkit>=1", "pytest>=99; extra == 'dev'"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: wanted)
    check = next(check for check in diagnose() if check.name == "packages")
    assert check.remedy
    assert "no no-such-package-of-irkit>=1" in check.found
    assert f"numpy {importlib.metadata.version('numpy')} where numpy>=99 is needed" in check.found
    assert "pytest" not in check.found


def test_an_index_is_read_again_and_the_damaged_file_named(irkit, folder):
    from irkit.lucene import build_index

    with build_index("index", [("a", "red fox"), ("b", "red dog")], threads=1) as index:
        index.forward.sum()
    found = states(irkit("doctor", "index").out)
    assert list(found)[:2] == ["lucene", "manifest.json"]
    assert {"docnos.arrow", "rank.npy", "terms.arrow", "csc_tf.npy", "csr_tf.npy", "lengths.npy"} < set(found)
    assert set(found.values()) == {"ok"}
    for name in ("_0.fdt", "irkit/cf.npy"):
        file = folder / "index" / name
        whole = file.read_bytes()
        file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    done = irkit("doctor", "index", status=1)
    wrong = [line for line in done.lines if line.startswith("problem")]
    assert [line[9:].split()[0] for line in wrong] == ["lucene", "cf.npy"]
    assert "_0.fdt" in wrong[0]
    assert wrong[0].endswith("; build it again")
    assert wrong[1].endswith("it is made again when it is next needed")
    assert irkit("search", "index", "fox", status=2).err.startswith("irkit: index: ")
    irkit("doctor", "nowhere", status=2)
