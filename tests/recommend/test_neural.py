"""Tests of irkit.recommend.neural: what every network that learns ratings can do."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from irkit.errors import ConfigError, DivergedError
from irkit.learn.batches import Drawn
from irkit.learn.metrics import read_metrics
from irkit.learn.saved import SavedRun
from irkit.recommend.autorec import AutoRec
from irkit.recommend.cfnade import CFNADE
from irkit.recommend.neural import Network, NeuralConfig
from irkit.recommend.rrn import RRN
from tests.recommend.ratings_toy import random_table

TRAIN = random_table(users=14, items=11, density=0.6, time=True)
VALID = random_table(users=14, items=11, density=0.1, seed=1, time=True)
RECURRENT = {"hidden_size": 3, "input_size": 2, "dynamic_size": 2, "stationary_size": 2, "mf_epochs": 2}
MODELS = {
    "autorec": AutoRec(epochs=5, hidden_size=3, reg=0.1, learning_rate=0.05, batch_size=4),
    "cfnade": CFNADE(epochs=5, hidden_size=3, learning_rate=0.05, batch_size=4),
    "rrn": RRN(epochs=5, learning_rate=0.05, batch_size=4, stationary="learned", **RECURRENT),
    "rrn-fixed": RRN(epochs=5, learning_rate=0.05, batch_size=4, **RECURRENT),
}


def learned(model):
    return {name: value for name, value in vars(model).items() if name.endswith("_")}


def assert_equal(one, other):
    """Assert that two models are the same to the last bit, the course of their training too."""
    mine, theirs = learned(one), learned(other)
    assert mine.keys() == theirs.keys()
    for name, value in mine.items():
        np.testing.assert_array_equal(value, theirs[name], err_msg=name)


# ---------------------------------------------------------------- the contract


@pytest.mark.parametrize("valid", [None, VALID], ids=["alone", "validated"])
@pytest.mark.parametrize("name", MODELS)
def test_killed_after_any_checkpoint_and_resumed_it_is_the_model_that_never_stopped(name, valid, tmp_path, monkeypatch):
    model = MODELS[name]
    whole = model.fit(TRAIN, valid)
    written = []
    write = SavedRun.write

    def write_and_die(saved, *given):
        write(saved, *given)
        written.append(1)
        raise SystemExit("killed")

    with monkeypatch.context() as patch:
        patch.setattr(SavedRun, "write", write_and_die)
        for _ in range(3):
            with pytest.raises(SystemExit):
                model.fit(TRAIN, valid, folder=tmp_path, resume=True)
    resumed = model.fit(TRAIN, valid, folder=tmp_path, resume=True)
    assert len(written) == 3
    assert len(resumed.losses_) == 5
    assert_equal(resumed, whole)
    assert {row["metric"] for row in read_metrics(tmp_path / "metrics.jsonl")} >= {"loss", "grad_norm"}


@pytest.mark.parametrize("name", MODELS)
def test_ctrl_c_within_a_pass_loses_no_step(name, tmp_path, monkeypatch):
    model = MODELS[name]
    whole = model.fit(TRAIN, VALID)
    batch = Drawn.batch
    stops = [4, 8, 9, 14]  # a pass has 3 batches of items, or 4 of users and 3 of items
    taken = []

    def interrupted(source, epoch, at, rng):
        place = epoch * len(source) + at
        taken.append(place)
        if stops and place == stops[0]:
            stops.pop(0)
            os.kill(os.getpid(), signal.SIGINT)
        return batch(source, epoch, at, rng)

    with monkeypatch.context() as patch:
        patch.setattr(Drawn, "batch", interrupted)
        for _ in range(4):
            with pytest.raises(KeyboardInterrupt):
                model.fit(TRAIN, VALID, folder=tmp_path, resume=True)
        resumed = model.fit(TRAIN, VALID, folder=tmp_path, resume=True)
    assert taken == list(range(len(taken)))
    assert_equal(resumed, whole)


@pytest.mark.parametrize("name", MODELS)
def test_a_finished_run_is_read_back_and_more_passes_go_on_from_it(name, tmp_path):
    model = MODELS[name]
    whole = model.fit(TRAIN, VALID, folder=tmp_path / "whole")
    assert_equal(model.fit(TRAIN, VALID, folder=tmp_path / "whole", resume=True), whole)
    fewer = type(model)(model.config.changed(epochs=2)).fit(TRAIN, VALID, folder=tmp_path / "parts")
    assert len(fewer.errors_) == 2
    assert_equal(model.fit(TRAIN, VALID, folder=tmp_path / "parts", resume=True), whole)


@pytest.mark.parametrize("name", MODELS)
def test_another_run_is_not_gone_on_with(name, tmp_path):
    model = MODELS[name]
    model.fit(TRAIN, VALID, folder=tmp_path)
    other = type(model)(model.config.changed(learning_rate=0.01))
    for kind, given, what in [
        (other, (TRAIN, VALID), "settings"),
        (type(model)(model.config.changed(hidden_size=4)), (TRAIN, VALID), "settings"),
        (model, (random_table(users=14, items=11, density=0.6, time=True, seed=5), VALID), "data"),
        (model, (TRAIN, random_table(users=14, items=11, density=0.1, seed=6, time=True)), "validation data"),
    ]:
        with pytest.raises(ConfigError, match=f"belongs to another run: not the same {what};"):
            kind.fit(*given, folder=tmp_path, resume=True)


@pytest.mark.parametrize("name", MODELS)
def test_lists_and_devices_are_no_part_of_what_a_run_is(name, tmp_path):
    model = MODELS[name]
    model.fit(TRAIN, folder=tmp_path)
    same = "cuda" if torch.cuda.is_available() else "cpu"
    other = type(model)(model.config.changed(device=same, threads=1, n=3, patience=3))
    other.fit(TRAIN, folder=tmp_path, resume=True)


@pytest.mark.parametrize("name", MODELS)
def test_a_fitted_model_remembers_no_folder(name, tmp_path):
    fitted = MODELS[name].fit(TRAIN, folder=tmp_path)
    before = sorted(path.stat().st_mtime_ns for path in tmp_path.iterdir())
    assert_equal(fitted.fit(TRAIN), fitted)
    assert sorted(path.stat().st_mtime_ns for path in tmp_path.iterdir()) == before


def test_a_rate_too_high_is_said_with_the_state_that_is_left(tmp_path):
    model = AutoRec(learning_rate=1e30, epochs=9, activation="identity", hidden_size=3, batch_size=99)
    wrong = r"^autorec: the loss part 'loss' is \w+ at step \d; lower learning_rate, got 1e\+30, or divide the ratings "
    with pytest.raises(DivergedError, match=wrong + r"if large; the last good state is .*safetensors$"):
        model.fit(TRAIN, folder=tmp_path)


@pytest.mark.parametrize("name", MODELS)
def test_a_step_reads_no_number_from_the_device(name, monkeypatch):
    given = {}
    monkeypatch.setattr(Network, "descend", lambda self, start, loss, source, **_: given.update(vars()))
    MODELS[name].fit(TRAIN)
    # Tensors on this device have a shape and no numbers: what asks for one, or for one on the CPU, is an error.
    weights = {part: torch.empty(values.shape, device="meta") for part, values in given["start"].items()}
    for epoch in range(2):
        for at in range(len(given["source"])):
            with torch.no_grad():
                loss = given["loss"](weights, given["source"].batch(epoch, at, torch.Generator()))
            assert (loss.device.type, loss.shape) == ("meta", ())


def test_a_device_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="autorec: device is not valid, got 'toaster'; a device is auto, cpu"):
        AutoRec(device="toaster")


def test_importing_the_models_does_not_import_torch():
    names = ["autorec", "cfnade", "neural", "rrn"]
    imports = ", ".join(["sys", "irkit.recommend", *(f"irkit.recommend.{name}" for name in names)])
    code = (
        f"import {imports}; AutoRec = irkit.recommend.autorec.AutoRec(device='cpu'); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ---------------------------------------------------------------- the best weights


class QuadraticConfig(NeuralConfig):
    average: float = 0.0


class Quadratic(Network):
    """Minimises x^2 from 1; its held-out error is what `error_of` makes of x."""

    name = "quadratic"
    config_type = QuadraticConfig
    error_of = staticmethod(lambda x: 0.0)

    def learn(self, train, valid):
        self.kept_ = []

        def keep(found):
            self.kept_.append(float(found["x"][0]))

        source = Drawn(lambda rng: iter([0]), 1, np.random.default_rng(0), "data")
        start = {"x": np.array([1.0])}
        self.descend(
            start, lambda w, _: w["x"].square().sum(), source, keep=keep, batch_size=1, average=self.config.average
        )

    def held_out_error(self, valid):
        return None if valid is None else lambda: self.error_of(self.kept_[-1])


def quadratic(valid=VALID, error_of=lambda x: 0.0, **settings):
    model = Quadratic(learning_rate=0.1, **settings)
    model.error_of = error_of
    return model.fit(TRAIN, valid)


def test_the_best_epoch_is_kept_and_learning_stops_after_patience():
    model = quadratic(epochs=20, patience=2, error_of=lambda x: abs(x - 0.7))
    best = int(np.argmin(model.errors_))
    assert len(model.errors_) == len(model.losses_) == best + 3
    assert model.kept_[-1] == model.kept_[best] == pytest.approx(0.7, abs=0.05)
    assert model.errors_ == [abs(x - 0.7) for x in model.kept_[:-1]]


def test_of_equal_errors_the_first_is_kept_and_the_others_are_waited_for():
    model = quadratic(epochs=20, patience=3)
    assert len(model.errors_) == 4
    assert model.kept_[-1] == model.kept_[0]


def test_without_held_out_ratings_the_last_epoch_is_kept():
    model = quadratic(None, epochs=5, patience=1)
    assert (len(model.losses_), model.errors_, len(model.kept_)) == (5, [], 1)
    assert model.losses_[0] == 1.0
    assert model.kept_[0] < 1 - 4 * 0.09


def test_averaged_weights_are_means_over_a_share_of_the_steps():
    kept = quadratic(epochs=6).kept_
    averaged = quadratic(epochs=6, average=0.9).kept_
    mean = 1.0
    for step, value in enumerate(kept[:-1], start=1):
        mean += (value - mean) / max(1, 0.9 * step)
        assert averaged[step - 1] == pytest.approx(mean, rel=1e-5)
