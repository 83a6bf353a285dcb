"""Cards by name and by path: YAML files that say where data come from, what they are and how they are read.

    name: toy
    kind: texts                             texts, ratings, rows, pictures, sequences, bags, tokens or pools
    about: One line.
    source: [https://example.org/toy/]      where it is described
    terms: What its owners allow.
    citation: Who to cite.
    files:                                  what a download fetches; absent where ir_datasets does it
      - {name: toy.tar.gz, url: https://example.org/toy.tar.gz, sha256: ..., members: [docs.all, ...]}
    folder: toy                             where the files lie in IRKIT_DATA; default the name

The rest says how the files are read and depends on the kind; see the modules of `TextCard`, `RatingCard`,
`PartsCard` and `PoolsCard`. A card of the user lies in `<IRKIT_HOME>/data/<name>.yaml`, or as `card.yaml` beside the
files.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeAlias

from irkit.errors import ConfigError, IrkitError, near_misses
from irkit.io.library.parts_card import PartsCard
from irkit.io.library.pools_card import PoolsCard
from irkit.io.library.rating_card import RatingCard
from irkit.io.library.text_card import TextCard
from irkit.locate import find, names
from irkit.yamlfile import Where, YamlFile, read_yaml

CARD_FILE = "card.yaml"

AnyCard: TypeAlias = TextCard | RatingCard | PartsCard | PoolsCard

KINDS: dict[str, type[AnyCard]] = {
    "texts": TextCard,
    "ratings": RatingCard,
    "rows": PartsCard,
    "pictures": PartsCard,
    "sequences": PartsCard,
    "bags": PartsCard,
    "tokens": PartsCard,
    "pools": PoolsCard,
}
"What a card may be of, in the order of lists."


def card_names() -> list[str]:
    """List the names of all cards, shipped and the user's; that a card can be read is not checked."""
    return sorted(names("data"))


def find_card(name: str) -> AnyCard:
    """Load a card by name.

    Raises
    ------
    NotFoundError
        If there is none; the message lists near misses.
    ConfigError
        If the file is wrong, or names another collection than it is called by.
    DataError
        If it is not YAML.
    """
    return named_card(find("data", name))


def named_card(path: Path) -> AnyCard:
    """Load a card from where cards with names lie; errors are those of `find_card`."""
    card = load_card(path)
    if card.name != path.stem:  # its files would lie where those of the other collection do
        raise ConfigError(f"{path}: the card is called {path.stem!r} and its name is {card.name!r}; make them one")
    return card


def load_card(path: Path) -> AnyCard:
    """Load a card from a YAML file, of the kind that it says.

    Raises
    ------
    NotFoundError
        If there is no such file.
    DataError
        If it is not YAML as `irkit.yamlfile` reads it; `path:line: what is wrong`.
    ConfigError
        If it is no card; `path:line: what is wrong`, where a line is known.
    """
    file = read_yaml(path)
    kind = _kind(file)

    def fail(message: str, *where: str | int) -> IrkitError:
        short = message if len(message) <= 500 else f"{message[:497]}..."
        return file.error(short, *(where or _named(message, file)))

    return kind.checked(file.value, fail, who="")


def _named(message: str, file: YamlFile) -> Where:
    """Return the place of the text that a message quotes, or of the field that it names first."""
    if where := file.quoted(message):
        return where
    hits = {key: re.search(rf"(?<!\w){re.escape(key)}(?!\w)", message) for key in file.value}
    return min(((hit.start(), key) for key, hit in hits.items() if hit), default=(0,))[1:]


def _kind(file: YamlFile) -> type[AnyCard]:
    found: Any = file.value.get("kind")
    if found is None:
        raise file.error(f"field 'kind' is missing; it is one of {', '.join(KINDS)}")
    if not isinstance(found, str) or found not in KINDS:
        raise file.error(f"there is no kind {found!r} of data; {near_misses(str(found), KINDS)}", "kind")
    return KINDS[found]
