"""Tests of irkit.config."""

from typing import Literal

import pytest
from pydantic import Field, model_validator

from irkit.config import Config, digest
from irkit.errors import ConfigError


class InnerConfig(Config):
    depth: int = 1


class ShapeConfig(Config):
    k: int = Field(10, ge=1)
    weight: float | Literal["auto"] = 0.5
    names: tuple[str, ...] = ()
    inner: InnerConfig = InnerConfig()
    low: int = 0

    @model_validator(mode="after")
    def _fits(self):
        if self.low > self.k:
            raise ValueError(f"low must be at most k {self.k}, got {self.low}")
        return self


def test_a_config_says_what_was_given():
    assert ShapeConfig().given() == {}
    assert ShapeConfig(k=10, weight="auto", names=("a",)).given() == {"weight": "auto", "names": ["a"]}


def test_a_config_does_not_change():
    config = ShapeConfig(k=3)
    with pytest.raises(Exception, match="frozen"):
        config.k = 4
    assert (config.changed(k=4).k, config.k) == (4, 3)
    assert config.changed(low=2) == ShapeConfig(k=3, low=2)
    with pytest.raises(ConfigError, match="Shape: k is not valid"):
        config.changed(k=0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"k": 0}, "Shape: k is not valid, got 0; input should be greater than or equal to 1"),
        ({"k": 1.5}, "Shape: k is not valid, got 1.5; input should be a valid integer, got a number with a fractional"),
        ({"kk": 1}, "Shape: unknown field 'kk'; did you mean k?"),
        ({"weight": "x"}, "Shape: weight is not valid, got 'x'; input should be a valid number"),
        ({"weight": float("nan")}, "Shape: weight is not valid, got nan; input should be a finite number"),
        ({"names": ["a", 3]}, "Shape: names.1 is not valid, got 3; input should be a valid string"),
        ({"inner": {"depth": "x"}}, "Shape: inner: depth is not valid, got 'x'; input should be a valid integer"),
        ({"k": True}, "Shape: k must be a number, got True; write one"),
        ({"low": 11}, "Shape: low must be at most k 10, got 11"),
        ({"k": list(range(99))}, "Shape: k is not valid, got [0, 1, 2, 3, "),
    ],
)
def test_a_wrong_value_gets_one_line(values, message):
    with pytest.raises(ConfigError) as error:
        ShapeConfig(**values)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 200


def test_a_missing_field_is_named():
    class NeedyConfig(Config):
        k: int

    with pytest.raises(ConfigError, match=r"^Needy: field 'k' is missing$"):
        NeedyConfig()


def test_a_digest_depends_on_content_alone():
    assert digest({"a": 1, "b": [1.5, None]}) == digest({"b": [1.5, None], "a": 1})
    assert len({digest(x) for x in ({"a": 1}, {"a": 2}, {"a": "1"}, ["a", 1], [["a"], 1], None)}) == 6
    assert digest("a", "b") != digest("ab")
    with pytest.raises(ValueError, match="Out of range float"):
        digest(float("nan"))
