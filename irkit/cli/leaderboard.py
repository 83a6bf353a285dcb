"""`irkit leaderboard`: run a suite and show who wins, by how much, at what cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from irkit.cli.interrupted import going_on
from irkit.cli.numbers import MaybeWhole
from irkit.cli.printing import say
from irkit.errors import ConfigError, IrkitError

if TYPE_CHECKING:
    from irkit.evaluate import Result


def leaderboard(
    suite: str | None = None,
    /,
    *,
    report: Path | None = None,
    json: Path | None = None,
    save: bool = False,
    only: list[str] | None = None,
    system: list[str] | None = None,
    repeats: MaybeWhole = None,
    runs: Path | None = None,
    engine: Literal["local", "ray"] = "local",
    address: str | None = None,
) -> int:
    """Run a suite and print its leaderboards.

    Every system runs on every collection; means come with intervals, tests and costs. A system that
    fails stands there with the reason, and the exit status is 1. A suite that was cut goes on where it
    stood. Without a suite, lists the suites there are.

    For example:

        irkit leaderboard quickstart
        irkit leaderboard classic --only cranfield --report report.html
        irkit leaderboard quickstart --save
        irkit leaderboard density-mnist --runs runs
        irkit leaderboard ratings-ml-100k --engine ray

    Parameters
    ----------
    suite
        A suite's name or the path of a suite file.
    report
        Write a report: a path ending in .html (one self-contained page), .md or .json, or in .tex or .csv for the
        tables alone, to publish; or a folder for all of them.
    json
        Write the result file here; - is standard output.
    save
        Write the result where results are kept, and LEADERBOARD.md anew from all results there: your folder
        (IRKIT_HOME/eval), or eval/results in a checkout for the suites that belong to it.
    only
        Run on this collection of the suite only, such as cranfield, or ml-100k:u1 where there are several
        boards of one; may be repeated.
    system
        Run this system of the suite only; may be repeated. Without the baseline nothing is compared.
    repeats
        Runs to take the median time of, instead of the suite's own number.
    runs
        Train the models of training recipes in run folders below this one, each named like its recipe and from
        where it stands: a suite that was cut goes on, and finished trainings are not repeated.
    engine
        What runs trials: local, one after the other in this process, or ray, several at once in its workers
        (pip install 'irkit[ray]'). Numbers are the same; times are those of a worker beside others.
    address
        Of a Ray cluster: auto for the one that this machine belongs to, or HOST:PORT. Default local: one is started for
        this run alone.
    """
    if suite is None:
        list_suites()
        return 0
    from irkit.evaluate import load_suite, run_suite, write_results
    from irkit.evaluate.engine import check_engine
    from irkit.evaluate.journal import any_kept
    from irkit.report import table, write_report

    if repeats is not None and repeats < 1:
        raise ConfigError(f"leaderboard: --repeats must be 1 or more, got {repeats}")
    check_engine(engine, address, who="leaderboard")
    loaded = load_suite(suite)
    check_outputs(loaded.name, report, json, save, runs, read=suite)
    if save and (only or system):
        check_kept(loaded.name, suite, only, system)
    written = []

    def write(result: Result) -> None:
        try:
            if report is not None:
                written.append(write_report(result, report))
            if json is not None:
                written.append(write_results(result, json))
            if save:
                written.extend(save_result(result))
        except IrkitError:  # of a full disk: hours of work are not lost with it
            say(table(result), beside=json)
            raise

    with going_on("what was measured is kept", lambda: any_kept(loaded)):
        looks = report is not None
        how: dict[str, Any] = {"repeats": repeats, "runs": runs, "looks": looks, "engine": engine, "address": address}
        result = run_suite(loaded, only=only, systems=system, progress=True, finish=write, **how)
    say(table(result), beside=json)
    if written:
        say("\n" + "\n".join(str(path) for path in written), beside=json)
    return 1 if any(row.failed for board in result.boards for row in board.rows) else 0


def check_outputs(
    suite: str, report: Path | None, json: Path | None, save: bool, runs: Path | None, *, read: str | None = None
) -> None:
    """Refuse places that could not be written, and the suite's own file, before the suite is run."""
    from irkit.evaluate.board import results_folder
    from irkit.io.outputs import check_folder, check_output
    from irkit.report.write import check_report

    reports = [] if report is None else check_report(report, suite)
    if json is not None:
        check_output(json, who="leaderboard", pack=True, option="--json", inputs=(read,))
        if json in reports:
            raise ConfigError(f"leaderboard: --report and --json would both write {json}; give them two names")
    if save:
        check_folder(results_folder(read or suite), who="leaderboard", option="--save")
    if runs is not None:
        check_folder(runs, who="leaderboard", option="--runs")


def check_kept(suite: str, read: str, only: list[str] | None, systems: list[str] | None) -> None:
    """Refuse to put a part of a suite in the place of a kept result that has more boards or rows."""
    from irkit.evaluate import read_results
    from irkit.evaluate.board import named_boards, results_folder

    path = results_folder(read) / f"{suite}.json"
    kept = read_results(path).boards if path.is_file() else []
    titles, names = named_boards(only or (), [board.title for board in kept])
    names |= {Path(one).name for one in names}
    lost = [board.title for board in kept if only and board.title not in titles and board.data not in names]
    lost += [row.name for board in kept for row in board.rows if systems and row.name not in systems]
    if lost:
        dropped = ", ".join(dict.fromkeys(lost))
        raise ConfigError(
            f"leaderboard: --save with --only or --system would drop {dropped} from {path}; "
            "leave them out, or write elsewhere with --json"
        )


def save_result(result: Result) -> list[Path]:
    """Write a result among the others and LEADERBOARD.md beside them; return both paths."""
    from irkit.atomic import write_bytes
    from irkit.evaluate import read_results, write_results
    from irkit.report import leaderboard as page

    path = write_results(result)
    results = [read_results(file) for file in sorted(path.parent.glob("*.json"))]
    board = path.parent.parent / "LEADERBOARD.md"
    write_bytes(board, page(results, command="irkit leaderboard SUITE --save").encode())
    return [path, board]


def list_suites() -> None:
    """Print the suites by name."""
    from irkit.errors import IrkitError
    from irkit.evaluate.suite import read_suite
    from irkit.locate import names
    from irkit.table import text_table

    rows = []
    for name in sorted(names("eval")):
        try:
            suite = read_suite(name)
        except IrkitError as error:
            rows.append([name, "-", "-", f"cannot be read: {error}"])
            continue
        rows.append([name, ", ".join(dict.fromkeys(suite.boards)), str(len(suite.rows)), suite.about])
    say(text_table(["suite", "collections", "systems", "about"], rows))
