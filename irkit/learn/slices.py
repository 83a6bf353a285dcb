"""Dense forms of computations: when they are chosen, and how their rows are cut so that memory stays bounded.

What leaves out the absent and the alike suits a processor, but its shapes follow the data: an accelerator has to be
asked for them, or is given many small operations. A dense form computes every cell by a few large operations whose
shapes are known beforehand.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

NUMBERS = 1 << 29
"Held while a slice is computed, at most, unless a single row takes more: two gigabytes in single precision."


def accelerated(device: torch.device) -> bool:
    """Whether dense forms are for a device: for all but the processor."""
    return device.type != "cpu"


def in_slices(compute: Callable[..., Tensor], row_numbers: int, *tensors: Tensor) -> Tensor:
    """Compute rows, a slice at a time where all at once would take too much; the cuts depend on sizes alone.

    Of several slices a gradient keeps only what went in, and computes each again.

    Parameters
    ----------
    compute : (tensors of n rows each) -> (n, ...) tensor
        Each row by itself, without random numbers.
    row_numbers : int
        Numbers that a row takes at most, its gradient included; a slice is as many rows as `NUMBERS` allows.
    *tensors : (B, ...)

    Returns
    -------
    (B, ...)
    """
    rows = max(1, NUMBERS // row_numbers)
    if len(tensors[0]) <= rows:
        return compute(*tensors)
    found = []
    for part in zip(*(torch.split(tensor, rows) for tensor in tensors), strict=True):
        if torch.is_grad_enabled():
            found.append(checkpoint(compute, *part, use_reentrant=False, preserve_rng_state=False))
        else:
            found.append(compute(*part))
    return torch.cat(found)
