"""Tests of irkit.io.texts.files: folders, archives, tables and lines of one's own texts."""

import gzip
import io
import json
import tarfile
import zipfile

import pytest

from irkit.errors import ConfigError, DataError
from irkit.io import Texts, load_data
from irkit.io.library.catalogue import load_any
from irkit.io.texts import files

FOLDER = {"train/neg/a.txt": "sad film", "train/pos/b.txt": "good film", "test/pos/c.txt": "good", "README": "no text"}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    return tmp_path


def fill(folder, texts):
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def tar(path, texts, *, above=""):
    with tarfile.open(path, "w:gz") as out:
        for name, text in texts.items():
            info = tarfile.TarInfo(above + name)
            info.size = len(text)
            out.addfile(info, io.BytesIO(text.encode()))
    return path


def test_a_folder_of_parts_and_labels(here):
    found = files.folder(fill(here / "films", FOLDER))
    assert found == {"train": Texts(["sad film", "good film"], ["neg", "pos"]), "test": Texts(["good"], ["pos"])}


def test_a_folder_of_labels_or_of_texts_alone(here):
    assert files.folder(fill(here / "one", {"x/2.txt": "b", "x/10.txt": "a", "y/1.txt": "c"})) == {
        "train": Texts(["a", "b", "c"], ["x", "x", "y"])
    }
    assert files.folder(fill(here / "two", {"1.txt": "a", "2.txt": "b"})) == {"train": Texts(["a", "b"], None)}
    assert files.folder(fill(here / "three", {"train/1.txt": "a", "valid/2.txt": "b"})) == {
        "train": Texts(["a"], None),
        "valid": Texts(["b"], None),
    }


@pytest.mark.parametrize("above", ["", "./", "films-1.0/", "./films/data/"])
def test_an_archive_is_read_in_place_whatever_folder_encloses_it(here, above):
    tar(here / "films.tar.gz", FOLDER, above=above)
    with zipfile.ZipFile(here / "films.zip", "w") as out:
        for name, text in FOLDER.items():
            out.writestr(above + name, text)
    expected = files.folder(fill(here / "films", FOLDER))
    before = sorted(path.name for path in here.iterdir())
    assert files.folder(here / "films.tar.gz") == files.folder(here / "films.zip") == expected
    assert sorted(path.name for path in here.iterdir()) == before


@pytest.mark.parametrize(
    ("name", "says"),
    [("../x.txt", "entry '../x.txt' would land outside the folder"), ("/x.txt", "entry '/x.txt' would land outside")],
)
def test_an_archive_that_climbs_is_refused(here, name, says):
    tar(here / "bad.tar.gz", {"a.txt": "a", name: "b"})
    with pytest.raises(DataError, match=says):
        files.folder(here / "bad.tar.gz")


def test_a_text_that_an_archive_holds_twice_is_refused(here):
    with tarfile.open(here / "own.tar", "w") as out:
        for text in (b"old", b"new"):
            info = tarfile.TarInfo("own/a/1.txt")
            info.size = len(text)
            out.addfile(info, io.BytesIO(text))
            if text == b"old":
                out.addfile(tarfile.TarInfo("own/b/2.txt"))
    with pytest.raises(DataError, match=r"own.tar: a/1.txt is in it twice, as where an archive was added to; pack it"):
        files.folder(here / "own.tar")


def test_a_link_in_an_archive_is_refused(here):
    with tarfile.open(here / "bad.tar", "w") as out:
        info = tarfile.TarInfo("a.txt")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        out.addfile(info)
    with pytest.raises(DataError, match=r"entry 'a.txt' is a link or device; a plain file is needed there"):
        files.folder(here / "bad.tar")


