"""Texts: windows of words, word vectors, term similarity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.doors import door

if TYPE_CHECKING:
    from irkit.text.similarity import TermSimilarity as TermSimilarity
    from irkit.text.vectors import Vectors as Vectors
    from irkit.text.windows import passages as passages
else:
    __getattr__, __dir__, __all__ = door(__name__)
