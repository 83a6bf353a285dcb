"""Tests of irkit.rng: what a seed may be, in every place that takes one."""

import importlib
import pkgutil
import typing

import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

import irkit
from irkit.config import Config
from irkit.errors import ConfigError
from irkit.recommend.problems import SplitChoice
from irkit.rng import MOST, check_seed, generator

# What is no seed, and what each message says of it.
NONE = [-1, MOST + 1, 10**30]


def configs():
    """Every config there is, of every module."""
    for module in pkgutil.walk_packages(irkit.__path__, "irkit."):
        if module.name != "irkit.__main__":
            importlib.import_module(module.name)
    todo = [Config]
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        if kind.__module__.startswith("irkit."):
            yield kind


def test_every_seed_of_every_config_is_checked_in_one_way():
    found = 0
    for kind in configs():
        for name, field in kind.model_fields.items():
            if "seed" not in name or field.annotation is bool:
                continue
            found += 1
            several = typing.get_origin(field.annotation) is tuple
            for seed in NONE:
                with pytest.raises(ValidationError) as caught:
                    BaseModel.__init__(kind.__new__(kind), **{name: (seed,) if several else seed})
                said = [one["msg"] for one in caught.value.errors() if one["loc"][0] == name]
                assert "a seed is a whole number from 0 to 2^" in said[0], (kind, name)
            with pytest.raises(ValidationError, match=r"a seed is a whole number, not true|must be a number, got true"):
                BaseModel.__init__(kind.__new__(kind), **{name: (True,) if several else True})
    assert found >= 14


def test_the_message_is_one_line():
    with pytest.raises(ConfigError, match=r"^split: seed is not valid, got -1; a seed is a whole number from 0 to"):
        SplitChoice(kind="random", seed=-1)


@pytest.mark.parametrize("seed", [*NONE, True, 1.0, "1", None], ids=str)
def test_what_is_no_seed_is_refused_where_numbers_are_drawn(seed):
    with pytest.raises(ConfigError, match=r"seed: must be a whole number from 0 to 2\^64 - 1, got"):
        generator(seed)


def test_the_ends_are_seeds_for_numpy_and_torch_and_of_either_kind():
    import torch

    from irkit.learn.conditions import conditions

    for seed in (0, MOST, np.int64(7), np.uint64(MOST)):
        plain = check_seed(seed)
        assert type(plain) is int
        assert generator(seed).random() == generator(plain).random()
        with conditions(torch.device("cpu"), None, plain):
            torch.rand(1, generator=torch.Generator().manual_seed(plain))


def test_a_seed_draws_what_it_always_drew():
    # The purpose enters as the CRC-32 of its name.
    expected = np.random.default_rng([1, 977612484]).random(3)
    np.testing.assert_array_equal(generator(1, "folds").random(3), expected)
