"""Published sets of texts in their archives, which are read in place: IMDB, 20 Newsgroups by date, Reuters-21578.

Documents stand in the order of their names in the archive, whatever order it was packed in.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from irkit.errors import DataError
from irkit.io.archives import matching
from irkit.io.lines import decoded
from irkit.io.texts.parts import Texts

_REVIEW = re.compile(r"(?:.*/)?(train|test)/(neg|pos)/(\d+_\d+\.txt)")
_MESSAGE = re.compile(r"(?:.*/)?20news-bydate-(train|test)/([a-z.-]+)/(\d+)")
_STORIES = re.compile(r"(?:.*/)?reut2-\d{3}\.sgm")

_QUOTING = re.compile(r"writes in|writes:|wrote:|says:|said:|^In article|^Quoted from|^\||^>")

_STORY = re.compile(r"<REUTERS ([^>]*)>(.*?)</REUTERS>", re.DOTALL)
_SPLIT = re.compile(r'LEWISSPLIT="(TRAIN|TEST)"')
_TOPICS = re.compile(r"<TOPICS>(.*?)</TOPICS>")
_TEXT = re.compile(r"<TEXT[^>]*>(.*)</TEXT>", re.DOTALL)
_TITLE = re.compile(r"<TITLE>(.*?)</TITLE>", re.DOTALL)
_BODY = re.compile(r"<BODY>(.*?)</BODY>", re.DOTALL)
_TAG = re.compile(r"</?[A-Z][^>]*>")
_CONTROL = re.compile(r"&#\d+;")


def imdb(path: Path) -> dict[str, Texts]:
    """Read the 50,000 labelled reviews of Maas et al. (ACL 2011), `neg` or `pos`; a line's `<br />` is a space."""
    return _by_name(path, _REVIEW, "utf-8", lambda text: text.replace("<br />", " "))


def newsgroups(path: Path) -> dict[str, Texts]:
    """Read 20 Newsgroups by date: whole messages, with the lines of their heads, and the group of each."""
    return _by_name(path, _MESSAGE, "latin-1", lambda text: text)


def stripped_newsgroups(path: Path) -> dict[str, Texts]:
    """Read 20 Newsgroups by date without heads, signatures and quotations."""
    return _by_name(path, _MESSAGE, "latin-1", stripped)


def stripped(message: str) -> str:
    """Return a message without its head, what it quotes and its signature, by the rules of scikit-learn's loader.

    The head is what precedes the first blank line; what is quoted are lines that begin or sound so; a signature is
    what follows the last line of blanks and dashes. Departure: the loader takes out the signature before quotations,
    here it is the other way round; 647 of 18,846 messages have other words.

    Examples
    --------
    >>> stripped("From: a\\n\\nB writes:\\n> so\\nYes.\\n\\n--\\nAnna")
    'Yes.\\n'
    """
    body = message.partition("\n\n")[2]
    lines = "\n".join(line for line in body.split("\n") if not _QUOTING.search(line)).strip().split("\n")
    rule = next((at for at in range(len(lines) - 1, -1, -1) if not lines[at].strip().strip("-")), 0)
    return "\n".join(lines[:rule] if rule else lines)


class Story(NamedTuple):
    """A story of Reuters-21578 in the ModApte split."""

    part: str
    topics: tuple[str, ...]
    text: str


def modapte(path: Path) -> dict[str, Texts]:
    """Read all stories of the ModApte split, without labels: a story may have several topics, or none."""
    found = _stories(path)
    return {part: Texts([one.text for one in found if one.part == part]) for part in ("train", "test")}


def r52(path: Path) -> dict[str, Texts]:
    """Read the stories of one topic alone, of the topics that have such in both parts: R52."""
    return _of_one_topic(path, None)


def r8(path: Path) -> dict[str, Texts]:
    """Read those of R52 whose topic is one of the ten with most stories: R8."""
    return _of_one_topic(path, 10)


def _by_name(path: Path, wanted: re.Pattern[str], encoding: str, clean: Callable[[str], str]) -> dict[str, Texts]:
    """Return the texts of an archive, parted and labelled by their names: groups part, label and rest."""
    found = [
        (*match.groups(), clean(decoded(raw, encoding, f"{path}: {match[0]}", 1)))
        for match, raw in matching(path, wanted)
    ]
    found.sort(key=lambda one: one[:3])
    out = {}
    for part in ("train", "test"):
        some = [one for one in found if one[0] == part]
        if not some:
            raise DataError(f"{path}: has no {part} text called {wanted.pattern}; fetch the archive again")
        out[part] = Texts([text for *_, text in some], [label for _, label, *_ in some])
    return out


def _stories(path: Path) -> list[Story]:
    files = {match[0].rpartition("/")[2]: raw for match, raw in matching(path, _STORIES)}
    found = []
    for _, raw in sorted(files.items()):
        for head, inner in _STORY.findall(raw.decode("latin-1")):
            split = _SPLIT.search(head)
            if split is not None and 'TOPICS="YES"' in head:
                topics = _TOPICS.search(inner)
                names = re.findall(r"<D>(.*?)</D>", topics[1]) if topics else []
                found.append(Story(split[1].lower(), tuple(names), _story(inner)))
    if not found:
        raise DataError(f"{path}: has no story of the ModApte split; fetch the archive again")
    return found


def _story(inner: str) -> str:
    """Return title and body; of a story that is not taken apart the whole text."""
    whole = _TEXT.search(inner)
    text = whole[1] if whole else ""
    pieces = [match[1] for one in (_TITLE, _BODY) if (match := one.search(text))]
    plain = "\n".join(pieces) if len(pieces) == 2 else _TAG.sub(" ", text)
    return html.unescape(_CONTROL.sub(" ", plain))


def _of_one_topic(path: Path, most: int | None) -> dict[str, Texts]:
    found = _stories(path)
    stories = Counter(topic for one in found for topic in one.topics)
    frequent = {topic for topic, _ in stories.most_common(most)}
    single = [one for one in found if len(one.topics) == 1 and one.topics[0] in frequent]
    seen = {part: {one.topics[0] for one in single if one.part == part} for part in ("train", "test")}
    kept = [one for one in single if one.topics[0] in seen["train"] & seen["test"]]
    return {
        part: Texts([one.text for one in kept if one.part == part], [one.topics[0] for one in kept if one.part == part])
        for part in seen
    }
