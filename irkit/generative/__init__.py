"""Density models of bits and pictures: exact, bounded or estimated likelihoods that say which, and samples."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from irkit.generative.darn import DARN as DARN
    from irkit.generative.dbm import DBM as DBM
    from irkit.generative.eonade import EoNADE as EoNADE
    from irkit.generative.made import MADE as MADE
    from irkit.generative.nade import NADE as NADE
    from irkit.generative.rbm import RBM as RBM
    from irkit.generative.vae import VAE as VAE

# Imported when first used: torch takes seconds.
_DOOR = {"DARN": "darn", "DBM": "dbm", "EoNADE": "eonade", "MADE": "made", "NADE": "nade", "RBM": "rbm", "VAE": "vae"}

__all__ = [*_DOOR]


def __getattr__(name: str) -> object:
    if name in _DOOR:
        return getattr(importlib.import_module(f"irkit.generative.{_DOOR[name]}"), name)
    raise AttributeError(f"module 'irkit.generative' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
