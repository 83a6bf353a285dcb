"""Tests of irkit.turns: one makes, the others wait."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from irkit.turns import turn

HOLD = """
import sys, time
from pathlib import Path
from irkit.turns import turn
with turn(Path(sys.argv[1]), "makes it"):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the turn."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "home" / "thing")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def waits(path, log):
    with turn(path, "makes it"):
        log.append("mine")


def test_others_wait_and_say_for_whom(tmp_path, holder, capfd):
    log = []
    waiting = threading.Thread(target=waits, args=(tmp_path / "home" / "thing", log))
    waiting.start()
    time.sleep(0.3)
    assert log == []
    log.append("theirs")
    holder.stdin.write("\n")
    holder.stdin.flush()
    waiting.join(timeout=30)
    assert log == ["theirs", "mine"]
    assert capfd.readouterr().err == f"irkit: waiting for process {holder.pid}, which makes it\n"
    assert os.listdir(tmp_path / "home") == []


@pytest.mark.skipif(sys.platform == "win32", reason="kills processes")
def test_the_next_has_its_turn_when_the_first_is_killed(tmp_path, holder):
    log = []
    waiting = threading.Thread(target=waits, args=(tmp_path / "home" / "thing", log))
    waiting.start()
    time.sleep(0.2)
    assert log == []
    os.kill(holder.pid, signal.SIGKILL)
    waiting.join(timeout=30)
    assert log == ["mine"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_waiting_is_ended_by_ctrl_c(tmp_path, holder):
    command = [sys.executable, "-c", HOLD, str(tmp_path / "home" / "thing")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert "waiting" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.stderr.read().rstrip().endswith("KeyboardInterrupt")


def test_threads_take_turns(tmp_path, capfd):
    inside, most = [], []

    def work():
        with turn(tmp_path / "thing", "makes it"):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.01)
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8
    said = {f"irkit: waiting for another {one}, which makes it" for one in ("thread", "process")}
    assert set(capfd.readouterr().err.splitlines()) <= said  # the holder may be gone before it is asked for its number


def test_where_no_lock_can_be_written_there_is_none(tmp_path):
    (tmp_path / "file").touch()
    with turn(tmp_path / "file" / "thing", "makes it"):
        pass


def test_an_error_inside_passes_and_ends_the_turn(tmp_path):
    with pytest.raises(OSError, match="mine"), turn(tmp_path / "thing", "makes it"):
        raise OSError("mine")
    assert os.listdir(tmp_path) == []
