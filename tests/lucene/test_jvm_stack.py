"""The JVM must leave the main thread the stack that numerical libraries use."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CODE = """
from irkit.lucene import jvm
jvm.start()
import numpy as np
import scipy.linalg
matrix = np.random.default_rng(0).random((5587, 110))
print(scipy.linalg.lu(matrix, permute_l=True)[0].shape)
"""


@pytest.mark.slow
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="OpenBLAS takes little stack on one core")
def test_factorising_on_several_cores_does_not_crash_after_the_jvm_started():
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout) == (0, "(5587, 110)\n"), done.stderr
