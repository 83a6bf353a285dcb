"""Tests of tuning on pools: settings are chosen by the validation part of each fold alone."""

import json

import pytest

from irkit.errors import ConfigError
from irkit.evaluate import evaluate, run_suite
from irkit.io import load_pools
from irkit.pipeline import Topics
from irkit.recipe import load_recipe
from tests.evaluate.tasks.planted_pools import SHORT, rows_of, suite

SPACE = """\
name: widths
recipe: ranknet
parameters:
  hidden_size: [0, 3]
  learning_rate: [0.000001, 0.05]
"""
TUNED = f"{{name: net, recipe: ranknet, settings: {json.dumps(SHORT)}, tune: ./widths.yaml}}"


@pytest.fixture
def space(here):
    (here / "widths.yaml").write_text(SPACE)
    return here


def chosen(result):
    return sorted(note for note in rows_of(result)["net"].notes if "chosen: " in note)


def test_the_candidate_that_is_best_on_the_validation_part_of_a_fold_is_measured_on_its_test_part(space):
    found = rows_of(run_suite(suite(TUNED)))["net"]
    pools, recipe = load_pools("./toy"), load_recipe("ranknet").with_settings(SHORT)
    means = []
    for fold in (0, 1):
        train, valid, test = (pools.pool(part, fold) for part in ("train", "valid", "test"))
        topics = [Topics(one.candidates, one.qrels) for one in (train, valid)]
        tried = {}
        for hidden_size in (0, 3):
            for rate in (1e-6, 0.05):
                settings = {"hidden_size": hidden_size, "learning_rate": rate}
                stage = recipe.with_settings(settings).build().fit(*topics)
                on_valid = evaluate(stage.run(valid.candidates), valid.qrels, "nDCG@3", queries=valid.queries)
                tried[json.dumps(settings)] = on_valid.means["nDCG@3"], stage
        best = max(tried, key=lambda name: tried[name][0])  # of equals the first, as a grid tries them
        on_test = evaluate(tried[best][1].run(test.candidates), test.qrels, "nDCG@3", queries=test.queries)
        means += on_test.per_query["nDCG@3"].tolist()
    assert found.cells["nDCG@3"].mean == pytest.approx(sum(means) / len(means))
    assert "tuned: 4 candidates of widths by nDCG@3 on the validation part" in found.notes
    assert any(note.startswith("fold 2, chosen: ") for note in found.notes)


def test_of_several_seeds_a_note_says_which_chose(space):
    found = chosen(run_suite(suite(TUNED, extra="seeds: [1, 2]\n")))
    assert [note.partition(", chosen")[0] for note in found] == [
        *("fold 1, seed 1", "fold 1, seed 2", "fold 2, seed 1", "fold 2, seed 2"),
    ]


def test_labels_of_the_test_part_do_not_move_the_choice(space):
    before = chosen(run_suite(suite(TUNED)))
    first = space / "toy" / "c.txt"
    lines = first.read_text().splitlines()
    turned = [("1" if line.startswith("0") else "0") + line[1:] for line in lines]
    card = (space / "toy" / "card.yaml").read_text()
    (space / "toy" / "other.txt").write_text("\n".join(turned) + "\n")
    (space / "toy" / "card.yaml").write_text(card.replace("test: [c.txt]", "test: [other.txt]"))
    after = chosen(run_suite(suite(TUNED)))
    assert [note for note in before if "fold 1" in note] == [note for note in after if "fold 1" in note]
    assert before


def test_a_validation_part_with_test_queries_chooses_nothing_even_for_what_does_not_learn(space):
    card = (space / "toy" / "card.yaml").read_text()
    (space / "toy" / "card.yaml").write_text(
        card.replace("valid: [b.txt], test: [a.txt]", "valid: [a.txt], test: [a.txt]")
    )
    (space / "ranks.yaml").write_text("name: ranks\nabout: x.\nstages: [{use: aggregate-ranks}]\n")
    (space / "k.yaml").write_text("name: k\nrecipe: ranks\nparameters: {k: [1, 60]}\n")
    says = "ranks is tuned by 9 of the 9 test queries, such as 'a0'; validate by other queries"
    with pytest.raises(ConfigError, match=says):
        run_suite(suite("{name: ranks, recipe: ./ranks.yaml, tune: ./k.yaml}"))


def test_without_a_validation_part_or_under_the_papers_protocol_nothing_is_tuned(space):
    with pytest.raises(
        ConfigError, match="net is tuned by a validation part, and protocol paper has none; leave out tune"
    ):
        run_suite(suite(TUNED, extra="protocol: paper\n"))
    card = (space / "toy" / "card.yaml").read_text()
    (space / "toy" / "card.yaml").write_text(card.replace("valid: [b.txt], test: [a.txt]", "test: [a.txt]"))
    with pytest.raises(ConfigError, match=r"net is to be tuned, and fold 2 of \./toy has no validation part"):
        run_suite(suite(TUNED))
