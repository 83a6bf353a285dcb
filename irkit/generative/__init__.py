"""Density models of rows, pictures and sequences: likelihoods that say whether they are exact, and samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.doors import door

if TYPE_CHECKING:
    from irkit.generative.aligndraw import AlignDRAW as AlignDRAW
    from irkit.generative.avb import AVB as AVB
    from irkit.generative.darn import DARN as DARN
    from irkit.generative.dbm import DBM as DBM
    from irkit.generative.draw import DRAW as DRAW
    from irkit.generative.eonade import EoNADE as EoNADE
    from irkit.generative.gan import GAN as GAN
    from irkit.generative.made import MADE as MADE
    from irkit.generative.nade import NADE as NADE
    from irkit.generative.rbm import RBM as RBM
    from irkit.generative.statistician import NeuralStatistician as NeuralStatistician
    from irkit.generative.vae import VAE as VAE
    from irkit.generative.vae_gan import VAEGAN as VAEGAN
    from irkit.generative.vrnn import VRNN as VRNN
else:
    __getattr__, __dir__, __all__ = door(__name__)
