"""Tests of irkit.pipeline.arguments: what a stage is constructed with."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import irkit
from irkit.errors import ConfigError, FrameError, IrkitError, NotFoundError
from irkit.expand import EQE1, ERM, RM3
from irkit.expand.relevance import RM3Config
from irkit.pipeline import Cut, Drop, LoadText, Rescore, Retrieve, Stage
from irkit.pipeline.operators import RRF
from irkit.pipeline.parallel import Parallel
from irkit.pipeline.retrieve import RetrieveConfig
from irkit.registry import OPENERS, STAGES
from irkit.text.vectors import Vectors
from tests.pipeline.toy import DOCS, Given, Results, Toy, ToyConfig, ToyIndex, toy

NEEDY = [name for name in STAGES.shipped if STAGES.load(name).needs]
INDEX = ToyIndex(DOCS)


class Encoder(ToyIndex):
    """Says that it can do whatever is asked of an encoder, and does nothing."""

    word_log_prob = posteriors = dict


RESOURCES = {
    "index": INDEX,
    "vectors": Vectors(["heat", "wing"], np.eye(2, dtype=np.float32)),
    "encoder": Encoder(DOCS),
    "cross_encoder": Encoder(DOCS),
    "pairs": pd.DataFrame({"qid": ["1"], "docno": ["d1"]}),
}


@pytest.mark.parametrize("name", NEEDY)
def test_resources_need_no_names(name):
    kind = STAGES.load(name)
    held = {need: RESOURCES[need] for need in kind.needs}
    by_place, by_name = kind(*held.values()), kind(**held)
    for stage in (by_place, by_name):
        for need, one in held.items():
            found = getattr(stage, need)
            assert found.equals(one) if isinstance(found, pd.DataFrame) else found is one
    assert by_place.config == by_name.config == kind.config_type()


@pytest.mark.parametrize(
    "make",
    [
        lambda config: RM3(config, index=INDEX),
        lambda config: RM3(index=INDEX, config=config),
        lambda config: RM3(INDEX, config),
        lambda config: RM3(config, INDEX),
        lambda config: RM3(INDEX, config=config),
        lambda config: RM3(INDEX, fb_docs=7),
        lambda config: RM3(fb_docs=7, index=INDEX),
        lambda config: RM3(None, index=INDEX, fb_docs=7),
        lambda config: RM3(INDEX, config=None, fb_docs=7),
    ],
)
def test_a_config_comes_by_place_by_name_or_in_fields(make):
    stage = make(RM3Config(fb_docs=7))
    assert stage.config == RM3Config(fb_docs=7)
    assert stage.index is INDEX


def test_operators_take_settings_by_name():
    assert RRF((toy(), toy(n=3)), k=30).config.k == 30
    assert Parallel((toy(),), n=2).config.n == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RM3(), "rm3: needs index; write RM3(index)"),
        (lambda: RM3(index=None), "rm3: needs index; write RM3(index)"),
        (lambda: EQE1(INDEX), "eqe1: needs vectors; write EQE1(index, vectors)"),
        (lambda: EQE1(), "eqe1: needs index and vectors; write EQE1(index, vectors)"),
        (lambda: RM3(indx=INDEX), "rm3: unknown field 'indx'; did you mean index?"),
        (lambda: RM3(INDEX, fb_term=3), "rm3: unknown field 'fb_term'; did you mean fb_terms?"),
        (
            lambda: RM3(INDEX, 5),
            "rm3: takes index without a name and nothing else, got int too; write RM3(index, fb_docs",
        ),
        (
            lambda: LoadText(INDEX, 5),
            "text: takes index without a name and nothing else, got int too; write LoadText(ind",
        ),
        (lambda: RM3(INDEX, index=INDEX), "rm3: index is given twice; give it once"),
        (lambda: RM3(RM3Config(), INDEX, config=RM3Config()), "rm3: config is given twice; give it once"),
        (lambda: RM3(INDEX, RetrieveConfig()), "rm3: takes a RM3Config or its fields by name, got RetrieveConfig"),
        (lambda: RM3(INDEX, RM3Config(), fb_docs=3), "rm3: takes a RM3Config or its fields by name, got both"),
        (
            lambda: STAGES.load("latent")("lsa"),
            f"latent: encoder must be open, got the path 'lsa'; write {OPENERS['encoder']}('lsa')",
        ),
    ],
)
def test_a_wrong_construction_says_what_to_write(make, message):
    with pytest.raises(ConfigError) as error:
        make()
    assert str(error.value).startswith(message)


def test_what_is_no_path_to_open_the_stage_looks_at_itself():
    with pytest.raises(FrameError, match="drop: needs a frame with the columns 'qid' and 'docno', got str"):
        Drop("seen.tsv")


# ---------------------------------------------------------------- paths


@pytest.mark.parametrize("given", [str, Path])
def test_a_path_opens_an_index(given, lee_index):
    held = irkit.Index.open(lee_index)
    query = "bushfires near Sydney"
    expected = (Retrieve(held) >> RM3(held) >> Retrieve(held, n=5))(query)
    path = given(lee_index)
    assert (Retrieve(path) >> RM3(index=path) >> Retrieve(path, n=5))(query).equals(expected)
    assert Retrieve(path) == Retrieve(held)
    assert len((Retrieve(path, n=2) >> LoadText.make({}, (), {"index": path}))(query)["text"]) == 2


def test_a_path_reads_vectors(tmp_path, lee_index):
    path = tmp_path / "vectors.npz"
    RESOURCES["vectors"].save(path)
    assert EQE1(lee_index, path).vectors.fingerprint == RESOURCES["vectors"].fingerprint
    assert ERM(lee_index, str(path)).vectors.fingerprint == RESOURCES["vectors"].fingerprint


def test_a_stage_that_opened_its_index_travels(lee_index):
    stage = Rescore(lee_index, model="tf-idf")
    assert pickle.loads(pickle.dumps(stage)) == stage


@pytest.mark.parametrize(
    ("make", "opener", "name"),
    [
        (lambda path: Retrieve(path), irkit.Index.open, "lucene"),
        (lambda path: RM3(index=path), irkit.Index.open, "rm3"),
        (lambda path: EQE1(INDEX, path), Vectors.load, "eqe1"),
    ],
)
def test_a_wrong_path_is_the_opener_s_error_in_the_name_of_the_stage(make, opener, name, tmp_path):
    path = str(tmp_path / "none")
    with pytest.raises(IrkitError) as expected:
        opener(path)
    with pytest.raises(NotFoundError) as error:
        make(path)
    assert str(error.value) == f"{name}: {expected.value}"
    assert type(error.value) is type(expected.value)


# ---------------------------------------------------------------- stages of one's own


def test_a_constructor_of_ones_own_says_the_order():
    class Mine(Stage):
        name, needs = "mine", ("index", "vectors")

        def __init__(self, weight, vectors, index, *, config=None):
            super().__init__(config)
            self.index, self.vectors, self.weight = index, vectors, weight

    mine = Mine(2, RESOURCES["vectors"], INDEX)
    assert (mine.weight, mine.index) == (2, INDEX)


def test_a_resource_written_by_name_needs_none():
    assert Toy(INDEX, boost=2).config == Toy(ToyConfig(boost=2), index=INDEX).config
    assert Given(Results({})).results.lists == {}


def test_a_stage_without_resources_is_constructed_as_it_is_written():
    with pytest.raises(ConfigError, match="cut: takes a CutConfig or its fields by name, got int 5"):
        Cut(5)
