"""The real collections that `IRKIT_DATA` names: counts as published, contents by spot checks."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from irkit.io import load_collection, read_qrels, read_queries
from irkit.io.library.collection import Collection

DATA = os.environ.get("IRKIT_DATA")
pytestmark = [pytest.mark.data, pytest.mark.skipif(not DATA, reason="IRKIT_DATA is not set")]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))


def collection(name: str) -> Collection:
    loaded = load_collection(name)
    if Path(DATA or "") not in loaded.folder.parents:
        pytest.skip(f"{name} is not in IRKIT_DATA")
    return loaded


@pytest.mark.parametrize("name", ["cranfield", "medline", "cacm", "cacm-html", "nfcorpus"])
def test_counts_and_checksums(name):
    checks = collection(name).verify()
    assert [check for check in checks if not check.ok] == []
    assert len(checks) >= 3


def test_npl():
    npl = collection("npl")
    found = {int(document.docno) for document in npl.documents()}
    # Some copies lack these three, none of which is judged.
    assert set(range(1, 11_430)) - found <= {6984, 8139, 8143}
    assert found <= set(range(1, 11_430))
    qrels = npl.qrels()
    assert len(qrels) == 2083
    assert set(qrels["docno"].astype(int)) <= found
    assert npl.queries()["qid"].tolist() == [str(i) for i in range(1, 94)]


def test_cranfield_is_turned_the_right_way_round():
    cranfield = collection("cranfield")
    labels = cranfield.qrels()["label"].value_counts().to_dict()
    assert labels == {4: 128, 3: 387, 2: 734, 1: 363, 0: 225}
    queries = cranfield.queries()
    assert queries["qid"].tolist() == [str(i) for i in range(1, 226)]
    assert queries["query"].iloc[2].split()[:5] == ["what", "problems", "of", "heat", "conduction"]  # .I 004
    empty = [document.docno for document in cranfield.documents() if not document.text]
    assert empty == ["471", "995"]


def test_cacm_judgements_name_documents_that_are_there():
    cacm = collection("cacm")
    documents = {document.docno for document in cacm.documents()}
    qrels = cacm.qrels()
    assert set(qrels["docno"]) <= documents
    assert set(qrels["qid"]) <= set(cacm.queries()["qid"])
    assert qrels["qid"].nunique() == 52
    assert not any("\t5\t" in document.text for document in cacm.documents()), ".X is no text"


def test_cacm_html_equals_anserinis_html_collection():
    html = collection("cacm-html")
    whole = hashlib.sha256()
    for document in sorted(html.documents()):
        whole.update(f"{document.docno} {' '.join(document.text.split())}\n".encode())
    # Made with Anserini 1.7.1: file name less .html, and Jsoup.parse(raw).text() of all 3,204 files.
    assert whole.hexdigest() == "40cbaaeb42aa8e63366d8ba5419d4198c86d9ac16552e7150256b22784b6a12b"
    stray = set(html.qrels()["docno"]) - {document.docno for document in html.documents()}
    assert len(stray) == 46
    assert all(int(docno.removeprefix("CACM-")) < 1000 for docno in stray)


def test_nfcorpus_splits():
    nfcorpus = collection("nfcorpus")
    documents = {document.docno for document in nfcorpus.documents()}
    for split in ("dev", "test"):
        assert set(nfcorpus.qrels(split)["docno"]) <= documents
        assert set(nfcorpus.qrels(split)["qid"]) <= set(nfcorpus.queries(split)["qid"])
    assert set(nfcorpus.qrels()["label"]) == {1, 2}


def test_two_forms_of_the_same_judgements_agree():
    folder = collection("medline").folder
    assert read_qrels(folder / "MED.REL").equals(read_qrels(folder / "MED.REL.OLD"))
    folder = collection("cacm").folder
    trec = read_qrels(folder / "cacm.qrels")  # document ids with leading zeros
    smart = read_qrels(folder / "qrels.text")
    assert trec.assign(docno=trec["docno"].str.lstrip("0")).equals(smart)


def test_formats_are_found_without_being_named():
    for name in ("cranfield", "medline", "cacm", "npl", "cacm-html"):
        loaded = collection(name)
        card, folder = loaded.card, loaded.folder
        assert read_queries(folder / card.queries.file).shape[0] == card.counts.queries
        assert len(read_qrels(folder / card.qrels.file)) == card.counts.judgements
