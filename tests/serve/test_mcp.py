"""Tests of the tools of assistants, asked by the protocol's own client in this process."""

from __future__ import annotations

import asyncio
import threading

import pytest

pytest.importorskip("mcp", reason="needs irkit[serve]")

from mcp import Client

from irkit.documents import Document
from irkit.errors import ConfigError
from irkit.lucene import build_index
from irkit.serve import mcp as door
from irkit.serve.judged import Judgements
from irkit.serve.library import Library
from irkit.serve.limits import Limits
from irkit.serve.mcp import Opening, server
from irkit.serve.rankings import Rankings
from irkit.serve.tools import Tools
from irkit.serve.workers import Workers
from tests.serve.answered import error, of

NAMES = ["list_indexes", "search", "page", "read", "explain", "fuse", "recommend", "judge", "evaluate"]


@pytest.fixture(scope="session")
def ask(library, qrels):
    """Return what calls tools one after the other in one conversation, each a name and its arguments."""
    held = Judgements.open(str(qrels), ["tiny"], who="mcp")

    def asked(*calls, tools=None, workers=None):
        tools = tools or Tools(library, held)
        made = server(
            Opening.of(tools), workers or Workers(Limits(workers=2, seconds=60)), judged=tools.judgements is not None
        )

        async def conversation():
            async with Client(made) as client:
                return [await client.call_tool(name, arguments) for name, arguments in calls]

        found = asyncio.run(conversation())
        return found if len(found) > 1 else found[0]

    return asked


def listed(tools, judged=True):
    async def conversation():
        async with Client(server(Opening.of(tools), Workers(Limits(workers=1)), judged=judged)) as client:
            return client.instructions, (await client.list_tools()).tools

    return asyncio.run(conversation())


def test_tools_describe_themselves_and_change_nothing(library):
    instructions, tools = listed(Tools(library))
    assert "list_indexes first" in instructions
    assert [tool.name for tool in tools] == NAMES
    for tool in tools:
        assert tool.title
        assert len(tool.description) > 40
        assert (tool.annotations.read_only_hint, tool.annotations.open_world_hint) == (True, False)
        assert tool.input_schema["additionalProperties"] is False
        assert all(field.get("description") for field in tool.input_schema.get("properties", {}).values()), tool.name
        assert tool.output_schema["type"] == "object"


def test_tools_that_need_judgements_are_there_only_with_them(library):
    assert [tool.name for tool in listed(Tools(library), judged=False)[1]] == NAMES[:-2]


def test_what_is_served_is_listed_with_its_bounds(ask):
    found = of(ask(("list_indexes", {})))
    assert [one["name"] for one in found["indexes"]] == ["tiny", "mute"]
    assert [one["name"] for one in found["pipelines"]] == ["bm25", "bm25-rm3"]
    assert [one["name"] for one in found["models"]] == ["ease"]
    assert found["judgements"] == {"name": "tiny", "index": "tiny", "queries": 2, "texts": False, "qids": ["1", "2"]}
    assert found["bounds"] == {
        "query": 1000, "depth": 1000, "page": 50, "part": 20_000, "rankings": 64, "minutes": 30.0
    }  # fmt: skip


def test_a_search_gives_the_ranking_of_the_library_with_snippets(ask, library):
    found = of(ask(("search", {"query": "storm damage", "n": 1})))
    expected = library.search("tiny", "storm damage", k=100).hits
    assert (found["index"], found["pipeline"], found["found"], found["next"]) == ("tiny", "bm25", len(expected), 1)
    assert found["hits"] == [
        {
            "rank": 1,
            "docno": "d1",
            "score": expected[0].score,
            "snippet": "storm damage in the city, storm warning",
            "at": 0,
        }
    ]


