"""Texts as numbers of words, for nets that read questions and answers.

Numbers: 0 is what stands after the end of a text, 1 to `unknown` are words that were not known in training, shared
out among them by a hash, and then come the known words. With many numbers for unknown words, one that stands in
question and answer is seen to be the same although nothing was learned of it.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
import torch

from irkit.arrays import Ints
from irkit.learn.conditions import sent
from irkit.learn.data import Padded
from irkit.rank.overlap import words

PADDING = 0
"Number of what stands after the end of a text."


class Words:
    """The words that a net knows.

    Parameters
    ----------
    known : sequence of str
    unknown : int
        Numbers for all other words.
    stems : bool
        Whether words are stems.
    """

    def __init__(self, known: Sequence[str], unknown: int = 1, *, stems: bool = False) -> None:
        self.known, self.unknown, self.stems = list(known), unknown, stems
        self._number = {word: at for at, word in enumerate(self.known, start=PADDING + 1 + unknown)}

    def __len__(self) -> int:
        return PADDING + 1 + self.unknown + len(self.known)

    @classmethod
    def of(
        cls,
        texts: Iterable[str],
        *,
        min_count: int = 1,
        unknown: int = 1,
        stems: bool = False,
        besides: Collection[str] = (),
    ) -> Words:
        """Collect the words that occur often enough in the distinct ones of some texts, and others besides."""
        counts = Counter(word for text in sorted(set(texts)) for word in words(text, stems=stems))
        found = {word for word, count in counts.items() if count >= min_count}
        return cls(sorted(found | set(besides)), unknown, stems=stems)

    def numbers(self, text: str) -> list[int]:
        """Return the numbers of the words of a text."""
        return [self._number.get(word) or self._shared(word) for word in words(text, stems=self.stems)]

    def places(self, known: Iterable[str]) -> list[int]:
        """Return the numbers of known words."""
        return [self._number[word] for word in known]

    def _shared(self, word: str) -> int:
        return PADDING + 1 + zlib.crc32(word.encode()) % self.unknown

    def tree(self) -> dict[str, Any]:
        """Return them as a checkpoint holds them."""
        text = np.frombuffer("\n".join(self.known).encode(), dtype=np.uint8).copy()
        return {"known": torch.from_numpy(text), "unknown": self.unknown, "stems": self.stems}

    @classmethod
    def from_tree(cls, tree: dict[str, Any]) -> Words:
        """Undo `tree`."""
        text = tree["known"].numpy().tobytes().decode()
        return cls(text.split("\n") if text else [], tree["unknown"], stems=tree["stems"])


class Table:
    """Distinct texts as numbers of words.

    Parameters
    ----------
    texts : iterable of str
    known : Words
    length : int
        Words of a text that are read.
    """

    def __init__(self, texts: Iterable[str], known: Words, length: int) -> None:
        self.row = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        self.texts = list(self.row)
        numbers = [known.numbers(text)[:length] for text in self.texts]
        self.sizes = np.array([len(one) for one in numbers], dtype=np.int64)
        self.x = np.full((len(numbers), max(1, self.sizes.max(initial=0))), PADDING, dtype=np.int64)
        self.x[np.arange(self.x.shape[1]) < self.sizes[:, None]] = [number for one in numbers for number in one]

    def __len__(self) -> int:
        return len(self.texts)

    def rows(self, texts: Sequence[str]) -> Ints:
        """Return the rows of texts that are in the table."""
        return np.array([self.row[text] for text in texts], dtype=np.int64)

    def take(self, rows: Ints, device: torch.device) -> Padded:
        """Return some texts on a device, no longer than the longest of them."""
        sizes = self.sizes[rows]
        x = torch.from_numpy(self.x[rows, : max(1, sizes.max(initial=0))])
        return Padded(sent(x, device), sent(torch.from_numpy(sizes), device), sizes)
