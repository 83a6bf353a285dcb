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
    with pytest.raises(ConfigError, match="shape: k is not valid"):
        config.changed(k=0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"k": 0}, "shape: k is not valid, got 0; it must be 1 or more"),
        ({"k": 1.5}, "shape: k is not valid, got 1.5; it must be a whole number"),
        ({"kk": 1}, "shape: unknown field 'kk'; did you mean k?"),
        ({"weight": "x"}, "shape: weight is not valid, got 'x'; it must be a number"),
        ({"weight": float("nan")}, "shape: weight is not valid, got nan; it must be a finite number"),
        ({"names": ["a", 3]}, "shape: names.1 is not valid, got 3; it must be text"),
        ({"inner": {"depth": "x"}}, "shape: inner: depth is not valid, got 'x'; it must be a whole number"),
        ({"k": True}, "shape: k must be a number, got true; write one"),
        ({"low": 11}, "shape: low must be at most k 10, got 11"),
        ({"k": list(range(99))}, "shape: k is not valid, got [0, 1, 2, 3, "),
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

    with pytest.raises(ConfigError, match=r"^needy: field 'k' is missing$"):
        NeedyConfig()


def test_a_digest_depends_on_content_alone():
    assert digest({"a": 1, "b": [1.5, None]}) == digest({"b": [1.5, None], "a": 1})
    assert len({digest(x) for x in ({"a": 1}, {"a": 2}, {"a": "1"}, ["a", 1], [["a"], 1], None)}) == 6
    assert digest("a", "b") != digest("ab")
    with pytest.raises(ValueError, match="Out of range float"):
        digest(float("nan"))


class PlacedConfig(Config):
    k: int = 1
    threads: int | None = None
    device: str = "auto"


class OwnConfig(Config):
    unhashed = frozenset({"n"})
    n: int
    device: str = "phone"
    "Of the user, here."


class OuterConfig(Config):
    inner: PlacedConfig = PlacedConfig(k=2, threads=4)
    k: int = 0


def test_the_essence_leaves_out_where_and_how_it_runs():
    assert PlacedConfig(k=3, threads=2, device="cpu").essence() == {"k": 3}
    assert PlacedConfig(threads=2).essence() == PlacedConfig().essence() == {}
    assert PlacedConfig(k=3, threads=2).given() == {"k": 3, "threads": 2}


def test_a_config_says_itself_which_of_its_fields_these_are():
    assert OwnConfig(n=3, device="desk").essence() == {"device": "desk"}
    assert OwnConfig(n=3).essence() == OwnConfig(n=4).essence() == {}


def test_the_essence_of_a_config_holds_that_of_those_inside():
    base = OuterConfig()
    assert base.essence() == {}
    for inner in (PlacedConfig(k=2), PlacedConfig(k=2, threads=1, device="cpu")):
        assert OuterConfig(inner=inner).essence() == {}
    assert OuterConfig(inner=PlacedConfig(k=5)).essence() == OuterConfig(inner=PlacedConfig(k=5, threads=9)).essence()
    assert OuterConfig(inner=PlacedConfig(k=5)).essence() != {}


def test_a_config_made_of_a_file_s_values_says_where_the_wrong_one_stands():
    def fail(message: str, *where: str | int) -> ConfigError:
        return ConfigError(f"{'/'.join(map(str, where))}: {message}")

    assert ShapeConfig.checked({"k": 3}, fail, "a") == ShapeConfig(k=3)
    with pytest.raises(ConfigError, match=r"^stages/0/k: shape: k is not valid, got 0; "):
        ShapeConfig.checked({"k": 0}, fail, "stages", 0)
    with pytest.raises(ConfigError, match=r"^a/kk: mine: unknown field 'kk'; did you mean k\?"):
        ShapeConfig.checked({"k": 0, "kk": 1}, fail, "a", who="mine")
