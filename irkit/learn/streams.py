"""Text in order: one long line of symbols, cut into parallel streams that are read block by block.

    stream j        symbols j L .. (j + 1) L - 1 of the text, L = N / B rounded down
    block i         of every stream, symbols i T .. (i + 1) T - 1

A recurrent net reads the blocks of an epoch one after the other and takes its state from each to the next, but no
gradient: truncated back-propagation through time. The state is a buffer of the net, so that a checkpoint holds it
and a resumed run goes on to the same bits.

Source: Mikolov, Karafiat, Burget, Cernocky and Khudanpur, Interspeech 2010, for the state that is carried;
Zaremba, Sutskever and Vinyals, arXiv:1409.2329, section 4, for streams side by side.

Symbols: N symbols of the text, B streams, T symbols of a block, W symbols before a block that a model looks at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from irkit.errors import ConfigError
from irkit.learn.batches import fingerprint
from irkit.learn.recurrent import State


class Block(NamedTuple):
    """Some symbols of each stream."""

    seen: Tensor
    "What is read: the symbols before those to predict, (B, T) int64."
    next: Tensor
    "What is predicted: (B, T) int64."
    before: Tensor
    "The W symbols before those to predict: (B, W) int64."
    first: bool
    "Whether the streams begin here."


class Streams:
    """Blocks of a text in order: a `Source`.

    Parameters
    ----------
    text : (N,) int64
    streams : int
        B. The last symbols, fewer than B, are left out.
    steps : int
        T; the last block of an epoch may be shorter.
    opening : int
        The symbol that stands for what is before the text.
    before : int
        W.

    Raises
    ------
    ConfigError
        If there are fewer symbols than streams.
    """

    def __init__(self, text: Tensor, streams: int, steps: int, *, opening: int, before: int = 1) -> None:
        self.long = len(text) // streams
        if not self.long:
            raise ConfigError(f"streams: {len(text)} symbols do not make {streams} streams; ask for fewer")
        self.steps, self.before = steps, max(before, 1)
        self.fingerprint = fingerprint(text)
        self._padded = pad(text, (self.before, 0), value=opening)
        self._starts = torch.arange(streams, device=text.device)[:, None] * self.long

    def __len__(self) -> int:
        return -(-self.long // self.steps)

    def batch(self, epoch: int, at: int, rng: torch.Generator | None = None) -> Block:
        """Return block `at`, the same in every epoch; `rng` is not used."""
        start = at * self.steps
        width = min(self.steps, self.long - start)
        places = self._starts + torch.arange(start, start + self.before + width, device=self._starts.device)
        symbols = self._padded[places]
        seen, after = symbols[:, self.before - 1 : -1], symbols[:, self.before :]
        return Block(seen, after, symbols[:, : self.before], at == 0)

    def __iter__(self) -> Iterator[Block]:
        return (self.batch(0, at) for at in range(len(self)))


class Carried(nn.Module):
    """The state that a recurrent net had at the end of the last block, without its gradient."""

    state: Tensor
    "h, or c behind h, of each layer and stream: (1 or 2, layers, B, H); no streams before the first block."

    def __init__(self, cell: str, layers: int, hidden_size: int) -> None:
        super().__init__()
        self.register_buffer("state", torch.zeros(2 if cell == "lstm" else 1, layers, 0, hidden_size))

    def at(self, block: Block) -> State | None:
        """Return what a block begins with: nothing where the streams begin."""
        if block.first:
            return None
        return (self.state[0], self.state[1]) if len(self.state) == 2 else self.state[0]

    def keep(self, state: State) -> None:
        """Remember what a block ended with."""
        self.state = torch.stack(state if isinstance(state, tuple) else (state,)).detach()

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Take over a state of any number of streams."""
        found = state_dict.get(prefix + "state")
        if found is not None and found.shape[:2] + found.shape[3:] == self.state.shape[:2] + self.state.shape[3:]:
            self.state = torch.zeros_like(found, device=self.state.device)
        super()._load_from_state_dict(state_dict, prefix, *rest)
