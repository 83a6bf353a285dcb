"""Tests of irkit.serve.library, opening and trail: plain questions, plain answers, and every refusal."""

from __future__ import annotations

import os

import pytest

import irkit
from irkit.deadline import Deadline, within
from irkit.errors import ConfigError, DeadlineError, NotFoundError
from irkit.serve.boards import Boards
from irkit.serve.library import Library
from irkit.serve.limits import Limits, RequestError, UnknownError
from irkit.serve.opening import named_sources


def test_a_search_gives_what_the_pipeline_gives(library, folders):
    with irkit.Index.open(folders / "tiny") as index:
        wanted = irkit.load_recipe("bm25").build(index=index).search("storm coast", 10)
    found = library.search("tiny", "storm coast")
    assert [(hit.docno, hit.score) for hit in found.hits] == list(zip(wanted["docno"], wanted["score"], strict=True))
    assert [hit.rank for hit in found.hits] == [1, 2, 3]
    assert (found.pipeline, found.terms, found.hits[0].text) == ("bm25", [], None)


def test_pages_of_a_ranking_are_the_ranking(library):
    whole = library.search("tiny", "storm rain coast wind", k=5).hits
    pages = [library.search("tiny", "storm rain coast wind", k=2, start=start).hits for start in (0, 2, 4)]
    assert [hit for page in pages for hit in page] == whole
    assert library.search("tiny", "storm", k=2, start=50).hits == []


def test_an_expansion_shows_its_terms_and_which_were_asked_for(library):
    terms = library.search("tiny", "storms", "bm25-rm3").terms
    assert (terms[0].term, terms[0].original) == ("storm", True)
    assert {term.term for term in terms if term.original} == {"storm"}
    assert sum(term.weight for term in terms) == pytest.approx(1)
    assert [term.weight for term in terms] == sorted((term.weight for term in terms), reverse=True)


def test_texts_are_given_on_demand_and_cut(folders):
    limits = Limits(snippet=12, text=10)
    library = Library.open(["bm25"], [f"tiny={folders / 'tiny'}"], limits=limits)
    assert library.search("tiny", "harbour", text=True).hits[0].text == "the harbour "
    part = library.document("tiny", "a/b/c", 4)
    assert (part.text, part.start, part.length) == ("harbour at", 4, 20)
    assert library.document("tiny", "a/b/c", 4, 7).text == "harbour"
    assert library.document("tiny", "a/b/c", 99).text == ""
    library.close()


def test_an_index_without_texts_is_searched_and_says_that_it_has_none(library):
    assert library.search("mute", "storm", text=True).hits[0].text is None
    with pytest.raises(UnknownError, match="index mute: holds no texts"):
        library.document("mute", "d1")


def test_a_passage_is_read_as_its_document_and_explained_as_itself(folders, tmp_path):
    recipe = tmp_path / "parts.yaml"
    recipe.write_text(
        "name: parts\nneeds: [index]\nstages: [{use: lucene}, {use: text}, {use: passages, size: 2, stride: 2}]\n"
    )
    library = Library.open([str(recipe), "bm25"], [f"tiny={folders / 'tiny'}"])
    hits = library.search("tiny", "storm city", k=10, text=True).hits
    assert {hit.docno: hit.text for hit in hits}["d1%p3"] == "warning"
    assert library.search("tiny", "storm city", start=1, text=True).hits[0].text == hits[1].text
    assert {hit.docno for hit in hits[:4]} == {"d1%p0", "d1%p1", "d1%p2", "d1%p3"}
    for rank, hit in enumerate(hits[:4], 1):
        found = library.explain("tiny", "storm city", hit.docno)
        assert (found.rank, found.score, found.docno) == (rank, hit.score, hit.docno)
        assert [step.docno for step in found.steps] == ["d1", "d1", hit.docno]
        assert sum(share.contribution for share in found.steps[0].terms) == pytest.approx(hit.score)
    assert library.explain("tiny", "storm", "d1%p3", "bm25").rank == 1  # where there are no passages, its document
    assert library.explain("tiny", "harbour", "d1%p3").rank is None
    text = library.document("tiny", "d1%p3")
    assert (text.docno, text.text) == ("d1", "storm damage in the city, storm warning")
    for odd in ("d1%pfoo", "d9%p0", "%p0", "d1%p"):
        for ask in (library.document, lambda index, docno: library.explain(index, "storm", docno)):
            with pytest.raises(UnknownError, match="there is no document"):
                ask("tiny", odd)
    library.close()


