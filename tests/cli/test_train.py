"""Tests of irkit train, sample and encode."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from html.parser import HTMLParser

import numpy as np
import pytest

SHORT = ["--set", "trainer.epochs=1", "--set", "trainer.batch_size=400"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs that have ended; tests only read them."""
    from irkit.cli import main

    folder = tmp_path_factory.mktemp("runs")
    vae = [*SHORT, "--set", "config.latent_size=2", "--set", "config.hidden_size=8", "--set", "binarise=sample"]
    assert main(["train", "generate/vae-mlp-digits", "--run", str(folder / "vae"), *vae]) == 0
    made = [*SHORT, "--set", "config.hidden_sizes=[4]"]
    assert main(["train", "made-digits", "--run", str(folder / "made"), "--seed", "2", *made]) == 0
    return folder


class Page(HTMLParser):
    """The elements of a page that could fetch something, and its style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


# --------------------------------------------------------------------------------------------------- train


def test_train_prints_the_number_and_where_the_page_is(irkit, folder):
    done = irkit("train", "nade-digits", *SHORT, "--set", "config.hidden_size=3")
    number, page = done.lines
    assert re.fullmatch(
        r"runs/nade-digits: log p -\d\d\.\d\d nats \(exact\) on 250 test rows, independent bits -\d\d\.\d\d; "
        r"1 epochs in [\d.]+ s",
        number,
    )
    assert page == "runs/nade-digits/report.html"
    assert (folder / page).is_file()
    assert done.err == ""


def test_a_recipe_is_trained_on_other_data_than_its_own(irkit, folder):
    done = irkit("train", "nade-debd", "--data", "digits", *SHORT, "--set", "config.hidden_size=3")
    assert done.lines[1] == "runs/nade-debd-digits/report.html"
    assert json.loads((folder / "runs/nade-debd-digits/RESULT.json").read_text())["data"] == "digits"
    assert re.search(r"^data: digits$", (folder / "runs/nade-debd-digits/config.yaml").read_text(), re.MULTILINE)


def test_a_table_of_texts_that_is_trained_on_is_encoded_too(irkit, folder):
    (folder / "texts.csv").write_text("text,label\n" + "red rose,flower\nblue sky,weather\n" * 10)
    irkit("train", "lsa", "--data", "texts.csv", "--set", "config.dimensions=2")
    done = irkit("encode", "runs/lsa-texts", "texts.csv", "--part", "train")
    assert done.lines == ["vectors.npy: 16 rows of 2 values from lsa"]
    assert len(np.unique(np.load("vectors.npy").round(4), axis=0)) == 2
    done = irkit("train", "imdb-tfidf", "--data", "texts.csv", "--set", "config.labelled=8")
    assert re.fullmatch(r"runs/imdb-tfidf-texts: error .* on 2 test documents, .*; solved in \d+\.\d s", done.lines[0])
    (folder / "texts.csv").write_text("text\n" + "green sea\nold boat\n" * 10)
    done = irkit("encode", "runs/lsa-texts", "texts.csv", status=2)
    assert "number them by the same vocabulary, as tokens_of_texts(texts, like=data) does" in done.err


def test_settings_and_seed_are_those_of_the_command_line(runs):
    result = json.loads((runs / "made" / "RESULT.json").read_text())
    assert (result["model"], result["seed"], result["config"]["hidden_sizes"]) == ("made", 2, [4])
    config = (runs / "made" / "config.yaml").read_text()
    assert re.search(r"\bseed: 2\b", config)


def test_the_page_holds_its_figures_and_fetches_nothing(runs):
    text = (runs / "vae" / "report.html").read_text()
    page = Page(text)
    addresses = [attrs["src"] for tag, attrs in page.found if tag == "img"]
    assert len(addresses) == 6
    for name in ("samples.png", "latent-plane.svg"):
        content = base64.b64encode((runs / "vae" / "figures" / name).read_bytes()).decode()
        assert any(address.endswith(content) for address in addresses)
    links = [value for _, attrs in page.found for key, value in attrs.items() if key in {"src", "href"}]
    assert all(link.startswith("data:") for link in links)
    assert not [tag for tag, attrs in page.found if tag in {"script", "iframe", "object"} or "style" in attrs]
    style = re.search(r"<style>(.*)</style>", text, re.DOTALL).group(1)
    policy = next(attrs["content"] for tag, attrs in page.found if attrs.get("http-equiv"))
    assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in policy
    result = json.loads((runs / "vae" / "RESULT.json").read_text())
    assert f"\u2265 \u2212{-result['measures']['log p']['value']:.2f} \u00b1 " in text
    assert "knn_5_accuracy" in text
    assert "latent_size: 2" in text


def test_what_a_recipe_says_is_shown_as_text(irkit, folder):
    (folder / "odd.yaml").write_text(
        "name: odd\nabout: <script>alert(1)</script>\nmodel: nade\nconfig: {hidden_size: 2}\ndata: digits\n"
        "trainer: {epochs: 1, batch_size: 400}\n"
    )
    irkit("train", "odd.yaml", "--run", "odd")
    text = (folder / "odd" / "report.html").read_text()
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["train", "nade-digit"], "irkit: pipelines: there is no 'nade-digit'; did you mean nade-digits"),
        (["train", "bm25"], "is a pipeline, not something to train; use irkit run bm25 COLLECTION"),
        (["train", "ease"], "is a pipeline, not something to train; use irkit recommend RATINGS --recipe ease"),
        (["run", "nade-digits", "lee"], "is something to train, not a pipeline; use irkit train nade-digits"),
        (["train", "nade-digits", "--set", "epochs=2"], "there is no setting 'epochs'; did you mean trainer.epochs?"),
        (["train", "nade-digits", "--set", "config.hidden_size=0"], "nade: hidden_size is not valid, got 0"),
        (["train", "nade-digits", "--seed", "-1"], "trainer: seed is not valid, got -1"),
        (["train", "nade-digits", "--set", "model=x"], "there is no setting 'model'"),
        (
            ["train", "nade-500-mnist"],
            "mnist: the collection is not on this machine; run 'irkit data get mnist', or set IRKIT_DATA",
        ),
        (
            ["train", "nade-digits", "--set", "trainer.device=meta"],
            "trainer: device is not valid, got 'meta'; a device is",
        ),
        (["train", "nade-digits", "--set", "trainer.device=cuda:77"], "device: cannot compute on it, got 'cuda:77'"),
        (
            ["train", "nade-digits", "--seed", "9" * 23],
            "trainer: seed is not valid, got 99999999999999999999999; a seed is",
        ),
        (["train", "nade-digits", "--set", f"config.hidden_size={10**13}"], "out of memory, got no"),
        (
            ["train", "nade-digits", "--resume"],
            "train: runs/nade-digits holds no run to go on with; leave out --resume",
        ),
        (
            ["sample", "none"],
            "irkit: none: there is no such checkpoint, the file of a saved model or run; check the path",
        ),
        (["sample", "none", "-n", "0"], "irkit: sample: -n must be 1 or more, got 0"),
        (
            ["sample", "none", "--out", "a.gif"],
            "irkit: sample: -o must end in .png or .npy or .csv or .jsonl or .txt, got a.gif",
        ),
        (
            ["encode", "none", "digits"],
            "irkit: none: there is no such checkpoint, the file of a saved model or run; check the path",
        ),
        (
            ["encode", "none", "rows.npy", "--binarise", "sample"],
            "irkit: encode: --part and --binarise are of a data set, got the file rows.npy, which is taken whole and",
        ),
        (["encode", "none", "rows.csv", "--part", "train"], "irkit: encode: --part and --binarise are of a data set"),
        (["encode", "none", "digits", "--out", "a.png"], "irkit: encode: -o must end in .npy or .csv, got a.png"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(irkit, folder, monkeypatch, arguments, line):
    monkeypatch.delenv("IRKIT_DATA", raising=False)
    done = irkit(*arguments, status=2)
    assert line in done.err
    assert done.err.count("\n") == 1
    assert done.out == ""
    assert list(folder.iterdir()) == []


def test_a_folder_that_holds_a_run_is_refused(irkit, runs):
    before = (runs / "made" / "RESULT.json").read_bytes()
    done = irkit("train", "nade-digits", "--run", runs / "made", status=2)
    assert "holds a run of 'made-digits'; go on with it by --resume, or choose another folder" in done.err
    assert (runs / "made" / "RESULT.json").read_bytes() == before


def test_a_model_without_a_likelihood_is_trained_resumed_sampled_and_recorded(irkit, folder, monkeypatch):
    from irkit.generative.saved import load_model
    from irkit.registry import MODELS

    monkeypatch.setitem(MODELS.shipped, "toy-gan", "tests.learn.test_toy_gan:GAN")
    (folder / "gan.yaml").write_text("name: gan\nmodel: toy-gan\ndata: digits\ntrainer: {epochs: 2, batch_size: 400}\n")
    number, _ = irkit("train", "gan.yaml", "--run", "whole").lines
    assert re.fullmatch(r"whole: distance [\d.]+ grey \(exact\) on 250 test rows; 2 epochs in [\d.]+ s", number)
    irkit("train", "gan.yaml", "--run", "parts", "--set", "trainer.epochs=1")
    irkit("train", "gan.yaml", "--run", "parts", "--resume")
    whole, parts = (load_model(folder / run / "model.safetensors").net.state_dict() for run in ("whole", "parts"))
    assert all((whole[name] == parts[name]).all() for name in whole)
    result = json.loads((folder / "parts" / "RESULT.json").read_text())
    assert (result["valid"], result["epochs"]) == (None, 2)
    assert list(result["measures"]) == ["distance"]
    assert result["measures"]["distance"]["unit"] == "grey"
    assert {path.name for path in (folder / "parts" / "figures").glob("*.*g")} == {"samples.png", "learning-curve.svg"}
    assert "Computed on" in (folder / "parts" / "report.html").read_text()
    assert irkit("sample", "parts", "-n", 3, "--out", "a.npy").lines == [
        "a.npy: 3 rows of 64 values from toy-gan, seed 1"
    ]
    assert np.load("a.npy").shape == (3, 64)
    done = irkit("encode", "parts", "digits", status=2)
    assert done.err == "irkit: toy-gan: does not encode; choose another model for that, it can sample\n"
    (folder / "odd.yaml").write_text((folder / "gan.yaml").read_text() + "evaluate: {chains: 5}\n")
    assert "toy-gan: values has no argument 'chains'; choose from samples" in irkit("train", "odd.yaml", status=2).err


# -------------------------------------------------------------------------------------------------- sample


def test_samples_are_the_models_in_every_format(irkit, runs, folder):
    from irkit.recipe.runfolder import open_model

    model = open_model(runs / "vae").model
    assert irkit("sample", runs / "vae", "-n", 7, "--seed", 3, "--out", "a.npy").lines == [
        "a.npy: 7 rows of 64 values from vae, seed 3"
    ]
    rows = np.load("a.npy", allow_pickle=False)
    np.testing.assert_array_equal(rows, model.sample(7, seed=3))
    irkit("sample", runs / "vae", "-n", 7, "--seed", 3, "--out", "a.csv")
    np.testing.assert_array_equal(np.loadtxt("a.csv", delimiter=","), rows)
    irkit("sample", runs / "vae", "-n", 7, "--seed", 3, "--out", "a.jsonl")
    np.testing.assert_array_equal([json.loads(line) for line in (folder / "a.jsonl").read_text().splitlines()], rows)
    irkit("sample", runs / "vae" / "model.safetensors")
    assert (folder / "samples.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    done = irkit("sample", runs / "vae", "-n", 7, "--out", "a.txt", status=2)
    assert "a.txt: text is written of documents whose words the model knows, got none; write .jsonl" in done.err


def test_documents_are_drawn_as_words_where_these_are_known(irkit, folder):
    (folder / "texts.csv").write_text("text\n" + "red rose\nblue sky\nred sky\n" * 10)
    irkit("train", "docnade-tree", "--data", "texts.csv", "--set", "config.hidden_size=4", "--set", "trainer.epochs=2")
    drawn = irkit("sample", "runs/docnade-tree-texts", "-n", 5)
    assert drawn.lines == ["samples.txt: 5 documents from docnade, seed 1"]
    assert len((folder / "samples.txt").read_text().splitlines()) == 5
    assert {*(folder / "samples.txt").read_text().split()} <= {"red", "rose", "blue", "sky"}


# -------------------------------------------------------------------------------------------------- encode


def test_vectors_are_the_models_of_the_data_as_it_was_trained_on(irkit, runs, folder):
    from irkit.io import load_rows
    from irkit.recipe.runfolder import open_model

    model = open_model(runs / "vae").model
    done = irkit("encode", runs / "vae", "digits")
    assert done.lines == ["vectors.npy: 250 rows of 2 values from vae"]
    vectors = np.load("vectors.npy", allow_pickle=False)
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, model.encode(load_rows("digits", binarise="sample").test))
    irkit("encode", runs / "vae", "digits", "--binarise", "threshold", "--part", "valid", "--out", "valid.npy")
    np.testing.assert_array_equal(np.load("valid.npy"), model.encode(load_rows("digits").valid))
    irkit("encode", runs / "vae" / "model.safetensors", "digits", "--out", "bare.csv")
    np.testing.assert_allclose(np.loadtxt("bare.csv", delimiter=","), model.encode(load_rows("digits").test), rtol=1e-5)


def test_rows_come_from_files_too(irkit, runs, folder):
    rows = (np.arange(128).reshape(2, 64) % 3 == 0).astype(np.uint8)
    np.save("rows.npy", rows)
    np.savetxt("rows.csv", rows, fmt="%d", delimiter=",")
    np.save("pictures.npy", rows.reshape(2, 8, 8) * np.uint8(255))  # grey bytes, as they may be trained on
    (folder / "named.csv").write_text(",".join(f"x{d}" for d in range(64)) + "\n" + (folder / "rows.csv").read_text())
    for name in ("rows.npy", "rows.csv", "pictures.npy", "named.csv"):
        irkit("encode", runs / "vae", name, "--out", f"{name}.out.npy")
        np.testing.assert_array_equal(np.load(f"{name}.out.npy"), np.load("rows.npy.out.npy"))
    assert np.load("rows.npy.out.npy").shape == (2, 2)


@pytest.mark.parametrize(
    ("write", "line"),
    [
        (
            lambda: np.save("rows.npy", np.array([{"a": 1}]), allow_pickle=True),
            "rows.npy: must be an array of numbers, got objec",
        ),
        (
            lambda: np.save("rows.npy", np.array(["a"])),
            "rows.npy: must be an array of numbers, got <U1; objects and text are not read",
        ),
        (lambda: np.save("rows.npy", np.float32(3)), "rows.npy: must have the shape (n, D), or"),
        (lambda: np.save("rows.npy", np.array([[0, np.nan]])), "got nan in row 1, column 2; correct it"),
        (lambda: np.save("rows.npy", np.zeros((2, 3))), "vae: rows must have shape (n, 64), got (2, 3)"),
        (lambda: np.save("rows.npy", np.full((2, 64), 7.0)), "vae: rows must hold probabilities from 0 to 1, got 7"),
        (lambda: open("rows.npy", "w").close(), "rows.npy: is no array of numbers, or a damaged one"),
        (
            lambda: np.savez("rows", a=np.eye(2)) or os.rename("rows.npz", "rows.npy"),
            "rows.npy: is no array of numbers, or a damaged one",
        ),
        (lambda: None, "rows.npy: there is no such file"),
    ],
)
def test_rows_that_cannot_be_are_one_line(irkit, runs, folder, write, line):
    write()
    done = irkit("encode", runs / "vae", "rows.npy", "--out", "a.npy", status=2)
    assert line in done.err
    assert done.err.count("\n") == 1
    assert not (folder / "a.npy").exists()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "rows.csv:1: the file is empty; check that it was written completely"),
        ("a,b\n0,1\n", "vae: rows must have shape (n, 64), got (1, 2)"),
        ("0,1\n0\n", "rows.csv:2: 2 columns are needed, got 1; correct the line"),
        ("0,1\n0,x\n", "rows.csv:2: the value in column 2 must be a finite number, got 'x'"),
    ],
)
def test_a_table_that_is_no_matrix_is_one_line(irkit, runs, folder, text, line):
    (folder / "rows.csv").write_text(text)
    done = irkit("encode", runs / "vae", "rows.csv", status=2)
    assert done.err.startswith(f"irkit: {line}")
    assert done.err.count("\n") == 1


def test_a_model_without_a_representation_says_so(irkit, runs, folder):
    done = irkit("encode", runs / "made", "digits", status=2)
    assert done.err == (
        "irkit: made: does not encode; choose another model for that, it can give log-probabilities, score examples, "
        "sample\n"
    )
    assert list(folder.iterdir()) == []


def test_a_damaged_or_foreign_file_is_refused(irkit, runs, folder):
    whole = (runs / "made" / "model.safetensors").read_bytes()
    (folder / "cut").write_bytes(whole[:-3])
    assert "cut: is not a readable checkpoint" in irkit("sample", "cut", status=2).err
    (folder / "changed").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert "changed: its content does not match its digest" in irkit("sample", "changed", status=2).err
    (folder / "run").write_bytes((runs / "made" / "checkpoint.safetensors").read_bytes())
    assert "run: holds a 'run', a density model is needed" in irkit("encode", "run", "digits", status=2).err


def test_recipes_of_both_kinds_are_shown_and_copied(irkit, folder):
    shown = irkit("pipelines", "show", "generate/nade-digits").out
    assert "\nmodel: nade\n" in shown
    assert "nade-digits" in irkit("pipelines", "list").out
    assert irkit("pipelines", "copy", "nade-digits").lines == ["nade-digits.yaml"]
