"""Query models and feedback: queries rewritten from embeddings or from their top documents."""

from irkit.expand.divergence import KL, Bo1
from irkit.expand.eqe import EQE1, EQE2
from irkit.expand.erm import ERM
from irkit.expand.relevance import RM3
from irkit.expand.rfmf import RFMF
from irkit.expand.rocchio import Rocchio

__all__ = ["EQE1", "EQE2", "ERM", "KL", "RFMF", "RM3", "Bo1", "Rocchio"]


def __dir__() -> list[str]:
    return __all__
