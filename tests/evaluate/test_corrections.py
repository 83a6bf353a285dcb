"""Tests of irkit.evaluate.corrections: by hand, equal to statsmodels and scipy, and in order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from irkit.errors import ConfigError
from irkit.evaluate.corrections import (
    CORRECTION_TITLES,
    benjamini_hochberg,
    bonferroni,
    check_correction,
    corrected,
    holm,
)

THEIRS = {"holm": "holm", "bonferroni": "bonferroni", "benjamini-hochberg": "fdr_bh"}
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=8).map(np.array)


def test_holm_by_hand():
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.5, 0.9])).tolist() == [1.0, 1.0]
    assert holm(np.array([0.02])).tolist() == [0.02]
    assert holm(np.array([])).tolist() == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_the_order_and_lies_between_p_and_bonferroni(p):
    p = np.array(p)
    got = holm(p)
    assert (got >= p).all()
    assert (got <= np.minimum(1, p * len(p)) + 1e-15).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(got[order]) >= 0).all()


def test_bonferroni_and_benjamini_hochberg_by_hand():
    p = np.array([0.01, 0.04, 0.03, 0.005])  # in order .005 .01 .03 .04
    assert bonferroni(p).tolist() == pytest.approx([0.04, 0.16, 0.12, 0.02])
    # .005 * 4/1 = .02, .01 * 4/2 = .02, .03 * 4/3 = .04, .04 * 4/4 = .04
    assert benjamini_hochberg(p).tolist() == pytest.approx([0.02, 0.04, 0.04, 0.02])
    # .02 * 3/1 = .06 is more than .03 * 3/2 = .045, which the smaller p takes over
    assert benjamini_hochberg(np.array([0.02, 0.03, 0.9])).tolist() == pytest.approx([0.045, 0.045, 0.9])
    assert bonferroni(np.array([0.5, 0.6])).tolist() == [1.0, 1.0]
    for method in (bonferroni, benjamini_hochberg):
        assert method(np.array([0.02])).tolist() == [0.02]
        assert method(np.array([])).tolist() == []


@pytest.mark.parametrize("correction", CORRECTION_TITLES)
@settings(max_examples=40, deadline=None)
@given(p=P_VALUES)
def test_every_correction_is_that_of_statsmodels(correction, p):
    theirs = pytest.importorskip("statsmodels.stats.multitest").multipletests(p, method=THEIRS[correction])[1]
    np.testing.assert_allclose(corrected(p, correction), theirs, rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(p=P_VALUES)
def test_benjamini_hochberg_is_that_of_scipy(p):
    np.testing.assert_allclose(benjamini_hochberg(p), false_discovery_control(p, method="bh"), rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(p=P_VALUES, seed=st.integers(0, 9))
def test_the_order_of_comparisons_is_nothing_and_the_methods_stand_in_order(p, seed):
    shuffled = np.random.default_rng(seed).permutation(len(p))
    for correction in CORRECTION_TITLES:
        np.testing.assert_array_equal(corrected(p[shuffled], correction), corrected(p, correction)[shuffled])
    assert (p <= benjamini_hochberg(p) + 1e-15).all()
    assert (benjamini_hochberg(p) <= holm(p) + 1e-15).all()
    assert (holm(p) <= bonferroni(p) + 1e-15).all()
    assert (bonferroni(p) <= 1).all()


def test_a_misspelt_correction_is_named():
    with pytest.raises(ConfigError, match=r"compare: there is no correction 'bonferoni'.*bonferroni"):
        check_correction("bonferoni", who="compare")