def test_pages_go_on_where_the_first_ended_and_end(library, ask):
    tools = Tools(library)
    first = of(ask(("search", {"query": "storm rain city", "n": 2}), tools=tools))
    more, beyond = ask(
        ("page", {"ranking": first["ranking"], "start": 2, "n": 50}),
        ("page", {"ranking": first["ranking"], "start": 99}),
        tools=tools,
    )
    hits = first["hits"] + of(more)["hits"]
    assert [hit["rank"] for hit in hits] == [1, 2, 3, 4]
    assert [hit["docno"] for hit in hits] == [hit.docno for hit in library.search("tiny", "storm rain city").hits]
    assert (of(more)["next"], of(beyond)["hits"], of(beyond)["next"]) == (None, [], None)


def test_a_rewritten_query_shows_its_terms_on_the_first_page_only(library, ask):
    tools = Tools(library)
    first = of(ask(("search", {"query": "storm", "pipeline": "bm25-rm3", "n": 1}), tools=tools))
    assert first["terms"][0] == {"term": "storm", "weight": pytest.approx(0.5, abs=0.5), "original": True}
    assert of(ask(("page", {"ranking": first["ranking"], "start": 1}), tools=tools))["terms"] == []


def test_an_index_without_texts_has_no_snippets(ask):
    hit = of(ask(("search", {"query": "storm", "index": "mute"})))["hits"][0]
    assert (hit["snippet"], hit["at"]) == (None, None)


def test_a_document_is_read_in_parts(ask):
    first, rest = ask(("read", {"docno": "a/b/c", "length": 11}), ("read", {"docno": "a/b/c", "start": 11}))
    assert of(first) == {
        "index": "tiny", "docno": "a/b/c", "start": 0, "end": 11, "length": 20, "next": 11, "text": "the harbour"
    }  # fmt: skip
    assert (of(rest)["text"], of(rest)["end"], of(rest)["next"]) == (" at night", 20, None)


def test_a_score_is_explained_as_the_library_does(ask, library):
    found = of(ask(("explain", {"query": "storm", "docno": "d1", "pipeline": "bm25-rm3"})))
    assert found == library.explain("tiny", "storm", "d1", "bm25-rm3").model_dump(mode="json")


def test_fusion_is_that_of_the_stage_with_its_tie_rule(library, ask):
    from irkit.frames import queries_frame
    from irkit.pipeline.operators import RRF

    tools = Tools(library)
    lists = ask(
        ("search", {"query": "storm coast", "pipeline": "bm25"}),
        ("search", {"query": "storm coast", "pipeline": "bm25-rm3"}),
        tools=tools,
    )
    names = [of(one)["ranking"] for one in lists]
    found = of(ask(("fuse", {"rankings": names, "k": 10}), tools=tools))
    assert (found["pipeline"], found["query"]) == ("rrf(bm25, bm25-rm3)", "storm coast")
    served = library._shelves["tiny"].pipelines.values()
    expected = RRF(tuple(one.cut(100) for one in served), k=10).run(queries_frame("storm coast")).frame()
    assert [hit["docno"] for hit in found["hits"]] == expected["docno"].tolist()
    assert [hit["score"] for hit in found["hits"]] == expected["score"].tolist()
    assert of(ask(("page", {"ranking": found["ranking"], "start": 1}), tools=tools))["hits"] == found["hits"][1:]


def test_items_are_recommended_with_why(ask, library):
    found = of(ask(("recommend", {"user": "u1", "n": 2})))
    assert found == library.recommend("ease", "u1", 2, why=True).model_dump(mode="json")
    assert of(ask(("recommend", {"user": "u1", "n": 1, "why": False})))["items"][0]["why"] is None


def test_judgements_say_what_is_known_and_what_is_not(ask):
    found = of(ask(("judge", {"qid": "1", "docnos": ["d1", "d2", "d3"]})))
    assert (found["relevant"], found["query"]) == (2, None)
    assert [(one["docno"], one["label"]) for one in found["documents"]] == [("d1", 2), ("d2", 0), ("d3", None)]


