"""`irkit evaluate`: measure run files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from irkit.cli.predicted import asks_for_errors, evaluate_predictions, refuse_lists_options
from irkit.cli.printing import say, say_json
from irkit.cli.published import check_table
from irkit.cli.ratings import Layout

if TYPE_CHECKING:
    from irkit.evaluate import Evaluation

MEASURES = "AP nDCG@10 P@10 R@1000"
"What is measured unless -m says otherwise."


def evaluate(
    qrels: str,
    runs: Annotated[list[Path], Parameter(name="RUN")],
    /,
    *,
    split: str | None = None,
    format: str = "auto",
    encoding: str = "utf-8",
    measures: Annotated[str, Parameter(name=["-m", "--measures"])] = MEASURES,
    train: str | None = None,
    liked: float | None = None,
    layout: Layout = None,
    per_query: bool = False,
    output: Annotated[Path | None, Parameter(name=["-o", "--output"])] = None,
    json: bool = False,
) -> None:
    """Measure run files against judgements, or predicted ratings against ratings.

    Equal scores are ordered as trec_eval does, by document id descending. Scores are compared in
    double precision; trec_eval holds them in single precision, so that it takes scores for equal
    which differ only behind their seventh digit. A judged query without results scores 0; a query
    without judgements is left out. What is left out or scores 0 for such a reason is said below the
    table, as are several tags in one file.

    For example:

        irkit evaluate qrels.txt run.txt -m "AP nDCG@10"
        irkit evaluate lee bm25.run ql.run --per-query
        irkit evaluate lee bm25.run ql.run -o table.tex
        irkit evaluate test.csv predictions.csv -m "RMSE MAE"
        irkit evaluate test.csv lists.tsv -m nDCG@10

    Parameters
    ----------
    qrels
        A file of judgements, or a collection's name (irkit data list); for RMSE, MAE and lists of
        recommendations one of ratings.
    runs
        Run files in TREC's format, or lists as irkit recommend writes them; for RMSE and MAE predicted
        ratings.
    split
        Which of the collection's sets of judgements, such as test; default its own default. Of ratings the test part of
        a split; default all of them.
    format
        How the file of judgements is written, if its name and content do not tell.
    encoding
        Encoding of the files of judgements, of ratings and of the run files, such as latin-1.
    measures
        Measures as ir-measures spells them, separated by spaces; of lists of recommendations also
        Coverage@10, Diversity@10, Gini@10 and Novelty@10; of predicted ratings RMSE and MAE.
    train
        Ratings that lists of recommendations were learned from, a file or a collection's name; the
        four measures beyond accuracy need them.
    liked
        Of lists that are measured by ratings: the least rating of a relevant item, default 4; of likes
        and counts every one. Users without a relevant item are left out.
    per_query
        Print a row per query, and then the mean as query "all".
    output
        Write the table to publish: LaTeX for booktabs where the path ends in .tex, or .csv, .md.
    json
        Print one JSON object per run, with the values of each query where --per-query is given.
    """
    from irkit.cli.inputs import data_hash, data_line, judgements, measured_run, trained_on
    from irkit.evaluate import parse_measures
    from irkit.evaluate.measures import said_aliases
    from irkit.evaluate.tables import evaluated
    from irkit.table.published import write_tables
    from irkit.table.text import in_ascii, text_table

    check_table(output, who="evaluate", inputs=(qrels, train, *runs))
    if asks_for_errors(measures):
        refuse_lists_options(
            format=format != "auto", train=train is not None, liked=liked is not None, per_query=per_query
        )
        evaluate_predictions(
            qrels, runs, measures, split=split, encoding=encoding, layout=layout, output=output, json=json
        )
        return
    wanted = parse_measures(measures)  # a misspelt measure is refused before any file is read
    ratings = trained_on(wanted, train, layout, encoding, who="evaluate")
    judged, exclude_self = judgements(qrels, split, format, encoding, who="evaluate", liked=liked)
    found, tags = [], {}
    for run in runs:
        evaluation, tags[run] = measured_run(
            run, judged, wanted, encoding=encoding, exclude_self=exclude_self, train=ratings
        )
        found.append((run, evaluation))
    table = evaluated([(str(run), evaluation) for run, evaluation in found], per_query=per_query)
    if output is not None:
        write_tables([table], output)
    if json:
        data = {"data_hash": known} if (known := data_hash(qrels)) else {}
        for run, evaluation in found:
            say_json({**_object(run, evaluation, tags[run], per_query), **data})
        return
    say(text_table([column.name for column in table.columns], [[in_ascii(c.text) for c in row] for row in table.rows]))
    for run, evaluation in found:
        said = ", ".join(filter(None, [evaluation.said(), mixed_tags(tags[run])]))
        if said:
            say(f"{run}: {said}")
    for said in filter(None, [*said_aliases(measures), data_line(qrels)]):
        say(said)
    if output is not None:
        say(f"\n{output}")


def mixed_tags(tags: Sequence[str]) -> str:
    """Name the tags of a run file that has more than one."""
    if len(tags) < 2:
        return ""
    return f"{len(tags)} tags: {' '.join(tags[:3])}{' ...' if len(tags) > 3 else ''}"


def _object(run: Path, evaluation: Evaluation, tags: Sequence[str], per_query: bool) -> dict[str, Any]:
    out: dict[str, Any] = {"run": str(run), "measures": evaluation.means, "queries": evaluation.counts}
    out |= {"exclude_self": evaluation.exclude_self, "tags": list(tags)}
    if per_query:
        out["per_query"] = {name: column.to_dict() for name, column in evaluation.per_query.items()}
    return out
