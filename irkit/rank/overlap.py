"""Answers by the terms that they share with their question, rare terms counting for more.

    score(q, a) = sum over terms of q that are in a of idf / sum over terms of q of idf
    idf(term) = log((N + 1) / (df + 1))

Terms are counted once in a text: its runs of letters and digits in lower case, brought to their stems by Porter's
rules. Function words stay: idf makes little of them, and "when" or "is" in an answer says something. N are the
distinct texts of the candidates that the stage is fitted on and df those of them with the term; labels are not looked
at. A question without terms, or of terms that are in all texts, scores 0 with any answer.

Source: Severyn and Moschitti, "Learning to rank short text pairs with convolutional deep neural networks", SIGIR 2015,
section 4.2, whose four features x_feat are `FEATURES` here; the baseline is that of Yih et al., "Question answering
using enhanced lexical semantic models", ACL 2013, section 3.
Departures: features are shares of the question's terms, not numbers of terms.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy
from functools import cache, lru_cache
from typing import Any, Literal

import numpy as np

from irkit.arrays import Floats
from irkit.config import Config, digest
from irkit.errors import DataError, FrameError
from irkit.hits import Hits
from irkit.pipeline.fit import Topics, not_fitted
from irkit.pipeline.stage import Stage
from irkit.pipeline.texts import document_texts
from irkit.rank.encoder import texts_of
from irkit.text.vectors import Vectors

FEATURES = ("overlap", "idf-overlap", "content-overlap", "content-idf-overlap")
"What `overlaps` gives of a pair; content words are those on no list of English function words."

_RUN = re.compile(r"\w+")


class OverlapConfig(Config):
    """Settings of `Overlap`."""

    weight: Literal["idf", "none"] = "idf"
    "How much a term counts: its idf, or 1."
    stems: bool = True
    "Whether terms are brought to their stems."
    features: bool = False
    "Whether the four columns of `FEATURES` are added to the `features` of results."


class Rarity(Mapping[str, float]):
    """The idf of terms, learned from texts; a term that is in none of them has the most that there can be.

    Parameters
    ----------
    df : dict of str to int
        In how many texts a term is.
    n : int
        How many texts there are, N.
    """

    def __init__(self, df: Mapping[str, int], n: int) -> None:
        self.df, self.n = dict(sorted(df.items())), n
        self._idf = {term: float(np.log((n + 1) / (count + 1))) for term, count in self.df.items()}
        self._most = float(np.log(n + 1))

    @classmethod
    def of(cls, texts: Iterable[str], *, stems: bool = True) -> Rarity:
        """Count terms in the distinct ones of some texts."""
        df: dict[str, int] = {}
        distinct = set(texts)
        for text in distinct:
            for term in terms(text, stems=stems):
                df[term] = df.get(term, 0) + 1
        return cls(df, len(distinct))

    def __getitem__(self, term: str) -> float:
        return self._idf.get(term, self._most)

    def __iter__(self) -> Any:
        return iter(self._idf)

    def __len__(self) -> int:
        return len(self._idf)

    def tree(self) -> dict[str, Any]:
        """Return it as a checkpoint holds it."""
        import torch

        joined = np.frombuffer("\n".join(self.df).encode(), dtype=np.uint8).copy()
        counts = torch.tensor(list(self.df.values()), dtype=torch.int64)
        return {"terms": torch.from_numpy(joined), "df": counts, "n": self.n}

    @classmethod
    def from_tree(cls, tree: Mapping[str, Any]) -> Rarity:
        """Undo `tree`."""
        text = tree["terms"].numpy().tobytes().decode()
        return cls(dict(zip(text.split("\n") if text else [], tree["df"].tolist(), strict=True)), tree["n"])


def terms(text: str, *, stems: bool = True) -> frozenset[str]:
    """Return the distinct terms of a text.

    Examples
    --------
    >>> sorted(terms("When was the wing's flutter measured, and when seen?"))
    ['and', 'flutter', 'measur', 's', 'seen', 'the', 'wa', 'when', 'wing']
    """
    return frozenset(words(text, stems=stems))


def words(text: str, *, stems: bool = False) -> list[str]:
    """Return the words of a text in their order: runs of letters and digits in lower case, or their stems.

    Examples
    --------
    >>> words("how big is BMC Software , inc .")
    ['how', 'big', 'is', 'bmc', 'software', 'inc']
    """
    found = _RUN.findall(text.lower())
    return list(map(stem, found)) if stems else found


def spelt(vectors: Vectors, *, stems: bool = False) -> Vectors:
    """Return the vectors of what `words` may find: unit vectors, of a word the centroid of its spellings.

    Parameters
    ----------
    vectors : Vectors
        One of words that are index terms already is taken as it is.
    stems : bool
        Whether words are stems.
    """

    def read(texts: list[str]) -> list[list[str]]:
        return [words(text, stems=stems) for text in texts]

    every = [[word] for word in vectors.words] if vectors.analyzed else read(vectors.words)
    return vectors.for_terms(sorted({found[0] for found in every if len(found) == 1}), read)


def share(question: Collection[str], answer: frozenset[str], idf: Mapping[str, float] | None = None) -> float:
    """Return the share of a question's terms that are in an answer, each by its idf where there is one.

    Examples
    --------
    >>> share({"wing", "the", "flutter"}, frozenset({"the", "wing"}), {"wing": 1.0, "the": 0.5, "flutter": 2.5})
    0.375
    """
    weights = {term: 1.0 if idf is None else idf[term] for term in sorted(question)}  # a sum rounds by its order
    total = sum(weights.values())
    return sum(weight for term, weight in weights.items() if term in answer) / total if total > 0 else 0.0


def overlaps(questions: Sequence[str], answers: Sequence[str], rarity: Rarity, *, stems: bool = True) -> Floats:
    """Return the four features of each pair: (m, 4) float64, in the order of `FEATURES`.

    Parameters
    ----------
    questions, answers : m strings
    rarity : Rarity
    stems : bool
        As it was counted with.
    """
    read = lru_cache(maxsize=None)(lambda text: terms(text, stems=stems))
    stops = _stops(stems)
    rows = []
    for question, answer in zip(questions, answers, strict=True):
        asked, found = read(question), read(answer)
        content = asked - stops
        rows.append([share(kept, found, idf) for kept in (asked, content) for idf in (None, rarity)])
    return np.array(rows, dtype=np.float64).reshape(-1, len(FEATURES))


class Overlap(Stage):
    """Score answers by the share of their question's terms that are in them; fitted on candidates, for their idf."""

    name = "overlap"
    config_type = OverlapConfig
    config: OverlapConfig
    learns_from = Topics
    rarity: Rarity | None = None
    "What was learned."
    fitted_on: frozenset[str] | None = None

    @property
    def makes(self) -> tuple[str, ...]:  # type: ignore[override]
        """What the columns are called that it adds to `features`."""
        return FEATURES if self.config.features else ()

    def fit(self, train: Topics, valid: Topics | None = None) -> Overlap:
        """Return a copy that knows in how many texts terms are.

        Parameters
        ----------
        train : Topics
            Results with texts.
        valid : Topics, optional
            Not looked at.

        Raises
        ------
        FrameError
            If they are no results with texts, or there are none.
        """
        hits = candidates(train, who=self.name)
        out = copy(self)
        out.rarity = Rarity.of(document_texts(hits, who=self.name), stems=self.config.stems)
        out.fitted_on = frozenset(hits.queries["qid"])
        return out

    def run(self, flow: Hits) -> Hits:
        """Score all results.

        Raises
        ------
        NotFittedError
            Before `fit`.
        FrameError
            If the results do not hold the texts of documents and queries.
        """
        if self.rarity is None:
            raise not_fitted(self)
        if not len(flow):
            return flow
        questions, answers = pairs(flow, who=self.name)
        found = overlaps(questions, answers, self.rarity, stems=self.config.stems)
        score = found[:, FEATURES.index("idf-overlap" if self.config.weight == "idf" else "overlap")]
        if not self.config.features:
            return flow.rescored(score)
        before = flow.columns.get("features")
        return flow.rescored(score, features=found if before is None else np.concatenate([before, found], axis=1))

    @property
    def fingerprint(self) -> str:
        """Hash of the settings and of what was learned."""
        learned = None if self.rarity is None else [self.rarity.n, self.rarity.df]
        return digest(self.name, self.config.essence(), learned)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted stage to one file.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        from irkit.learn import checkpoint

        if self.rarity is None:
            raise not_fitted(self)
        fitted_on = sorted(self.fitted_on or ())
        checkpoint.save(
            path, self.name, {"config": self.config.given(), "rarity": self.rarity.tree(), "fitted_on": fitted_on}
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Overlap:
        """Read what `save` wrote.

        Raises
        ------
        NotFoundError, DataError
            As `irkit.learn.checkpoint.load`.
        """
        from irkit.learn import checkpoint

        tree = checkpoint.load(path, cls.name)
        try:
            out = cls(OverlapConfig(**tree["config"]))
            out.rarity, out.fitted_on = Rarity.from_tree(tree["rarity"]), frozenset(tree["fitted_on"])
        except (KeyError, TypeError, AttributeError, ValueError) as error:  # of configs too
            reason = " ".join(str(error).split())
            raise DataError(f"{path}: does not fit this version's {cls.name} ({reason}); fit it again") from None
        return out


def candidates(train: Topics, *, who: str) -> Hits:
    """Return the candidates that something is fitted on.

    Raises
    ------
    FrameError
        If the topics hold queries instead of results, or no result.
    """
    if not isinstance(train, Topics):
        raise FrameError(f"{who}: train must be Topics, got {type(train).__name__}; write {Topics.written}")
    if not isinstance(train.flow, Hits):
        raise FrameError(f"{who}: is fitted on results with texts, got queries; fit the whole pipeline, or give a pool")
    if not len(train.flow):
        raise FrameError(f"{who}: there is no result to learn from, got 0; look at the retriever before it")
    return train.flow


def pairs(flow: Hits, *, who: str) -> tuple[list[str], list[str]]:
    """Return the texts of query and document of each result: m strings each."""
    queries, answers = texts_of(flow.queries, who=who), document_texts(flow, who=who)
    return [queries[row] for row in flow.query.tolist()], answers


@cache
def stem(word: str) -> str:
    """Return the stem of a word by Porter's rules."""
    found: str = _porter().stem(word)
    return found


@cache
def _porter() -> Any:
    from gensim.parsing.porter import PorterStemmer

    return PorterStemmer()


@cache
def _stops(stems: bool) -> frozenset[str]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    words = {*ENGLISH_STOP_WORDS, "s", "t", "n"}
    return frozenset(map(stem, words)) | words if stems else frozenset(words)