def test_a_ranking_is_measured(library, qrels, ask):
    tools = Tools(library, Judgements.open(str(qrels), ["tiny"], who="mcp"))
    ranking = of(ask(("search", {"query": "storm"}), tools=tools))
    assert [hit["docno"] for hit in ranking["hits"]] == ["d1", "d3"]
    arguments = {"ranking": ranking["ranking"], "qid": "1", "measures": "P@1 R@10 AP"}
    found = of(ask(("evaluate", arguments), tools=tools))
    assert {one["measure"]: one["value"] for one in found["values"]} == {"P@1": 1.0, "R@10": 0.5, "AP": 0.5}
    assert (found["found"], found["judged"], found["relevant"]) == (2, 1, 2)


def test_a_ranking_of_another_index_is_not_measured(library, qrels, ask):
    tools = Tools(library, Judgements.open(f"other={qrels}", ["tiny", "other"], who="mcp"))
    ranking = of(ask(("search", {"query": "storm"}), tools=tools))["ranking"]
    found = error(ask(("evaluate", {"ranking": ranking, "qid": "1"}), tools=tools))
    assert found == "ranking: is of tiny, and the judgements of other; search that index"


def test_a_ranking_of_passages_is_not_measured(folders, qrels, ask, tmp_path):
    """Judgements know none of them, so that every measure would be 0."""
    recipe = tmp_path / "parts.yaml"
    recipe.write_text("name: parts\nneeds: [index]\nstages: [{use: lucene}, {use: text}, {use: passages, size: 2}]\n")
    library = Library.open([str(recipe)], [f"tiny={folders / 'tiny'}"])
    tools = Tools(library, Judgements.open(str(qrels), ["tiny"], who="mcp"))
    found = of(ask(("search", {"query": "storm"}), tools=tools))
    refused = error(ask(("evaluate", {"ranking": found["ranking"], "qid": "1"}), tools=tools))
    assert refused.startswith(
        "ranking: is of passages, and judgements are of documents; search by a pipeline that joins"
    )
    library.close()


def test_judgements_are_of_an_index(qrels):
    assert Judgements.open(f"b={qrels}", ["a", "b"], who="mcp").index == "b"
    assert Judgements.open(str(qrels), ["a"], who="mcp").index == "a"
    assert Judgements.open("lee", ["a", "lee"], who="mcp").index == "lee"
    with pytest.raises(ConfigError, match="of which index are the judgements lee\\? write INDEX=lee; indexes: a, b"):
        Judgements.open("lee", ["a", "b"], who="mcp")


def test_a_measure_that_needs_another_package_is_said(library, qrels, ask):
    tools = Tools(library, Judgements.open(str(qrels), ["tiny"], who="mcp"))
    ranking = of(ask(("search", {"query": "storm"}), tools=tools))["ranking"]
    asked = {"ranking": ranking, "qid": "1", "measures": "alpha_nDCG@10"}
    assert "the tool failed" not in error(ask(("evaluate", asked), tools=tools))


def test_a_ranking_of_nothing_scores_0(library, qrels, ask):
    tools = Tools(library, Judgements.open(str(qrels), ["tiny"], who="mcp"))
    ranking = of(ask(("search", {"query": "zebra"}), tools=tools))
    assert (ranking["found"], ranking["hits"], ranking["next"]) == (0, [], None)
    found = of(ask(("evaluate", {"ranking": ranking["ranking"], "qid": "1", "measures": "AP"}), tools=tools))
    assert (found["values"], found["judged"]) == ([{"measure": "AP", "value": 0.0}], 0)
    fused = of(ask(("fuse", {"rankings": [ranking["ranking"]] * 2}), tools=tools))
    assert (fused["found"], fused["hits"]) == (0, [])


