"""Tests of irkit.locks: one at a time, whoever is killed; one makes, the others wait."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from filelock import Timeout

from irkit.locks import alive, held, turn

COUNT = """
import sys
from pathlib import Path
from irkit.locks import held

folder = Path(sys.argv[1])
for _ in range(20):
    with held(folder / "lock"):
        count = int((folder / "count").read_text())
        (folder / "count").write_text(str(count + 1))
"""


def test_one_at_a_time_though_the_file_is_removed_each_time(tmp_path):
    (tmp_path / "count").write_text("0")
    with ThreadPoolExecutor(3) as pool:
        others = [subprocess.Popen([sys.executable, "-c", COUNT, str(tmp_path)]) for _ in range(2)]

        def count(_):
            for _ in range(20):
                with held(tmp_path / "lock"):
                    value = int((tmp_path / "count").read_text())
                    (tmp_path / "count").write_text(str(value + 1))

        list(pool.map(count, range(3)))
        assert [other.wait() for other in others] == [0, 0]
    assert (tmp_path / "count").read_text() == "100"
    assert os.listdir(tmp_path) == ["count"]


def test_a_taken_lock(tmp_path):
    with held(tmp_path / "lock"), pytest.raises(Timeout), held(tmp_path / "lock", 0):
        pass
    assert os.listdir(tmp_path) == []


def test_a_file_that_a_killed_process_left_is_taken_and_goes(tmp_path):
    (tmp_path / "lock").write_text("")
    with held(tmp_path / "lock", 0):
        pass
    assert os.listdir(tmp_path) == []


def test_a_process_that_has_ended_is_not_alive():
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    assert alive(os.getpid())
    assert not alive(ended.pid)
    assert alive(1 << 70)  # no number of a process: nothing is known


HOLD = """
import sys, time
from pathlib import Path
from irkit.locks import turn
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


def test_others_wait_and_say_for_whom(tmp_path, holder, caplog):
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
    assert caplog.messages == [f"waiting for process {holder.pid}, which makes it"]
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


def test_threads_take_turns(tmp_path, caplog):
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
    said = {f"waiting for another {one}, which makes it" for one in ("thread", "process")}
    assert set(caplog.messages) <= said  # the holder may be gone before it is asked for its number


def test_where_no_lock_can_be_written_there_is_none(tmp_path):
    (tmp_path / "file").touch()
    with turn(tmp_path / "file" / "thing", "makes it"):
        pass


def test_an_error_inside_passes_and_ends_the_turn(tmp_path):
    with pytest.raises(OSError, match="mine"), turn(tmp_path / "thing", "makes it"):
        raise OSError("mine")
    assert os.listdir(tmp_path) == []
