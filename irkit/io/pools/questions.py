"""Questions and the answers to choose from, on their way into a pool."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from irkit.errors import ConfigError
from irkit.io.pools.pool import Pool, pool_of, strings


class Question(NamedTuple):
    """One question and its candidates."""

    qid: str
    text: str
    answers: list[tuple[str, int]]
    "Text and label of each, in the order of the file."


def pool_of_questions(questions: Iterable[Question]) -> Pool:
    """Make a pool of questions whose answers have no ids; an answer is called `<qid>-<n>`.

    n counts the answers of a question from 1 in the order of a hash of their texts. Files often have the right ones
    first, and equal scores are put in order by docno: numbered as in the file, ties would tell the labels.
    """
    import pandas as pd

    asked = list(questions)
    rows = [(one.qid, f"{one.qid}-{n}", label, text) for one in asked for n, (text, label) in enumerate(_mixed(one), 1)]
    qid, docno, label, text = zip(*rows, strict=True) if rows else ((), (), (), ())
    queries = pd.DataFrame({"qid": [one.qid for one in asked], "query": [one.text for one in asked]}, dtype="str")
    return pool_of(qid, docno, label, queries, text=strings(text))


def check_files(who: str, paths: Sequence[Path], *roles: str) -> None:
    """Raise `ConfigError` unless there is a file for each role."""
    if len(paths) != len(roles):
        raise ConfigError(
            f"{who}: a part has {len(roles)} files ({', '.join(roles)}), got {len(paths)}; name them in this order"
        )


def _mixed(question: Question) -> list[tuple[str, int]]:
    """Return the answers in an order that tells nothing; equal texts stay as they are."""
    return sorted(question.answers, key=lambda answer: blake2b(answer[0].encode(), digest_size=16).digest())