def test_judged_queries_of_a_collection_are_found_by_their_text():
    held = Judgements.open("lee", ["lee", "tiny"], who="mcp")
    text = held.text("lee-01")
    assert held.find(None, f"  {text.upper()} ") == "lee-01"


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("no", {}, "tool: there is none called 'no'; choose from list_indexes, search"),
        ("search", {}, "search: field 'query' is missing: words to look for"),
        ("search", {"query": 3}, "search: query is not valid, got 3; it must be text"),
        ("search", {"query": " "}, "query: is empty; write some words"),
        ("search", {"query": "a" * 1001}, "query: has 1,001 characters; write 1,000 or fewer"),
        ("search", {"query": "a", "deep": 1}, "search: unknown field 'deep'; did you mean depth?"),
        ("search", {"query": "a", "n": 51}, "search: n is not valid, got 51; it must be 50 or less"),
        ("search", {"query": "a", "n": True}, "n must be a number, got true"),
        ("search", {"query": "a", "depth": 1001}, "depth: must be from 1 to 1,000, got 1001"),
        ("search", {"query": "a", "index": "x"}, "index: there is none called 'x'; choose from tiny, mute"),
        ("search", {"query": "a", "pipeline": "x"}, "pipeline: there is none called 'x'; choose from bm25, bm25-rm3"),
        ("page", {"ranking": "x"}, "ranking: there is none under 'x', or it has left: the last 64 are kept"),
        ("page", {"ranking": "x", "start": -1}, "start is not valid, got -1; it must be 0 or more"),
        ("read", {"docno": "d9"}, "index tiny: there is no document 'd9'"),
        ("read", {"docno": "d1", "index": "mute"}, "index mute: holds no texts"),
        ("read", {"docno": "d1\x1b[2J"}, "document: the id holds the control or invisible character U+001B"),
        ("read", {"docno": "x" * 513}, "it must be text of 512 characters at most"),
        ("read", {"docno": "d1", "length": 20_001}, "it must be 20000 or less"),
        ("explain", {"query": "storm", "docno": "d9"}, "there is no document 'd9'"),
        ("fuse", {"rankings": ["x"]}, "it must be a list of 2 or more"),
        ("fuse", {"rankings": ["x"] * 11}, "it must be a list of 10 at most"),
        ("fuse", {"rankings": ["x", "y"]}, "ranking: there is none under 'x'"),
        ("fuse", {"rankings": ["x", "y"], "k": 0}, "k is not valid, got 0; it must be above 0"),
        ("recommend", {"user": "u1", "model": "als"}, "model: there is none called 'als'; choose from ease"),
        ("recommend", {"user": ""}, "user: the id is empty"),
        ("judge", {"docnos": ["d1"]}, "qid: name a judged query by its qid"),
        ("judge", {"docnos": ["d1"], "qid": "9"}, "qid: no query '9' is judged; choose from 1, 2"),
        ("judge", {"docnos": ["d1"], "query": "rain"}, "query: no judged query has the text 'rain'"),
        ("judge", {"docnos": ["d1"] * 101, "qid": "1"}, "it must be a list of 100 at most"),
        ("evaluate", {"ranking": "x"}, "ranking: there is none under 'x'"),
    ],
)
def test_an_error_is_a_line_that_says_what_to_do(ask, name, arguments, message):
    assert message in error(ask((name, arguments)))


def test_a_measure_that_is_not_known_is_said(library, qrels, ask):
    tools = Tools(library, Judgements.open(str(qrels), ["tiny"], who="mcp"))
    ranking = of(ask(("search", {"query": "storm"}), tools=tools))["ranking"]
    found = error(ask(("evaluate", {"ranking": ranking, "qid": "1", "measures": "nDCGG@10"}), tools=tools))
    assert "nDCGG@10" in found


def test_rankings_of_different_indexes_are_not_fused(library, ask):
    tools = Tools(library)
    names = [
        of(ask(("search", {"query": "storm", "index": index}), tools=tools))["ranking"] for index in ("tiny", "mute")
    ]
    message = error(ask(("fuse", {"rankings": names}), tools=tools))
    assert message == "rankings: are of different indexes, tiny, mute; fuse those of one"


def test_a_ranking_that_left_is_said_to_have(library, ask):
    tools = Tools(library, rankings=Rankings(most=1))
    first, _ = ask(("search", {"query": "storm"}), ("search", {"query": "rain"}), tools=tools)
    assert "or it has left: the last 1 are kept" in error(ask(("page", {"ranking": of(first)["ranking"]}), tools=tools))


