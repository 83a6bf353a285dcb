"""Tests of irkit.cluster.connection: what a Ray of our own opens, what it leaves, and clusters that do not answer."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from irkit.cluster import connection
from irkit.cluster.connection import check_address, connected, environment, threads
from irkit.cluster.worker import sendable
from irkit.errors import ClusterError, ConfigError, DataError, IrkitError
from irkit.lucene import build_index

SUITE = """\
name: long
ratings: [{name: planted-factors, folds: 5}]
measures: RMSE
systems: [bias, {name: mf, recipe: biased-mf, settings: {epochs: 100000, embedding_size: 8}}]
"""

LOOK = """
import json, os, re, stat, sys
from irkit.cluster.connection import _started, connected, environment
import ray  # also where somebody imported it before
with connected("local", who="test", cpus=1) as ray:
    import psutil
    words = [word for child in psutil.Process().children() for word in child.cmdline()]
    folder = next(found[0] for word in words if (found := re.search("/tmp/irkit-ray-[^/]+", word)))
    task = ray.remote(lambda: {name: os.environ.get(name) for name in ("IRKIT_HOME", "OMP_NUM_THREADS")})
    told = ray.get(task.options(runtime_env=environment()).remote())
    processes = [psutil.Process(), *_started(folder)]
    listens = {c.laddr.ip for p in processes for c in p.net_connections("inet") if c.status == "LISTEN"}
    mode = stat.S_IMODE(os.stat(folder).st_mode)
left = [p.pid for p in processes[1:] if p.is_running() and p.status() != "zombie"]
found = {"told": told, "listens": sorted(listens), "processes": len(processes), "mode": oct(mode), "left": left}
print(json.dumps({**found, "folder": os.path.exists(folder), "home": os.listdir(os.environ["HOME"]),
                  "set": [name for name in os.environ if name.startswith("RAY_") and name != "RAY_CLIENT_MODE"]}))
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads what processes of Linux listen on")
def test_a_ray_of_our_own_listens_on_loopback_alone_and_leaves_nothing(tmp_path):
    pytest.importorskip("ray", reason="the extra ray is not installed")
    own = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}  # not of the tests' Ray
    env = {**own, "HOME": str(tmp_path), "OMP_NUM_THREADS": "3"}
    done = subprocess.run([sys.executable, "-c", LOOK], env=env, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["told"] == {"IRKIT_HOME": os.environ["IRKIT_HOME"], "OMP_NUM_THREADS": "3"}
    assert found["processes"] > 4
    assert set(found["listens"]) <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}
    assert found["mode"] == "0o700"
    assert (found["left"], found["folder"], found["home"], found["set"]) == ([], False, [], [])


