"""Tests of irkit.lucene.locks."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from filelock import Timeout

from irkit.lucene.locks import held

COUNT = """
import sys
from pathlib import Path
from irkit.lucene.locks import held

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
