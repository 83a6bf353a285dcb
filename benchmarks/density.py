"""Train density models to their stated budgets and write one row each: `python -m benchmarks.density NAME... --out F`.

A row holds the data's identity with its binarisation and hash, the settings, the seed, the budget used and
the test log-likelihood with what it is: exact, a lower bound, or an estimate with its error.
"""

from __future__ import annotations

import argparse
import json
import logging
import platform
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch

from irkit.generative.base import Density
from irkit.generative.coders import DecoderKind, EncoderKind
from irkit.generative.darn import DARN, DARNConfig
from irkit.generative.eonade import EoNADE, EoNADEConfig
from irkit.generative.made import MADE, MADEConfig
from irkit.generative.nade import NADE, NADEConfig
from irkit.generative.rbm import RBM
from irkit.generative.vae import VAE, VAEConfig
from irkit.io.atomic import write_bytes
from irkit.io.density import Binarise, DensityData, load_density
from irkit.learn.estimate import Estimate
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.trainer import TrainerConfig


def adam(rate: float, **settings: Any) -> OptimiserConfig:
    return OptimiserConfig(learning_rate=rate, **settings)


def falling(rate: float, **settings: Any) -> OptimiserConfig:
    return adam(rate, schedule="linear", hold=0.5, final=0.02, **settings)


@dataclass(frozen=True)
class Line:
    """What is trained on what, for how long, and how it is evaluated."""

    model: Density
    data: str
    trainer: TrainerConfig
    binarise: Binarise = "sample"
    evaluate: dict[str, Any] = field(default_factory=dict)
    "Arguments of `log_prob`."
    test_rows: int | None = None
    validate: bool = True
    "Whether the weights with the best validation score are kept."


DEBD = {
    # Hidden units, learning rate, batch, weight decay: NADE's best of a few on the validation rows.
    "nltcs": (100, 3e-3, 50, 0.0),
    "mushrooms": (200, 3e-3, 50, 0.0),
    "dna": (100, 1e-3, 20, 0.0),
    "nips": (100, 1e-3, 20, 0.03),
}


def debd(name: str, kind: str) -> Line:
    hidden, rate, batch, decay = DEBD[name]
    trainer = TrainerConfig(epochs=100, patience=10, batch_size=batch, optimiser=adam(rate, weight_decay=decay))
    model = NADE(NADEConfig(hidden_size=hidden)) if kind == "nade" else MADE(MADEConfig(hidden_sizes=(hidden,)))
    return Line(model, f"debd/{name}", trainer)


def vae(encoder: EncoderKind, decoder: DecoderKind = "mlp", hidden: int = 500, epochs: int = 20) -> Line:
    config = VAEConfig(latent_size=2, hidden_size=hidden, encoder=encoder, decoder=decoder, shape=(28, 28))
    trainer = TrainerConfig(epochs=epochs, optimiser=falling(2e-3, clip=100))
    return Line(VAE(config), "mnist", trainer, binarise="dynamic")


def darn(*hidden: int) -> Line:
    trainer = TrainerConfig(epochs=20, optimiser=falling(3e-3))
    return Line(DARN(DARNConfig(hidden_sizes=hidden)), "mnist", trainer)


LINES = {
    "nade-500-mnist": Line(NADE(), "mnist", TrainerConfig(epochs=10, optimiser=falling(5e-3))),
    **{f"{kind}-{name}": debd(name, kind) for name in DEBD for kind in ("nade", "made")},
    "rbm-500-mnist": Line(
        RBM(),
        "mnist",
        TrainerConfig(epochs=20, optimiser=OptimiserConfig(kind="sgd", learning_rate=0.05, schedule="linear")),
        evaluate={"chains": 200, "temperatures": 20_000},
        validate=False,
    ),
    "eonade-500-mnist": Line(
        EoNADE(EoNADEConfig(orders=4)), "mnist", TrainerConfig(epochs=20, optimiser=falling(2e-3)), test_rows=1000
    ),
    "darn-0-mnist": darn(),
    "darn-100-mnist": darn(100),
    "vae-2-mnist": vae("mlp"),
    "vae-2-gru-mnist": vae("gru", hidden=128, epochs=5),
    "vae-2-lstm-mnist": vae("lstm", hidden=128, epochs=5),
    "vrae-2-gru-mnist": vae("gru", "gru", hidden=128, epochs=5),
}


def measure(name: str, *, threads: int, seed: int, folder: Path | None, resume: bool) -> dict[str, Any]:
    line = LINES[name]
    model = line.model
    trainer = line.trainer.changed(threads=threads, seed=seed, device="cpu")
    data = load_density(line.data, binarise=line.binarise)
    valid = data.valid if line.validate else None
    fitted = model.fit(data.train, valid, trainer=trainer, dynamic=data.dynamic, folder=folder, resume=resume)
    test = data.test[: line.test_rows]
    found = fitted.log_prob(test, **line.evaluate).mean()
    training = fitted.training
    assert training is not None
    return {
        "line": name,
        "model": model.name,
        "config": model.config.model_dump(mode="json"),
        "trainer": trainer.model_dump(mode="json"),
        "data": data.name,
        "binarisation": data.binarisation,
        "data_hash": data.fingerprint,
        "rows": [len(data.train), len(data.valid), len(test)],
        "seed": seed,
        "log_p_test": number(found),
        "evaluated_by": line.evaluate,
        "independent_bits_test": independent_bits(data),
        "epochs": training.epochs,
        "steps": training.steps,
        "best_step": training.best_step,
        "valid": training.best,
        "stopped": training.stopped,
        "wall_seconds": round(training.wall, 1),
        "cpu_seconds": round(training.cpu, 1),
        "extra": extra(fitted, data, line),
        "date": str(date.today()),
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
    }


def number(found: Estimate) -> dict[str, Any]:
    low, high = found.interval() if found.kind == "estimate" else (None, None)
    return {
        "value": round(float(found.value), 4),
        "stderr": round(float(found.error), 4),
        "kind": found.kind,
        "ess": found.ess,
        "interval_3_stderr": [low, high],
    }


def extra(fitted: Density, data: DensityData, line: Line) -> dict[str, Any]:
    """Return what else a model has to say for itself."""
    if isinstance(fitted, EoNADE):
        each = fitted.log_prob_by_order(data.test[: line.test_rows]).mean(1)
        return {"each_order": [round(float(value), 4) for value in each]}
    report = getattr(fitted, "report", None)
    return {} if report is None else report(data.test, data.test_labels)


def independent_bits(data: DensityData) -> float:
    """Return the mean test log-likelihood of independent bits with add-one frequencies."""
    p = (data.train.sum(0, dtype=np.float64) + 1) / (len(data.train) + 2)
    return float((data.test * np.log(p) + (1 - data.test) * np.log1p(-p)).sum(1).mean())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.density", description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", choices=[*LINES, []], help="lines to run; none lists them")
    parser.add_argument("--out", type=Path, help="JSON file to which rows are added")
    parser.add_argument("--runs", type=Path, help="folder of run folders, so that a run can be resumed")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if not args.names:
        print("\n".join(LINES))
    for name in args.names:
        folder = args.runs / f"{name}-seed{args.seed}" if args.runs else None
        row = measure(name, threads=args.threads, seed=args.seed, folder=folder, resume=args.resume)
        print(json.dumps(row, indent=1))
        if args.out:
            rows = json.loads(args.out.read_text()) if args.out.is_file() else []
            rows = [old for old in rows if (old["line"], old["seed"]) != (name, args.seed)]
            write_bytes(args.out, json.dumps([*rows, row], indent=1).encode())


if __name__ == "__main__":
    main()
