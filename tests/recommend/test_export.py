"""Tests of irkit.recommend.export: lists and predictions of many users as files."""

from __future__ import annotations

import csv
import gzip

import numpy as np
import pandas as pd
import pytest

from irkit.errors import ConfigError
from irkit.recommend import EASE, Bias, DropSeen, Popularity
from irkit.recommend import export as module
from irkit.recommend.export import list_batches, pairs_of, prediction_batches, write_lists, write_predictions
from tests.recommend.ratings_toy import random_table, table

TRAIN = random_table(users=11, items=7)


@pytest.mark.parametrize("batch", [4, 100])
def test_lists_of_all_users_are_those_of_recommend(batch, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "USERS", batch)
    model = EASE(reg=5.0).fit(TRAIN)
    users = TRAIN.users.names.to_pylist()
    want = model.recommend(users, 3)
    counts = write_lists(model, tmp_path / "lists.tsv", n=3)
    got = pd.read_csv(tmp_path / "lists.tsv", sep="\t")
    assert list(got) == ["user_id", "item_id", "rank", "score"]
    assert got["user_id"].tolist() == want["qid"].tolist()
    assert got["item_id"].tolist() == want["docno"].tolist()
    assert got["rank"].tolist() == (want["rank"] + 1).tolist()
    np.testing.assert_array_equal(got["score"], want["score"])
    assert counts == (want["qid"].nunique(), len(want))
    assert pd.concat(list_batches(model, users[:5], 2))["user_id"].unique().tolist() == users[:5]


def test_pipelines_and_packed_files(tmp_path):
    pipeline = (Popularity(seen="keep") >> DropSeen()).fit(TRAIN)
    write_lists(pipeline, tmp_path / "lists.csv.gz", ["u1", "u0"], n=2)
    rows = gzip.decompress((tmp_path / "lists.csv.gz").read_bytes()).decode().splitlines()
    want = pipeline(["u1", "u0"])
    want = want[want["rank"] < 2]
    assert [row.split(",")[:2] for row in rows[1:]] == want[["qid", "docno"]].to_numpy().tolist()


def test_ids_with_quotes_and_commas_come_back(tmp_path):
    train = table([('a"b', "x,y", 5.0), ('a"b', "z", 1.0), ("c", "z", 4.0)])
    for name, reader in (
        ("l.csv", csv.reader),
        ("l.tsv", lambda file: (line.rstrip("\n").split("\t") for line in file)),
    ):
        write_lists(Popularity(seen="keep").fit(train), tmp_path / name, n=2)
        with (tmp_path / name).open(newline="") as file:
            rows = list(reader(file))
        assert rows[1:] == [
            ['a"b', "z", "1", "2"],
            ['a"b', "x,y", "2", "1"],
            ["c", "z", "1", "2"],
            ["c", "x,y", "2", "1"],
        ]


@pytest.mark.parametrize("batch", [3, 1000])
def test_predictions_are_those_of_predict(batch, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "PAIRS", batch)
    model = Bias().fit(TRAIN)
    pairs = pd.concat(pairs_of(["u0", "new", "u3"], ["i1", "none"]), ignore_index=True)
    assert pairs.to_numpy().tolist()[:3] == [["u0", "i1"], ["u0", "none"], ["new", "i1"]]
    want = model.predict(pairs)
    assert write_predictions(model, tmp_path / "p.tsv", pairs_of(["u0", "new", "u3"], ["i1", "none"])) == 6
    got = pd.read_csv(tmp_path / "p.tsv", sep="\t")
    pd.testing.assert_frame_equal(got, want, check_dtype=False)
    pd.testing.assert_frame_equal(pd.concat(prediction_batches(model, pairs), ignore_index=True), want)


def test_what_cannot_be_written_is_said_and_leaves_nothing(tmp_path, monkeypatch):
    model = EASE().fit(TRAIN)
    with pytest.raises(ConfigError, match=r"recommend: must end in .tsv or .csv, got .*lists.txt; rename it"):
        write_lists(model, tmp_path / "lists.txt")
    with pytest.raises(ConfigError, match="ease: ranks items and does not predict ratings; use write_lists"):
        write_predictions(model, tmp_path / "p.tsv", [])
    monkeypatch.setattr(module, "USERS", 4)
    calls = []

    def fails(self, flow):
        calls.append(len(flow))
        if len(calls) > 1:
            raise KeyboardInterrupt
        return run(self, flow)

    run = EASE.run
    monkeypatch.setattr(EASE, "run", fails)
    with pytest.raises(KeyboardInterrupt):
        write_lists(model, tmp_path / "lists.tsv")
    assert list(tmp_path.iterdir()) == []
