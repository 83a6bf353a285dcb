"""Documents as a batch, written out by hand."""

import torch

from irkit.learn import Padded


def padded(*documents):
    """Put lists of terms side by side, zeros after their ends."""
    longest = max(map(len, documents))
    x = torch.tensor([[*one, *[0] * (longest - len(one))] for one in documents], dtype=torch.int64)
    return Padded(x.view(len(documents), longest), torch.tensor([len(one) for one in documents]))
