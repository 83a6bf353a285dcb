"""QACNN over given word vectors, which stay as they are (`fixed`) or learn on.

The net, its losses and its training are those of `irkit.rank.qacnn`. Words with a vector are known whether or not the
training texts have them, so that of a test text more is known than was learned. Words of the training texts without a
vector begin with a random one, and so do those that unknown words share.

    x_word = sqrt(E / 3) mean over its spellings of v / |v|, that mean brought to length 1

so that a given vector has the length that random ones, uniform in (-1, 1), have on average; spellings are the words
of the vectors that become this word in lower case, or this stem.

Sources: Feng et al., ASRU 2015, section 4 (word2vec vectors, trained further); Severyn and Moschitti, SIGIR 2015,
section 4.3 (kept as they are, random ones for words without). Departure: the scale.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from irkit.errors import ConfigError
from irkit.rank.overlap import spelt
from irkit.rank.qacnn import QACNN, QACNNConfig
from irkit.text.vectors import Vectors

if TYPE_CHECKING:
    from torch import Tensor

    from irkit.rank.qa_words import Words


class QACNNVectors(QACNN):
    """QACNN whose words begin with given vectors; the setting `size` is theirs."""

    name = "qacnn-vectors"
    needs = ("vectors",)

    def __init__(self, vectors: Vectors, config: QACNNConfig | None = None, **settings: Any) -> None:
        super().__init__(config, **settings)
        self.vectors = vectors

    def besides(self) -> list[str]:
        """Return the words that have a vector.

        Raises
        ------
        ConfigError
            If none has.
        """
        if not len(self._spelt):
            raise ConfigError(
                f"{self.name}: no word has a vector, got {len(self.vectors)} such as {self.vectors.words[:1]}; give "
                "vectors of words"
            )
        return self._spelt.words

    def vectors_of(self, words: Words) -> Tensor:
        """Return what words begin with: (words, E)."""
        import torch

        given = self._spelt
        out = torch.empty(len(words), given.size).uniform_(-1, 1)
        out[torch.tensor(words.places(given.words))] = torch.from_numpy(given.matrix) * (given.size / 3) ** 0.5
        return out

    @cached_property
    def _spelt(self) -> Vectors:
        return spelt(self.vectors, stems=self.config.stems)
