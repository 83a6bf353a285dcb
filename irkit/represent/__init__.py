"""Representations of documents: models whose vectors search, rank again, smooth and expand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.doors import door

if TYPE_CHECKING:
    from irkit.represent.deep_docnade import DeepDocNADE as DeepDocNADE
    from irkit.represent.docnade import DocNADE as DocNADE
    from irkit.represent.hierarchical import HierarchicalAutoencoder as HierarchicalAutoencoder
    from irkit.represent.lsa import LSA as LSA
    from irkit.represent.rnnlm import RNNLM as RNNLM
    from irkit.represent.sentence_vae import SentenceVAE as SentenceVAE
else:
    __getattr__, __dir__, __all__ = door(__name__)
