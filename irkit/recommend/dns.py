"""DNS: BPR whose negative is the best-scored of several items drawn, as in LambdaFM's dynamic sampler.

Source: Zhang, Chen, Wang and Yu, "Optimizing top-N collaborative filtering via dynamic negative item
sampling", SIGIR 2013; Yuan et al., "LambdaFM", CIKM 2016, section 4. The defaults are those of the
released code of IRGAN (Wang et al., SIGIR 2017), whose generator starts from this model.
Symbols: as in `bpr`; k items drawn for each positive.
Departures: those of `bpr`; the scores that choose among the items drawn are those at the start of the
epoch, as in IRGAN's code.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from irkit.arrays import Floats, Ints
from irkit.recommend.bpr import BPR, BPRConfig


class DNSConfig(BPRConfig):
    """Settings of `DNS`."""

    embedding_size: int = Field(5, ge=1)
    "Factors."
    reg: float = Field(0.1, ge=0)
    "Penalty on squared factors and deviations of each triple."
    candidates: int = Field(5, ge=1)
    "Items drawn for each negative; with 1 the model is BPR."


def hardest(p: Floats, q: Floats, b: Floats, user: Ints, drawn: Ints) -> Ints:
    """Return the place of the best-scored of the items drawn for each user.

    Parameters
    ----------
    p, q, b : (U, d), (I, d), (I,)
    user : (m,)
    drawn : (m, k)

    Returns
    -------
    (m,) int64
        The first of them where several score alike.
    """
    scores = np.einsum("md,mkd->mk", p[user], q[drawn]) + b[drawn]
    best: Ints = scores.argmax(axis=1)
    return best


class DNS(BPR):
    """Rank items by BPR against hard negatives."""

    name = "dns"
    config_type = DNSConfig
    config: DNSConfig

    @property
    def candidates(self) -> int:  # type: ignore[override]
        """Items drawn for each negative."""
        return self.config.candidates

    def chosen(self, user: Ints, drawn: Ints) -> Ints:
        """Return which of the drawn items (m, k) is the negative: (m,)."""
        return hardest(self.user_factors_, self.item_factors_, self.item_deviations_, user, drawn)