@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_what_is_left_out_of_a_sum_is_said(folders, library, most):
    """By hand: what is shown and what is omitted add up to the score, however little is shown."""
    given = [f"tiny={folders / 'tiny'}"]
    few = Library.open(
        ["bm25-rm3", "ease"], given, ratings=str(folders / "ratings.csv"), limits=Limits(terms=most, workers=1)
    )
    whole, found = (one.search("tiny", "storm coast", "bm25-rm3") for one in (library, few))
    assert found.terms == whole.terms[:most]
    assert len(found.terms) + found.omitted_terms == len(whole.terms) > 3
    whole, found = (one.explain("tiny", "storm coast", "d1", "bm25-rm3") for one in (library, few))
    assert found.steps[1].omitted_sources == max(len(whole.steps[1].sources) - most, 0)
    sums = [(found.score, found.steps[-1].terms, found.steps[-1].omitted, whole.steps[-1].terms)]
    lists = (one.recommend("ease", "u1", why=True).items for one in (library, few))
    sums += [(one.score, one.why, one.omitted, full.why) for full, one in zip(*lists, strict=True)]
    for score, shown, omitted, full in sums:
        assert (omitted is None) == (len(full) <= most)
        assert len(shown) + (omitted.count if omitted else 0) == len(full)
        least = min(abs(share.contribution) for share in shown)
        assert all(abs(share.contribution) <= least for share in full if share not in shown)
        assert sum(share.contribution for share in shown) + (omitted.contribution if omitted else 0) == pytest.approx(
            score
        )
    few.close()


def test_a_deadline_ends_a_list_of_reasons(library, monkeypatch):
    deadline = Deadline(60)
    monkeypatch.setattr("irkit.serve.trail.shares", lambda *_: deadline.stop() or ([], None))
    with within(deadline), pytest.raises(DeadlineError):
        library.recommend("ease", "u1", why=True)
    assert library.recommend("ease", "u1").items


def test_defaults_are_within_the_bounds(folders):
    library = Library.open(
        ["bm25", "ease"], [f"tiny={folders / 'tiny'}"], ratings=str(folders / "ratings.csv"), limits=Limits(k=2)
    )
    assert len(library.search("tiny", "storm coast wind").hits) == 2
    assert len(library.recommend("ease", "u1").items) == 2
    with pytest.raises(RequestError, match=r"^k: must be from 1 to 2, got 3"):
        library.search("tiny", "storm", k=3)
    library.close()


def test_an_explanation_is_the_trail_of_the_pipeline(library):
    found = library.explain("tiny", "storm", "d1", "bm25-rm3")
    assert (found.rank, [step.stage for step in found.steps]) == (1, ["lucene()", "rm3()", "lucene()"])
    assert found.score == library.search("tiny", "storm", "bm25-rm3").hits[0].score
    assert sum(share.contribution for share in found.steps[0].terms) == pytest.approx(found.steps[0].score, rel=1e-6)
    assert found.steps[1].query.startswith("storm^")
    assert {source.term for source in found.steps[1].sources} >= {"storm"}


def test_an_explanation_of_a_document_that_is_not_found_has_no_rank(library):
    found = library.explain("tiny", "storm", "d2")
    assert (found.rank, found.score) == (None, None)


def test_recommendations_come_with_what_their_scores_are_the_sum_of(library):
    found = library.recommend("ease", "u1", 2, why=True)
    assert (found.known, [item.rank for item in found.items], found.notes) == (True, [1, 2], [])
    for item in found.items:
        assert sum(share.contribution for share in item.why) == pytest.approx(item.score)
    assert library.recommend("ease", "u1", 2).items[0].why is None


def test_a_stranger_gets_what_is_popular_and_is_told(library):
    found = library.recommend("ease", "nobody", 2)
    assert (found.known, len(found.items)) == (False, 2)
    assert found.notes == ["without ratings, so these are the most rated items: nobody"]


def test_the_catalogue_names_everything(library):
    found = library.catalogue()
    assert [(index.name, index.documents, index.analyzer) for index in found.indexes] == [
        ("tiny", 6, "english"),
        ("mute", 3, "english"),
    ]
    assert [pipeline.name for pipeline in found.pipelines] == ["bm25", "bm25-rm3"]
    assert [(model.name, model.users, model.items) for model in found.models] == [("ease", 8, 10)]
    assert library.health().status == "ok"


