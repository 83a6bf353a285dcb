"""Tests of the benchmarks of representations and features, on few documents: what they measure, not how fast it is."""

import json

import numpy as np
import pytest
import torch

import irkit
from benchmarks import boards, features, forms, generate, passes, represent, texts, turns
from irkit.io import read_documents
from irkit.io.kinds import Bags
from irkit.learn import fused

TEXTS = ["the cat sat on the mat", "the dog and the cat", "a dog", "the mat on a mat", "cats and a dog on the mat"] * 3


@pytest.fixture
def terms(tmp_path):
    folder = tmp_path / f"passages-{len(TEXTS)}"
    folder.mkdir()
    (folder / "frequent.tsv").touch()
    lines = [json.dumps({"id": f"D{row}", "contents": f"{text}."}) for row, text in enumerate(TEXTS)]
    (folder / "documents.jsonl").write_text("\n".join(lines))
    return texts.number(tmp_path, len(TEXTS))


def test_terms_are_numbered_by_frequency_and_those_beyond_the_vocabulary_left_out(terms):
    every = texts.tokens(terms, 100, len(TEXTS))
    assert [" ".join(every.words[term] for term in one) for one in every.x] == TEXTS
    counts = np.bincount(every.x.values)
    assert (np.diff(counts) <= 0).all()
    few = texts.tokens(terms, 2, 2)
    assert few.words == ("the", "mat")
    assert [one.tolist() for one in few.x] == [[0, 0, 1], [0, 0]]


def test_bags_hold_the_same_documents(terms):
    tokens, bags = (read(terms, 5, 4) for read in (texts.tokens, texts.bags))
    expected = [np.bincount(one, minlength=5).tolist() for one in tokens.x]
    assert bags.inputs()["x"].tolist() == expected


def test_medians_are_of_figures_and_others_those_of_the_last_pass():
    runs = [{"cpu": 3.0, "hits": 1, "values": [1]}, {"cpu": 1.0, "hits": 1, "values": [2]}, {"cpu": 2.0, "hits": 4}]
    assert turns.medians(runs) == {"cpu": 2.0, "hits": 4}
    assert turns.medians(runs[:2])["values"] == [2]


def test_systems_take_turns_in_processes_of_their_own_and_say_what_is_missing(terms):
    found = turns.take_turns(
        {
            "absent": (passes.training, (terms, "NoSuchModel", {}, 5, 0.1, True)),
            "irkit": (passes.decomposition, (terms, "irkit", 8, len(TEXTS), 3)),
        },
        2,
    )
    assert list(found) == ["absent", "irkit"]
    assert found["absent"] == "left out: this irkit has no NoSuchModel"
    assert len(found["irkit"]["values"]) == 3
    assert found["irkit"]["peak_mb"] >= found["irkit"]["held_mb"] > 0


def test_without_the_fused_loss_the_same_is_computed_by_torch(monkeypatch):
    rng = torch.Generator().manual_seed(1)
    h, weight, bias = (torch.randn(shape, generator=rng) for shape in ((6, 3), (5, 3), (5,)))
    y = torch.tensor([0, 4, 1, 1, 3, 2])
    monkeypatch.setattr(fused, "_apply", fused._apply)
    ours = fused._apply
    expected = fused.linear_cross_entropy(h, weight, bias, y)
    passes._unfuse()
    assert fused._apply is not ours
    torch.testing.assert_close(fused.linear_cross_entropy(h, weight, bias, y), expected)


@pytest.mark.parametrize("name", ["LSA", "DocNADE"])
def test_documents_become_vectors_without_an_array_of_all_their_counts(terms, name, monkeypatch):
    def dense(bags):
        raise AssertionError(f"{len(bags)} documents times {bags.vocabulary} terms")

    monkeypatch.setattr(Bags, "inputs", dense)
    settings = {"dimensions": 3} if name == "LSA" else {"hidden_size": 3}
    assert passes.encoding(terms, name, settings, 6, len(TEXTS), 10)() == {"size": 3}


@pytest.mark.parametrize("system", ["irkit", *passes.PEERS])
def test_the_axes_of_all_systems_have_the_largest_singular_values(terms, system):
    values = passes.decomposition(terms, system, 8, len(TEXTS), 3)()["values"]
    exact = passes.decomposition(terms, "irkit", 8, len(TEXTS), 3)()["values"]
    assert len(values) == 3
    assert represent.largest_error(values, exact) < 1e-6


