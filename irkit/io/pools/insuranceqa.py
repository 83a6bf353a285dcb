"""InsuranceQA, version 1: questions and answers as numbers of words.

    vocabulary                              idx_1<TAB>word
    answers.label.token_idx                 1<TAB>idx_5 idx_8 ...
    question.train.token_idx.label          idx_5 idx_8 ...<TAB>1 17           right answers
    question.dev.label.token_idx.pool       1 17<TAB>idx_5 idx_8 ...<TAB>3 1 9 ...  right answers, question, candidates

An answer is known by its label in all parts; a question by its part and line: `valid-7`. Questions of training come
with their right answers alone; wrong ones are to be drawn from all answers. A pool that names an answer twice, as those
of 500 drawn ones do, has it once.

Source: Feng, Xiang, Glass, Wang and Zhou, "Applying Deep Learning to Answer Selection", ASRU 2015.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from irkit.columns import take_rows
from irkit.ids import check_id
from irkit.io.lines import bad, lines, once
from irkit.io.pools.pool import Pool, pool_of, strings
from irkit.io.pools.questions import check_files
from irkit.wording import shown


def insuranceqa(paths: Sequence[Path], part: str) -> Pool:
    """Read the questions of a part from the answers, the questions and the vocabulary, in this order.

    Raises
    ------
    ConfigError
        If there are more files or fewer.
    DataError
        `path:line: ...` if a line has other columns than it should, or names a word or an answer that is not there.
    """
    import pandas as pd

    check_files("insuranceqa", paths, "answers", "questions", "vocabulary")
    answers_path, questions_path, vocabulary_path = paths
    words = {number: word for number, word, _ in _named(vocabulary_path, "word")}
    answers = {label: _text(cells, words, answers_path, line) for label, cells, line in _named(answers_path, "answer")}
    asked: list[tuple[str, str]] = []
    rows: list[tuple[str, str, int]] = []
    for line, cells in _columns(questions_path, 2, 3):
        tokens, right = cells if len(cells) == 2 else (cells[1], cells[0])
        candidates = dict.fromkeys((cells[2] if len(cells) == 3 else right).split())
        stray = next((label for label in candidates if label not in answers), None)
        if stray is not None:
            raise bad(questions_path, line, f"there is no answer {shown(stray)}", f"look in {answers_path.name}")
        qid = f"{part}-{line}"
        asked.append((qid, _text(tokens, words, questions_path, line)))
        rows += [(qid, label, int(label in right.split())) for label in candidates]
    queries = pd.DataFrame(asked, columns=["qid", "query"], dtype="str")
    place = {label: i for i, label in enumerate(answers)}
    texts = take_rows(strings(list(answers.values())), np.array([place[label] for _, label, _ in rows], dtype=np.int64))
    qids, labels, right_ones = [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]
    return pool_of(qids, labels, right_ones, queries, text=texts)


def _named(path: Path, what: str) -> Iterator[tuple[str, str, int]]:
    """Yield what lines of two columns name, what it is, and the number of the line; no name comes twice."""
    seen: dict[str, int] = {}
    for line, (name, value) in _columns(path, 2):
        once(seen, name, f"the {what} {name!r}", path, line)
        check_id(name, f"the {what}", f"{path}:{line}")
        yield name, value, line


def _columns(path: Path, *widths: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells between tabs of lines that are not empty."""
    for line, row in lines(path):
        cells = row.split("\t")
        if not row.strip():
            continue
        if len(cells) not in widths:
            wanted = " or ".join(map(str, widths))
            raise bad(path, line, f"a line has {wanted} columns between tabs, got {len(cells)}", "fetch it again")
        yield line, cells


def _text(tokens: str, words: Mapping[str, str], path: Path, line: int) -> str:
    """Put the words together that numbers stand for."""
    numbers = tokens.split()
    missing = next((number for number in numbers if number not in words), None)
    if missing is not None:
        raise bad(path, line, f"the vocabulary has no {shown(missing)}", "use the vocabulary of the same version")
    return " ".join(words[number] for number in numbers)