@pytest.mark.parametrize(
    ("ask", "kind", "message"),
    [
        (
            lambda ask: ask.search("no", "storm"),
            UnknownError,
            "index: there is none called 'no'; choose from tiny, mute",
        ),
        (lambda ask: ask.search("tiny", "storm", "x"), UnknownError, "choose from bm25, bm25-rm3"),
        (lambda ask: ask.search("tiny", " \n"), RequestError, "query: is empty"),
        (lambda ask: ask.search("tiny", "a" * 1001), RequestError, "query: has 1,001 characters; write 1,000 or fewer"),
        (lambda ask: ask.search("tiny", "\ud800"), RequestError, "query: is not valid Unicode"),
        (lambda ask: ask.search("tiny", "a", k=0), RequestError, "k: must be from 1 to 1,000, got 0"),
        (lambda ask: ask.search("tiny", "a", k=1001), RequestError, "k: must be from 1 to 1,000"),
        (lambda ask: ask.search("tiny", "a", k=True), RequestError, "k: must be from 1 to 1,000, got true"),
        (lambda ask: ask.search("tiny", "a", start=-1), RequestError, "start: must be 0 or more"),
        (lambda ask: ask.search("tiny", "a", start=995), RequestError, "start: 995 and 10 more is deeper than 1,000"),
        (lambda ask: ask.document("tiny", "d9"), UnknownError, "index tiny: there is no document 'd9'"),
        (lambda ask: ask.document("tiny", "x" * 513), RequestError, "the id has 513 characters"),
        (lambda ask: ask.document("tiny", "d1\x00"), RequestError, r"invisible character U\+0000"),
        (lambda ask: ask.document("tiny", "\udfff"), RequestError, "document: is not valid Unicode"),
        (lambda ask: ask.document("tiny", ""), RequestError, "document: the id is empty"),
        (lambda ask: ask.document("tiny", "d1", -1), RequestError, "start: must be 0 or more"),
        (lambda ask: ask.document("tiny", "d1", 0, 0), RequestError, "length: must be from 1 to 100,000 characters"),
        (lambda ask: ask.explain("tiny", "storm", "d9"), UnknownError, "there is no document 'd9'"),
        (lambda ask: ask.recommend("als", "u1"), UnknownError, "model: there is none called 'als'; choose from ease"),
        (lambda ask: ask.recommend("ease", "u\u202e"), RequestError, "user: the id holds"),
        (lambda ask: ask.recommend("ease", "u1", 0), RequestError, "n: must be from 1 to 1,000"),
    ],
)
def test_what_cannot_be_answered_is_refused(library, ask, kind, message):
    with pytest.raises(kind, match=message):
        ask(library)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((), ()), "serve: there is nothing to serve; name an index with --index, or a recommender"),
        ((("bm25",), ()), "serve: recipe bm25 needs an index; name one with --index"),
        ((("bm25", "bm25"), ("lee",)), "two recipes have one name, got bm25, bm25"),
        ((("ease",), ()), "serve: recipe ease is fitted on ratings; name them with --ratings"),
        ((("eqe1",), ("lee",)), "serve: recipe eqe1: vectors is needed"),
        ((("learned-bm25-ql-tf-idf",), ("lee",)), "learns, which this command does not fit"),
        (((), ("a=lee", "a=npl")), "two indexes are called a; name one of them, as in other=npl"),
        (((), ("a b=lee",)), "a name is letters, digits"),
    ],
)
def test_what_cannot_be_served_is_said_before_anything_is_opened(arguments, message):
    with pytest.raises(ConfigError, match=message.replace("+", r"\+")):
        Library.open(*arguments)


def test_a_recipe_that_does_not_work_on_an_index_is_said_at_once(folders, tmp_path):
    recipe = tmp_path / "texts.yaml"
    recipe.write_text("needs: [index]\nstages:\n  - {use: lucene}\n  - {use: text}\n")
    with pytest.raises((ConfigError, NotFoundError), match="recipe texts"):
        Library.open([str(recipe)], [f"mute={folders / 'mute'}"])


def test_the_same_source_twice_is_one_index():
    assert named_sources(["lee", "lee"], who="serve") == {"lee": "lee"}


def test_boards_of_a_folder_are_read_as_they_are_now(folders, tmp_path):
    from pathlib import Path
    from shutil import copy

    shipped = Path(__file__).parents[2] / "eval" / "results" / "avb-toy.json"
    library = Library.open([], [f"tiny={folders / 'tiny'}"], boards=tmp_path)
    assert library.boards().boards == []
    copy(shipped, tmp_path / "toy.json")
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "other.txt").write_text("{}")
    assert library.boards().boards == ["broken", "toy"]
    found = library.board("toy")
    assert (found.name, found.suite) == ("toy", "avb-toy")
    for board in found.boards:
        assert all(len(row) == len(board.columns) for row in board.rows)
    for name in ("broken", "../toy", "other", ""):
        with pytest.raises(UnknownError, match="boards: "):
            library.board(name)
    library.close()


def test_a_board_whose_name_is_no_text_is_left_out(tmp_path):
    (tmp_path / os.fsdecode(b"bad\xff.json")).write_text("{}")
    (tmp_path / "good.json").write_text("{}")
    assert Boards(tmp_path).names() == ["good"]
