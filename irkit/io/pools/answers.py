"""Questions and the answers to choose from as a table: a line for each answer.

    question,answer,label
    who wrote hamlet,hamlet is a tragedy by shakespeare,1
    who wrote hamlet,hamlet is a city in north carolina,0

CSV, tab-separated or JSON lines, each naming its columns, in any order and beside others: `question` or `query`;
`answer`, `candidate` or `sentence`; `label`, `relevance` or `correct`, how right it is, 0 not at all; and where there
are such the ids `qid` or `question_id`, and `docno` or `answer_id`. Lines of a question may be apart. Without ids,
lines with the same question are of one, called by its part and its place in it: `test-3`; answers are called as
`irkit.io.pools.questions` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

from irkit.errors import ConfigError, DataError
from irkit.ids import check_id
from irkit.io.documents.tabular import Table, named_rows
from irkit.io.lines import bad, once, shown
from irkit.io.pools.pool import Pool, pool_of, strings, together
from irkit.io.pools.questions import Question, pool_of_questions
from irkit.io.reading import column, listed, read_label
from irkit.packing import bare

QUESTION = ("question", "query")
ANSWER = ("answer", "candidate", "sentence")
LABEL = ("label", "relevance", "correct")
QID = ("qid", "question_id")
DOCNO = ("docno", "answer_id")
"Names that a column may have, in whatever case."

TABLES: tuple[Table, ...] = get_args(Table)
"What files are called behind a dot."


class _Row(NamedTuple):
    line: int
    question: str
    answer: str
    label: int
    qid: str | None
    docno: str | None


def begins_as_answers(path: Path) -> bool:
    """Say whether a file is such a table; one that cannot be read is none."""
    kind = _kind(path)
    if kind is None:
        return False
    try:
        _, row = next(iter(named_rows(path, kind)))
    except (DataError, StopIteration):
        return False
    return all(column(row, names) is not None for names in (QUESTION, ANSWER, LABEL))


def answers(paths: Sequence[Path], part: str) -> Pool:
    """Read the tables of a part, whose questions must differ.

    Raises
    ------
    ConfigError
        If a file is called otherwise than .csv, .tsv or .jsonl, packed or not.
    DataError
        `path:line: ...` if a column is missing, a cell is empty or no text, a label is no whole number from 0 on, an id
        has two texts, or an answer with an id comes twice with one question.
    """
    several = len(paths) > 1
    pools = [_read(path, f"{part}-{n}" if several else part) for n, path in enumerate(paths, 1)]
    return together(pools, part)


def _read(path: Path, part: str) -> Pool:
    import pandas as pd

    rows = list(_rows(path))
    if not rows:
        raise bad(path, 1, "there is no answer in the file", "check that it was written completely")
    for what, ids in (("question", [row.qid for row in rows]), ("answer", [row.docno for row in rows])):
        if None in ids and set(ids) != {None}:
            line = rows[ids.index(None)].line
            raise bad(path, line, f"the {what} has no id, and others have", "give every line one, or none")
    named: dict[str, str] = {}  # what each question is called, by its id or its text
    texts: dict[str, str] = {}
    for row in rows:
        qid = named.setdefault(row.qid or row.question, row.qid or f"{part}-{len(named) + 1}")
        if texts.setdefault(qid, row.question) != row.question:
            raise bad(path, row.line, f"the question {qid!r} has another text before", "give each its own id")
    of = [named[row.qid or row.question] for row in rows]
    if rows[0].docno is None:
        questions = {qid: Question(qid, text, []) for qid, text in texts.items()}
        for qid, row in zip(of, rows, strict=True):
            questions[qid].answers.append((row.answer, row.label))
        return pool_of_questions(questions.values())
    _check_docnos(rows, of, path)
    queries = pd.DataFrame({"qid": list(texts), "query": list(texts.values())}, dtype="str")
    labels = [row.label for row in rows]
    return pool_of(of, [row.docno or "" for row in rows], labels, queries, text=strings([row.answer for row in rows]))


def _rows(path: Path) -> Iterator[_Row]:
    kind = _kind(path)
    if kind is None:
        raise ConfigError(f"{path}: tables of answers are called {listed(f'*.{one}' for one in TABLES)}; rename it")
    for line, row in named_rows(path, kind):
        question, answer = (_text(row, names, path, line) for names in (QUESTION, ANSWER))
        value = row[_needed(row, LABEL, path, line)]
        label = read_label(int(value) if isinstance(value, bool) else value, path, line)
        if label < 0:
            raise bad(path, line, f"the label must be 0 or greater, got {label}", "correct the line")
        qid, docno = (_id(row, names, path, line) for names in (QID, DOCNO))
        yield _Row(line, question, answer, label, qid, docno)


def _check_docnos(rows: Sequence[_Row], of: Sequence[str], path: Path) -> None:
    seen: dict[Any, int] = {}
    texts: dict[str | None, str] = {}
    for qid, row in zip(of, rows, strict=True):
        once(seen, (qid, row.docno), f"the answer {row.docno!r} of the question {qid!r}", path, row.line)
        if texts.setdefault(row.docno, row.answer) != row.answer:
            raise bad(path, row.line, f"the answer {row.docno!r} has another text before", "give each its own id")


def _kind(path: Path) -> Table | None:
    suffix = bare(path.name.lower()).suffix[1:]
    return next((one for one in TABLES if one == suffix), None)


def _needed(row: Mapping[str, Any], names: tuple[str, ...], path: Path, line: int) -> str:
    name = column(row, names)
    if name is None:
        raise bad(path, line, f"a column {' or '.join(names)} is needed, got {listed(row)}", "name one so")
    return name


def _text(row: Mapping[str, Any], names: tuple[str, ...], path: Path, line: int) -> str:
    value = row[name := _needed(row, names, path, line)]
    if not isinstance(value, str) or not value.strip():
        got = "none" if value is None or value == "" else shown(value)
        raise bad(path, line, f"the {name} must be a text, got {got}", "correct the line, or take it out")
    return value


def _id(row: Mapping[str, Any], names: tuple[str, ...], path: Path, line: int) -> str | None:
    """Return an id, None where no column has such."""
    name = column(row, names)
    if name is None:
        return None
    value = row[name]
    if not isinstance(value, (str, int)) or isinstance(value, bool) or value == "":
        got = "none" if value is None or value == "" else shown(value)
        raise bad(path, line, f"the {name} must be a string or a whole number, got {got}", "give every line one")
    check_id(str(value), f"a {name}", f"{path}:{line}")
    return str(value)
