"""Collections of ir_datasets, from files made here; nothing is downloaded."""

from __future__ import annotations

import importlib.util
import logging

import pytest

from irkit.errors import DataError, DownloadError, MissingExtraError, NotFoundError
from irkit.io import load_collection, read_documents, read_qrels, read_queries
from irkit.io.documents import irds

ir_datasets = pytest.importorskip("ir_datasets")


@pytest.fixture
def toy(tmp_path, monkeypatch):
    monkeypatch.setenv("IR_DATASETS_HOME", str(tmp_path / "irds"))
    (tmp_path / "docs.tsv").write_text("a\tone\nb\ttwo\n")
    (tmp_path / "queries.tsv").write_text("1\tone\n")
    (tmp_path / "qrels").write_text("1 0 a 1\n1 0 b 0\n")
    dataset = ir_datasets.create_dataset(
        docs_tsv=str(tmp_path / "docs.tsv"),
        queries_tsv=str(tmp_path / "queries.tsv"),
        qrels_trec=str(tmp_path / "qrels"),
    )
    monkeypatch.setitem(ir_datasets.registry._registered, "irkit-toy/test", dataset)
    monkeypatch.setattr(irds, "_announced", set())
    return "irds:irkit-toy/test"


def test_documents_queries_and_judgements(toy):
    assert [tuple(d) for d in read_documents(toy)] == [
        ("a", "one", "irds:irkit-toy/test:1"),
        ("b", "two", "irds:irkit-toy/test:2"),
    ]
    assert read_queries(toy).to_records(index=False).tolist() == [("1", "one")]
    assert read_qrels(toy).to_records(index=False).tolist() == [("1", "a", 1), ("1", "b", 0)]
    assert [d.text for d in read_documents(toy, fields=["text", "doc_id"])] == ["one\na", "two\nb"]
    with pytest.raises(NotFoundError, match="irkit-toy/test has no field 'txt'; did you mean text"):
        list(read_documents(toy, fields=["txt"]))


def test_a_collection(toy):
    collection = load_collection(toy)
    assert collection.name == "irds-irkit-toy-test"
    assert len(list(collection.documents())) == 2
    assert len(collection.queries()) == 1
    assert len(collection.qrels()) == 2
    assert collection.fingerprint == load_collection(toy).fingerprint
    assert len(collection.fingerprint) == 32
    assert collection.verify() == []


def test_a_download_is_announced_once_with_the_address_of_its_terms(toy, caplog):
    with caplog.at_level(logging.WARNING, "irkit.io"):
        list(read_documents(toy))
        read_queries(toy)
    assert len(caplog.messages) == 1
    assert "ir_datasets now downloads irkit-toy/test" in caplog.messages[0]
    assert "terms and size: https://ir-datasets.com/irkit-toy.html#irkit-toy/test" in caplog.messages[0]


def test_what_is_here_is_read_without_a_word(toy, caplog, tmp_path):
    (tmp_path / "irds" / "irkit-toy").mkdir(parents=True)
    list(read_documents(toy))
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("raised", "kind", "says"),
    [
        (OSError("no\nroute"), DownloadError, "irkit-toy/test could not be fetched: no route; see"),
        (RuntimeError("place it\nthere"), DataError, "irkit-toy/test could not be read: place it there; see"),
    ],
)
def test_failures_inside_ir_datasets_are_one_line(toy, monkeypatch, raised, kind, says):
    def broken():
        raise raised
        yield

    monkeypatch.setattr(irds, "_dataset", lambda _: type("D", (), {
        "docs_iter": staticmethod(broken), "has_docs": lambda self: True, "metadata": lambda self: {},
    })())  # fmt: skip
    with pytest.raises(kind, match=says):
        list(read_documents(toy))


def test_unknown_ids_and_missing_parts():
    with pytest.raises(NotFoundError, match="ir_datasets has no 'beir/scifct'; did you mean"):
        load_collection("irds:beir/scifct")
    with pytest.raises(NotFoundError, match=r"irds: beir/scifact has no qrels; choose one of its parts"):
        read_qrels("irds:beir/scifact")
    assert load_collection("irds:beir/scifact").card.qrels.file is None


def test_without_the_package_the_command_is_named(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "ir_datasets" else real(name, *a))
    for use in (lambda: load_collection("msmarco-passage"), lambda: load_collection("irds:vaswani")):
        with pytest.raises(MissingExtraError, match=r"ir_datasets is not installed; pip install 'irkit\[irds\]'"):
            use()
