"""A small collection, its index, and encoders with vectors, posteriors and words that can be checked by hand."""

import numpy as np
import pandas as pd

from irkit.config import digest
from irkit.hits import Docnos, Hits

TEXTS = {
    "d1": "wings and wings of birds",
    "d2": "flutter of wings",
    "d3": "",
    "d4": "birds flutter, birds sing",
    "d5": "only unheard words",
    "d6": "wings of birds flutter wings",
}
QUERIES = pd.DataFrame(
    {"qid": ["q1", "q2", "q3"], "query": ["birds' wings", "nothing known", "fluttering"]}, dtype="str"
)


class ToyEncoder:
    """Fixed vectors of documents and texts; those of texts that it does not know are zero."""

    def __init__(self, documents, texts=None, *, posteriors=None, words=None):
        self.docnos = Docnos(list(documents))
        self.documents = np.array(list(documents.values()), dtype=np.float32)
        self.of = texts or {}
        self.given, self.words = posteriors, words or {}
        self.asked = []

    @property
    def fingerprint(self):
        return digest(self.documents.tolist(), self.of, repr(self.given), repr(self.words))

    def encode(self, texts):
        nothing = [0.0] * self.documents.shape[1]
        return np.array([self.of.get(text, nothing) for text in texts], dtype=np.float32)

    def word_log_prob(self, rows, words):
        """The words' probabilities by document, `self.words`: word to (N,) probabilities."""
        self.asked += rows.tolist()
        with np.errstate(divide="ignore"):
            return np.log([[self.words[word][row] if word in self.words else 0.0 for word in words] for row in rows])


class PosteriorEncoder(ToyEncoder):
    """The same with posteriors: a pair of lists for each text and document."""

    def posteriors(self, texts=None):
        documents, known = self.given
        pairs = documents if texts is None else [known.get(text, ([np.nan], [np.nan])) for text in texts]
        mean, variance = zip(*pairs, strict=True)
        return np.array(mean), np.array(variance)


def hits(lists, queries=QUERIES):
    """Results given as qid -> docno -> score."""
    docnos = Docnos(sorted({docno for each in lists.values() for docno in each}))
    rows = [
        (queries["qid"].tolist().index(qid), docnos.row(docno), score)
        for qid, each in lists.items()
        for docno, score in each.items()
    ]
    query, doc, score = zip(*rows, strict=True) if rows else ((), (), ())
    return Hits.ranked(queries, query, doc, score, docnos)


def ranking(found, qid):
    """The (docno, score) pairs of one query, best first."""
    frame = found.frame() if isinstance(found, Hits) else found
    own = frame[frame["qid"] == qid]
    return dict(zip(own["docno"], own["score"], strict=True))
