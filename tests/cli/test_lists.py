"""Tests of irkit.cli.lists: lists of recommendations measured by ratings."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from irkit.recommend import EASE, Popularity, load_ratings, write_lists


@pytest.fixture
def files(folder):
    """Training and test ratings, and lists of two models."""
    frame = load_ratings("planted-factors").frame()
    held_out = np.random.default_rng(1).random(len(frame)) < 0.3
    frame[~held_out].to_csv("train.csv", index=False)
    frame[held_out].to_csv("test.csv", index=False)
    train = load_ratings("train.csv")
    write_lists(EASE().fit(train), "ease.tsv", n=10)
    write_lists(Popularity().fit(train), "popularity.csv.gz", n=10)
    return folder


def by_hand(name: str, liked: float) -> float:
    """Return P@5 of lists over the users who have a relevant item in the test part."""
    lists = pd.read_csv(name, sep="\t" if ".tsv" in name else ",", dtype=str)
    test = pd.read_csv("test.csv", dtype={"user_id": str, "item_id": str})
    good = test[test["rating"] >= liked].groupby("user_id")["item_id"].agg(set)
    top = lists[lists["rank"].astype(int) <= 5].groupby("user_id")["item_id"].agg(list)
    return float(np.mean([len(good[user] & set(top.get(user, []))) / 5 for user in good.index]))


@pytest.mark.parametrize(("options", "liked"), [([], 4.0), (["--liked", "3"], 3.0)])
def test_lists_are_measured_by_the_ratings_of_a_test_part(irkit, files, options, liked):
    for name in ("ease.tsv", "popularity.csv.gz"):
        done = irkit("evaluate", "test.csv", name, "-m", "P@5", "--json", *options)
        assert json.loads(done.out)["measures"]["P@5"] == pytest.approx(by_hand(name, liked), abs=1e-12)


def test_lists_are_compared_and_measured_beyond_accuracy(irkit, files):
    done = irkit("compare", "test.csv", "popularity.csv.gz", "ease.tsv", "-m", "nDCG@10")
    assert "ease.tsv" in done.out
    done = irkit("evaluate", "test.csv", "ease.tsv", "-m", "Coverage@10", "--train", "train.csv")
    assert done.out.splitlines()[1].split()[0] == "ease.tsv"


def test_of_likes_every_row_is_relevant(irkit, folder):
    (folder / "likes.csv").write_text("user,item\na,x\nb,y\n")
    (folder / "lists.tsv").write_text("user_id\titem_id\trank\tscore\na\tx\t1\t2\na\ty\t2\t1\nb\tx\t1\t1\n")
    done = irkit("evaluate", "likes.csv", "lists.tsv", "-m", "RR", "--json")
    assert json.loads(done.out)["measures"] == {"RR": 0.5}


def test_mistakes_are_one_line(irkit, files):
    done = irkit("evaluate", "test.csv", "ease.tsv", "-m", "P@5", "--liked", "99", status=2)
    assert done.err == "irkit: test.csv: no rating is 99 or more, so that no item is relevant; lower --liked\n"
    (files / "q.txt").write_text("1 0 d 1\n")
    done = irkit("evaluate", "q.txt", "ease.tsv", "--liked", "3", status=2)
    assert "--liked is for ratings in the place of judgements, got q.txt; leave it out" in done.err
