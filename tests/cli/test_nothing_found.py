"""What finds nothing says so, on standard error."""

import pytest


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("the of and", "the query has no terms; nothing found"),
        ("", "the query has no terms; nothing found"),
        ("zebra", "no term of the query is in the index; nothing found"),
    ],
)
def test_a_query_without_results(irkit, small_index, query, said):
    for options in ([], ["--json"]):
        done = irkit("search", small_index, query, *options)
        assert (done.out, done.err) == ("", f"irkit: {said}\n")


def test_queries_of_a_run_without_results_are_counted(irkit, small_index, folder):
    (folder / "q.tsv").write_text("1\tstorm\n2\tthe\n3\tzebra\n")
    assert irkit("run", "bm25", small_index, "--queries", "q.tsv").err == "irkit: 2 queries without results\n"
    (folder / "q.tsv").write_text("1\tstorm\n")
    assert irkit("run", "bm25", small_index, "--queries", "q.tsv").err == ""


def test_an_index_without_terms(irkit, folder):
    (folder / "my.jsonl").write_text('{"id": "d1", "text": "the of"}\n')
    said = "irkit: no document has a term under the analyser english: no query will find any\n"
    assert irkit("index", "my.jsonl").err == said


def test_a_file_is_no_index(irkit, folder, small_index):
    done = irkit("search", "./my.jsonl", "storm", status=2)
    assert done.err == (
        f"irkit: index: {folder / 'my.jsonl'} is a file and no index; build one of it with irkit index\n"
    )


def test_ratings_without_a_line_of_names(irkit, folder):
    (folder / "r.csv").write_text("ann,tea,5\nbob,tea,4\n")
    done = irkit("recommend", "r.csv", "ann", "--recipe", "als", status=2)
    assert "a column 'user_id' is needed, got ann, tea, 5" in done.err
    assert "it is no line of names, so write --columns user,item,rating" in done.err