def test_singular_values_are_those_of_the_matrix_where_axes_are_exact():
    a = np.random.default_rng(0).normal(size=(9, 5))
    _, size, axes = np.linalg.svd(a)
    np.testing.assert_allclose(passes.singular_values(a, axes[:2].T), size[:2])
    wrong = passes.singular_values(a, axes[[0, 2]].T)
    assert represent.largest_error(wrong, size[:2].tolist()) == pytest.approx(1 - size[2] / size[1])


def here(systems, repeats, *, warm=True):
    """Take turns without processes."""
    out = {}
    for name, (prepare, arguments) in systems.items():
        try:
            found, took = turns.timed(prepare(*arguments))
            out[name] = {**took, **found}
        except ImportError as error:
            out[name] = f"left out: {error}"
    return out


@pytest.mark.parametrize("name", represent.SECTIONS)
def test_every_section_makes_its_table(terms, name, monkeypatch):
    monkeypatch.setattr(represent, "take_turns", here)
    monkeypatch.setattr(passes, "PROBE", len(TEXTS))
    monkeypatch.setattr(fused, "_apply", fused._apply)
    sizes = represent.Sizes(
        len(TEXTS), 10, seconds=0, terms=8, dimensions=3, hidden=(3,), vocabularies=(8,),
    )  # fmt: skip
    title, *lines = represent.SECTIONS[name](terms, sizes, 1)
    assert title
    rows = [line for line in lines if line.startswith("| ")]
    assert len(rows) >= 2
    assert not any("nan" in row for row in rows)


def test_features_are_timed_one_by_one_and_side_by_side():
    with features.collection("", documents=30, queries=3) as (index, queries):
        hits = (irkit.Retrieve(index=index) % 5).run(queries)
        jobs = features.stages(index)
        *alone, proximity, together = jobs.values()
        width = sum(len(stage.makes) or 1 for stage in alone)
        assert together.run(hits).columns["features"].shape == (15, width)
        assert proximity.run(hits).columns["features"].shape == (15, 5)
        found = features.timed(jobs, hits, 1)
    assert list(found) == list(jobs)
    assert all(ms > 0 for ms in found.values())


def test_both_forms_of_nade_and_cfnade_are_timed_where_they_agree(capsys, monkeypatch):
    sizes = {"batch": 3, "bits": 20, "hidden": 4, "rows": 5, "columns": 6, "units": 3, "rated": 0.5, "repeats": 1}
    given = [text for name, size in sizes.items() for text in (f"--{name}", str(size))]
    monkeypatch.setattr("sys.argv", ["forms", "--device", "cpu", *given])
    forms.main()
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [row[0] for row in rows] == ["| form", "| chunks", "| dense", "| form", "| ratings", "| dense"]


def test_a_recipe_is_timed_on_its_own_data_and_one_without_data_is_left_out(monkeypatch, tmp_path):
    monkeypatch.setattr(generate, "STEPS", 3)
    found = generate.steps("vae-mlp-digits", "cpu", False)()
    assert found["data"] == "digits"
    assert found["rate"] > 0
    assert float(found["samples"].replace(",", "")) > 0
    monkeypatch.setenv("IRKIT_DATA", str(tmp_path))
    with pytest.raises(ImportError, match="mnist"):
        generate.steps("draw-mnist", "cpu", False)


def test_an_experiment_is_timed_apart_from_what_surrounds_it(tmp_path, monkeypatch):
    lines = [json.dumps({"id": f"D{row}", "contents": f"{text} word{row}."}) for row, text in enumerate(TEXTS)]
    (tmp_path / "documents.jsonl").write_text("\n".join(lines))
    path = tmp_path / "index"
    irkit.build_index(path, read_documents(tmp_path / "documents.jsonl"), store_text=False).close()
    monkeypatch.setattr(boards, "opened", lambda page, repeats: float(page.stat().st_size > 0))
    rows = {row["figure"]: row for row in boards.measure(path, tmp_path, 1, queries=12)}
    for name in (boards.RESEARCH, "BM25 with five settings, k=1000", "BM25 with five settings, k=10"):
        assert 0 < rows[f"{name}: outside retrieval, % of the time"]["value"] < 100
        assert rows[f"{name}: in retrieval, seconds of processor"]["value"] > 0
        assert rows[f"{name}: peak memory, MB"]["value"] > 10
    assert rows[f"{boards.RESEARCH}: outside retrieval, % of processor time"]["wanted"] == "< 20"
    assert 0 < rows["page, MB"]["value"] < 5
    assert rows["page, seconds to open in Chromium"]["value"] == 1
    grades = [line.split() for line in (tmp_path / "boards-12.qrels").read_text().splitlines()]
    assert sorted(docno for _, _, docno, grade in grades if grade == "3") == sorted(
        f"D{row}" for row in np.linspace(0, len(TEXTS) - 1, 12).astype(int)
    )
