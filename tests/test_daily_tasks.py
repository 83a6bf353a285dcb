"""Daily tasks of users of other toolkits: ours as the guide shows it, no longer than theirs, and what it gives."""

from __future__ import annotations

import io
import keyword
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

import irkit
from irkit.errors import ConfigError
from irkit.evaluate import evaluate
from irkit.evaluate.ratings import evaluate_ratings
from irkit.recommend import BiasedMF, ItemKNN, load_problem
from irkit.recommend.splits import k_folds
from tests.docs.pages import ROOT, blocks
from tests.io.documents.test_irds import toy  # noqa: F401  # a fixture

PAGE = ROOT / "docs" / "guide" / "coming-from.md"


class Shown(NamedTuple):
    """A block of the page, and the headings that it stands under."""

    toolkit: str
    task: str
    kind: str
    code: str
    title: str | None = None


def shown() -> list[Shown]:
    """Return the blocks of the page in order."""
    lines, found = PAGE.read_text().splitlines(), []
    for block in blocks(PAGE):
        above = [line for line in lines[: block.first] if line.startswith(("## ", "### "))] or ["## "]
        toolkit = next(line for line in reversed(above) if line.startswith("## ")).removeprefix("## ")
        found.append(Shown(toolkit, above[-1].lstrip("# "), block.kind, "\n".join(block.lines), block.title))
    return found


SHOWN = shown()


def pairs() -> Iterator[tuple[Shown, Shown]]:
    """Yield theirs and ours: that after it, or after another one's for the same task."""
    code = [one for one in SHOWN if one.kind in ("py", "python")]
    for place, one in enumerate(code):
        if one.kind == "py":
            after = next(other for other in code[place:] if other.kind == "python")
            yield one, after


PAIRS = list(pairs())
"Theirs, and ours after it."


def words(code: str) -> int:
    """Count names, numbers and texts: what one has to know and type."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    kinds = (tokenize.NAME, tokenize.NUMBER, tokenize.STRING)
    return sum(one.type in kinds and not keyword.iskeyword(one.string) for one in tokens)


def lines_of(code: str) -> int:
    return sum(bool(line.strip()) for line in code.splitlines())


@pytest.mark.parametrize(("theirs", "ours"), PAIRS, ids=[f"{one.toolkit}: {one.task}" for one, _ in PAIRS])
def test_ours_is_as_short_as_theirs_or_shorter(theirs, ours):
    assert (theirs.toolkit, theirs.task) == (ours.toolkit, ours.task)
    assert words(ours.code) <= words(theirs.code)
    assert lines_of(ours.code) <= lines_of(theirs.code)


@pytest.mark.parametrize(("toolkit", "number"), [("PyTerrier", 10), ("LensKit and Surprise", 7)])
def test_the_tasks_of_a_user_are_there(toolkit, number):
    assert len({theirs.task for theirs, _ in PAIRS if theirs.toolkit == toolkit} - {toolkit}) == number


def ran(toolkit: str, folder: Path) -> dict[str, Any]:
    """Return what the Python of a part gives, run in a folder that gets the part's files, and the folder."""
    space: dict[str, Any] = {}
    for block in SHOWN:
        if block.toolkit == toolkit and block.title:
            (folder / block.title).write_text(block.code + "\n")
        if (block.toolkit, block.kind) == (toolkit, "python"):
            exec(block.code, space)
            if "done" in space:
                space.setdefault("first", space["done"])
    return space | {"folder": folder}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("daily")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield ran("PyTerrier", folder)


