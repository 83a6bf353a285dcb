"""Sequences of different lengths in one batch: masks, and recurrent layers that padding cannot reach.

Symbols: B sequences, T steps of the longest, D values a step, H hidden units.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from irkit.arrays import Ints
from irkit.errors import ShapeError

Cell: TypeAlias = Literal["lstm", "gru", "rnn"]
"Long short-term memory, gated recurrent units, or plain tanh units."
Layer: TypeAlias = nn.LSTM | nn.GRU | nn.RNN
State: TypeAlias = Tensor | tuple[Tensor, Tensor]
"What torch's layers have for a state: h or, of an LSTM, (h, c), each (layers and directions, B, H)."

SHORT = 16
"On a processor sequences of more steps are not packed: see `_in_parts`."


class Run(NamedTuple):
    """What a recurrent layer made of a batch."""

    outputs: Tensor
    "The top layer's state after each step, both directions side by side, zeros on padding: (B, T, H or 2 H)."
    state: State
    "After each sequence's own last step; of an empty one the state it began with."


def mask(lengths: Tensor, steps: int | None = None) -> Tensor:
    """Return which steps are no padding.

    Parameters
    ----------
    lengths : (B,) int64
    steps : int, optional
        T; default the longest.

    Returns
    -------
    (B, T) bool

    Examples
    --------
    >>> mask(torch.tensor([1, 3])).int().tolist()
    [[1, 0, 0], [1, 1, 1]]
    """
    width = int(lengths.max()) if steps is None else steps
    return torch.arange(width, device=lengths.device) < lengths[:, None]


def cleared(values: Tensor, valid: Tensor) -> Tensor:
    """Return values with zeros on padding, through which no gradient flows: (B, T, ...) and (B, T) to (B, T, ...)."""
    return torch.where(valid.view(*valid.shape, *[1] * (values.ndim - 2)), values, 0)


def masked_sum(values: Tensor, valid: Tensor) -> Tensor:
    """Sum over the steps that are no padding, whatever stands on padding: (B, T, ...) and (B, T) to (B, ...)."""
    return cleared(values, valid).sum(1)


def masked_mean(values: Tensor, valid: Tensor) -> Tensor:
    """Average over the steps that are no padding, 0 where there are none: (B, T, ...) and (B, T) to (B, ...)."""
    total = masked_sum(values, valid)
    return total / valid.sum(1).clamp_min(1).view(-1, *[1] * (total.ndim - 1))


def recurrent(kind: Cell, inputs: int, hidden: int, *, layers: int = 1, dropout: float = 0.0) -> Layer:
    """Return layers of cells over (B, T, inputs); dropout is between layers."""
    made: type[Layer] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[kind]
    return made(inputs, hidden, num_layers=layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)


@torch.no_grad()
def remembering(layer: nn.LSTM | nn.LSTMCell) -> None:
    """Let the forget gates begin near sigmoid(1), not sigmoid(0): what was read is there long enough to be learned.

    Source: Jozefowicz, Zaremba and Sutskever, "An empirical exploration of recurrent network architectures", ICML
    2015. Ten words of twenty are written again after some hundreds of steps with this, not after 1,600 without.
    """
    for name, bias in layer.named_parameters():
        if name.startswith("bias_ih"):
            bias[layer.hidden_size : 2 * layer.hidden_size] = 1  # gates stand in the order input, forget, cell, output


def run(layer: Layer, values: Tensor, lengths: Tensor, state: State | None = None, *, sizes: Ints | None = None) -> Run:
    """Run a recurrent layer so that padding changes nothing: no output, final state or gradient.

    The backward half of a bidirectional layer begins at each sequence's own end.

    Parameters
    ----------
    layer : as `recurrent` makes one
    values : (B, T, D)
    lengths : (B,) int64, 0 to T
    state : h or (h, c), optional
        What to begin with; default zeros.
    sizes : (B,) int64, optional
        The lengths on the host, where they are known there: an accelerator need not be asked.

    Raises
    ------
    ShapeError
        If a length is not between 0 and T, or there is not one for each sequence.
    """
    if lengths.shape != values.shape[:1]:
        raise ShapeError(
            f"run: lengths must be ({len(values)},), got {tuple(lengths.shape)}; give one number of steps a sequence"
        )
    steps = values.shape[1]
    if not len(values):
        return _of_none(layer, values, state)
    known = lengths.cpu().numpy() if sizes is None else sizes
    if not 0 <= known.min() <= known.max() <= steps:
        raise ShapeError(
            f"run: lengths must be 0 to {steps}, got {known.min()} to {known.max()}; count the steps of each sequence"
        )
    # torch packs no empty sequence: it gets one step, whose traces are removed below.
    if steps == 0:
        values = values.new_zeros(len(values), 1, values.shape[2])
    lengths = lengths.to(values.device)
    valid = mask(lengths, values.shape[1])
    values = cleared(values, valid)
    if layer.bidirectional or values.is_cuda or known.max() <= SHORT:
        packed = pack_padded_sequence(
            values, torch.from_numpy(known.clip(min=1)), batch_first=True, enforce_sorted=False
        )
        found, last = layer(packed, state)
        outputs, _ = pad_packed_sequence(found, batch_first=True, total_length=values.shape[1])
    else:
        outputs, last = _in_parts(layer, values, known.clip(min=1), state)
    outputs = cleared(outputs, valid)[:, :steps]
    if isinstance(last, tuple):
        first = state if isinstance(state, tuple) else (None, None)
        return Run(outputs, (_kept(last[0], first[0], lengths), _kept(last[1], first[1], lengths)))
    return Run(outputs, _kept(last, state if isinstance(state, Tensor) else None, lengths))


def _of_none(layer: Layer, values: Tensor, state: State | None) -> Run:
    """Return what there is of no sequences at all, which torch does not run."""
    directions = 2 if layer.bidirectional else 1
    nothing = values.new_zeros(layer.num_layers * directions, 0, layer.hidden_size)
    if state is None:
        state = (nothing, nothing) if isinstance(layer, nn.LSTM) else nothing
    return Run(values.new_zeros(0, values.shape[1], directions * layer.hidden_size), state)


def _in_parts(layer: Layer, values: Tensor, lengths: Ints, state: State | None) -> tuple[Tensor, State]:
    """Run from one end of a sequence to the next, with those that go on; return outputs and final states.

    The gradients of a packed sequence cost torch the square of its steps on a processor: 28 times as long as this at
    400 steps of 256 LSTM cells, 6 times at 130 of 128, and as long at 20.
    """
    ends = np.unique(lengths)
    order = np.argsort(-lengths, kind="stable")
    sorted_, back = torch.from_numpy(order), torch.from_numpy(np.argsort(order))
    rows, whole = values[sorted_], values.shape[1]
    state = None if state is None else _of(state, sorted_)
    outputs, finals = [], []
    steps = np.diff(ends, prepend=0, append=whole).tolist()
    for part, end in zip(torch.split(rows, steps, 1), ends, strict=False):
        here, left = int((lengths >= end).sum()), int((lengths > end).sum())
        found, state = layer(part[:here], state)
        outputs.append(pad(found, (0, 0, 0, 0, 0, len(rows) - here)))
        finals.append(_of(state, slice(left, here)))
        state = _of(state, slice(left))
    outputs.append(values.new_zeros(len(rows), whole - int(ends[-1]), layer.hidden_size))
    parts: list[Any] = finals[::-1]  # the longest first, as the rows are
    last: State
    if isinstance(parts[0], tuple):
        last = (torch.cat([h for h, _ in parts], 1)[:, back], torch.cat([c for _, c in parts], 1)[:, back])
    else:
        last = torch.cat(parts, 1)[:, back]
    return torch.cat(outputs, 1)[back], last


def _of(state: State, rows: Tensor | slice) -> State:
    """Return the states of some sequences."""
    if isinstance(state, tuple):
        return state[0][:, rows].contiguous(), state[1][:, rows].contiguous()
    return state[:, rows].contiguous()


def _kept(last: Tensor, first: Tensor | None, lengths: Tensor) -> Tensor:
    """Return final states, the initial ones where a sequence is empty."""
    return torch.where(lengths[:, None] > 0, last, 0 if first is None else first)
