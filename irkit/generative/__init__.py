"""Density models of bits and pictures: exact, bounded or estimated likelihoods that say which, and samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.doors import door

if TYPE_CHECKING:
    from irkit.generative.darn import DARN as DARN
    from irkit.generative.dbm import DBM as DBM
    from irkit.generative.draw import DRAW as DRAW
    from irkit.generative.eonade import EoNADE as EoNADE
    from irkit.generative.made import MADE as MADE
    from irkit.generative.nade import NADE as NADE
    from irkit.generative.rbm import RBM as RBM
    from irkit.generative.vae import VAE as VAE
    from irkit.generative.vae_gan import VAEGAN as VAEGAN
else:
    __getattr__, __dir__, __all__ = door(__name__)
