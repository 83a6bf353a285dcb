"""Tests of irkit.recommend.saved: fitted models as files."""

import pandas as pd
import pytest

from irkit.errors import DataError, NotFittedError, NotFoundError
from irkit.learn import checkpoint
from irkit.recommend.als import ALS
from irkit.recommend.base import Recommender
from irkit.recommend.bayesian import BayesianMF
from irkit.recommend.bias import Bias
from irkit.recommend.biased_mf import BiasedMF
from irkit.recommend.bpr import BPR
from irkit.recommend.dns import DNS
from irkit.recommend.ease import EASE
from irkit.recommend.irgan import IRGAN
from irkit.recommend.knn import ItemKNN
from irkit.recommend.pmf import PMF
from irkit.recommend.popularity import Popularity
from irkit.recommend.rfmf import RFMFUsers
from irkit.recommend.svdpp import SVDpp
from irkit.recommend.timesvdpp import TimeSVDpp
from irkit.registry import RECOMMENDERS, STAGES
from tests.recommend.ratings_toy import frame, random_table, table

FITTED = [
    ALS(embedding_size=2),
    BPR(epochs=1),
    BayesianMF(embedding_size=2, draws=2),
    Bias(),
    BiasedMF(epochs=1),
    DNS(epochs=1, threshold=4.0),
    EASE(reg=3.0, n=4),
    IRGAN(dns_epochs=1, rounds=1, discriminator_passes=1, generator_passes=1),
    ItemKNN(k=3),
    PMF(epochs=1, link="logistic"),
    Popularity(seen="keep"),
    RFMFUsers(k=3, rank=2),
    SVDpp(epochs=1),
    TimeSVDpp(epochs=1, bins=2, day_factors=True, item_scaling=True),
]


@pytest.mark.parametrize("model", FITTED, ids=lambda model: model.name)
def test_a_model_comes_back_as_it_was(model, tmp_path):
    fitted = model.fit(random_table(time=True), random_table(seed=1, time=True))
    fitted.save(tmp_path / "model.irkit")
    again = Recommender.load(tmp_path / "model.irkit")
    assert type(again) is type(model)
    assert again == fitted
    assert again.config == fitted.config
    users = ["u1", "u2", "new"]
    pd.testing.assert_frame_equal(again.recommend(users), fitted.recommend(users))
    if model.predicts_ratings:
        pairs = frame([("u1", "i3", 0.0), ("new", "i3", 0.0)])
        pd.testing.assert_frame_equal(again.predict(pairs), fitted.predict(pairs))


def test_ratings_without_time_and_ids_beyond_ascii_survive(tmp_path):
    Bias().fit(table([("ü 1", "電影", 0.0), ("b", "電影", 10.0)], scale=(0, 10))).save(tmp_path / "m")
    again = Bias.load(tmp_path / "m")
    assert again.fitted.users[0] == "ü 1"
    assert again.fitted.time is None
    assert again.fitted.scale == (0, 10)


def test_what_was_held_out_is_known_again(tmp_path):
    fitted = BiasedMF(epochs=1).fit(random_table(time=True), random_table(seed=1, time=True))
    fitted.save(tmp_path / "m")
    again = Recommender.load(tmp_path / "m")
    pd.testing.assert_frame_equal(again.held_out.frame(), fitted.held_out.frame())
    assert again.fingerprint == fitted.fingerprint


def test_ids_take_no_room_in_the_header_which_is_bounded(tmp_path):
    """A header of more than 100 MB would be written and never read."""
    users = [f"user-{number:06d}" for number in range(20_000)]
    many = table([(user, "x", 3.0) for user in users], scale=(1, 5))
    Bias().fit(many).save(tmp_path / "m")
    header = int.from_bytes((tmp_path / "m").read_bytes()[:8], "little")
    assert header < 5_000
    assert Bias.load(tmp_path / "m").fitted.users.names.to_pylist() == users


def test_a_file_with_ids_as_a_list_is_read_as_before(tmp_path):
    fitted = Bias().fit(random_table())
    tree = checkpoint_tree(fitted, tmp_path)
    for name in ("users", "items"):
        tree["train"][name] = getattr(fitted.fitted, name).names.to_pylist()
    del tree["held_out"]
    checkpoint.save(tmp_path / "old", "recommender", tree)
    assert Recommender.load(tmp_path / "old") == fitted


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("ends", lambda users: users["ends"].add_(1)),
        ("order", lambda users: users["ends"][0].fill_(99)),
        ("negative", lambda users: users["ends"][0].fill_(-1)),
        ("utf-8", lambda users: users["text"].fill_(0xFF)),
        ("fewer", lambda users: users.update(ends=users["ends"][:0], text=users["text"][:0])),
    ],
)
def test_ids_that_make_no_sense_are_refused_and_never_reach_arrow(name, change, tmp_path):
    tree = checkpoint_tree(Bias().fit(random_table()), tmp_path)
    change(tree["train"]["users"])
    checkpoint.save(tmp_path / name, "recommender", tree)
    with pytest.raises(DataError, match="does not fit this version's bias"):
        Recommender.load(tmp_path / name)


def test_every_flipped_bit_of_a_saved_model_is_noticed(tmp_path):
    path = tmp_path / "m"
    Bias().fit(random_table(users=4, items=3), random_table(users=4, items=3, seed=2)).save(path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 5):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :])
        with pytest.raises(DataError) as caught:
            Recommender.load(path)
        assert "\n" not in str(caught.value)


def checkpoint_tree(model, folder):
    model.save(folder / "whole")
    return checkpoint.load(folder / "whole", "recommender")


def test_nothing_fitted_is_nothing_to_save_and_leaves_no_file(tmp_path):
    with pytest.raises(NotFittedError, match="bias: is not fitted"):
        Bias().save(tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_file_is_refused_in_one_line(tmp_path):
    path = tmp_path / "m"
    with pytest.raises(NotFoundError, match="there is no such"):
        Bias.load(path)
    Bias().fit(random_table()).save(path)
    with pytest.raises(DataError, match="holds a 'bias', a 'ease' is needed; load it with Bias"):
        EASE.load(path)
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="digest"):
        Bias.load(path)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="not a readable"):
        Bias.load(path)
    path.write_bytes(b"user item rating\n")
    with pytest.raises(DataError, match="not a readable"):
        Bias.load(path)
    checkpoint.save(path, "docnade", {"use": "bias"})
    with pytest.raises(DataError, match="holds a 'docnade'"):
        Bias.load(path)
    checkpoint.save(path, "recommender", {"use": "oracle"})
    with pytest.raises(DataError, match="holds a recommender 'oracle' that this irkit does not have"):
        Recommender.load(path)
    checkpoint.save(path, "recommender", {"use": "ease", "config": {"regg": 1.0}})
    with pytest.raises(DataError, match="does not fit this version's ease"):
        Recommender.load(path)


def test_a_stage_that_is_no_recommender_is_none_that_a_file_may_hold(tmp_path):
    checkpoint.save(tmp_path / "a", "recommender", {"use": "cut", "config": {"k": 1}})
    with pytest.raises(DataError, match="holds a recommender 'cut' that this irkit does not have"):
        Recommender.load(tmp_path / "a")


def test_the_recommenders_by_name_are_the_stages_that_are_recommenders():
    places = {name: place for name, place in STAGES.shipped.items() if place.startswith("irkit.recommend.")}
    assert {name: place for name, place in places.items() if issubclass(STAGES.load(name), Recommender)} == RECOMMENDERS
