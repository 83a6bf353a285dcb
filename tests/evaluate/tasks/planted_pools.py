"""Small pools, features in two folds and answers to questions, and suites over them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from irkit.evaluate import evaluate
from irkit.evaluate.suite import parse_suite
from irkit.evaluate.tasks.task import Options
from irkit.io import load_pools
from irkit.pipeline import Topics
from irkit.yamlfile import parse_yaml

MEASURES = "nDCG@3 AP P@2"
SHORT = {"epochs": 3, "hidden_size": 3, "learning_rate": 0.05, "device": "cpu", "threads": 1}
NET = f"{{name: net, recipe: ranknet, settings: {json.dumps(SHORT)}}}"
DNS = f"{{name: dns, recipe: pairwise-dns, settings: {json.dumps(SHORT)}}}"
GAME = {"rounds": 2, "discriminator_passes": 1, "generator_passes": 1, "hidden_size": 3, "evaluate_every": 1}
WRITTEN = {
    "as-given": "about: In the order of the file.\nstages: [{use: scale, weight: 2}]",
    "linear": "about: Linear.\nneeds: [train]\nstages: [{use: learned, model: linear}]",
    "retrieves": "about: BM25.\nneeds: [index]\nstages: [{use: lucene, n: 5}]",
    "game": f"about: IRGAN.\nneeds: [train]\nstages: [{json.dumps({'use': 'irgan-pointwise', **GAME})}]",
    "recommends": "about: Items.\nneeds: [train]\nstages: [{use: popularity}]",
}
FEATURES = """\
name: toy
kind: pools
about: Planted features.
format: letor
folds:
  - {train: [a.txt], valid: [b.txt], test: [c.txt]}
  - {train: [c.txt], valid: [b.txt], test: [a.txt]}
"""
ANSWERS = """\
name: answers
kind: pools
about: Planted answers.
format: wikiqa
folds: [{train: [train/a.toks, train/b.toks, train/sim.txt, train/id.txt],
         test: [test/a.toks, test/b.toks, test/sim.txt, test/id.txt]}]
"""


def letor(path: Path, part: str, queries: int, seed: int) -> None:
    """Write queries of documents whose labels a linear function of the features decides; the last has no right one."""
    rng = np.random.default_rng(seed)
    lines = []
    for number in range(queries):
        x = rng.normal(size=(int(rng.integers(3, 7)), 3))
        label = np.digitize(x @ [1.0, -0.7, 0.0], [0.5, 1.5]) * (number < queries - 1)
        label[0] = max(label[0], number < queries - 1)
        for place, (row, grade) in enumerate(zip(x, label, strict=True)):
            features = " ".join(f"{at}:{value:.4f}" for at, value in enumerate(row, 1))
            lines.append(f"{grade} qid:{part}{number} {features} # {part}{number}-{place}\n")
    path.write_text("".join(lines))


def questions(folder: Path, part: str, n: int, seed: int) -> None:
    """Write questions whose one right answer of three names their town."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(n):
        towns = rng.permutation(8)[:3]
        rows += [
            (f"where is t{towns[0]}", f"in t{town} w{rng.integers(9)} {part}{number}", int(place == 0), number)
            for place, town in enumerate(towns)
        ]
    (folder / part).mkdir()
    for name, column in zip(("a.toks", "b.toks", "sim.txt", "id.txt"), zip(*rows, strict=True), strict=True):
        (folder / part / name).write_text("".join(f"{one}\n" for one in column))


def plant(folder: Path) -> None:
    """Write both pools and some recipes into a folder."""
    for name, card in (("toy", FEATURES), ("answers", ANSWERS)):
        (folder / name).mkdir()
        (folder / name / "card.yaml").write_text(card)
    for part, n, seed in (("a", 9, 0), ("b", 6, 1), ("c", 8, 2)):
        letor(folder / "toy" / f"{part}.txt", part, n, seed)
    questions(folder / "answers", "train", 16, 0)
    questions(folder / "answers", "test", 5, 1)
    for name, text in WRITTEN.items():
        (folder / f"{name}.yaml").write_text(f"name: {name}\n{text}\n")


def text_of(*systems, pools="./toy", extra=""):
    rows = "".join(f"  - {one}\n" for one in systems)
    return f"name: tiny\npools: [{pools}]\nmeasures: {MEASURES}\n{extra}systems:\n{rows}"


def suite(*systems, pools="./toy", extra=""):
    return parse_suite(parse_yaml(text_of(*systems, pools=pools, extra=extra), "tiny.yaml"))


def rows_of(result, board=0):
    return {row.name: row for row in result.boards[board].rows}


def task_of(suite):
    return suite.tasks[0].load(suite, Options())


def by_hand(model, fold, stops="valid", collection="./toy"):
    """Fit on the training part of a fold and measure on its test part."""
    pools = load_pools(collection)
    train, valid, test = (pools.pool(part, fold) for part in ("train", stops, "test"))
    fitted = model.fit(Topics(train.candidates, train.qrels), Topics(valid.candidates, valid.qrels))
    return evaluate(fitted.run(test.candidates), test.qrels, MEASURES).per_query


AS_GIVEN = "{name: as-given, recipe: ./as-given.yaml}"
