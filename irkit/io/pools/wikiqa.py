"""WikiQA as four files of parallel lines: question, answer, 0 or 1, and the number of the question.

    a.toks   who wrote hamlet ?
    b.toks   hamlet is a tragedy by william shakespeare .
    sim.txt  1
    id.txt   7

Source: Yang, Yih and Meek, "WikiQA: A Challenge Dataset for Open-Domain Question Answering", EMNLP 2015, in the form
of castorini/data. The numbers begin anew in every part, so that the name of the part stands before them: `test-7`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

from irkit.ids import check_id
from irkit.io.lines import bad, lines
from irkit.io.pools.pool import Pool
from irkit.io.pools.questions import Question, check_files, pool_of_questions
from irkit.io.reading import read_label


def wikiqa(paths: Sequence[Path], part: str) -> Pool:
    """Read the questions of a part from its files of questions, answers, labels and numbers, in this order.

    Raises
    ------
    ConfigError
        If there are more files or fewer.
    DataError
        `path:line: ...` if the files have different numbers of lines, a number has two questions, or a label is no
        whole number.
    """
    check_files("wikiqa", paths, "questions", "answers", "labels", "numbers")
    found: dict[str, Question] = {}
    for line, text, answer, label, number in _rows(paths):
        qid = f"{part}-{number}"
        question = found.setdefault(qid, Question(qid, text, []))
        if question.text != text:
            raise bad(paths[0], line, f"the question {number} has another text before", "number each question once")
        check_id(qid, "a question", f"{paths[3]}:{line}")
        question.answers.append((answer, read_label(label, paths[2], line)))
    return pool_of_questions(found.values())


def _rows(paths: Sequence[Path]) -> Iterator[tuple[int, str, str, str, str]]:
    """Yield the line number, and what the four files have in this line."""
    for row in zip_longest(*(lines(path) for path in paths)):
        line = next(cell[0] for cell in row if cell is not None)
        for path, cell in zip(paths, row, strict=True):
            if cell is None:
                longer = paths[next(i for i, other in enumerate(row) if other is not None)]
                raise bad(path, line, f"the file ends before {longer.name} does", "fetch the files again")
        text, answer, label, number = (cell[1].strip() for cell in row)
        if not number:
            raise bad(paths[3], line, "the number of the question is missing", "fetch the files again")
        yield line, text, answer, label, number
