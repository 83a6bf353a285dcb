"""Builds that are killed, collide, or run out of room: the old or the new index is there, whole."""

import os
import random
import resource
import subprocess
import sys
import time

import pytest

from irkit.lucene import Index, build_index
from irkit.lucene.jvm import start

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills processes")

SIZE = 300

QUICK_JVM = {**os.environ, "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
"Short-lived processes gain nothing from an optimising compiler."

# Starts its JVM, says so, waits to be told, then builds one version after the other into the same path.
BUILDER = """
import sys
from irkit.lucene import build_index
from irkit.lucene.jvm import start

path, size, first, last, warm = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]

def documents(version):
    for row in range(size):
        yield f"d{row}", f"version{version} row{row} " + "word " * (row % 50)

start()
if warm:
    build_index(warm, documents(0)).close()
print("ready", flush=True)
sys.stdin.readline()
for version in range(first, last):
    build_index(path, documents(version), threads=2, overwrite=True).close()
"""


def documents(version, size=SIZE):
    for row in range(size):
        yield f"d{row}", f"version{version} row{row} " + "word " * (row % 50)


@pytest.fixture
def prepare():
    """Start builders, and end what is left of them."""
    started = []

    def start_one(*args, **options):
        started.append(prepared(*args, **options))
        return started[-1]

    yield start_one
    for process in started:
        with process:
            process.kill()


def prepared(path, size=SIZE, first=1, last=2, warm="", **options):
    """Start a process that will build versions first to last - 1."""
    command = [sys.executable, "-c", BUILDER, *map(str, (path, size, first, last, warm))]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(command, text=True, env=QUICK_JVM, **pipes, **options)


def go(process):
    """Let a process build, as soon as its JVM runs."""
    assert process.stdout.readline() == "ready\n", process.communicate()[1]
    process.stdin.write("\n")
    process.stdin.flush()
    return process


def version(path, *, parts=True):
    """Open an index, check that every document is of one version and can be found, and return the version."""
    with Index.open(path) as index:
        assert index.stats.documents == SIZE
        texts = index.texts([f"d{row}" for row in range(SIZE)])
        (only,) = {text.split()[0] for text in texts}
        assert len(index.search([only], SIZE).doc) == SIZE
        assert index.docnos[index.search(["row17"], 1).doc[0]] == "d17"
        if parts:
            assert index.lengths.sum() == index.stats.tokens == index.forward.sum()
        return int(only.removeprefix("version"))


def leftovers(path):
    return sorted(set(os.listdir(path.parent)) - {path.name})


def half_built(path):
    return [name for name in leftovers(path) if ".building-" in name]


@pytest.mark.slow
def test_twenty_kills_at_random_moments(tmp_path, prepare):
    """Each process builds over and over, so that a kill falls anywhere: feeding, committing, swapping, removing."""
    path = tmp_path / "folder" / "index"
    build_index(path, documents(0)).close()
    rng = random.Random(20)
    littered, seen = 0, [0]
    coming = prepare(path, first=100, last=200, warm=tmp_path / "warm0")
    for kill in range(1, 81):
        running = go(coming)
        # The next process starts its JVM meanwhile.
        coming = prepare(path, first=100 * (kill + 1), last=100 * (kill + 2), warm=tmp_path / f"warm{kill}")
        time.sleep(
            rng.uniform(0.0, 0.4) * (1 + kill / 10)
        )  # longer and longer: on a busy machine a build takes a while
        running.kill()
        running.wait()
        littered += bool(half_built(path))
        seen.append(version(path))
        if kill >= 20 and len(set(seen)) > 5 and littered > 5:  # a busy machine needs more than twenty
            break
    coming.kill()
    coming.wait()
    assert seen == sorted(seen)  # never back to an older one
    assert len(set(seen)) > 5  # some builds ended before the kill
    assert littered > 5  # and some did not
    build_index(path, documents(7), overwrite=True).close()
    assert version(path) == 7
    assert leftovers(path) == []


@pytest.mark.slow
def test_readers_during_rebuilds(tmp_path, prepare):
    """Whoever opens the index while it is replaced over and over gets one whole version."""
    path = tmp_path / "index"
    build_index(path, documents(0)).close()
    running = go(prepare(path, first=1, last=10_000, warm=tmp_path / "warm"))
    seen: list[int] = []
    while len(set(seen)) < 8:
        assert running.poll() is None
        seen.append(version(path, parts=False))
    running.kill()
    assert seen == sorted(seen)


@pytest.mark.slow
def test_of_two_builders_one_wins(tmp_path, prepare):
    path = tmp_path / "index"
    first = go(prepare(path, size=200_000))
    while not half_built(path):  # until the first has the lock and its folder
        assert first.poll() is None
        time.sleep(0.01)
    second = go(prepare(path))
    _, error = second.communicate(timeout=60)
    assert second.returncode == 1
    message = error.strip().splitlines()[-1]
    assert message.startswith("irkit.errors.LockedError: build_index: process ")
    assert f"process {first.pid} is building {path}; wait for it or choose another path" in message
    first.kill()
    first.wait()
    assert not path.exists()
    build_index(path, documents(5), overwrite=True).close()
    assert version(path) == 5
    assert leftovers(path) == []


def limited(size):
    """Limit the size of any file a child may write, as a full disk would."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.slow
@pytest.mark.parametrize("limit", [60_000, 400_000])
def test_no_room_for_the_index(tmp_path, prepare, limit):
    path = tmp_path / "index"
    build_index(path, documents(0)).close()
    process = go(prepare(path, size=40_000, preexec_fn=limited(limit)))
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    message = error.strip().splitlines()[-1]
    assert message.startswith(
        ("irkit.errors.JavaError: build_index: writing ", "irkit.errors.ConfigError: build_index: cannot write ")
    )
    assert "File too large" in message
    assert leftovers(path) == []
    assert version(path) == 0


FEATURES = """
import resource, sys
from irkit.lucene import Index

index = Index.open(sys.argv[1])
index.search(["word"], 10)
size = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
getattr(index, sys.argv[3])
"""


@pytest.mark.parametrize("part", ["postings", "forward"])
def test_no_room_for_the_sidecar(tmp_path, part):
    path = tmp_path / "index"
    with build_index(path, documents(0)) as index:
        if part == "forward":
            assert len(index.lengths) == SIZE  # the postings are there, their transposition is not
    before = sorted(os.listdir(path / "irkit"))
    done = subprocess.run([sys.executable, "-c", FEATURES, str(path), "600", part], capture_output=True, text=True)
    assert done.returncode == 1
    message = done.stderr.strip().splitlines()[-1]
    assert message.startswith(
        ("irkit.errors.ConfigError: sidecar: can be written neither in ", "irkit.errors.JavaError: sidecar: exporting")
    )
    assert "File too large" in message
    assert sorted(os.listdir(path / "irkit")) == before
    assert version(path) == 0


# Ends the process before its n-th change to the file system, as a kill would.
KILLED = """
import os, sys
from irkit.lucene.sidecar import Sidecar

path, stop = sys.argv[1], int(sys.argv[2])
steps = 0

def counted(real):
    def step(*args, **options):
        global steps
        if steps == stop:
            os._exit(7)
        steps += 1
        return real(*args, **options)
    return step

side = Sidecar.open(path)
os.replace, os.mkdir = counted(os.replace), counted(os.mkdir)
side.forward
"""


@pytest.mark.slow
def test_a_kill_at_any_step_of_writing_a_part(tmp_path, monkeypatch):
    """What was kept is right, what was not is made again, and the work folder goes when it is old."""
    monkeypatch.setattr("irkit.lucene.manifest.ABANDONED", 0.0)
    path = tmp_path / "index"
    build_index(path, documents(0)).close()
    for stop in range(40):
        with Index.open(path) as index:
            assert index.lengths.sum() == index.stats.tokens
        done = subprocess.run([sys.executable, "-c", KILLED, str(path), str(stop)], capture_output=True, text=True)
        assert done.returncode in (0, 7), done.stderr
        for _ in range(2):  # with what was kept, and with none of it
            assert version(path) == 0
            for name in ("csr_ptr.npy", "csr_term.npy", "csr_tf.npy"):
                (path / "irkit" / name).unlink()
        assert [name for name in os.listdir(path / "irkit") if name.startswith(".")] == []
        if done.returncode == 0:
            break
    assert stop > 5  # the work folder, three parts, the manifest, the record of what is intact


@pytest.fixture
def small_disk(tmp_path):
    """A file system of three megabytes, where this may be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], capture_output=True)
    if made.returncode:
        pytest.skip("mounting a small disk is not permitted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.slow
def test_a_full_disk(small_disk, prepare):
    start()
    path = small_disk / "index"
    build_index(path, documents(0)).close()
    process = go(prepare(path, size=60_000))
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "No space left on device" in error.strip().splitlines()[-1]
    assert leftovers(path) == []
    assert version(path) == 0
