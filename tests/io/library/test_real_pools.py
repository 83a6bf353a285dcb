"""The real pools that `IRKIT_DATA` names: counts as published and as their folders state them."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from irkit.io import load_pools
from irkit.io.library.cards import find_card
from irkit.io.library.pools_card import PARTS
from irkit.io.library.pools_collection import PoolsCollection
from irkit.io.pools.insuranceqa import _columns, _named

DATA = os.environ.get("IRKIT_DATA")
pytestmark = [pytest.mark.data, pytest.mark.skipif(not DATA, reason="IRKIT_DATA is not set")]

# Rows of training, validation and test.
MQ2008 = [(9630, 2707, 2874), (9404, 2874, 2933), (8643, 2933, 3635), (8514, 3635, 3062), (9442, 3062, 2707)]
# Queries and rows of the five files, and which of them each fold tests and validates on.
AGG = {1: (339, 14013), 2: (339, 14290), 3: (339, 13855), 4: (339, 13813), 5: (336, 13652)}
AGG_FOLDS = [(5, 4), (1, 5), (2, 1), (3, 2), (4, 3)]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))


def pools(name: str) -> PoolsCollection:
    if not (Path(DATA or "") / name.split("/")[0]).is_dir():
        pytest.skip(f"{name} is not in IRKIT_DATA")
    return load_pools(name)


@pytest.mark.parametrize("name", ["wikiqa", "trecqa", "trecqa/raw"])
def test_counts_and_checksums(name):
    checks = pools(name).verify()
    assert [check for check in checks if not check.ok] == []
    assert len(checks) >= 12


@pytest.mark.slow
def test_mq2008_has_the_published_counts():
    found = pools("letor-mq2008")
    assert [check for check in found.verify() if not check.ok] == []
    read = [[found.pool(part, fold) for part in PARTS] for fold in range(5)]
    assert [tuple(len(pool.candidates) for pool in parts) for parts in read] == MQ2008
    assert [[len(pool) for pool in parts] for parts in read] == [
        *([471, 157, 156], [471, 156, 157], [470, 157, 157], [470, 157, 157], [470, 157, 157])
    ]
    labels = Counter(label for pool in read[0] for label in pool.qrels["label"])
    assert labels == {0: 12279, 1: 2001, 2: 931}
    assert sum(len(pool) - len(pool.keeping("answered")) for pool in read[0]) == 220, "queries without a right page"
    for fold in range(5):
        train, valid, test = (set(pool.queries["qid"]) for pool in read[fold])
        assert not train & valid | train & test | valid & test
        assert valid == set(read[fold - 1][2].queries["qid"]), "what one fold tests on, the next validates on"
    assert len(set().union(*(set(parts[2].queries["qid"]) for parts in read))) == 784, "every query is tested on once"
    features = read[0][0].candidates.columns["features"]
    assert features.shape == (9630, 46)
    assert (features.min(), features.max()) == (0, 1)
    first = read[0][2].results.query("docno == 'GX004-93-7097963'")
    assert first["qid"].tolist() == ["18219"]
    assert first["features"].iloc[0][[0, 4, 38, 45]].tolist() == [0.052893, 0.066225, 0.998377, 0.966667]


@pytest.mark.slow
def test_mq2007_agg_has_the_published_counts():
    found = pools("letor-mq2007-agg")
    assert [check for check in found.verify() if not check.ok] == []
    for (test, valid), fold in zip(AGG_FOLDS, found.card.folds, strict=True):
        train = [AGG[i] for i in AGG if i not in (test, valid)]
        wanted = [tuple(map(sum, zip(*train, strict=True))), AGG[valid], AGG[test]]
        assert [(one.queries, one.candidates) for one in fold.parts().values()] == wanted, "which was verified"
    assert (found.card.counts.queries, found.card.counts.candidates) == (1692, 69623)
    pool = found.pool("test", 1)
    features = pool.candidates.columns["features"]
    assert features.shape == (14013, 21)
    assert 0.3 < np.isnan(features).mean() < 0.4
    assert np.nanmin(features) == 1
    assert (features == np.round(features))[~np.isnan(features)].all()
    row = pool.results.query("qid == '10' and docno == 'GX000-24-12369390'")["features"].iloc[0]
    assert row[:3].tolist() == [107, 107, 85]
    assert np.isnan(row[3])


def test_wikiqa_has_the_published_counts():
    found = pools("wikiqa")
    counts = {part: tuple(found.pool(part).counts().values()) for part in PARTS}
    assert counts == {"train": (873, 8672, 1040), "valid": (126, 1130, 140), "test": (243, 2351, 293)}
    assert {part: len(found.pool(part).keeping("answered")) for part in PARTS} == {
        part: queries for part, (queries, _, _) in counts.items()
    }
    qids = [qid for part in PARTS for qid in found.queries(part)["qid"]]
    docnos = [document.docno for document in found.documents()]
    assert len(set(qids)) == len(qids) == 1242
    assert len(set(docnos)) == len(docnos) == 12153
    test = found.pool("test")
    assert test.queries["query"].iloc[0] == "how african americans were immigrated to the us"
    assert max(len(text.split()) for text in test.results["text"]) == 40


def test_trecqa_has_the_published_counts_raw_and_clean():
    raw = pools("trecqa/raw")
    counts = {part: tuple(raw.pool(part).counts().values()) for part in PARTS}
    wrong = {"train": 4370, "valid": 926, "test": 1233}
    assert counts == {
        part: (queries, right + wrong[part], right)
        for part, queries, right in (("train", 94, 348), ("valid", 82, 222), ("test", 100, 284))
    }
    clean = pools("trecqa")
    assert {part: len(clean.pool(part)) for part in PARTS} == {"train": 94, "valid": 65, "test": 68}
    qids = [qid for part in PARTS for qid in raw.queries(part)["qid"]]
    assert len(set(qids)) == len(qids)
    assert clean.queries("test")["query"].iloc[0] == "What do practitioners of Wicca worship ?"
    texts = clean.pool("test").results.query("qid == '32.1'")["text"].tolist()
    assert "An estimated 50,000 Americans practice Wicca , a form of polytheistic nature worship ." in texts, (
        "words with blanks between them"
    )


def test_what_there_is_of_insuranceqa_has_the_form_that_its_reader_takes():
    folder = Path(DATA or "") / "insuranceqa-v1-partial" / "V1"
    if not folder.is_dir():
        pytest.skip("it is not in IRKIT_DATA")
    words = {number for number, _, _ in _named(folder / "vocabulary", "word")}
    assert len(words) == 22352
    train = [cells for _, cells in _columns(folder / "question.train.token_idx.label", 2)]
    assert len(train) == 12887
    assert all(set(question.split()) <= words for question, _ in train)
    dev = [cells for _, cells in _columns(folder / "question.dev.label.token_idx.pool.gz", 3)]
    assert len(dev) == 1000
    assert all(set(question.split()) <= words for _, question, _ in dev)
    assert {len(pool.split()) for _, _, pool in dev} == {500}
    train_card, dev_card, _ = find_card("insuranceqa").folds[0].parts().values()
    assert sum(len(set(right.split())) for _, right in train) == train_card.candidates == train_card.relevant
    assert sum(len(set(pool.split())) for _, _, pool in dev) == dev_card.candidates
    assert sum(len(set(right.split()) & set(pool.split())) for right, _, pool in dev) == dev_card.relevant
    assert all(set(right.split()) <= set(pool.split()) for right, _, pool in dev), "right answers are in the pools"