def test_a_defect_is_said_without_its_words(library, ask, monkeypatch, caplog):
    def broken(*_, **__):
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(library, "search", broken)
    assert error(ask(("search", {"query": "storm"}))) == "the tool failed; the server's standard error says more"
    assert "/secret/path" in caplog.text


def test_an_answer_that_is_too_large_is_refused(ask, monkeypatch):
    monkeypatch.setattr(door, "ANSWER", 100)
    assert "more than 100; ask for less" in error(ask(("search", {"query": "storm"})))


def test_a_full_server_turns_away_and_comes_back(library, monkeypatch):
    begun, go = threading.Event(), threading.Event()
    catalogue = library.catalogue

    def slow():
        begun.set()
        assert go.wait(60)
        return catalogue()

    async def conversation():
        workers = Workers(Limits(workers=1, queue=0, seconds=60))
        async with Client(server(Opening.of(Tools(library)), workers, judged=False)) as client:
            first = asyncio.create_task(client.call_tool("list_indexes", {}))
            await asyncio.to_thread(begun.wait, 60)
            refused = await client.call_tool("list_indexes", {})
            go.set()
            return refused, await first, await client.call_tool("list_indexes", {})

    monkeypatch.setattr(library, "catalogue", slow)
    refused, first, later = asyncio.run(conversation())
    assert error(refused) == "service: it is busy; come back later"
    assert of(first) == of(later)


def test_texts_of_documents_come_without_control_characters(tmp_path, ask):
    build_index(tmp_path / "bad", [Document("x", "storm \x1b[31m red\u202e\nline\ttwo")]).close()
    library = Library.open(["bm25"], [f"bad={tmp_path / 'bad'}"])
    found, read = ask(("search", {"query": "storm\x07"}), ("read", {"docno": "x"}), tools=Tools(library))
    assert of(found)["hits"][0]["snippet"] == r"storm \x1b[31m red\u202e line two"
    assert of(found)["query"] == r"storm\x07"
    assert of(read)["text"] == "storm \\x1b[31m red\\u202e\nline\ttwo"
    library.close()


def test_two_calls_are_worked_on_at_once(library, monkeypatch):
    """Each waits for the other to have begun: one after the other they would never end."""
    both, catalogue = threading.Barrier(2, timeout=60), library.catalogue

    def meeting():
        both.wait()
        return catalogue()

    async def conversation():
        workers = Workers(Limits(workers=2, seconds=60))
        async with Client(server(Opening.of(Tools(library)), workers, judged=False)) as client:
            return await asyncio.gather(*(client.call_tool("list_indexes", {}) for _ in range(2)))

    monkeypatch.setattr(library, "catalogue", meeting)
    first, second = asyncio.run(conversation())
    assert of(first) == of(second)


def test_a_call_waits_for_what_is_being_opened_or_says_that_it_is():
    go, seconds = threading.Event(), Limits(workers=1, seconds=0.05)
    opening = Opening(lambda: go.wait())

    async def conversation():
        async with Client(server(opening, Workers(seconds), judged=False)) as client:
            opening.begin()
            early = await client.call_tool("list_indexes", {})
            return early, (await client.list_tools()).tools

    early, tools = asyncio.run(conversation())
    go.set()
    assert error(early) == "server: its indexes are still being opened; call again in a while"
    assert len(tools) == len(NAMES) - 2


def test_what_cannot_be_opened_is_said_by_every_tool(caplog):
    opening = Opening(lambda: Library.open(["bm25"], ["no-such-index"], who="mcp"))

    async def conversation():
        async with Client(server(opening, Workers(Limits(workers=1, seconds=60)), judged=False)) as client:
            opening.begin()
            return await client.call_tool("search", {"query": "storm"})

    found = error(asyncio.run(conversation()))
    assert found.startswith("server: could not open what it serves: ")
    assert "no-such-index" in found
    assert "no-such-index" in caplog.text
