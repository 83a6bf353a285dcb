"""DocNADE on toy documents, with trouble in a step of one of the processes that train it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from irkit.io.kinds import Ragged, Tokens
from irkit.learn import TrainerConfig
from irkit.learn.processes import current
from irkit.represent.docnade import DocNADE

V = 30
TRAINER = TrainerConfig(epochs=4, batch_size=8, device="cpu", threads=1)
"Six steps an epoch, the last one of a single document."


def documents(n: int = 41, seed: int = 0) -> Tokens:
    rng = np.random.default_rng(seed)
    return Tokens(Ragged.of([rng.integers(0, V, rng.integers(1, 12)) for _ in range(n)]), V)


class Troubled(DocNADE):
    """Has one process do something at the beginning of a step, the others nothing."""

    name = "troubled"
    rank, step, trouble = 0, -1, ""

    def begin(self, *given):
        net = super().begin(*given)
        (only,) = net.phases()

        def loss(batch, now):
            assert current().leads or not {"jnius", "pyserini"} & sys.modules.keys()
            if now.step == self.step and current().rank == self.rank:
                getattr(self, self.trouble)()
            return only.loss(batch, now)

        net.phases = lambda: [replace(only, loss=loss)]
        return net

    def kill(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def interrupt(self):
        signal.raise_signal(signal.SIGINT)

    def refuse(self):
        raise ValueError("no such word")


def troubled(trouble: str, *, rank: int, step: int) -> Troubled:
    model = Troubled(hidden_size=3)
    model.rank, model.step, model.trouble = rank, step, trouble
    return model


if __name__ == "__main__":  # be the first process, say which is the other, and die
    from tests.learn import sharing_toy

    class Named(subprocess.Popen):
        def __init__(self, *given, **more):
            super().__init__(*given, **more)
            print(self.pid, flush=True)

    subprocess.Popen = Named
    _, folder = sys.argv
    model = sharing_toy.troubled("kill", rank=0, step=15)
    model.fit(documents(), trainer=TRAINER.changed(processes=2), folder=Path(folder))
