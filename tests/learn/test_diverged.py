"""Tests of irkit.learn.diverged."""

from __future__ import annotations

import pytest

from irkit.config import Config
from irkit.errors import ConfigError, DivergedError
from irkit.learn.diverged import lowering


class Rates(Config):
    fast: float = 0.5
    slow: float = 1e-7


@pytest.mark.parametrize(
    ("raised", "rates", "said"),
    [
        (
            "train: net: the loss part 'loss' is nan at step 3; lower the learning rate or clip the gradient",
            ["fast"],
            "net: the loss part 'loss' is nan at step 3; lower fast, got 0.5, or clip",
        ),
        (
            "train: generator: the gradient's norm is inf at step 3; lower the learning rate or clip the gradient"
            "; the last good state is /a/b.safetensors",
            ["fast", "slow"],
            "net: generator: the gradient's norm is inf at step 3; lower fast, got 0.5 and slow, got 1e-07, or clip"
            "; the last good state is /a/b.safetensors",
        ),
        (
            "train: the validation score is nan at step 8; lower the learning rate or clip the gradient",
            ["slow"],
            "net: the validation score is nan at step 8; lower slow, got 1e-07, or clip",
        ),
    ],
)
def test_what_diverged_is_named_with_its_settings(raised, rates, said):
    with pytest.raises(DivergedError) as error, lowering("net", Rates(), rates, "or clip"):
        raise DivergedError(raised)
    assert str(error.value) == said


def test_other_errors_and_none_pass():
    with pytest.raises(ConfigError, match="as it is"), lowering("net", Rates(), ["fast"], "or clip"):
        raise ConfigError("as it is")
    with lowering("net", Rates(), ["fast"], "or clip"):
        pass
