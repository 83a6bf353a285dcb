"""Pretraining: a language model or a sequence autoencoder learns from documents without labels, and is kept.

What is kept is told by everything it depends on: model, settings, trainer, text and the code that learns. Runs that
fine-tune from the same one, with other seeds or labels, share it; an interrupted one goes on where it was.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field

from irkit import locate
from irkit.config import Config, digest
from irkit.errors import DataError
from irkit.io.kinds import Tokens
from irkit.learn.trainer import PLACE, TrainerConfig
from irkit.locks import turn
from irkit.represent.documents import DocumentModel
from irkit.represent.rnnlm import RNNLM, RNNLMConfig
from irkit.represent.sequence_autoencoder import SequenceAutoencoder, SequenceAutoencoderConfig
from irkit.represent.sequences import SequenceModel
from irkit.rng import Seed

DocumentModelT = TypeVar("DocumentModelT", bound=DocumentModel)
KEPT = "pretrained"
"Folder in the user's, where they are kept."


class Pretraining(Config):
    """What is learned from documents without labels before those with labels are looked at."""

    kind: Literal["none", "lm", "sa"] = "none"
    "Nothing, a language model, or a sequence autoencoder."
    epochs: int = Field(8, ge=1)
    "Passes over all training documents."
    batch_size: int = Field(64, ge=1)
    "Documents in a batch."
    learning_rate: float = Field(2e-3, gt=0)
    "Highest step size of Adam, which rises first and falls linearly."
    seed: Seed = 1
    "Of weights and order; apart from that of training, so that runs of several seeds share one pretraining."

    def rule(self, trainer: TrainerConfig) -> TrainerConfig:
        """Return how it is trained, on the device and with the threads of another training."""
        own = SequenceModel.trainer
        place = {name: getattr(trainer, name) for name in PLACE}
        optimiser = own.optimiser.changed(learning_rate=self.learning_rate, hold=0.0, final=0.0)
        found: TrainerConfig = own.changed(
            epochs=self.epochs, batch_size=self.batch_size, seed=self.seed, optimiser=optimiser, **place
        )
        return found

    def model(self, embedding_size: int, hidden_size: int) -> SequenceModel:
        """Return the untrained model."""
        if self.kind == "sa":
            return SequenceAutoencoder(
                SequenceAutoencoderConfig(embedding_size=embedding_size, hidden_size=hidden_size)
            )
        return RNNLM(RNNLMConfig(cell="lstm", embedding_size=embedding_size, hidden_size=hidden_size))


@cache
def learning_code() -> str:
    """Hash the modules of the folders that models and their training are in; read once per process."""
    here = Path(__file__).parent
    files = sorted([*here.glob("*.py"), *here.with_name("learn").glob("*.py")])
    return digest([[path.name, path.read_text(encoding="utf-8")] for path in files])


def pretrained(model: DocumentModelT, documents: Tokens, trainer: TrainerConfig) -> DocumentModelT:
    """Return a model fitted to documents without their labels, kept from before if it was.

    Parameters
    ----------
    model : DocumentModel
        Not fitted.
    documents : Tokens
    trainer : TrainerConfig
    """
    text = replace(documents, labels=None)
    what = (model.name, model.config.essence(), trainer.outcome(), text.fingerprint, model.beside)
    key = digest(*what, learning_code())
    folder = locate.home() / KEPT
    kept, run = folder / f"{key}.safetensors", folder / f"{key}.run"
    with turn(kept, f"pretrains a {model.name}"):
        if kept.is_file():
            with suppress(DataError):  # damaged: made anew
                found = type(model).load(kept)
                with suppress(OSError):
                    os.utime(kept)  # the time of last use
                return found
        fitted = model.fit(text, trainer=trainer, folder=run, resume=True)
        fitted.save(kept)
        shutil.rmtree(run)
    return fitted
