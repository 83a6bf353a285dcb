"""Tests of irkit.rank.posterior: distances beside torch's and integrals, rankings by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from irkit.errors import AbilityError
from irkit.rank import Posterior
from irkit.rank.posterior import bhattacharyya, symmetric_kl
from irkit.testing import check_stage
from tests.rank.toy import PosteriorEncoder, ToyEncoder, hits, ranking

NOTHING = ([np.nan], [np.nan])
ENCODER = PosteriorEncoder(
    {"a": [1], "b": [1], "c": [1]},
    posteriors=(
        [([0.0], [1.0]), ([1.0], [1.0]), NOTHING],
        {"birds' wings": ([0.0], [1.0]), "fluttering": ([1.0], [4.0])},
    ),
)
FIRST = {"q1": {"a": 1.0, "b": 2.0, "c": 3.0}, "q2": {"a": 1.0, "b": 2.0}, "q3": {"a": 9.0, "b": 8.0}}


def gaussians(n=6, d=3):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, d)), rng.gamma(2, size=(n, d)), rng.normal(size=d), rng.gamma(2, size=d)


def test_symmetric_kl_is_torch_s_both_ways():
    m, v, m_2, v_2 = gaussians()
    p, q = (Normal(torch.tensor(a), torch.tensor(b).sqrt()) for a, b in ((m, v), (m_2, v_2)))
    both = (kl_divergence(p, q) + kl_divergence(q, p)).sum(1)
    np.testing.assert_allclose(symmetric_kl(m, v, m_2, v_2), both.numpy(), rtol=1e-12)
    assert symmetric_kl(m_2, v_2, m_2, v_2) == 0


def test_bhattacharyya_is_minus_log_of_the_integral_of_the_root_of_the_product():
    m, v, m_2, v_2 = gaussians()
    x = np.linspace(-40, 40, 400_001)
    step = x[1] - x[0]

    def density(mean, variance):
        return np.exp(-((x - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)

    for mean, variance, found in zip(m, v, bhattacharyya(m, v, m_2, v_2), strict=True):
        each = [
            -np.log(np.sqrt(density(mean[d], variance[d]) * density(m_2[d], v_2[d])).sum() * step) for d in range(3)
        ]
        assert found == pytest.approx(sum(each), rel=1e-9)
    assert bhattacharyya(m_2, v_2, m_2, v_2) == pytest.approx(0, abs=1e-15)


def test_the_nearest_posterior_comes_first_and_what_is_not_known_is_last():
    found = Posterior(encoder=ENCODER).run(hits(FIRST))
    assert ranking(found, "q1") == {"a": 0, "c": -1, "b": -1}, "c counts the lowest; of equals the later docno is first"
    assert ranking(found, "q2") == {"b": 2, "a": 1}, "a query without a posterior leaves them as they are"
    assert ranking(found, "q3") == pytest.approx({"b": -1.125, "a": -1.125 - 0.5 * 1.25})
    other = Posterior(encoder=ENCODER, distance="bhattacharyya").run(hits(FIRST))
    assert ranking(other, "q1") == {"a": 0, "c": -0.125, "b": -0.125}
    mixed = Posterior(encoder=ENCODER, weight=0.5).run(hits(FIRST))
    assert ranking(mixed, "q1") == {"a": 0.5, "c": 0.5, "b": 0.25}


def test_it_keeps_to_the_contract_of_stages():
    others = [Posterior(encoder=ENCODER, distance="bhattacharyya"), Posterior(encoder=ENCODER, weight=0.5)]
    check_stage(Posterior(encoder=ENCODER), hits(FIRST), others=others)


def test_an_encoder_without_posteriors_is_refused_in_one_line():
    with pytest.raises(AbilityError, match="posterior: needs an encoder that gives posteriors, got one of ToyEncoder;"):
        Posterior(encoder=ToyEncoder({"a": [1]}))
    unable = SimpleNamespace(posteriors=lambda: None, can=lambda ability: False, model=SimpleNamespace(name="lsa"))
    with pytest.raises(AbilityError, match="got one of lsa; choose another model"):
        Posterior(encoder=unable)
