"""Tests of irkit.pipeline.draw and irkit.pipeline.parse: print a pipeline, and read it back."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.errors import CompositionError, ConfigError
from irkit.pipeline import (
    Aggregate,
    Cut,
    DropSelf,
    Learned,
    Passages,
    Reset,
    Then,
    apply,
    combmnz,
    combsum,
    features,
    normalise,
    parse,
    rrf,
)
from irkit.pipeline.operators import (
    RRF,
    Append,
    CombMNZ,
    Features,
    Intersection,
    Normalise,
    Scale,
    Sum,
    Union,
)
from tests.pipeline.toy import DOCS, Louder, Toy, ToyIndex, toy

KINDS = (Aggregate, Cut, DropSelf, Learned, Louder, Passages, Reset, Toy)
JOINS = (Append, CombMNZ, Features, Intersection, Normalise, RRF, Scale, Sum, Union)
STAGES = {kind.name: kind for kind in KINDS + JOINS}
A, B, C = toy(), toy(boost=2), toy(n=7)


@pytest.mark.parametrize(
    ("pipeline", "text"),
    [
        (A, "toy()"),
        (B % 10, "toy(boost=2.0) % 10"),
        (A % 10 >> DropSelf() % 5, "toy() % 10 >> drop_self() % 5"),
        (Louder() >> A % 3 >> Normalise(), "louder() >> toy() % 3 >> normalise()"),
        (0.5 * A, "0.5 * toy()"),
        (-2 * A, "-2.0 * toy()"),
        (2 * (A % 3), "toy() % 3 * 2.0"),
        (2 * A % 3, "2.0 * toy() % 3"),
        (3 * (2 * A), "2.0 * toy() * 3.0"),
        (Louder() >> 2 * A, "louder() >> 2.0 * toy()"),
        (0.3 * A + 0.7 * B, "0.3 * toy() + 0.7 * toy(boost=2.0)"),
        (A % 2 + B, "toy() % 2 + toy(boost=2.0)"),
        (2 * (A + B), "2.0 * (toy() + toy(boost=2.0))"),
        ((A + B) % 3, "(toy() + toy(boost=2.0)) % 3"),
        (A + B + C, "toy() + toy(boost=2.0) + toy(n=7)"),
        (A + (B + C), "toy() + toy(boost=2.0) + toy(n=7)"),
        (A + combsum(B, 2 * C, missing=-1), "toy() + sum(toy(boost=2.0), 2.0 * toy(n=7), missing=-1.0)"),
        (combsum(A, B, missing="lowest") % 3, "sum(toy(), toy(boost=2.0), missing='lowest') % 3"),
        (combmnz(A, B, missing=0), "combmnz(toy(), toy(boost=2.0), missing=0.0)"),
        (features(A, B, missing=0) ** C, "features(toy(), toy(boost=2.0), missing=0.0) ** toy(n=7)"),
        (combsum(A, B), "toy() + toy(boost=2.0)"),
        (A + B >> Normalise(), "toy() + toy(boost=2.0) >> normalise()"),
        ((A >> Normalise()) + B, "(toy() >> normalise()) + toy(boost=2.0)"),
        (A >> Normalise() + Cut(k=3), "toy() >> normalise() + cut(k=3)"),
        (A | B & C, "toy() | toy(boost=2.0) & toy(n=7)"),
        ((A | B) & C, "(toy() | toy(boost=2.0)) & toy(n=7)"),
        (A ^ B | C, "toy() ^ toy(boost=2.0) | toy(n=7)"),
        (A | (B | C), "toy() | (toy(boost=2.0) | toy(n=7))"),
        ((A | B) >> Normalise(), "(toy() | toy(boost=2.0)) >> normalise()"),
        (A & (B >> Normalise()), "toy() & toy(boost=2.0) >> normalise()"),
        (A**B**C, "toy() ** toy(boost=2.0) ** toy(n=7)"),
        ((2 * A) ** B, "(2.0 * toy()) ** toy(boost=2.0)"),
        (2 * A**B, "2.0 * toy() ** toy(boost=2.0)"),
        (rrf(A % 5, B | C, k=30), "rrf(toy() % 5, toy(boost=2.0) | toy(n=7), k=30.0)"),
        (combmnz(normalise(A), B), "combmnz(toy() >> normalise(), toy(boost=2.0))"),
        (A.parallel(2), "toy().parallel(2)"),
        ((A % 5).parallel(2) >> Normalise(), "(toy() % 5).parallel(2) >> normalise()"),
        (Cut(k=3) % 2, "cut(k=3) % 2"),
        (Scale(weight=2) >> Cut(k=1), "scale(weight=2.0) % 1"),
        (A >> Reset() >> B, "toy() >> reset() >> toy(boost=2.0)"),
        (Passages(size=10) >> Aggregate(method="sum"), "passages(size=10) >> aggregate(method='sum')"),
        (A**B >> Learned(model="linear"), "toy() ** toy(boost=2.0) >> learned(model='linear')"),
    ],
)
def test_a_pipeline_prints_as_the_python_that_makes_it(pipeline, text):
    assert repr(pipeline) == text
    assert parse(text, STAGES, index=ToyIndex(DOCS)) == pipeline
    names = {name.replace("-", "_"): _maker(kind) for name, kind in STAGES.items()}
    assert eval(text, {"__builtins__": {}}, names) == pipeline


def _maker(kind):
    return lambda *parts, **settings: kind.make(settings, parts, {"index": ToyIndex(DOCS)})


pipelines = st.recursive(
    st.sampled_from([A, B, C]),
    lambda inner: st.one_of(
        st.builds(lambda a, k: a % k, inner, st.integers(1, 20)),
        st.builds(lambda a, w: w * a, inner, st.sampled_from([0.1, 2.0, -3.5, 1e-9])),
        st.builds(lambda a: a >> Normalise(method="zscore"), inner),
        st.builds(lambda a: a >> (Normalise() ** Cut(k=4) | DropSelf()), inner),
        st.builds(lambda a: a.parallel(3), inner),
        st.builds(lambda a, b, sign: eval(f"a {sign} b"), inner, inner, st.sampled_from(["+", "|", "&", "^", "**"])),
        st.builds(lambda a, b, k: rrf(a, b, k=k), inner, inner, st.floats(0.5, 99)),
        st.builds(
            lambda a, b, join, missing: join(a, b, missing=missing),
            inner,
            inner,
            st.sampled_from([combmnz, combsum, features]),
            st.sampled_from(["auto", "lowest", -2.5]),
        ),
    ),
    max_leaves=8,
)


@settings(max_examples=120, deadline=None)
@given(pipelines)
def test_printing_and_parsing_give_the_pipeline_back(pipeline):
    back = parse(repr(pipeline), STAGES, index=ToyIndex(DOCS))
    assert back == pipeline
    assert repr(back) == repr(pipeline)
    assert back.spec() == pipeline.spec()


@settings(max_examples=60, deadline=None)
@given(pipelines)
def test_no_pair_of_parentheses_can_be_left_out(pipeline):
    text = repr(pipeline)
    for start, stop in _pairs(text):
        bare = text[:start] + " " + text[start + 1 : stop] + " " + text[stop + 1 :]
        with suppress(ConfigError, CompositionError):
            assert parse(bare, STAGES, index=ToyIndex(DOCS)).spec() != pipeline.spec(), bare


def _pairs(text):
    """Yield the places of parentheses that are not those of a call."""
    open_ = []
    for place, sign in enumerate(text):
        if sign == "(":
            open_.append(place)
        elif sign == ")":
            start = open_.pop()
            if not (start and (text[start - 1].isalnum() or text[start - 1] == "_")):
                yield start, place


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "pipeline: is not an expression, got ''; "),
        ("toy() >>", "pipeline: is not an expression, got 'toy() >>'; "),
        ("a = toy()", "pipeline: is not an expression, got 'a = toy()'"),
        ("toi()", "pipeline: there is no stage 'toi'; did you mean toy?"),
        ("toy(bost=2)", "toy: unknown field 'bost'; did you mean boost?"),
        ("toy(2)", "pipeline: 'toy(2)' at column 1 takes its settings by name, as in cut(k=10)"),
        ("toy(**{'boost': 2})", "pipeline: \"toy(**{'boost': 2})\" at column 1 has a setting without a name"),
        ("toy(boost=open('x'))", "pipeline: \"open('x')\" at column 11 is not a plain value"),
        ("__import__('os').system('x')", "pipeline: \"__import__('os').system('x')\" at column 1 is not a plain value"),
        ("toy", "pipeline: 'toy' at column 1 is not a plain value"),
        ("toy().config", "pipeline: 'toy().config' at column 1 is not a plain value"),
        ("'toy'", "pipeline: \"'toy'\" at column 1 is neither a stage nor a number"),
        ("3", "pipeline: must be a pipeline, got '3'; write a stage such as cut(k=10)"),
        ("3 * 4", "pipeline: '3 * 4' at column 1 joins no pipelines"),
        ("toy() - toy()", "pipeline: 'toy() - toy()' at column 1 is not a plain value"),
        ("3 % toy()", "pipeline: '3 % toy()' at column 1 does not fit"),
        ("(3).parallel(2)", "pipeline: '3 .parallel(2)' at column 1 is no pipeline"),
        ("toy() ? toy()", "pipeline: is not an expression, got 'toy() ? toy()'; column 7: invalid syntax"),
        ("toy(" * 300 + ")" * 300, "pipeline: is "),
        ("cut(toy(), k=1)", "cut: holds no pipelines, got 1; remove 'of'"),
    ],
)
def test_a_text_that_is_no_pipeline_is_refused(text, message):
    with pytest.raises(ConfigError) as error:
        parse(text, STAGES, index=ToyIndex(DOCS))
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_stages_that_do_not_fit_are_refused_as_in_python():
    with pytest.raises(CompositionError, match=r"got 2\.5; write pipeline % 10"):
        parse("toy() % 2.5", STAGES, index=ToyIndex(DOCS))
    with pytest.raises(ConfigError, match=r"toy: needs the resource 'index'; pass index="):
        parse("toy()", STAGES)


def test_a_very_long_chain_is_read_or_refused_in_one_line():
    chain = " >> ".join(["toy()"] + ["normalise()"] * 400)
    assert len(parse(chain, STAGES, index=ToyIndex(DOCS)).parts) == 401
    with pytest.raises(ConfigError, match="pipeline: is too deeply nested"):
        parse(" >> ".join(["toy()"] + ["normalise()"] * 4000), STAGES, index=ToyIndex(DOCS))


def test_a_schematic_shows_the_stages_as_a_tree():
    pipeline = Louder() >> rrf(toy() % 5, (toy(boost=2) >> Normalise()) | toy()) % 10 >> Reset()
    assert str(pipeline) == (
        "queries\n"
        "  louder()\n"
        "  rrf()  [queries -> results]\n"
        "  ├─ toy()  [queries -> results]\n"
        "  │  cut(k=5)\n"
        "  └─ union()  [queries -> results]\n"
        "     ├─ toy(boost=2.0)  [queries -> results]\n"
        "     │  normalise()\n"
        "     └─ toy()  [queries -> results]\n"
        "  cut(k=10)\n"
        "  reset()  [results -> queries]\n"
        "queries"
    )


def test_functions_print_by_their_name():
    def twice(row):
        return 2 * row["score"]

    pipeline = A >> apply.score(twice, batch_size=8) >> apply.filter(lambda row: True, key="all")
    assert repr(pipeline) == "toy() >> apply.score(twice, batch_size=8) >> apply.filter(<lambda>, key='all')"
    assert Then.of(A) is A
