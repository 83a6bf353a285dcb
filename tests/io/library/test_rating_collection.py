"""Collections of ratings: cards, look-up, splits, fingerprints, verification."""

from __future__ import annotations

import pytest

from irkit.errors import ConfigError, DataError, NotFoundError
from irkit.io import collections, load_collection, load_rating_collection
from irkit.io.library import finding
from irkit.io.library.cards import find_card, load_card
from irkit.io.library.catalogue import load_any
from irkit.io.library.rating_card import RatingCard

CARD = """name: toy
about: A toy.
files:
  - {name: toy.zip, url: "https://example.org/toy.zip", members: [u.data, u1.base, u1.test]}
kind: ratings
ratings: {file: u.data, format: tab, scale: [1, 5]}
splits: {u1: {train: u1.base, test: u1.test}}
counts: {ratings: 3, users: 2, items: 2}
"""
SHIPPED = ["ml-100k", "ml-10m", "ml-1m", "ml-20m", "ml-latest-small", "movietweetings"]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("IRKIT_DATA", raising=False)
    (tmp_path / "home" / "data").mkdir(parents=True)
    return tmp_path / "home"


def toy(folder):
    folder.mkdir(parents=True)
    (folder / "u.data").write_text("1\t7\t5\t10\n1\t8\t1\t11\n2\t7\t3\t12\n")
    (folder / "u1.base").write_text("1\t7\t5\t10\n1\t8\t1\t11\n")
    (folder / "u1.test").write_text("2\t7\t3\t12\n")
    return folder


# ---------------------------------------------------------------- cards


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_card_is_complete(name):
    card = find_card(name)
    assert isinstance(card, RatingCard)
    assert card.name == name
    assert card.about.endswith(".")
    assert all(address.startswith("https://") for address in card.source)
    assert card.source
    assert card.terms
    assert card.citation
    assert card.ratings.scale
    assert set(card.counts.given()) == {"ratings", "users", "items"}
    come = {member for file in card.files for member in (file.members or [file.name])}
    assert set(filter(None, card.reads())) <= come, "a download brings every file that is read"
    assert all(file.url.startswith("https://") for file in card.files)
    assert name == "ml-latest-small" or all(file.md5 or file.sha256 for file in card.files)


def test_all_shipped_cards_are_listed():
    assert list(collections("ratings")) == SHIPPED
    assert collections("ratings")["ml-100k"][2:] == (
        "downloadable",
        {"ratings": 100_000, "users": 943, "items": 1_682},
        ("u1", "u2", "u3", "u4", "u5", "ua", "ub"),
        (),
    )


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (CARD.replace("format: tab", "format: smart"), 6, "ratings have no format 'smart', only tab, dat"),
        (CARD.replace("[1, 5]", "[5, 1]"), 6, "the scale of ratings is [low, high] with low < high, got [5, 1]"),
        (CARD.replace("file: u.data,", "file: ../u.data,"), None, "the file '../u.data' lies outside"),
        (CARD.replace("train: u1.base, ", ""), 7, "splits.u1: field 'train' is missing"),
        (CARD.replace("users: 2", "documents: 2"), 8, "counts: unknown field 'documents'"),
        (CARD + "documents: {files: [a]}\n", 9, "unknown field 'documents'"),
        (CARD.replace("scale: [1, 5]", "columns: {usr: u}"), 6, "ratings have no column 'usr' to name, only user_id"),
        (CARD.replace("scale: [1, 5]", "encoding: utf-16"), None, "encoding must be one that extends ASCII"),
    ],
)
def test_a_wrong_card_is_explained_in_one_line(tmp_path, text, line, says):
    path = tmp_path / "toy.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_card(path)
    message = str(caught.value)
    assert says in message
    assert "\n" not in message
    assert message.startswith(f"{path}:" if line is None else f"{path}:{line}: ")


# ---------------------------------------------------------------- look-up


def test_a_card_is_looked_up_in_the_data_folder_and_then_in_the_cache(tmp_path, home, monkeypatch):
    (home / "data" / "toy.yaml").write_text(CARD)
    todo = r"run 'irkit data get toy', or set IRKIT_DATA to a folder that holds toy/u\.data"
    with pytest.raises(NotFoundError, match=f"toy: the collection is not on this machine; {todo}"):
        load_rating_collection("toy")
    assert collections("ratings")["toy"].state == "downloadable"
    toy(home / "collections" / "toy")
    assert load_rating_collection("toy").folder == home / "collections" / "toy"
    monkeypatch.setenv("IRKIT_DATA", str(tmp_path / "data"))
    toy(tmp_path / "data" / "toy")
    found = load_rating_collection("toy")
    assert found.folder == tmp_path / "data" / "toy"
    assert (found.name, found.about, found.splits, found.scale) == ("toy", "A toy.", ("u1",), (1, 5))
    assert found.ratings().to_numpy().tolist() == [["1", "7", 5, 10], ["1", "8", 1, 11], ["2", "7", 3, 12]]
    train, test = found.split("u1")
    assert (len(train), test["user_id"].tolist()) == (2, ["2"])
    assert collections("ratings")["toy"].state == "here"


def test_a_download_is_asked_for(home, tmp_path, monkeypatch):
    (home / "data" / "toy.yaml").write_text(CARD)
    monkeypatch.setattr(finding, "fetch", lambda card: toy(tmp_path / card.name))
    assert load_rating_collection("toy", download=True).folder == tmp_path / "toy"


