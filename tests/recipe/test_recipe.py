"""Tests of irkit.recipe.recipe and irkit.recipe.assemble."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.errors import CompositionError, ConfigError, DataError, NotFoundError
from irkit.pipeline import apply, combsum
from irkit.pipeline.chain import Cut
from irkit.pipeline.filters import Drop
from irkit.pipeline.learned import Learned
from irkit.pipeline.operators import RRF, Append, CombMNZ, Normalise, RRFConfig, Scale, Sum
from irkit.pipeline.retrieve import Retrieve
from irkit.recipe import Recipe, load_recipe, to_recipe
from irkit.recipe.assemble import needed, outline
from irkit.recommend.ease import EASE
from irkit.registry import STAGES
from irkit.yamlfile import parse_yaml
from tests.oracles.fake_index import FakeIndex

INDEX = FakeIndex()
QUERIES = {"1": "wing heat", "2": "plate", "3": "nothing"}


@pytest.fixture
def load(tmp_path):
    """Load a recipe from text."""

    def load(text: str) -> Recipe:
        path = tmp_path / "x.yaml"
        path.write_text(text, encoding="utf-8")
        return load_recipe(path)

    return load


# ---------------------------------------------------------------------- loading and building


def test_a_recipe_builds_the_pipeline_one_would_write_by_hand(load):
    recipe = load(
        """\
        name: mine
        about: A test.
        source: Nobody, "Nothing", 2026.
        needs: [index]
        stages:
          - use: rrf
            k: 10
            of:
              - [{use: lucene, model: bm25, k1: 1.2}, {use: cut, k: 3}]
              - [{use: lucene, model: ql-dirichlet, mu: auto}]
          - {use: cut, k: 2}
        """
    )
    bm25, ql = Retrieve(k1=1.2, index=INDEX), Retrieve(model="ql-dirichlet", mu="auto", index=INDEX)
    by_hand = RRF((bm25 % 3, ql), RRFConfig(k=10)) % 2
    built = recipe.build(index=INDEX)
    assert built == by_hand
    assert built(QUERIES).equals(by_hand(QUERIES))
    assert (recipe.name, recipe.about, recipe.needs) == ("mine", "A test.", ("index",))
    assert recipe.source == 'Nobody, "Nothing", 2026.'
    assert recipe.path is not None
    assert recipe.path.name == "x.yaml"


def test_the_name_is_the_file_s_where_none_is_given(load):
    assert load("stages: [{use: cut, k: 1}]").name == "x"


def test_an_unknown_recipe_lists_near_misses():
    with pytest.raises(NotFoundError, match=r"pipelines: there is no 'bm52'; did you mean bm25\?"):
        load_recipe("bm52")
    with pytest.raises(NotFoundError, match=r"pipelines: there is no file 'nowhere/x.yaml'"):
        load_recipe("nowhere/x.yaml")


def test_building_needs_the_resources_and_ignores_others(load):
    recipe = load("needs: [index]\nstages: [{use: lucene}]")
    with pytest.raises(
        ConfigError,
        match=r"recipe 'x': needs 'index', which was not given; call build\(index=irkit.Index.open\('folder'\)\)",
    ):
        recipe.build(indx=INDEX)
    with pytest.raises(ConfigError, match="needs 'index', which was not given"):
        recipe.build(index=None)
    assert recipe.build(index=INDEX, vectors=1) == Retrieve(index=INDEX)


def test_building_fits_nothing():
    recipe = Recipe(name="x", stages=[{"use": "ease", "n": 3}], needs=("train",))
    assert recipe.build() == EASE(n=3)
    with pytest.raises(ConfigError, match=r"recipe 'x': is built first and then fitted; write build\(\).fit\(train\)"):
        recipe.build(train=1)


def test_what_learns_needs_something_to_be_fitted_on(load):
    with pytest.raises(
        ConfigError, match=r"needs must hold 'train', which a stage needs; write needs: \[index, train\]"
    ):
        load("needs: [index]\nstages: [{use: lucene}, {use: learned}]")
    with pytest.raises(ConfigError, match="needs holds 'train', which no stage needs; remove it"):
        load("needs: [index, train]\nstages: [{use: lucene}]")


def test_a_missing_resource_of_another_kind_is_named():
    with pytest.raises(ConfigError, match=r"needs 'pairs', which was not given; call build\(pairs=...\)"):
        Recipe(name="x", stages=[{"use": "drop"}], needs=("pairs",)).build()


HEAD = "needs: [index]\nstages:\n"
FUSED = HEAD + "  - use: rrf\n    of:\n      - [{use: lucene}]\n"


def refused(load, text: str, place: str, kind: type[Exception]) -> None:
    """`place` is the line and what follows it."""
    with pytest.raises(kind, match=rf"/x\.yaml:{place}") as caught:
        load(text)
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (HEAD + "  - use: lucene\n    modle: bm25", r"4: lucene: unknown field 'modle'; did you mean model\?"),
        (HEAD + "  - use: lucene\n    n: abc", "4: lucene: n is not valid, got 'abc'"),
        (HEAD + "  - use: lucene\n    mu: [1]", "4: lucene: mu"),
        (HEAD + "  - use: lucene\n    model: ql-dirichlet\n    k1: 1", "3: ql-dirichlet: unknown field 'k1'"),
        (FUSED + "      - - use: lucene\n          n: 0", "7: lucene: n is not valid, got 0"),
        ("stages:\n  - {use: cut}", "2: cut: field 'k' is missing"),
        ("stages:\n  - use: cut\n    k: 0", "3: cut: k is not valid, got 0"),
        ("stages:\n  - use: scale\n    weight: .nan", "3: scale: weight is not valid, got nan"),
        ("stages:\n  - {use: cut, k: 1}\n  - {k: 1}", "3: the stage does not say which it is; add use:"),
        ("stages:\n  - {use: 5}", "2: the stage must be named by text, got 5"),
        ("stages:\n  - cut", "2: a stage is a mapping, got 'cut'; write {use: cut}"),
        ("stages: []", r"1: stages are a list of one or more, got \[\]"),
        ("name: x\nstages: cut", "2: stages are a list of one or more, got 'cut'"),
        ("stages:\n  - use: sum\n    of: []", r"3: sum: 'of' is a list of pipelines, got \[\]"),
        ("stages:\n  - use: sum\n    of: {use: reset}", "3: sum: 'of' is a list of pipelines"),
        ("stages:\n  - use: sum\n    of:\n      - {use: cut}", "4: each pipeline in 'of' is a list of stages"),
        ("stages:\n  - use: sum\n    of:\n      - []", "4: stages are a list of one or more"),
        ("stages:\n  - {use: cut, k: 1, of: [[{use: reset}]]}", "2: cut: holds no pipelines, got 1; remove 'of'"),
    ],
)
def test_a_wrong_stage_is_named_with_its_line(load, text, place):
    refused(load, text, place, ConfigError)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("name: x", "1: field 'stages' is missing: what is done, in order"),
        ("name: x\nstage: []", r"2: unknown field 'stage'; did you mean stages\?"),
        ("name: 5\nstages: [{use: reset}]", "1: name is not valid, got 5; it must be text"),
        ("stages: [{use: reset}]\nname: a/b", "2: name is not valid, got 'a/b'; a name is letters, digits and . _ . -"),
        ("stages: [{use: reset}]\nabout:", "2: about is not valid, got nothing; it must be text"),
        ("name: x\nneeds: []\nstages: [{use: lucene}]", r"2: needs must hold 'index', .*; write needs: \[index\]"),
        ("stages: [{use: rrf, of: [[{use: lucene}], [{use: lucene}]]}]", "1: needs must hold 'index'"),
        ("needs:\n  - index\n  - vectors\nstages: [{use: lucene}]", "3: needs holds 'vectors', which no stage needs"),
        ("needs: index\nstages: [{use: lucene}]", r"1: needs is not valid, got 'index'; a list of names, needs: \["),
        (
            "needs: [index, index]\nstages: [{use: lucene}]",
            r"1: needs is not valid, got \[index, index\]; each is named once",
        ),
    ],
)
def test_a_wrong_field_of_the_recipe_is_named_with_its_line(load, text, place):
    refused(load, text, place, ConfigError)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (HEAD + "  - use: cut\n    k: 3\n  - use: lucene", "5: >>: cut gives results but lucene takes queries"),
        (FUSED + "      - [{use: lucene}, {use: reset}]", "3: rrf: joins results, but .* gives queries"),
        (FUSED + "      - [{use: cut, k: 1}]", "3: rrf: lucene takes queries but cut takes results"),
        (FUSED + "      - [{use: cut, k: 1}, {use: lucene}]", "6: >>: cut gives results but lucene takes queries"),
        (FUSED, "3: rrf: joins two pipelines or more, got 1"),
        ("stages:\n  - {use: sum}", "2: sum: joins two pipelines or more, got 0"),
    ],
)
def test_a_wrong_composition_is_named_with_its_line(load, text, place):
    refused(load, text, place, CompositionError)


@pytest.mark.parametrize(
    ("text", "place", "kind"),
    [
        (HEAD + "  - {use: lucen}", r"3: there is no stage 'lucen'; did you mean lucene\?", NotFoundError),
        ("stages:\n  - {use: then, of: [[{use: reset}]]}", "2: there is no stage 'then'", NotFoundError),
        ("stages:\n  - !!python/name:os.system", "2: tags are not allowed", DataError),
        ("stages: [{use: cut, k: 1, k: 2}]", "1: 'k' occurs twice", DataError),
    ],
)
def test_an_unknown_stage_and_bad_yaml_are_named_with_their_line(load, text, place, kind):
    refused(load, text, place, kind)


def test_what_is_wrong_in_python_is_named_with_its_place():
    stages = [{"use": "cut", "k": 1}, {"use": "sum", "of": [[{"use": "reset"}], [{"use": "cut", "k": 1, "q": 1}]]}]
    with pytest.raises(ConfigError, match=r"recipe 'mine': 1\.of\.1\.0\.q: cut: unknown field 'q'"):
        Recipe(name="mine", stages=stages)


def test_what_is_wrong_with_a_resource_is_named_with_its_line(load):
    recipe = load("needs: [pairs]\nstages:\n  - {use: cut, k: 1}\n  - {use: drop}")
    with pytest.raises(Exception, match=r"x\.yaml:4: drop: needs a frame with the columns 'qid' and 'docno', got int"):
        recipe.build(pairs=3)


def test_an_outline_holds_stages_that_look_at_their_resources():
    # Drop's constructor checks its frame; the outline goes without.
    recipe = Recipe(name="x", stages=[{"use": "drop"}, {"use": "cut", "k": 1}], needs=("pairs",))
    assert recipe._outline.parts[0].name == "drop"
    assert needed(outline(recipe.stages, recipe.fail, ())) == ["pairs"]


def test_a_recipe_keeps_its_own_copy_of_the_stages():
    stages = [{"use": "cut", "k": 1}]
    recipe = Recipe(name="x", stages=stages)
    stages[0]["k"] = 0
    assert recipe.stages == [{"use": "cut", "k": 1}]


# ---------------------------------------------------------------------- identity


def test_the_hash_is_of_what_is_done_not_of_how_it_is_said(load):
    plain = load("needs: [index]\nstages: [{use: lucene}, {use: cut, k: 5}]")
    same = load(
        "# a comment\nname: other\nabout: words\nstages:\n  - {n: 1000, use: lucene, model: bm25}\n"
        "  - {k: 5, use: cut}\nneeds: [index]"
    )
    assert plain.hash == same.hash
    assert plain != same
    for other in (
        "needs: [index]\nstages: [{use: lucene}, {use: cut, k: 6}]",
        "needs: [index]\nstages: [{use: lucene}]",
        "needs: [index]\nstages: [{use: lucene, model: tf-idf}, {use: cut, k: 5}]",
        "needs: [index]\nstages: [{use: lucene}, {use: normalise}, {use: cut, k: 5}]",
        "needs: [index]\nstages: [{use: lucene}, {use: cut, k: 5}, {use: normalise}]",
    ):
        assert load(other).hash != plain.hash


def test_equal_recipes_have_one_place_in_a_dict(load):
    text = "needs: [index]\nstages: [{use: lucene}]"
    assert len({load(text): 1, load(text): 2}) == 1


# ---------------------------------------------------------------------- from pipelines

leaves = st.one_of(
    st.builds(lambda k: Cut(k=k), st.integers(1, 50)),
    st.builds(lambda w: Scale(weight=w), st.floats(-5, 5)),
    st.builds(lambda m: Normalise(method=m), st.sampled_from(["minmax", "zscore", "sum"])),
)
retrievers = st.one_of(
    st.builds(lambda k1, n: Retrieve(k1=k1, n=n, index=INDEX), st.floats(0, 3), st.integers(1, 9)),
    st.builds(lambda mu: Retrieve(model="ql-dirichlet", mu=mu, index=INDEX), st.sampled_from(["auto", 5.0, 2500])),
    st.just(Retrieve(model="tf-idf", index=INDEX)),
)


def joins(inner):
    several = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        st.builds(lambda a, b: a + b, inner, inner),
        st.builds(lambda a, b: a | b, inner, inner),
        st.builds(lambda a, b: a & b, inner, inner),
        st.builds(lambda a, b: a ^ b, inner, inner),
        st.builds(lambda a, b: a**b, inner, inner),
        st.builds(lambda parts, k: RRF(tuple(parts), RRFConfig(k=k)), several, st.floats(1, 99)),
        st.builds(lambda parts: CombMNZ(tuple(parts)), several),
        st.builds(lambda a, b, c: Sum((a, Append((b, c)))), inner, inner, inner),
        st.builds(lambda a, b: a >> b, inner, leaves),
        st.builds(lambda a, b, c: a >> b >> c, inner, leaves, leaves),
    )


pipelines = st.recursive(retrievers, joins, max_leaves=8)


@settings(max_examples=60, deadline=None)
@given(pipelines)
def test_any_pipeline_survives_the_way_to_yaml_and_back(tmp_path_factory, pipeline):
    recipe = to_recipe(pipeline, "generated", about="x")
    text = recipe.yaml()
    path = tmp_path_factory.mktemp("recipes") / "generated.yaml"
    path.write_text(text, encoding="utf-8")
    again = load_recipe(path)
    assert again == recipe
    assert again.yaml() == text
    assert again.hash == recipe.hash
    built = again.build(index=INDEX)
    assert built == pipeline
    assert to_recipe(built, "generated", about="x") == recipe


def test_a_small_pipeline_reads_as_one_would_write_it():
    pipeline = (Retrieve(index=INDEX) + 0.5 * Retrieve(model="tf-idf", index=INDEX)) % 10
    recipe = to_recipe(pipeline, "mix", "Two models.")
    assert recipe.needs == ("index",)
    assert recipe.yaml() == (
        "name: mix\n"
        "about: Two models.\n"
        "needs: [index]\n"
        "stages:\n"
        "  - use: sum\n"
        "    of:\n"
        "      - [{use: lucene}]\n"
        "      - [{use: lucene, model: tf-idf}, {use: scale, weight: 0.5}]\n"
        "  - {use: cut, k: 10}\n"
    )
    assert parse_yaml(recipe.yaml()).value["stages"] == recipe.stages


def test_a_recipe_says_what_a_missing_document_counts():
    pipeline = combsum(Retrieve(index=INDEX), Retrieve(model="tf-idf", index=INDEX), missing="lowest")
    recipe = to_recipe(pipeline, "mix", "Two models.")
    assert "  - use: sum\n    missing: lowest\n    of:\n" in recipe.yaml()
    assert recipe.build(index=INDEX) == pipeline
    assert "missing" not in to_recipe(combsum(*pipeline.parts), "mix", "Two models.").yaml()


def test_a_function_cannot_be_written_down():
    pipeline = Retrieve(index=INDEX) >> apply.score(lambda row: 1.0, key="one")
    with pytest.raises(ConfigError, match="a recipe cannot hold a function"):
        to_recipe(pipeline, "x")


def test_a_model_of_the_user_s_cannot_be_written_down():
    from sklearn.linear_model import Ridge

    with pytest.raises(ConfigError, match="a recipe cannot hold a Ridge"):
        to_recipe(Learned(estimator=Ridge()), "x")


def test_a_fitted_pipeline_is_written_down_as_it_was_before():
    learned = Learned(model="linear")
    recipe = to_recipe(learned, "x")
    assert (recipe.stages, recipe.needs) == ([{"use": "learned", "model": "linear"}], ("train",))
    learned.fitted = 1  # stands for what fit leaves there
    assert to_recipe(learned, "x") == recipe
    assert recipe.build() == Learned(model="linear") != learned


class Marked(Cut):
    """Holds what its config does not."""

    name = "marked"
    mark = ""

    @property
    def fingerprint(self):
        return super().fingerprint + self.mark


def test_a_stage_that_holds_more_than_its_settings_cannot_be_written_down(monkeypatch):
    monkeypatch.setitem(STAGES.shipped, "marked", f"{__name__}:Marked")
    stage = Marked(k=1)
    assert to_recipe(stage, "x").stages == [{"use": "marked", "k": 1}]
    stage.mark = "red"
    with pytest.raises(ConfigError, match="to_recipe: 'x' cannot be a recipe: a file has no place for all that it"):
        to_recipe(stage, "x")


def test_two_indexes_in_one_pipeline_cannot_be_written_down():
    pipeline = Retrieve(index=INDEX) + Retrieve(index=FakeIndex(fingerprint="other"))
    with pytest.raises(ConfigError, match="its stages hold two different resources 'index'"):
        to_recipe(pipeline, "x")


def test_a_stage_without_a_registered_name_cannot_be_written_down():
    class Own(Cut):
        name = "own"

    class Disguised(Cut):
        """Another class under a registered name."""

    for stage in (Own(k=1), Retrieve(index=INDEX) >> Disguised(k=1)):
        with pytest.raises(ConfigError, match="has no registered name; keep it in Python"):
            to_recipe(stage, "x")


def test_resources_of_several_kinds_are_all_needed():
    import pandas as pd

    pairs = pd.DataFrame({"qid": ["1"], "docno": ["d1"]})
    recipe = to_recipe(Retrieve(index=INDEX) >> Drop(pairs=pairs), "x")
    assert recipe.needs == ("index", "pairs")
    assert recipe.build(pairs=pairs, index=INDEX)(QUERIES)["docno"].tolist()[0] != "d1"
