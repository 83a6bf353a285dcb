"""A small real index with feedback worth having, and vectors over its words."""

import numpy as np
import pytest

from irkit.lucene import build_index
from irkit.text.vectors import Vectors

TOPICS = {
    "flight": ["wing", "lift", "drag", "airfoil", "flutter", "stall", "pressure", "nose", "tail", "cruise"],
    "heat": ["heat", "boundary", "layer", "conduction", "plate", "transfer", "thermal", "cooling", "radiation", "wall"],
    "waves": ["shock", "wave", "sound", "supersonic", "blast", "mach", "front", "expansion", "nozzle", "jet"],
}


def texts() -> list[tuple[str, str]]:
    rng = np.random.default_rng(5)
    out = []
    for topic, words in TOPICS.items():
        for number in range(40):
            own = rng.choice(words, int(rng.integers(6, 14)))
            stray = rng.choice([word for name, other in TOPICS.items() if name != topic for word in other], 2)
            out.append((f"{topic}-{number}", " ".join([*own, *stray])))
    return out


@pytest.fixture(scope="session")
def topical(tmp_path_factory):
    index = build_index(tmp_path_factory.mktemp("topical") / "index", texts(), analyzer="whitespace", threads=1)
    yield index
    index.close()


@pytest.fixture(scope="session")
def vectors():
    """Vectors in which the words of a topic point the same way; `plate` has none, `rocket` is in no document."""
    rng = np.random.default_rng(7)
    words, rows = [], []
    for place, own in enumerate(TOPICS.values()):
        for word in own:
            if word != "plate":
                words.append(word)
                rows.append(np.eye(3)[place] * 3 + rng.normal(0, 0.4, 3))
    return Vectors([*words, "rocket"], np.vstack([*rows, [1.0, 1.0, 1.0]]))