@pytest.fixture(scope="module")
def recommended(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recommended")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield ran("LensKit and Surprise", folder)


def test_a_collection_of_ir_datasets_is_searched_by_its_name(toy, monkeypatch, tmp_path):  # noqa: F811
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    data = irkit.load_collection(toy)
    done = irkit.experiment([irkit.Retrieve(irkit.collection_index(data))], data, measures="P@1")
    assert done.evaluations["bm25"].means == {"P@1": 1.0}
    assert irkit.experiment("bm25", data, measures="P@1").evaluations["bm25"].means == {"P@1": 1.0}


def test_an_index_of_somebody_else_is_opened_where_it_lies(done):
    found = irkit.Retrieve(str(done["folder"] / "their-index")).search("storm damage")
    pd.testing.assert_frame_equal(found, done["bm25"].search("storm damage"))


def test_rm3_finds_what_the_query_alone_does_not(done):
    bm25, rm3 = done["bm25"](done["topics"]), done["rm3"](done["topics"])
    assert evaluate(rm3, done["qrels"], "AP").means["AP"] > evaluate(bm25, done["qrels"], "AP").means["AP"]


def test_fusions_are_those_by_hand(done):
    queries = done["topics"][:3]
    parts = [done[name](queries).set_index(["qid", "docno"]) for name in ("bm25", "ql", "rm3")]
    by_hand = sum((1 / (61 + part["rank"])).reindex(parts[0].index, fill_value=0) for part in parts)
    fused = done["fused"](queries).set_index(["qid", "docno"])["score"]
    np.testing.assert_allclose(fused.loc[by_hand.index[:20]], by_hand[:20])
    mixed = done["mixed"](queries).set_index(["qid", "docno"])["score"]
    both = 0.3 * parts[0]["score"] + 0.7 * parts[1]["score"]
    np.testing.assert_allclose(mixed.loc[both.index[:20]], both[:20])


def test_functions_rewrite_and_score(done):
    assert set(done["shorter"].search("one two storm damage")["query"]) == {"one two storm"}
    found, first = (done[name].search("storm damage", n=1000).set_index("docno") for name in ("long_ids", "bm25"))
    assert (found["score"] - first["score"] - found.index.str.len()).abs().max() < 1e-12


def test_a_ranker_learns_and_is_not_measured_on_what_it_saw(done):
    topics, qrels = done["topics"], done["qrels"]
    with pytest.raises(ConfigError, match="was fitted on 30 of the 50 test queries"):
        irkit.experiment([done["ranker"]], topics, qrels, "AP")
    (name,) = irkit.experiment([done["ranker"]], topics[30:], qrels, "AP").evaluations
    assert name == "bm25 % 100 >> rescore ** rescore >> lambdamart"


def test_an_experiment_has_means_each_query_and_what_is_chance(done):
    found = done["first"]
    assert list(found.evaluations) == ["bm25", "bm25 >> rm3 >> bm25"]
    assert found.comparison.baseline == "bm25"
    assert list(done["each"]) == ["system", "qid", "AP", "nDCG@10"]
    assert found.comparison.cells["bm25 >> rm3 >> bm25"]["AP"].p_corrected < 1


def test_a_grid_search_is_worth_what_folds_say(done):
    tuned = done["tuned"]
    assert len(tuned.candidates) == 6
    assert done["best"] == irkit.Retrieve(done["index"], **tuned.best)
    assert set(tuned.evaluation.per_query.index) == set(done["topics"]["qid"][:30])


def test_a_cross_encoder_scores_texts_again(done):
    top = done["again"].search("storm damage near Sydney", n=1)
    assert top["score"].item() == max(done["model"]("storm damage near Sydney", done["index"].texts(top["docno"])))


def test_runs_are_saved_and_read(done):
    read = irkit.read_run(done["folder"] / "bm25.run.gz")
    own = ["qid", "docno", "score", "rank"]
    pd.testing.assert_frame_equal(read, done["bm25"](done["topics"])[own])
    assert list(done["done"].evaluations) == ["bm25", "bm25 >> rm3 >> bm25"]
    assert done["done"].ms_per_query["bm25"] is None
    assert Path(done["folder"] / "runs" / "bm25-rm3-bm25.run").exists()


# --------------------------------------------------------------------------------- LensKit and Surprise


def test_five_models_are_compared_over_folds(recommended):
    found, ratings = recommended["done"], recommended["ratings"]
    assert list(found.means) == ["bias", "item-knn", "pmf", "biased-mf", "svdpp"]
    each = [evaluate_ratings(ItemKNN().fit(one.train), one) for one in k_folds(ratings, 3, 42)]
    expected = {"RMSE": np.mean([one.rmse for one in each]), "MAE": np.mean([one.mae for one in each])}
    assert found.means["item-knn"] == pytest.approx(expected, rel=1e-12)


def test_settings_of_a_recommender_are_chosen_without_the_test_part(recommended):
    tuned = recommended["tuned"]
    assert len(tuned.chosen.candidates) == 6
    assert tuned.best == tuned.chosen.candidates[int(np.argmin(tuned.chosen.scores))]
    assert {name: getattr(recommended["best"].config, name) for name in tuned.best} == tuned.best


def test_counts_are_confidence_and_what_was_played_is_not_recommended(recommended):
    assert recommended["plays"].counts
    assert recommended["plays"].rating.tolist() == [12, 1, 3, 40, 7, 2]
    assert recommended["found"]["docno"].tolist() == ["soul"]


def test_everybody_gets_a_list_of_the_items_with_the_best_predictions(recommended):
    lists, ratings = recommended["lists"], recommended["ratings"]
    assert lists.groupby("qid").size().to_dict() == dict.fromkeys(ratings.users.names.to_pylist(), 10)
    fitted = BiasedMF().fit(ratings)
    user = int(ratings.users.rows(["u3"])[0])
    scores = fitted.scores(np.array([user]))[0]
    scores[ratings.item[ratings.user == user]] = -np.inf
    best = ratings.items.take(np.argsort(-scores)[:10]).to_pylist()
    assert lists[lists["qid"] == "u3"]["docno"].tolist() == best


def test_a_folder_with_a_training_and_a_test_file_is_a_split(recommended):
    split = load_problem(recommended["folder"] / "mine").split
    assert split.hash == recommended["split"].hash
    want = evaluate_ratings(BiasedMF().fit(split.train), split).rmse
    assert recommended["own"].means == {"biased-mf": {"RMSE": pytest.approx(want, rel=1e-12)}}
    assert f"split {split.hash}" in recommended["own"].board.notes


def test_a_saved_model_recommends_as_before(recommended):
    again = recommended["again"]
    pd.testing.assert_frame_equal(again.recommend(n=10), recommended["lists"])


def test_what_explains_a_recommendation_sums_to_its_score(recommended):
    why, model = recommended["why"], recommended["model"]
    terms = why.terms()
    assert terms["contribution"].sum() == pytest.approx(why.score)
    pair = pd.DataFrame({"user_id": ["u3"], "item_id": ["i85"]})
    assert model.predict(pair)["prediction"].item() == pytest.approx(why.score)
    assert len(terms) == 3 + 3


# --------------------------------------------------------------------------------------------- Pyserini


def test_pyserini_search_lookup_and_fusion(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space = ran("Pyserini", tmp_path)
    assert space["text"] == dict(zip(*_lee(), strict=True))[space["hits"]["docno"][0]]
    read = irkit.read_run(tmp_path / "fused.run")
    assert set(read["qid"]) == set(space["data"].queries()["qid"])
    by_hand = irkit.rrf(space["bm25"], space["rm3"])(space["data"].queries()[:3]).groupby("qid").head(10)
    own = read[read["qid"].isin(by_hand["qid"])].groupby("qid").head(10)
    np.testing.assert_allclose(own["score"], by_hand["score"])


def _lee() -> tuple[list[str], list[str]]:
    documents = list(irkit.load_collection("lee").documents())
    return [one.docno for one in documents], [one.text for one in documents]
