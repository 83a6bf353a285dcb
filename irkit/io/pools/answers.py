"""Questions and the answers to choose from as a table: a line for each answer.

    question,answer,label
    who wrote hamlet,hamlet is a tragedy by shakespeare,1
    who wrote hamlet,hamlet is a city in north carolina,0

CSV, tab-separated or JSON lines, each naming its columns, in any order and beside others: `question` or `query`;
`answer`, `candidate` or `sentence`; `label`, `relevance` or `correct`, how right it is, 0 not at all; and where there
are such the ids `qid` or `question_id`, and `docno` or `answer_id`. Lines of a question may be apart. Without ids,
lines with the same question are of one, called by its first letters and a digest of the whole, so that it is the same
question in every part and fold: `who-wrote-hamlet-7f47dcc6`; answers are called as `irkit.io.pools.questions` does.
White space around a text is no part of it; quotes are marks of CSV alone, and of the text where columns are
tab-separated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple, get_args

from irkit.errors import ConfigError
from irkit.ids import check_id
from irkit.io.documents.tabular import Table, column_names, named_rows
from irkit.io.lines import bad, once
from irkit.io.pools.pool import Pool, pool_of, strings, together
from irkit.io.pools.questions import Question, pool_of_questions
from irkit.io.reading import column, listed, read_label
from irkit.packing import bare
from irkit.wording import shown

QUESTION = ("question", "query")
ANSWER = ("answer", "candidate", "sentence")
LABEL = ("label", "relevance", "correct")
QID = ("qid", "question_id")
DOCNO = ("docno", "answer_id")
"Names that a column may have, in whatever case."

TABLES: tuple[Table, ...] = get_args(Table)
"What files are called behind a dot."


_TRUTH = {"true": 1, "false": 0}
_CALLED = 32  # letters of a question that its name begins with


class _Row(NamedTuple):
    line: int
    question: str
    answer: str
    label: int
    qid: str | None
    docno: str | None


def begins_as_answers(path: Path) -> bool:
    """Say whether a file is such a table by the names of its columns; what else is wrong its reader says."""
    names = dict.fromkeys(columns_of(path))
    return all(column(names, known) is not None for known in (QUESTION, ANSWER, LABEL))


def columns_of(path: Path) -> list[str]:
    """Return the names of the columns of a file that is called as a table is, else nothing."""
    kind = _kind(path)
    return column_names(path, kind) if kind else []


def answers(paths: Sequence[Path], part: str) -> Pool:
    """Read the tables of a part, whose questions must differ.

    Raises
    ------
    ConfigError
        If a file is called otherwise than .csv, .tsv or .jsonl, packed or not.
    DataError
        `path:line: ...` if a column is missing, a cell is empty or no text, a label is no whole number from 0 on, an id
        has two texts, an answer with an id comes twice with one question, or one without an id has two labels.
    """
    return together([_read(path) for path in paths], part)


def _read(path: Path) -> Pool:
    import pandas as pd

    rows = list(_rows(path))
    if not rows:
        raise bad(path, 1, "there is no answer in the file", "check that it was written completely")
    for what, ids in (("question", [row.qid for row in rows]), ("answer", [row.docno for row in rows])):
        if None in ids and set(ids) != {None}:
            line = rows[ids.index(None)].line
            raise bad(path, line, f"the {what} has no id, and others have", "give every line one, or none")
    texts: dict[str, str] = {}
    of = [row.qid or _called(row.question) for row in rows]
    for qid, row in zip(of, rows, strict=True):
        if texts.setdefault(qid, row.question) != row.question:
            raise bad(path, row.line, f"the question {qid!r} has another text before", "give each its own id")
    if rows[0].docno is None:
        _check_labels(rows, of, path)
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
        label = read_label(_TRUTH.get(str(value).lower(), value), path, line)
        if label < 0:
            raise bad(path, line, f"the label must be 0 or greater, got {label}", "correct the line")
        qid, docno = (_id(row, names, path, line) for names in (QID, DOCNO))
        yield _Row(line, question, answer, label, qid, docno)


def _called(question: str) -> str:
    """Return the name of a question without an id."""
    begin = re.sub(r"\W+", "-", question.lower())[:_CALLED].strip("-")
    return f"{begin}-{blake2b(question.encode(), digest_size=4).hexdigest()}"


def _check_labels(rows: Sequence[_Row], of: Sequence[str], path: Path) -> None:
    seen: dict[tuple[str, str], _Row] = {}
    for qid, row in zip(of, rows, strict=True):
        before = seen.setdefault((qid, row.answer), row)
        if before.label != row.label:
            what = f"the answer has the label {row.label}, and {before.label} in line {before.line}"
            raise bad(path, row.line, what, "correct one of them, or give answers ids in a column docno")


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
    return value.strip()


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
