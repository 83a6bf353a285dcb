"""`irkit compare`: are the differences between runs real?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from irkit.cli.evaluate import MEASURES, mixed_tags
from irkit.cli.numbers import Whole
from irkit.cli.printing import say, say_json
from irkit.cli.published import check_table
from irkit.cli.ratings import Layout


def compare(
    qrels: str,
    baseline: Path,
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
    test: Literal["t", "wilcoxon", "randomisation"] = "t",
    correction: Literal["holm", "bonferroni", "benjamini-hochberg"] = "holm",
    seed: Whole = 42,
    output: Annotated[Path | None, Parameter(name=["-o", "--output"])] = None,
    json: bool = False,
) -> None:
    """Compare run files with a baseline, query by query.

    For each measure: the means, the differences from the baseline with the p-values of three paired
    tests, one of them corrected for the number of runs, the queries won, tied and lost, and
    the robustness index RI.

    For example:

        irkit compare qrels.txt bm25.run ql.run rrf.run -m "AP nDCG@10"
        irkit compare lee bm25.run ql.run --test randomisation --json
        irkit compare lee bm25.run ql.run -o table.tex

    Parameters
    ----------
    qrels
        A file of judgements, or a collection's name (irkit data list); for lists of recommendations one
        of ratings.
    baseline
        The run file, or the lists as irkit recommend writes them, the others are compared with.
    runs
        The other run files.
    split
        Which of the collection's sets of judgements, such as test; default its own default.
    format
        How the file of judgements is written, if its name and content do not tell.
    encoding
        Encoding of the files of judgements, of ratings and of the run files, such as latin-1.
    measures
        Measures as ir-measures spells them, separated by spaces; of lists of recommendations also
        Coverage@10, Diversity@10, Gini@10 and Novelty@10.
    train
        Ratings that lists of recommendations were learned from, a file or a collection's name; the
        four measures beyond accuracy need them.
    liked
        Of lists that are measured by ratings: the least rating of a relevant item, default 4; of likes
        and counts every one. Users without a relevant item are left out.
    test
        The test whose p-values are corrected.
    correction
        How, over the runs, measure by measure: holm and bonferroni bound the chance of any false
        finding, benjamini-hochberg the expected share of false findings.
    seed
        Seed of the bootstrap and the randomisation test.
    output
        Write the table to publish: LaTeX for booktabs where the path ends in .tex, or .csv, .md.
    json
        Print one JSON object: run, measure, statistics.
    """
    from irkit.cli.inputs import data_line, judgements, measured_run, trained_on
    from irkit.errors import ConfigError
    from irkit.evaluate import Comparison, parse_measures
    from irkit.evaluate.measures import said_aliases
    from irkit.table.published import write_tables

    check_table(output, who="compare", inputs=(qrels, train, baseline, *runs))
    wanted = parse_measures(measures)
    ratings = trained_on(wanted, train, layout, encoding, who="compare")
    judged, exclude_self = judgements(qrels, split, format, encoding, who="compare", liked=liked)
    paths = [baseline, *runs]
    names = [str(path) for path in paths]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"compare: {twice} is given twice; give each run once")
    evaluations, tags = {}, {}
    for name, path in zip(names, paths, strict=True):  # one run in memory at a time
        evaluations[name], tags[name] = measured_run(
            path, judged, wanted, encoding=encoding, exclude_self=exclude_self, train=ratings
        )
    found = Comparison(evaluations, names[0], test, seed, correction)
    if output is not None:
        write_tables(found.tables(), output)
    if json:
        say_json({name: {m: cell.statistics() for m, cell in row.items()} for name, row in found.cells.items()})
        return
    say(found)
    for name, own in tags.items():
        if len(own) > 1:
            say(f"{name}: {mixed_tags(own)}")
    for said in filter(None, [*said_aliases(measures), data_line(qrels)]):
        say(said)
    if output is not None:
        say(f"\n{output}")