def test_a_file_and_a_folder_are_collections(tmp_path):
    folder = toy(tmp_path / "my data")
    found = load_rating_collection(folder)
    assert (found.name, found.scale, found.splits, len(found.ratings())) == ("my-data", None, ("u1",), 3)
    one = load_rating_collection(str(folder / "u1.base"))
    assert (one.name, len(one.ratings()), one.folder) == ("u1.base", 2, folder)
    (folder / "card.yaml").write_text(CARD)
    assert load_rating_collection(folder).splits == ("u1",)


def test_columns_with_other_names(tmp_path):
    (tmp_path / "all.csv").write_text("who,what,how\na,x,3\n")
    (tmp_path / "card.yaml").write_text(
        "name: toy\nabout: A toy.\nkind: ratings\nratings:\n  file: all.csv\n"
        "  columns: {user_id: who, item_id: what, rating: how}\n  format: csv\n"
    )
    assert load_rating_collection(tmp_path).ratings().to_numpy().tolist() == [["a", "x", 3.0]]


def test_errors_of_the_look_up(tmp_path, home):
    with pytest.raises(NotFoundError, match="ratings: there is no file or collection 'ml-100'; did you mean ml-100k"):
        load_rating_collection("ml-100")
    with pytest.raises(NotFoundError, match="there is no such file or folder"):
        load_rating_collection(tmp_path / "nothing.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError, match=r"no ratings \(u\.data, .*\); name the file of ratings, or write a card"):
        load_rating_collection(tmp_path / "empty")
    found = load_rating_collection(toy(tmp_path / "toy"))
    with pytest.raises(NotFoundError, match="toy: there is no split 'ua'; choose from u1"):
        found.split("ua")
    (tmp_path / "toy" / "u1.test").unlink()
    found = load_rating_collection(tmp_path / "toy")
    with pytest.raises(NotFoundError, match="toy: there is no split 'u1'; it has none, choose one by kind"):
        found.split("u1")
    (tmp_path / "toy" / "u.data").write_text("1\t7\tfive\t10\n")
    with pytest.raises(DataError, match=r"u\.data:1: "):
        found.ratings()


def test_a_file_of_a_split_may_be_missing_until_it_is_asked_for(home):
    (home / "data" / "toy.yaml").write_text(CARD)
    folder = toy(home / "collections" / "toy")
    (folder / "u1.test").unlink()
    found = load_rating_collection("toy")
    with pytest.raises(NotFoundError, match=r"u1\.test is missing; run 'irkit data get toy'"):
        found.split("u1")


def test_the_other_kind_is_refused_with_what_to_use(home, tmp_path):
    with pytest.raises(
        ConfigError,
        match="ml-100k: holds ratings and no texts; use 'irkit recommend ml-100k', in Python load_rating_collection",
    ):
        load_collection("ml-100k")
    with pytest.raises(
        ConfigError, match="lee: holds texts and no ratings; use 'irkit run <recipe> lee', in Python load_collection"
    ):
        load_rating_collection("lee")
    folder = toy(tmp_path / "toy")
    (folder / "card.yaml").write_text(CARD)
    with pytest.raises(ConfigError, match="toy: holds ratings and no texts"):
        load_collection(folder)


def test_either_kind_is_told_by_card_file_or_content(tmp_path):
    folder = toy(tmp_path / "toy")
    assert type(load_any(folder)).__name__ == "RatingCollection"
    assert type(load_any(folder / "u.data")).__name__ == "RatingCollection"
    assert type(load_any("lee")).__name__ == "Collection"
    (folder / "u.data").unlink()
    (folder / "docs.jsonl").write_text('{"id": "a", "text": "x"}\n')
    assert type(load_any(folder)).__name__ == "Collection"


# ---------------------------------------------------------------- identity and verification


def test_a_fingerprint_changes_with_content_and_reading_but_not_with_place_or_name(home, tmp_path):
    (home / "data" / "toy.yaml").write_text(CARD)
    folder = toy(home / "collections" / "toy")
    first = load_rating_collection("toy").fingerprint
    (home / "data" / "toy.yaml").write_text(CARD.replace("A toy.", "Another line."))
    assert load_rating_collection("toy").fingerprint == first
    (home / "data" / "toy.yaml").write_text(CARD.replace("[1, 5]", "[0, 5]"))
    second = load_rating_collection("toy").fingerprint
    (folder / "u.data").write_text("1\t7\t5\t10\n1\t8\t2\t11\n2\t7\t3\t12\n")
    assert len({first, second, load_rating_collection("toy").fingerprint}) == 3


def test_verification_compares_counts_and_digests(home):
    (home / "data" / "toy.yaml").write_text(CARD)
    folder = toy(home / "collections" / "toy")
    found = load_rating_collection("toy")
    assert [(check.what, check.ok) for check in found.verify()] == [("ratings", True), ("users", True), ("items", True)]
    (folder / "u.data").write_text("1\t7\t5\t10\n")
    assert [check.found for check in found.verify()] == ["1", "1", "1"]
    (home / "data" / "toy.yaml").write_text(CARD.replace("[u.data,", f"{{u.data: {'f' * 64}}}}}\n#"))
    wrong = [check.what for check in load_rating_collection("toy").verify() if not check.ok]
    assert wrong == ["u.data SHA-256", "ratings", "users", "items"][: len(wrong)]
    assert len(wrong) == 4


@pytest.mark.data
@pytest.mark.parametrize("name", ["ml-100k", "movietweetings"])
def test_real_ratings_are_as_published(name, data_folder, monkeypatch):
    monkeypatch.setenv("IRKIT_DATA", str(data_folder))
    checks = load_rating_collection(name).verify()
    assert len(checks) >= 4
    assert [check for check in checks if not check.ok] == []
