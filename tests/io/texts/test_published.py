"""Tests of irkit.io.texts.published: tiny archives of each layout, and the counts of the real ones."""

import io
import tarfile

import numpy as np
import pytest

from irkit.errors import DataError
from irkit.io import Texts, load_data
from irkit.io.kinds import PARTS
from irkit.io.texts import published


def tar(path, texts):
    with tarfile.open(path, "w:gz") as out:
        for name, text in texts.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            out.addfile(info, io.BytesIO(text))
    return path


def test_reviews_are_labelled_by_their_folders_in_the_order_of_their_names(tmp_path):
    path = tar(
        tmp_path / "imdb.tar.gz",
        {
            "aclImdb/test/pos/1_9.txt": b"fine",
            "aclImdb/train/pos/2_10.txt": "déjà<br /><br />vu".encode(),
            "aclImdb/train/neg/10_1.txt": b"bad",
            "aclImdb/train/neg/0_1.txt": b"worse",
            "aclImdb/train/unsup/0_0.txt": b"left out",
            "aclImdb/train/urls_neg.txt": b"left out",
            "aclImdb/README": b"left out",
        },
    )
    assert published.imdb(path) == {
        "train": Texts(["worse", "bad", "déjà  vu"], ["neg", "neg", "pos"]),
        "test": Texts(["fine"], ["pos"]),
    }


def test_messages_are_latin_1(tmp_path):
    texts = {"20news-bydate-train/a.b/1": b"caf\xe9", "20news-bydate-test/c-d/2": b"From: x\n\nHi"}
    path = tar(tmp_path / "news.tar.gz", texts)
    assert published.newsgroups(path) == {"train": Texts(["café"], ["a.b"]), "test": Texts(["From: x\n\nHi"], ["c-d"])}
    assert published.stripped_newsgroups(path)["test"] == Texts(["Hi"], ["c-d"])


@pytest.mark.parametrize(
    "message",
    [
        "From: a\n\nB writes:\n> so\n| so\nYes.\nAnd no.\n\n--\nAnna\nB",
        "From: a",
        "From: a\n\n\n\n---\n",
        "From: a\n\nIn article <1> b\nB wrote: x\nsaid: y\n Quoted from z\nQuoted from z\n-- \n",
        "From: a\n\none\n - -- \n \nlast",
        "From: a\n\none",
        "\n\none\n\n",
    ],
)
def test_messages_are_stripped_as_scikit_learn_strips_them(message):
    from sklearn.datasets import _twenty_newsgroups as theirs

    expected = theirs.strip_newsgroup_footer(theirs.strip_newsgroup_quoting(theirs.strip_newsgroup_header(message)))
    assert published.stripped(message).strip() == expected.strip()


def story(number, split, topics, inner, asked="YES"):
    names = "".join(f"<D>{topic}</D>" for topic in topics)
    return (
        f'<REUTERS TOPICS="{asked}" LEWISSPLIT="{split}" CGISPLIT="X" OLDID="1" NEWID="{number}">\n<PLACES><D>usa</D>'
        f"</PLACES>\n<TOPICS>{names}</TOPICS><TEXT{inner}</TEXT>\n</REUTERS>\n"
    )


def body(text):
    return f">&#2;\n<TITLE>T&amp;T</TITLE>\n<DATELINE>    X, Y - </DATELINE><BODY>{text}\n Reuter\n&#3;</BODY>"


@pytest.fixture
def stories(tmp_path):
    first = story(1, "TRAIN", ["earn"], body("a &lt;b>")) + story(2, "TRAIN", ["earn", "corn"], body("c"))
    first += story(3, "TRAIN", [], ' TYPE="UNPROC">&#2;\nRAW <not a tag \xfc\n') + story(
        4, "NOT-USED", ["earn"], body("x")
    )
    second = story(5, "TEST", ["earn"], body("d")) + story(6, "TEST", ["corn"], body("e"))
    second += story(7, "TRAIN", ["rye"], body("f")) + story(8, "TEST", ["earn"], body("x"), asked="NO")
    second += story(9, "TEST", ["rye"], body("g"))
    files = {"./reut2-001.sgm": second, "./reut2-000.sgm": first, "./all-topics.txt": "earn"}
    return tar(tmp_path / "r.tar.gz", {name: text.encode("latin-1") for name, text in files.items()})


