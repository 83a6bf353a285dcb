"""A recurrent layer that writes a document given a vector: its first state, and an input at every step beside the word.

    s_0 = A code + a          s_t = RNN(s_t-1, [embedding of w_t-1 ; code])

Symbols: B documents, T symbols of the longest, E numbers of an embedding, C of a code, H hidden units.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from irkit.learn.recurrent import Cell, Layer, State, recurrent


class Conditioned(nn.Module):
    """One layer of cells that begins with a vector.

    Parameters
    ----------
    cell : {"lstm", "gru", "rnn"}
    embedding_size, code_size, hidden_size : int
        E, C and H.
    every_step : bool
        Whether the vector is an input at every step too.
    """

    def __init__(
        self, cell: Cell, embedding_size: int, code_size: int, hidden_size: int, *, every_step: bool = True
    ) -> None:
        super().__init__()
        self.every_step = every_step
        self.layer: Layer = recurrent(cell, embedding_size + code_size * every_step, hidden_size)
        self.first = nn.Linear(code_size, hidden_size * (2 if cell == "lstm" else 1))

    def begin(self, code: Tensor) -> State:
        """Return the state before the first word: (B, C) to h or (h, c), (1, B, H) each."""
        found: Tensor = self.first(code)[None]
        if not isinstance(self.layer, nn.LSTM):
            return found
        h, c = found.chunk(2, 2)
        return h.contiguous(), c.contiguous()

    def forward(self, words: Tensor, code: Tensor) -> Tensor:
        """Return what tells each next symbol: embeddings (B, T, E) and codes (B, C) to (B, T, H)."""
        found: Tensor = self.layer(self._inputs(words, code), self.begin(code))[0]
        return found

    def step(self, words: Tensor, code: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Go on by one word, from the first state where there is none yet: (B, E) and (B, C) to (B, H)."""
        found, state = self.layer(self._inputs(words[:, None], code), self.begin(code) if state is None else state)
        return found[:, 0], state

    def _inputs(self, words: Tensor, code: Tensor) -> Tensor:
        if not self.every_step:
            return words
        return torch.cat([words, code[:, None].expand(-1, words.shape[1], -1)], 2)
