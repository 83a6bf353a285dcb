"""TREC QA in its pseudo-XML, which is read by line.

    <QApairs id='32.1'>
    <question>
    What<TAB>is<TAB>Wicca<TAB>?        the words; further lines hold parts of speech, heads, names, ...
    </question>
    <positive>
    Wicca<TAB>is<TAB>a<TAB>religion
    </positive>
    <negative>
    ...
    </QApairs>

Source: Wang, Smith and Mitamura, "What is the Jeopardy Model?", EMNLP 2007, in the form of Yao et al., NAACL 2013.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from irkit.ids import check_id
from irkit.io.lines import bad, lines, once
from irkit.io.pools.pool import Pool
from irkit.io.pools.questions import Question, pool_of_questions
from irkit.wording import shown

_BEGIN = re.compile(r"<QApairs id='([^'\s]+)'>")
_LABELS = {"<positive>": 1, "<negative>": 0}


def trecqa(paths: Sequence[Path], part: str) -> Pool:
    """Read the questions of a part; words are put together with blanks between them.

    A question may have no candidate.

    Raises
    ------
    DataError
        `path:line: ...` if an element begins where none may, is empty or has no end, or a question comes twice.
    """
    return pool_of_questions(question for path in paths for question in _questions(path))


def _questions(path: Path) -> Iterator[Question]:
    seen: dict[str, int] = {}
    qid, text, answers = "", "", list[tuple[str, int]]()
    rows = lines(path)
    began = 0
    for line, row in rows:
        row = row.strip()
        if begin := _BEGIN.fullmatch(row):
            if qid:
                raise bad(path, line, f"the question {qid!r} has no </QApairs> before", "add it")
            began, qid, text, answers = line, begin[1], "", []
            check_id(qid, "a question", f"{path}:{line}")
            once(seen, qid, f"the question {qid!r}", path, line)
        elif row == "</QApairs>" and qid:
            if not text:
                raise bad(path, line, f"{qid!r} has no <question>", "add it")
            yield Question(qid, text, answers)
            qid = ""
        elif row == "<question>" and qid and not text:
            text = _words(rows, row, path, line)
        elif row in _LABELS and qid:
            answers.append((_words(rows, row, path, line), _LABELS[row]))
        elif row:
            raise bad(path, line, f"no {shown(row)} can stand here", "see the form in irkit.io.pools.trecqa")
    if qid:
        raise bad(path, began, f"the file ends within the question {qid!r}", "fetch it again")


def _words(rows: Iterator[tuple[int, str]], tag: str, path: Path, line: int) -> str:
    """Return the words of an element, which its first line holds, and go behind its end."""
    end = tag.replace("<", "</")
    words = ""
    for at, row in rows:
        if row.strip() == end:
            if not words:
                raise bad(path, line, f"the element {tag} is empty", "correct the file")
            return words
        if row.startswith("<") and row.strip() in {*_LABELS, "<question>", "</QApairs>"}:
            break
        if at == line + 1:
            words = " ".join(row.split())
    raise bad(path, line, f"the element {tag} has no end {end}", "correct the file")
