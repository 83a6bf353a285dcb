"""Questions with answers: small ones to check by hand, and planted ones that can be told apart by a word."""

import numpy as np
import pandas as pd

from irkit.hits import Hits
from irkit.pipeline import Topics

ROWS = [
    ("q1", "who wrote the opera", "d1", "verdi wrote it", 1),
    ("q1", "who wrote the opera", "d2", "the opera opened", 0),
    ("q1", "who wrote the opera", "d3", "", 0),
    ("q2", "when did it open", "d4", "it opened in 1871", 1),
    ("q2", "when did it open", "d5", "the opera opened", 0),
    ("q3", "unheard", "d6", "verdi wrote it", 0),
]


def topics(rows=ROWS):
    """Return a pool of rows of qid, question, docno, answer and label."""
    frame = pd.DataFrame(rows, columns=["qid", "query", "docno", "text", "label"]).assign(score=0.0)
    frame = frame.astype(dict.fromkeys(["qid", "query", "docno", "text"], "str"))
    hits = Hits.from_frame(frame[["qid", "docno", "score", "query", "text"]])
    return Topics(hits, frame[["qid", "docno", "label"]])


def planted(questions=30, seed=0):
    """Return a pool in which the one correct answer of four names the town of the question, among other words."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(questions):
        towns = rng.permutation(12)[:4]
        for place, town in enumerate(towns):
            noise = " ".join(f"w{word}" for word in rng.integers(0, 20, 4))
            docno = f"a{number}-{rng.integers(1000)}-{place}"
            rows.append((f"q{number}", f"where is t{towns[0]}", docno, f"in t{town} {noise}", int(place == 0)))
    return topics(rows)


def precision_at_1(stage, pool):
    """Return the share of questions whose first answer is correct."""
    hits = stage.run(pool.flow)
    right = set(
        zip(pool.qrels["qid"][pool.qrels["label"] > 0], pool.qrels["docno"][pool.qrels["label"] > 0], strict=True)
    )
    first = hits.frame().query("rank == 0")
    return float(np.mean([pair in right for pair in zip(first["qid"], first["docno"], strict=True)]))
