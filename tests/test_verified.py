"""Tests of irkit.verified."""

import os

import pytest

from irkit import verified


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(verified, "_here", {})
    return tmp_path / "home"


@pytest.fixture
def files(tmp_path):
    """Two files and their tokens."""
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"content of {name}")
    return {str(tmp_path / name): f"token of {name}" for name in ("a", "b")}


def asked(subject, files, *, process=False):
    """Say which files are asked about."""
    if process:  # as another process would
        verified._here.clear()
    found = []
    verified.once(subject, files, found.extend)
    return [path[-1] for path in found]


def test_a_file_is_checked_once(tmp_path, files):
    assert asked(tmp_path, files) == ["a", "b"]
    assert asked(tmp_path, files) == []
    assert asked(tmp_path, files, process=True) == []


def test_another_file_another_token_or_another_subject_is_checked(tmp_path, files):
    asked(tmp_path, files)
    a, b = files
    assert asked(tmp_path, {**files, a: "another"}) == ["a"]
    assert asked(tmp_path / "a", files) == ["a", "b"]
    with open(b, "r+") as file:
        file.write("C")
    assert asked(tmp_path, {b: files[b]}, process=True) == ["b"]
    os.utime(b, ns=(0, 0))
    assert asked(tmp_path, files, process=True) == ["a", "b"]  # its token was another one
    assert asked(tmp_path, files, process=True) == []
    os.replace(a, b)
    assert asked(tmp_path, {b: files[b]}) == ["b"]


def test_a_change_within_the_same_size_and_time_is_seen(tmp_path, files):
    """Times can be set back; the time of the inode cannot."""
    asked(tmp_path, files)
    path = next(iter(files))
    before = os.stat(path)
    with open(path, "r+") as file:
        file.write("C")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert os.stat(path).st_mtime_ns == before.st_mtime_ns
    assert asked(tmp_path, files) == ["a"]


def test_what_is_written_right_after_the_check_is_seen(tmp_path, files):
    path = next(iter(files))
    for byte in "xyxyxyxyxy":
        with open(path, "r+") as file:
            file.write(byte)
        assert asked(tmp_path, {path: "t"}) == ["a"]


def test_a_failed_check_is_not_noted(tmp_path, files):
    def fail(paths):
        raise ValueError(paths)

    with pytest.raises(ValueError, match="a"):
        verified.once(tmp_path, files, fail)
    assert asked(tmp_path, files) == ["a", "b"]


def test_a_file_that_changes_while_it_is_checked_is_not_noted(tmp_path, files):
    path = next(iter(files))

    def check(paths):
        with open(path, "a") as file:
            file.write("more")

    verified.once(tmp_path, files, check)
    assert asked(tmp_path, files) == ["a"]


def test_a_missing_file_is_asked_about(tmp_path, files):
    asked(tmp_path, files)
    os.unlink(next(iter(files)))
    assert asked(tmp_path, files) == ["a"]
    assert asked(tmp_path, files) == ["a"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda record: record.unlink(),
        lambda record: record.write_bytes(record.read_bytes()[:-9]),
        lambda record: record.write_bytes(record.read_bytes().replace(b"token of a", b"token of A")),
        lambda record: record.write_text("[]"),
        lambda record: record.write_text('{"digest": 3}'),
        lambda record: record.write_bytes(b"\xff\xfe"),
    ],
)
def test_a_damaged_record_proves_nothing(tmp_path, home, files, damage):
    asked(tmp_path, files)
    (record,) = (home / "verified").iterdir()
    damage(record)
    assert asked(tmp_path, files, process=True) == ["a", "b"]
    assert asked(tmp_path, files, process=True) == []


def test_a_record_of_another_subject_proves_nothing(tmp_path, home, files):
    asked(tmp_path, files)
    asked(tmp_path / "other", {})
    (record,) = (home / "verified").iterdir()
    record.rename(verified._record(tmp_path / "other"))
    assert asked(tmp_path / "other", files, process=True) == ["a", "b"]


def test_where_nothing_can_be_noted_a_file_is_checked_once_a_process(tmp_path, home, files):
    home.write_text("in the way")
    assert asked(tmp_path, files) == ["a", "b"]
    assert asked(tmp_path, files) == []
    assert asked(tmp_path, files, process=True) == ["a", "b"]


def test_forgetting(tmp_path, home, files):
    asked(tmp_path, files)
    verified.forget(tmp_path)
    assert list((home / "verified").iterdir()) == []
    assert asked(tmp_path, files) == ["a", "b"]


def test_what_is_gone_leaves_the_record_and_old_records_go(tmp_path, home, files, monkeypatch):
    asked(tmp_path, files)
    a, b = files
    os.unlink(a)
    (tmp_path / "c").write_text("c")
    asked(tmp_path, {str(tmp_path / "c"): "c"})
    assert sorted(verified._read(tmp_path)) == [b, str(tmp_path / "c")]
    part = home / "verified" / ".x.json.1-0123abcd.tmp"
    part.write_text("half")
    os.utime(part, (0, 0))
    os.utime(verified._record(tmp_path), (1, 1))
    monkeypatch.setattr(verified, "MOST_RECORDS", 2)
    for name in "xyz":
        asked(tmp_path / name, {b: "t"})
    kept = {path.name for path in (home / "verified").iterdir()}
    assert kept == {verified._record(tmp_path / name).name for name in "yz"}


def test_a_digest_is_blake2b_of_the_whole_file(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert verified.file_digest(tmp_path / "a") == "cf4ab791c62b8d2b2109c90275287816"
