"""Tests of irkit.rank.local: models in folders, made here with random weights, and what is said where there is none."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from irkit.errors import ConfigError, MissingExtraError, NotFoundError
from irkit.lucene import build_index
from irkit.pipeline import LoadText
from irkit.rank import CrossEncode, Dense
from irkit.rank.local import CROSS_ENCODERS, ENCODERS, load_cross_encoder, load_encoder, local_model
from irkit.recipe import load_recipe
from irkit.recipe.encoders import encoder_identity, is_learned, open_cross_encoder, open_encoder
from irkit.recipe.resources import open_resources
from tests.rank.toy import QUERIES, TEXTS

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "wings", "and", "of", "birds", "flutter", "sing", ",", "'"]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    with build_index(tmp_path_factory.mktemp("local") / "index", TEXTS.items(), threads=1) as built:
        yield built


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    """A tiny BERT, and a classifier of pairs, with random weights."""
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    import torch

    folder = tmp_path_factory.mktemp("models")
    (folder / "words.txt").write_text("\n".join(WORDS) + "\n")
    config = {"vocab_size": len(WORDS), "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    torch.manual_seed(0)
    for name, kind, labels in (("mean", "BertModel", 2), ("one", "Bert", 1), ("two", "Bert", 2), ("three", "Bert", 3)):
        kind = kind if kind == "BertModel" else "BertForSequenceClassification"
        made = transformers.BertConfig(**config, intermediate_size=16, max_position_embeddings=32, num_labels=labels)
        getattr(transformers, kind)(made).eval().save_pretrained(folder / name)
        transformers.BertTokenizerFast(vocab_file=str(folder / "words.txt")).save_pretrained(folder / name)
    return folder


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_folder_of_transformers_is_an_encoder_by_the_mean_of_the_states_and_a_cross_encoder(bert, index, capfd):
    import torch
    import transformers

    tokens = transformers.AutoTokenizer.from_pretrained(bert / "mean", local_files_only=True)
    model = transformers.BertModel.from_pretrained(bert / "mean", local_files_only=True).eval()

    def mean(text):
        with torch.no_grad():
            return model(**tokens([text], return_tensors="pt")).last_hidden_state[0].mean(0).numpy()

    capfd.readouterr()
    encoder = open_encoder(f"transformers:{bert / 'mean'}", index)
    assert capfd.readouterr() == ("", "")
    texts = [TEXTS[docno] for docno in index.docnos.names.to_pylist()]
    expected = np.array([mean(text) if text else np.zeros(8) for text in texts])
    np.testing.assert_allclose(encoder.documents, expected, atol=1e-5)
    long = " ".join(["wings"] * 500)
    cut = " ".join(["wings"] * 30)  # of 32 places two are marks
    np.testing.assert_allclose(encoder.encode([long]), encoder.encode([cut]), atol=1e-5)
    assert len(Dense(encoder=encoder, n=2)(QUERIES)) == 6

    pairs = [("birds wings", "flutter of wings"), ("sing", "birds sing, birds")]
    for name, score in (("one", lambda logits: logits[:, 0]), ("two", lambda logits: logits[:, 1] - logits[:, 0])):
        judge = transformers.BertForSequenceClassification.from_pretrained(bert / name, local_files_only=True).eval()
        with torch.no_grad():
            wanted = [float(score(judge(**tokens(*pair, return_tensors="pt")).logits)) for pair in pairs]
        cross = open_cross_encoder(f"transformers:{bert / name}")
        found = cross.scores(*map(list, zip(*pairs, strict=True)))
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    stage = Dense(encoder=encoder, n=3) >> LoadText(index=index) >> CrossEncode(cross_encoder=cross)
    assert len(stage(QUERIES)) == 9
    with pytest.raises(Exception, match=r"must give a number for each of the 1 texts, got \(1, 3\)"):
        open_cross_encoder(f"transformers:{bert / 'three'}").scores(["sing"], ["birds"])


@pytest.fixture
def package(monkeypatch):
    """A stand-in for sentence-transformers that keeps what it was called with."""
    asked = []

    class Transformer:
        def __init__(self, path, **how):
            asked.append((path, how))

        def encode_document(self, texts, *, show_progress_bar):
            return np.array([[len(text), 1.0] for text in texts])

        def encode_query(self, texts, *, show_progress_bar):
            return np.array([[-len(text), 1.0] for text in texts])

        def predict(self, pairs, *, show_progress_bar):
            return np.array([float(len(query) - len(text)) for query, text in pairs])

    made = SimpleNamespace(SentenceTransformer=Transformer, CrossEncoder=Transformer, asked=asked)
    monkeypatch.setitem(sys.modules, "sentence_transformers", made)
    return made


def folder(path, weights=b"1"):
    path.mkdir(exist_ok=True)
    (path / "config.json").write_text(json.dumps({"a": 1}))
    (path / "model.safetensors").write_bytes(weights)
    return path


def test_sentence_transformers_reads_documents_and_queries_by_their_own_methods_and_downloads_nothing(
    package, index, tmp_path
):
    mini = folder(tmp_path / "mini")
    encoder = open_encoder(f"sentence-transformers:{mini}", index)
    texts = [TEXTS[docno] for docno in index.docnos.names.to_pylist()]
    np.testing.assert_array_equal(encoder.documents, [[len(text), 1 if text else 0] for text in texts])
    np.testing.assert_array_equal(encoder.encode(["abc"]), [[-3, 1]])
    cross = open_cross_encoder(f"cross-encoder:{mini}")
    assert cross.scores(["abc", "a"], ["z", "xyz"]).tolist() == [2, -2]
    how = {"local_files_only": True, "model_kwargs": {"use_safetensors": True}}
    assert package.asked == [(str(mini), how)] * 2
    package.SentenceTransformer.encode = package.SentenceTransformer.encode_query
    del package.SentenceTransformer.encode_query
    documents, queries = load_encoder(local_model(f"sentence-transformers:{mini}", ENCODERS, who="encoder"))
    assert documents(["ab"]).tolist() == [[-2, 1]]
    assert queries is None, "before version 5 there is one way to read texts"


def test_a_recipe_is_given_both_by_words(package, index, tmp_path):
    mini = folder(tmp_path / "mini")
    words = {
        "index": str(index.path),
        "encoder": f"sentence-transformers:{mini}",
        "cross_encoder": f"cross-encoder:{mini}",
    }
    recipe = load_recipe("bm25-cross-encoder")
    found = recipe.build(**open_resources(recipe.needs, words, who="run"))("wings")
    expected = {docno: float(5 - len(TEXTS[docno])) for docno in ("d1", "d2", "d6")}
    assert dict(zip(found["docno"], found["score"], strict=True)) == expected
    dense = load_recipe("dense")
    assert len(dense.build(**open_resources(dense.needs, words, who="run"))("wings")) == 5
    with pytest.raises(
        ConfigError, match=r"run: cross_encoder is needed, a model that reads .*; give --cross-encoder and"
    ):
        open_resources(recipe.needs, {"index": str(index.path)}, who="run")


def test_other_weights_are_another_model_and_nothing_is_read_to_know_it(package, index, tmp_path):
    word = f"sentence-transformers:{folder(tmp_path / 'mini')}"
    before = encoder_identity(word, index)
    (tmp_path / "mini" / ".cache").write_text("of a downloader")
    assert encoder_identity(word, index) == before
    folder(tmp_path / "mini", b"22")
    assert encoder_identity(word, index) != before
    assert encoder_identity(f"transformers:{tmp_path / 'mini'}", index) != encoder_identity(word, index)
    assert package.asked == []
    assert not is_learned(word)


def test_what_is_missing_is_said_in_one_line(index, tmp_path, monkeypatch):
    with pytest.raises(
        NotFoundError, match=r"encoder: there is no folder 'nowhere', got 'transformers:nowhere'; put the"
    ):
        open_encoder("transformers:nowhere", index)
    with pytest.raises(NotFoundError, match="cross-encoder: there is no folder '', got 'cross-encoder:'"):
        open_cross_encoder("cross-encoder:")
    with pytest.raises(ConfigError, match=r"which folder, got 'mini'; write cross-encoder:PATH or transformers:PATH"):
        open_cross_encoder("mini")
    mini = folder(tmp_path / "mini")
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    for opened in (lambda: open_encoder(f"sentence-transformers:{mini}", index),
                   lambda: open_cross_encoder(f"cross-encoder:{mini}")):  # fmt: skip
        with pytest.raises(
            MissingExtraError, match=r"needs sentence-transformers, which .*; pip install 'irkit\[neural\]'"
        ):
            opened()

    def broken(path, **how):
        raise OSError("no file named\nmodel.safetensors")

    monkeypatch.setitem(sys.modules, "sentence_transformers", SimpleNamespace(CrossEncoder=broken))
    with pytest.raises(
        ConfigError, match=r"cannot read the model in .*mini, OSError: no file named model.safetensors; it"
    ):
        load_cross_encoder(local_model(f"cross-encoder:{mini}", CROSS_ENCODERS, who="cross-encoder"))
    assert local_model("lsa", ENCODERS, who="encoder") is None
    assert local_model("cross-encoder:mini", ENCODERS, who="encoder") is None