SEARCHING = """
import sys
from irkit.cluster import connected, open_shards
with connected("local", who="test", cpus=1):
    far = open_shards(sys.argv[1])
    while True:
        far.search(["storm"], 5)
        print("searched", flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads what processes of Linux are called")
@pytest.mark.parametrize("what", ["suite", "shards"])
def test_a_cluster_whose_program_dies_ends_in_one_line_and_leaves_nothing(tmp_path, what):
    pytest.importorskip("ray", reason="the extra ray is not installed")
    import psutil

    own = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    if what == "suite":
        (tmp_path / "lost.yaml").write_text(SUITE.replace("long", "lost"))
        command = [sys.executable, "-m", "irkit", "leaderboard", "lost.yaml", "--engine", "ray"]
    else:
        build_index(tmp_path / "index", [("d1", "storm"), ("d2", "storm rain")], shards=2).close()
        command = [sys.executable, "-c", SEARCHING, str(tmp_path / "index")]
    with subprocess.Popen(command, cwd=tmp_path, stdout=-1, stderr=-1, text=True, env=own) as run:
        if what == "suite":
            journals = Path(os.environ["IRKIT_HOME"]) / "journals"
            while run.poll() is None and not list(journals.glob("lost-*/*.npz")):
                time.sleep(0.2)
        else:
            assert run.stdout.readline() == "searched\n"
        below = psutil.Process(run.pid).children(recursive=True)
        (raylet,) = [one for one in below if one.name() == "raylet"]
        folder = re.search("/tmp/irkit-ray-[^/]+", " ".join(raylet.cmdline()))[0]
        raylet.kill()
        out, err = run.communicate(timeout=120)
    assert run.returncode not in (0, -signal.SIGKILL)
    last = err.splitlines()[-1]
    assert re.match(r"irkit\S*: \S+.*the Ray cluster was lost", last), err
    assert out.replace("searched\n", "") == ""
    assert what == "shards" or err.count("\n") == 1
    assert [one for one in below if one.is_running()] == []
    time.sleep(1)  # whatever lived on would write into the folder again
    assert not Path(folder).exists()


@pytest.mark.slow
def test_ctrl_c_stops_what_runs_and_leaves_no_process(tmp_path):
    pytest.importorskip("ray", reason="the extra ray is not installed")
    import psutil  # comes with Ray

    (tmp_path / "long.yaml").write_text(SUITE)
    command = [sys.executable, "-m", "irkit", "leaderboard", "long.yaml", "--engine", "ray"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=-1, stderr=-1, text=True) as run:
        journals, below = Path(os.environ["IRKIT_HOME"]) / "journals", []
        while run.poll() is None and not list(journals.glob("long-*/*.npz")):  # the first trials are done
            time.sleep(0.2)
        below = psutil.Process(run.pid).children(recursive=True)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert (run.returncode, out) == (130, "")
    assert err == (
        "irkit: interrupted; what was measured is kept; go on with: irkit leaderboard long.yaml --engine ray\n"
    )
    assert len(below) > 4
    assert [one for one in below if one.is_running()] == []


def test_what_is_no_address_and_where_nobody_answers_there_is_one_line(monkeypatch):
    pytest.importorskip("ray", reason="the extra ray is not installed")
    for address in ("auto", "local", "head:6379", "10.0.0.1:6379", "[::1]:6379"):
        check_address(address, who="x")
    for address in ("", "head", "head:", "ray://head:10001", "head:port", "a b:1"):
        with pytest.raises(ConfigError, match="x: the address of a cluster is auto, local or HOST:PORT, got"):
            check_address(address, who="x")
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        monkeypatch.setattr("ray._private.services.canonicalize_bootstrap_address", lambda address: address)
        with (
            pytest.raises(ClusterError, match=rf"x: no Ray cluster answers at 127\.0\.0\.1:{port}; start it, or leave"),
            connected(f"127.0.0.1:{port}", who="x"),
        ):
            pass
    monkeypatch.setattr("ray._private.services.canonicalize_bootstrap_address", lambda address: None)
    with (
        pytest.raises(
            ClusterError, match=r"x: there is no Ray cluster on this machine; start one \(ray start --head\)"
        ),
        connected("auto", who="x"),
    ):
        pass


def test_workers_have_the_threads_the_variables_and_the_packages_of_this_process(monkeypatch, tmp_path):
    monkeypatch.setenv("OMP_NUM_THREADS", "2,1")
    monkeypatch.setenv("MKL_NUM_THREADS", "5")
    monkeypatch.setenv("IRKIT_DATA", "/there")
    monkeypatch.setenv("AWS_SECRET", "stays here")
    monkeypatch.syspath_prepend(tmp_path)
    found = environment()["env_vars"]
    assert (found["OMP_NUM_THREADS"], found["MKL_NUM_THREADS"], found["IRKIT_DATA"]) == ("2", "5", "/there")
    assert "AWS_SECRET" not in found
    assert found["PYTHONPATH"].split(os.pathsep)[0] == str(tmp_path)
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert threads() == connection.machine()["cores"]


class Stubborn(DataError):
    """Cannot be made of its text."""

    def __init__(self, file: str, line: int) -> None:
        super().__init__(f"{file}:{line}: is wrong")


def test_an_error_travels_with_its_name_its_text_and_its_trace():
    import cloudpickle

    for error, kind in ((ValueError("no"), ValueError), (Stubborn("a", 3), Exception)):
        try:
            raise error
        except Exception as raised:
            sent = cloudpickle.loads(cloudpickle.dumps(sendable(raised)))
        assert (type(sent).__name__, str(sent)) == (type(error).__name__, str(error))
        assert isinstance(sent, kind)
        assert "test_connection.py" in sent.__notes__[0]
    assert isinstance(sent, IrkitError), "an error of irkit's stays one"