ROWS = [("red, red rose", "r"), ("blue\nsky", "b")]
TABLES = {
    "csv": 'text,label\n"red, red rose",r\n"blue\nsky",b\n',
    "jsonl": "".join(json.dumps({"label": label, "text": text}) + "\n" for text, label in ROWS),
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_has_a_column_of_texts_and_one_of_labels(here, kind):
    path = here / f"t.{kind}"
    path.write_text(TABLES[kind])
    expected = Texts([text for text, _ in ROWS], [label for _, label in ROWS])
    assert files.table(path, kind=kind) == {"train": expected}
    packed = here / f"t.{kind}.gz"
    packed.write_bytes(gzip.compress(TABLES[kind].encode()))
    assert files.table(packed, kind=kind) == {"train": expected}


def test_a_tab_separated_table_names_its_columns(here):
    (here / "t.tsv").write_text('Class\tText\n2\tred rose\n\t"sky\n')
    assert files.tsv(here / "t.tsv") == {"train": Texts(["red rose", '"sky'], ["2", ""])}


def test_a_text_a_line_without_blank_ones(here):
    (here / "t.txt").write_text("red rose\n\nsky\n")
    assert files.plain(here / "t.txt") == {"train": Texts(["red rose", "sky"])}


def test_a_folder_of_tables_may_lack_parts(here):
    fill(here / "set", {"train.csv": "text\na\n", "test.csv": "text\nb\n", "other.csv": "text\nc\n"})
    assert files.csv(here / "set") == {"train": Texts(["a"]), "test": Texts(["b"])}
    assert files.csv(*[here / "set" / f"{part}.csv" for part in ("train", "test", "other")])["valid"] == Texts(["b"])


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (
            "t.csv",
            "words,label\na b,x\n",
            "t.csv:2: a column of texts is needed (text, contents, body, passage), got words",
        ),
        ("t.csv", "text,label\na b,x\nc\n", "t.csv:3: 2 columns (text, label) are needed, got 1; correct the line"),
        ("t.csv", 'text,label\n"a b,x\n', "t.csv:2: not valid CSV"),
        ("t.tsv", "text\tlabel\na\tb\tc\n", "t.tsv:2: 2 tab-separated columns (text, label) are needed, got 3"),
        ("t.jsonl", '{"text": "a"}\n{"text": 3}\n', "t.jsonl:2: the text must be a string, got 3; correct the line"),
        ("t.jsonl", '{"text": "a", "label": 1.5}\n', "t.jsonl:1: a label is a name or a whole number, got 1.5"),
        (
            "t.jsonl",
            '{"text": "a"}\n{"text": "b", "label": 1}\n',
            "t.jsonl:2: some texts have a label and others have not",
        ),
        ("t.jsonl", '{"text": "a"\n', "t.jsonl:1: not valid JSON"),
    ],
)
def test_a_wrong_table_is_refused_with_its_line(here, name, content, says):
    (here / name).write_text(content)
    with pytest.raises(DataError) as caught:
        files.table(here / name, kind=name.partition(".")[2])
    assert str(caught.value).startswith(f"{here}/{says}")


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ({"README": "x"}, "holds no .txt file; name a folder that does"),
        (
            {"train/x/y/1.txt": "a"},
            "train/x/y/1.txt lies too deep; a text is <label>/<name>.txt, below its part if any",
        ),
        ({"train/1.txt": "a", "x/2.txt": "b"}, "x/2.txt lies in no part, and others in train; move it into one"),
        ({"test/1.txt": "a"}, "has no training text, only test; put some into train/"),
        ({"x/1.txt": "a", "2.txt": "b"}, "2.txt has no label, and others have; put it into the folder of one"),
    ],
)
def test_a_wrong_folder_is_refused(here, texts, says):
    with pytest.raises(DataError) as caught:
        files.folder(fill(here / "own", texts))
    assert str(caught.value) == f"{here}/own: {says}"


def test_bytes_that_are_no_utf8_are_said_with_their_file(here):
    (here / "own").mkdir()
    (here / "own" / "1.txt").write_bytes(b"caf\xe9")
    with pytest.raises(DataError, match=r"own/1.txt:1: not valid utf-8: byte 0xe9 in column 4"):
        files.folder(here / "own")


def test_load_data_takes_each_of_them_by_path(here):
    fill(here / "films", {**FOLDER, "valid/neg/d.txt": "sad"})
    data = load_data("./films")
    assert (data.name, data.spec.kind, data.train.words) == ("films", "tokens", ("film", "good", "sad"))
    assert [one.tolist() for one in data.train.x] == [[2, 0], [1, 0]]
    assert data.test.labels.tolist() == [1]
    rows = "".join(f"w{at % 3} x,{'pn'[at % 2]}\n" for at in range(30))
    for name, content in (("t.csv", "text,label\n" + rows), ("t.txt", rows), ("t.tsv", "text\n" + rows)):
        (here / name).write_text(content)
        made = load_data(name)
        assert [len(made.part(part)) for part in ("train", "valid", "test")] == [24, 3, 3]
    (here / "numbers.csv").write_text("1,0\n0,1\n" * 10)
    assert load_data("numbers.csv").spec.kind == "rows"
    fill(here / "tables", {"train.jsonl": '{"text": "a b"}\n' * 10, "test.jsonl": '{"text": "b"}\n'})
    assert [len(load_data("./tables").part(part)) for part in ("train", "valid", "test")] == [9, 1, 1]
    tar(here / "films.tar.gz", {**FOLDER, "valid/neg/d.txt": "sad"}, above="films/")
    assert load_data("films.tar.gz").train.same(data.train)


