"""The net of QACNN: one convolution reads question and answer, and their cosine is the score.

    h_w[t] = W_w (x_t, ..., x_{t + w - 1})            of each width w, F filters
    v      = ReLU(max over t of h_w[t] + b)           of all widths, end to end
    s(q, a) = v_q . v_a / (|v_q| |v_a|)               or, with features f of the pair,  m_0 cos + m . f

x are vectors of words. Windows lie within the text; a text shorter than a window is read with zeros after it, and
one without a word has the vector 0 and so the cosine 0 with any other.

Sources: Feng et al., "Applying deep learning to answer selection: a study and an open task", ASRU 2015, architecture
II; Wang et al., "IRGAN", SIGIR 2017, section 4.4 and the authors' code, for start and sizes; Severyn and Moschitti,
SIGIR 2015, section 3.3, for features beside the similarity.
Departures: there padding is a word like others, so that windows of nothing but padding take part in the maximum.

Symbols: B questions, L answers of each, U texts, T words of the longest, E numbers of a word, F filters of a width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, normalize, pad, relu

from irkit.arrays import Floats, Ints
from irkit.learn.conditions import sent
from irkit.learn.data import Padded
from irkit.learn.game import Player
from irkit.rank.qa_words import PADDING, Table

TEXTS, PAIRS = 256, 1 << 14
"What is read, and what is compared, at once when results are scored."


class TextPools(NamedTuple):
    """Questions with candidates, each distinct answer held once."""

    questions: Padded
    "Numbers of words, (B, T) int64."
    answers: Padded
    "Numbers of words of the distinct answers, (U, T) int64."
    place: Tensor
    "(B, L) int64: which of them each candidate is."
    features: Tensor | None = None
    "(B, L, K): what else is known of each pair."

    def kept(self, columns: Tensor) -> TextPools:
        """Return the pools of some candidates of each question: columns (B, l) int64."""
        place = self.place.gather(1, columns)
        flat, answers = place.flatten(), self.answers
        features = self.features
        if features is not None:
            features = features.gather(1, columns[:, :, None].expand(-1, -1, features.shape[2]))
        again = torch.arange(len(flat), device=place.device).view_as(place)
        return TextPools(self.questions, Padded(answers.x[flat], answers.lengths[flat]), again, features)


class QACNNNet(Player):
    """The weights, and the scores of candidates; a player of the adversarial game.

    Parameters
    ----------
    vectors : (words, E) tensor
        What words begin with; that of `PADDING` becomes zero.
    filters : int
        F.
    widths : sequence of int
        Words in a window.
    features : int
        Features of a pair, K.
    dropout : float
        Share of the numbers of v left out while training.
    fixed : bool
        Whether words keep their vectors.
    """

    def __init__(
        self,
        vectors: Tensor,
        filters: int,
        widths: Sequence[int],
        *,
        features: int = 0,
        dropout: float = 0.0,
        fixed: bool = False,
    ) -> None:
        super().__init__()
        start = vectors.clone()
        start[PADDING] = 0
        self.vectors: Tensor
        if fixed:
            self.register_buffer("vectors", start)
        else:
            self.vectors = nn.Parameter(start)
        self.widths = tuple(widths)
        self.convolutions = nn.ModuleList(nn.Conv1d(vectors.shape[1], filters, width) for width in self.widths)
        for layer in self.convolutions:
            assert isinstance(layer, nn.Conv1d)
            assert layer.bias is not None
            nn.init.trunc_normal_(layer.weight, std=0.1, a=-0.2, b=0.2)
            nn.init.constant_(layer.bias, 0.1)
        self.dropout = nn.Dropout(dropout)
        self.mix = nn.Parameter(torch.cat([torch.ones(1), torch.zeros(features)])) if features else None

    def encode(self, texts: Padded) -> Tensor:
        """Return v / |v| of texts: (U, len(widths) F)."""
        x = embedding(texts.x, self.vectors, padding_idx=PADDING).transpose(1, 2)
        x = pad(x, (0, max(0, max(self.widths) - x.shape[2])))
        found = relu(torch.cat([self._pooled(layer(x), texts.lengths, width) for layer, width in self._layers()], 1))
        return normalize(self.dropout(found), dim=1, eps=1e-8) * (texts.lengths > 0)[:, None]

    def forward(self, x: TextPools) -> Tensor:
        """Return the score of each candidate: (B, L)."""
        cosines = (self.encode(x.questions) @ self.encode(x.answers).T).gather(1, x.place)
        return self.mixed(cosines, x.features)

    def pairs(self, x: TextPools, row: Tensor, column: Tensor) -> Tensor:
        """Score some candidates, told by question and place, reading no more texts than it takes: (M,)."""
        place, answers = x.place[row, column], x.answers
        if place.device.type == "cpu" or len(place) < len(answers.x):
            used, place = _distinct(place)
            answers = Padded(answers.x[used], answers.lengths[used])
        cosines = (self.encode(x.questions)[row] * self.encode(answers)[place]).sum(1)
        return self.mixed(cosines, None if x.features is None else x.features[row, column])

    def mixed(self, cosines: Tensor, features: Tensor | None) -> Tensor:
        """Return scores (...) of cosines (...) and features (..., K)."""
        if self.mix is None:
            return cosines
        assert features is not None
        return self.mix[0] * cosines + features @ self.mix[1:]

    def _layers(self) -> list[tuple[nn.Module, int]]:
        return list(zip(self.convolutions, self.widths, strict=True))

    @staticmethod
    def _pooled(found: Tensor, lengths: Tensor, width: int) -> Tensor:
        """Return the greatest number of each filter over the windows of a text: (U, F, T) to (U, F)."""
        windows = (lengths - width + 1).clamp(min=1)
        outside = torch.arange(found.shape[2], device=found.device) >= windows[:, None]
        return found.masked_fill(outside[:, None], -torch.inf).amax(2)


def _distinct(place: Tensor) -> tuple[Tensor, Tensor]:
    """Return the distinct ones of some numbers, where that costs no waiting, and where each number is among them."""
    if place.device.type == "cpu":
        used, where = place.unique(return_inverse=True)
        return used, where
    return place, torch.arange(len(place), device=place.device)


@torch.no_grad()
def scored(net: QACNNNet, table: Table, questions: Ints, answers: Ints, features: Floats | None = None) -> Floats:
    """Score pairs, reading each text once beside others of its length.

    Parameters
    ----------
    net : QACNNNet
    table : Table
    questions, answers : (m,) int
        Rows of the table.
    features : (m, K), optional

    Returns
    -------
    (m,) float64
    """
    device = net.vectors.device
    used = np.unique(np.concatenate([questions, answers]))
    used = used[np.argsort(table.sizes[used], kind="stable")]
    place = np.zeros(len(table), dtype=np.int64)
    place[used] = np.arange(len(used))
    read = [net.encode(table.take(used[at : at + TEXTS], device)) for at in range(0, len(used), TEXTS)]
    vectors = torch.cat(read)
    left, right = (sent(torch.from_numpy(place[rows]), device) for rows in (questions, answers))
    spans = [slice(at, at + PAIRS) for at in range(0, len(left), PAIRS)]
    cosines = torch.cat([(vectors[left[span]] * vectors[right[span]]).sum(1) for span in spans])
    given = None if features is None else sent(torch.from_numpy(features), device).to(cosines.dtype)
    found: Floats = net.mixed(cosines, given).double().cpu().numpy()
    return found
