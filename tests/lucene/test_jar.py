"""Tests of irkit.lucene.jar: the committed jar is what the sources say."""

import shutil
import zipfile

import pytest

from irkit.errors import JavaError
from irkit.lucene import jar
from irkit.lucene.jvm import BRIDGE_JAR


def classes(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("javac") is None, reason="there is no javac here")
def test_the_committed_jar_is_built_from_these_sources(tmp_path):
    built = classes(jar.build_jar(tmp_path / "bridge.jar"))
    committed = classes(BRIDGE_JAR)
    assert sorted(built) == sorted(committed)
    assert [name for name in built if built[name] != committed[name]] == []


def test_the_jar_runs_on_java_17_and_holds_only_our_package():
    for name, code in classes(BRIDGE_JAR).items():
        assert name.startswith("irkit/")
        assert code[:4] == b"\xca\xfe\xba\xbe"
        assert int.from_bytes(code[6:8]) == 61  # class file version of Java 17


def test_every_source_has_its_class():
    names = classes(BRIDGE_JAR)
    sources = sorted(path.stem for path in jar.SOURCES.glob("*.java"))
    assert sources
    assert [name for name in sources if f"irkit/{name}.class" not in names] == []


def test_without_a_compiler(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(JavaError, match="jar: there is no javac on the PATH; install a JDK 17"):
        jar.build_jar(tmp_path / "bridge.jar")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("javac") is None, reason="there is no javac here")
def test_sources_that_do_not_compile_leave_the_jar_alone(monkeypatch, tmp_path):
    (tmp_path / "Wrong.java").write_text("final class Wrong { int x = true; }")
    monkeypatch.setattr(jar, "SOURCES", tmp_path)
    (tmp_path / "bridge.jar").write_bytes(b"as it was")
    with pytest.raises(JavaError, match="jar: javac failed"):
        jar.build_jar(tmp_path / "bridge.jar")
    assert (tmp_path / "bridge.jar").read_bytes() == b"as it was"