def test_the_modapte_split_has_all_stories_and_no_labels(stories):
    found = {part: [" ".join(text.split()) for text in one.texts] for part, one in published.modapte(stories).items()}
    assert found["train"] == ["T&T a <b> Reuter", "T&T c Reuter", "RAW <not a tag ü", "T&T f Reuter"]
    assert found["test"] == ["T&T d Reuter", "T&T e Reuter", "T&T g Reuter"]
    assert published.modapte(stories)["train"].labels is None


def test_stories_of_one_topic_that_both_parts_have(stories):
    found = published.r52(stories)
    assert (found["train"].labels, found["test"].labels) == (["earn", "rye"], ["earn", "rye"])
    assert published.r8(stories) == found


@pytest.mark.parametrize(
    ("read", "says"),
    [
        (published.imdb, "has no train text called"),
        (published.newsgroups, "has no train text called"),
        (published.modapte, "has no story of the ModApte split; fetch the archive again"),
    ],
)
def test_another_archive_is_refused(tmp_path, read, says):
    path = tar(tmp_path / "other.tar.gz", {"a.txt": b"x"})
    with pytest.raises(DataError, match=says):
        read(path)
    (tmp_path / "other.tar.gz").write_bytes(path.read_bytes()[:60])
    with pytest.raises(DataError, match="is damaged or unreadable"):
        read(path)


# Terms of training, validation and test together are those of calibrations made apart from this code.
@pytest.mark.data
@pytest.mark.slow
def test_penn_treebank_is_as_published(data_folder):
    data = load_data("ptb")
    lengths = [data.part(part).x.lengths for part in PARTS]
    assert [int(one.sum()) + len(one) for one in lengths] == [929_589, 73_760, 82_430]  # with an end a sentence
    assert data.train.vocabulary == 9_999
    assert data.train.words[:3] == ("the", "<unk>", "N")
    first, second = data.train.x[0], data.train.x[1]
    assert [data.train.words[one] for one in first[:3]] == ["aer", "banknote", "berlitz"]
    assert [data.train.words[one] for one in second[:3]] == ["pierre", "<unk>", "N"]
    assert [data.train.labels, dict(data.details).keys()] == [None, {"tokens"}]


@pytest.mark.data
@pytest.mark.slow
def test_newsgroups_have_the_counts_of_the_calibration(data_folder):
    whole, stripped = load_data("20newsgroups"), load_data("20newsgroups/stripped")
    assert [len(whole.part(part)) for part in PARTS] == [10_814, 500, 7_532]
    sizes = [len(whole.part(part).x.values) for part in PARTS]
    assert sizes == [955_962, 42_610, 629_294]
    assert sum(sizes[:2]) == pytest.approx(999_000, rel=1e-3)  # words counted in all of training, not in nine tenths
    assert sizes[2] == pytest.approx(630_000, rel=2e-3)
    assert "left out as empty" not in whole.details
    assert stripped.details["left out as empty"] == "103 of train, 7 of valid, 96 of test"
    assert sorted(set(whole.test.labels.tolist())) == list(range(20))


@pytest.mark.data
@pytest.mark.slow
def test_reuters_has_the_counts_of_the_literature(data_folder):
    for name, train, test, classes in (("r52", 6_532, 2_568, 52), ("r8", 5_485, 2_189, 8)):
        data = load_data(f"reuters21578/{name}")
        assert (len(data.train) + len(data.valid), len(data.test)) == (train, test)
        assert len(set(data.test.labels.tolist())) == classes
    data = load_data("reuters21578")
    assert (len(data.train) + len(data.valid), len(data.test), data.train.labels) == (9_603, 3_299, None)


@pytest.mark.data
@pytest.mark.slow
def test_imdb_has_the_lengths_of_the_calibration(data_folder):
    data = load_data("imdb")
    lengths = np.concatenate([data.train.x.lengths, data.valid.x.lengths])
    assert (len(lengths), len(data.test)) == (25_000, 25_000)
    assert lengths.mean() == pytest.approx(217, abs=0.5)
    assert lengths.max() == 400
    assert data.train.words[-1] == "<unk>"
    assert np.bincount(data.test.labels).tolist() == [12_500, 12_500]