def test_a_card_beside_ones_own_texts_says_how_they_become_terms(here):
    fill(here / "own", {"a.csv": "text\n" + "Red rose red\nblue sky\n" * 20})
    (here / "own" / "card.yaml").write_text(
        "name: own\nabout: Mine.\nkind: tokens\nread: {format: csv, files: [a.csv]}\n"
        "tokens: {most: 1, lower: false, pattern: '[a-z]+'}\nparting: {valid: 10, test: 10}\n"
        "counts: {train: 20, valid: 10, test: 10}\nshape: [1]\n"
    )
    whole = load_any("./own")
    checks = {check.what: check.found for check in whole.verify()}
    assert checks["shape"] == "1"
    (here / "own" / "card.yaml").write_text(
        "name: own\nabout: Mine.\nkind: rows\nread: {format: csv, files: [a.csv]}\ntokens: {most: 1}\n"
    )
    with pytest.raises(ConfigError, match="tokens: rows are not made of texts; leave it away"):
        load_any("./own")


@pytest.mark.parametrize("name", ["val.csv", "dev.csv.gz", "Test.csv", "test.jsonl", "validation.csv"])
def test_a_part_under_another_name_is_not_passed_over(here, name):
    fill(here / "set", {"train.csv": "text\na\n", "README.txt": "mine", "notes.csv": "text\nc\n"})
    assert [*files.csv(here / "set")] == ["train"]
    (here / "set" / name).write_bytes(b"text\nb\n")
    with pytest.raises(
        DataError, match=f"set: {name} would not be read; call the parts train.csv, valid.csv, test.csv"
    ):
        files.csv(here / "set")


def test_labels_and_parts_may_be_links_that_go_anywhere(here):
    fill(here / "there", {"a/1.txt": "red", "b/2.txt": "blue"})
    fill(here / "own", {"train/c/3.txt": "sky"})
    (here / "own" / "train" / "d").symlink_to(here / "there" / "a")
    (here / "own" / "test").symlink_to(here / "there")
    read = {"train": Texts(["sky", "red"], ["c", "d"]), "test": Texts(["red", "blue"], ["a", "b"])}
    assert files.folder(here / "own") == read
    (here / "there" / "a" / "up").symlink_to(here / "own")
    assert files.folder(here / "own") == read, "a link that goes round"


def test_what_programs_leave_is_no_text(here):
    texts = {"x/1.txt": "a", "x/.2.txt": "b", ".y/3.txt": "c"}
    assert files.folder(fill(here / "own", texts)) == {"train": Texts(["a"], ["x"])}
    tar(here / "own.tar.gz", {**texts, "__MACOSX/own/x/._1.txt": "d"})
    assert files.folder(here / "own.tar.gz") == {"train": Texts(["a"], None)}, "one folder alone encloses"


def test_a_folder_of_pictures_stays_one(here):
    from PIL import Image

    (here / "own").mkdir()
    for number in range(10):
        Image.new("L", (2, 2), number).save(here / "own" / f"{number}.png")
    (here / "own" / "README.txt").write_text("Pictures.")
    assert load_any("./own").card.kind == "pictures"


def test_a_file_of_ratings_stays_one(here):
    (here / "a.txt").write_text("7\t12\t4.5\n")
    (here / "b.txt").write_text("a rose is\n" * 20)
    assert [load_any(name).card.kind for name in ("a.txt", "b.txt")] == ["ratings", "tokens"]


def test_a_test_collection_stays_one(here):
    fill(here / "toy", {"documents/a.txt": "rain", "documents/b.txt": "sun", "queries.tsv": "1\train\n"})
    assert load_any("./toy").card.kind == "texts"
