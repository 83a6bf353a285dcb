"""Tests of irkit.evaluate.measures."""

from __future__ import annotations

import warnings

import ir_measures
import numpy as np
import pytest

from irkit.errors import ConfigError, MissingExtraError
from irkit.evaluate.measures import aggregate, measure_names, parse_measures


@pytest.mark.parametrize(
    "name",
    ["AP", "AP(rel=2)@100", "nDCG@10", "nDCG(dcg='exp-log2')@10", "P(rel=2,judged_only=True)@5", "RR@10", "R@1000"]
    + ["Bpref", "infAP", "IPrec@0.1", "Rprec", "SetF(beta=0.5)", "Success@5", "Judged@10", "Compat(p=0.8)", "ERR@20"],
)
def test_names_round_trip(name):
    assert measure_names(name) == [name]
    assert measure_names(measure_names(name)) == [name]


def test_aliases_repeats_commas_and_lists():
    assert measure_names("MAP, AP MRR") == ["AP", "RR"]
    assert measure_names(["AP nDCG@5", ir_measures.P @ 10]) == ["AP", "nDCG@5", "P@10"]
    assert measure_names(ir_measures.AP) == ["AP"]
    assert measure_names("P(rel=2, judged_only=True)@5 AP") == ["P(rel=2,judged_only=True)@5", "AP"]


def theirs(text):
    """What ir-measures' own reader makes of a name; it asks for syntax nodes that newer Pythons warn of, then lack."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ir_measures.parse_measure(text)
        except (ValueError, TypeError, NameError):
            return None


def ours(text):
    try:
        return parse_measures([text])
    except (ConfigError, MissingExtraError):
        return None


def spellings():
    """Every measure of the registry, bare, with a cut-off, and with each of its parameters at values of its kind."""
    for name, kind in ir_measures.measures.registry.items():
        values = {
            int: [1, 2, 10],
            float: [0.5, 1.0],
            str: ["'log2'", '"exp-log2"'],
            bool: [True, False],
            dict: ["{0:1}"],
        }
        yield name
        yield f"{name}@10"
        yield f"{name}@0.1"
        for parameter, info in kind.SUPPORTED_PARAMS.items():
            dtypes = info.dtype if isinstance(info.dtype, tuple) else (info.dtype,)
            for value in [value for dtype in dtypes for value in values.get(dtype, [])]:
                yield f"{name}({parameter}={value})"
                yield f"{name}({parameter}={value})@20"


def test_every_name_of_ir_measures_is_read_as_ir_measures_reads_it():
    compared = 0
    for text in spellings():
        mine = ours(text)
        if (
            mine is not None
        ):  # twice a cut-off is refused; what no installed package computes is refused after it was read
            assert mine == [theirs(text)]
            compared += 1
    assert compared > 100


@pytest.mark.parametrize(
    "text",
    ["AP(", "AP)", "(", "@10", "AP@", "AP@@10", "AP@x", "AP@-1", "AP@b'1'", "AP@...", "AP(2)", "AP(rel)", "AP(rel=)"]
    + ["AP(rel=-1)", "AP(rel=[1])", "AP(rel=x)", "AP(**{'rel':1})", "AP(rel=b'1')", "AP+1", "AP=1"]
    + ["AP.x", "AP[1]", "AP@10@20", "lambda:1", "AP(rel=1)(rel=2)", "AP(rel={{}:1})", "AP(rel={**a})", "1", "'AP'"]
    + ["(" * 300 + "AP" + ")" * 300, "AP(rel=" + "9" * 5000 + ")", "AP\0", "AP(rel='\\d')x"],
)
def test_what_ir_measures_cannot_read_is_refused(text):
    with pytest.raises(ConfigError, match=r"measures: (cannot read|there is no measure|'AP)"):
        parse_measures([text])
    assert theirs(text) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ndcg@10", "measures: there is no measure 'ndcg@10'; did you mean nDCG@10?"),
        ("map", "measures: there is no measure 'map'; did you mean AP?"),
        ("ndcg_cut_10", "measures: there is no measure 'ndcg_cut_10'; did you mean nDCG@10?"),
        ("nDCG10", "measures: there is no measure 'nDCG10'; did you mean nDCG@10?"),
        ("Sucess@5", "measures: there is no measure 'Sucess@5'; did you mean Success"),
        ("official", "measures: there is no measure 'official'; choose from AP,"),
        ("AP(", "measures: cannot read 'AP('; write Name, Name@10 or Name(rel=2)@10"),
        ("P", "measures: 'P' needs cutoff (ranking cutoff threshold); write @10 after it"),
        ("P@0", "measures: cutoff of 'P@0' is not valid, got 0; it must be a whole number, 1 or more"),
        ("P(rel=0)@5", "measures: rel of 'P(rel=0)@5' is not valid, got 0; it must be a whole number, 1 or more"),
        ("P(foo=2)@3", "measures: 'P(foo=2)@3' has no parameter 'foo'; choose from cutoff, judged_only, rel"),
        ("AP(rel=1,rel=2)", "measures: cannot read 'AP(rel=1,rel=2)'"),
        ("P(cutoff=5)@10", "measures: 'P(cutoff=5)@10' gives cutoff twice; leave one out"),
        ("", "measures: needs one measure or more, got ''; for example AP nDCG@10"),
        ("NumRel(rel=2)", "measures: no package computes NumRel(rel=2); check its parameters"),
        (3, "measures: needs names or ir_measures measures, got 3"),
    ],
)
def test_a_wrong_measure_is_explained_in_one_line(text, message, capsys):
    with pytest.raises(ConfigError) as caught:
        parse_measures(text)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""


def test_a_measure_without_its_package_shows_the_command(monkeypatch):
    monkeypatch.setattr(ir_measures.pyndeval, "_is_available", False)
    monkeypatch.setattr(ir_measures.ranx, "_is_available", False)
    with pytest.raises(MissingExtraError, match=r"alpha_nDCG@20 needs .*; pip install ir-measures\[pyndeval\]"):
        parse_measures("alpha_nDCG@20")


@pytest.mark.parametrize("name", ["AP", "NumRet"])
def test_values_are_combined_with_the_bits_of_ir_measures_own_loop(name):
    values = np.random.default_rng(1).normal(size=1000)
    measure = parse_measures(name)[0]
    loop = measure.aggregator()
    for value in values.tolist():
        loop.add(value)
    assert aggregate(measure, values) == loop.result()


def test_errors_of_ratings_say_where_they_are_measured():
    with pytest.raises(ConfigError, match="no measure 'RMSE'; errors of predicted ratings are measured by irkit"):
        parse_measures("RMSE")
