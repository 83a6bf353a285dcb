"""InsuranceQA, version 1: questions and answers as numbers of words.

    vocabulary                              idx_1<TAB>word
    answers.label.token_idx                 1<TAB>idx_5 idx_8 ...
    question.train.token_idx.label          idx_5 idx_8 ...<TAB>1 17           right answers
    question.dev.label.token_idx.pool       1 17<TAB>idx_5 idx_8 ...<TAB>3 1 9 ...  right answers, question, candidates

An answer is known by its label in all parts; a question by its part and line: `valid-7`. Questions of training come
with their right answers alone; wrong ones are to be drawn from all answers.

Source: Feng, Xiang, Glass, Wang and Zhou, "Applying Deep Learning to Answer Selection", ASRU 2015.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from irkit.ids import check_id
from irkit.io.lines import bad, lines, once, shown
from irkit.io.pools.pool import Pool, pool_of, strings


def insuranceqa(paths: Sequence[Path], part: str) -> Pool:
    """Read the questions of a part from the answers, the questions and the vocabulary, in this order.

    Raises
    ------
    DataError
        `path:line: ...` if a line has other columns than it should, or names a word or an answer that is not there.
    """
    import pandas as pd

    answers_path, questions_path, vocabulary_path = paths
    words: dict[str, str] = {}
    for line, (number, word) in _columns(vocabulary_path, 2):
        once_word(words, number, word, vocabulary_path, line)
    answers: dict[str, str] = {}
    seen: dict[str, int] = {}
    for line, (label, tokens) in _columns(answers_path, 2):
        once(seen, label, f"the answer {label!r}", answers_path, line)
        check_id(label, "an answer", f"{answers_path}:{line}")
        answers[label] = _text(tokens, words, answers_path, line)
    queries: list[tuple[str, str]] = []
    rows: list[tuple[str, str, int]] = []
    for line, cells in _columns(questions_path, 2, 3):
        right, tokens = (cells[1], cells[0]) if len(cells) == 2 else (cells[0], cells[1])
        candidates = dict.fromkeys((cells[2] if len(cells) == 3 else right).split())
        qid = f"{part}-{line}"
        queries.append((qid, _text(tokens, words, questions_path, line)))
        good = set(right.split())
        for label in candidates:
            if label not in answers:
                raise bad(questions_path, line, f"there is no answer {shown(label)}", f"look in {answers_path.name}")
            rows.append((qid, label, int(label in good)))
    qid, docno, label = zip(*rows, strict=True) if rows else ((), (), ())
    frame = pd.DataFrame(queries, columns=["qid", "query"], dtype="str")
    return pool_of(qid, docno, label, frame, text=strings([answers[one] for one in docno]))


def once_word(words: dict[str, str], number: str, word: str, path: Path, line: int) -> None:
    """Record what a number stands for."""
    if number in words:
        raise bad(path, line, f"the number {number!r} stands for two words", "fetch the file again")
    words[number] = word


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
