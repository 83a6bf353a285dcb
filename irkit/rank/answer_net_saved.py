"""Fitted nets of answers as files: an irkit checkpoint of settings, words and weights, and never code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from irkit.errors import DataError
from irkit.learn import checkpoint
from irkit.pipeline.fit import not_fitted
from irkit.rank.overlap import Rarity
from irkit.rank.qa_words import Words

if TYPE_CHECKING:
    from irkit.rank.answer_net import AnswerNet

_Kind = TypeVar("_Kind", bound="AnswerNet")


def save(stage: AnswerNet, path: str | os.PathLike[str]) -> None:
    """Write a fitted stage; see `AnswerNet.save`."""
    if stage.net is None or stage.words is None:
        raise not_fitted(stage)
    tree = {
        "config": stage.config.given(),
        "fitted_on": sorted(stage.fitted_on or ()),
        "words": stage.words.tree(),
        "rarity": None if stage.rarity is None else stage.rarity.tree(),
        "net": dict(stage.net.state_dict()),
    }
    checkpoint.save(path, stage.name, tree)


def load(path: str | os.PathLike[str], kind: type[_Kind], resources: Mapping[str, Any]) -> _Kind:
    """Read a stage that is a `kind`; see `AnswerNet.load`."""
    tree = checkpoint.load(path, kind.name)
    try:
        out = kind(kind.configured(tree["config"]), **resources)
        out.words, out.fitted_on = Words.from_tree(tree["words"]), frozenset(tree["fitted_on"])
        out.rarity = None if tree["rarity"] is None else Rarity.from_tree(tree["rarity"])
        with torch.random.fork_rng(devices=[]):  # weights are drawn only to be replaced
            net = out.net_of(tree["net"]["vectors"])
        net.load_state_dict(tree["net"])
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:  # of torch and of configs too
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: does not fit this version's {kind.name} ({reason}); fit it again") from None
    out.net = net.eval()
    return out
