"""An index in shards, each searched by an actor: queries go to all of them, and what they find is joined.

A shard scores by the statistics of the whole: before a batch is searched, the shards are asked in how many of their
documents its terms occur, and told the sums. An actor that is lost is started again, and its part of the batch asked of
it once more: what a shard says depends on nothing but the question.
"""

from __future__ import annotations

import itertools
import logging
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from irkit.arrays import Floats, Ints, offsets, segments
from irkit.cluster.connection import Pulse, check_room, environment, held
from irkit.deadline import check_deadline, time_left
from irkit.errors import ClusterError, ConfigError, IrkitError, LockedError
from irkit.hits import Ties
from irkit.lucene import Index
from irkit.lucene.analysis import check_analyzer
from irkit.lucene.bridge import Found, decode
from irkit.lucene.engine import Joiner, Whole, bags
from irkit.lucene.manifest import commit_key
from irkit.lucene.shard_alone import Shard, Terms
from irkit.lucene.shards import shard_folders
from irkit.lucene.sidecar import Sidecar
from irkit.lucene.wire import pack

log = logging.getLogger(__name__)

RETRIES = 20
"Times a question is asked again of a shard that was lost."

STEP = 0.5
"Seconds of waiting for answers at a time, so that Ctrl-C and a deadline are heard."

PATIENCE = 60
"Steps until it is said that shards wait for room."

LEAST = 0.01
"Processors that a shard asks for at least."

REMEMBERED = 1 << 18
"Terms whose counts are remembered."


def open_shards(
    path: str | os.PathLike[str],
    analyzer: str | None = None,
    *,
    threads: int = 1,
    placement: Sequence[Mapping[str, float]] | None = None,
) -> Index:
    """Open an index whose shards are searched by actors of Ray; call it inside `connected`.

    Scores, order and everything else are those of `Index.open(path)`, to the bit. The sidecar of the whole is read
    here, each shard and its own sidecar where its actor runs, under the same path. An index without shards is one
    shard. Actors end when the index is closed, or nobody holds it any more.

    Parameters
    ----------
    path : path
        Folder of the index.
    analyzer : str, optional
        As for `Index.open`.
    threads : int
        Of each actor; it asks for as many processors, or for its share of those that the cluster has.
    placement : sequence of mappings, optional
        Custom resources that the actor of each shard asks for, such as `[{"node-a": 0.01}, {"node-b": 0.01}]`.

    Raises
    ------
    ConfigError
        If Ray is not connected, an argument makes no sense, or a shard is another one where its actor runs.
    ClusterError
        If an actor cannot be started.
    IrkitError
        If the index cannot be opened.
    """
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ConfigError(f"open_shards: threads must be a whole number from 1 up, got {threads!r}")
    sidecar = Sidecar.open(path, None if analyzer is None else check_analyzer(analyzer))
    folders = shard_folders(sidecar.path)
    keys = [commit_key(folder) for folder in folders]
    if commit_key(sidecar.path) != sidecar.key:
        raise LockedError(f"index: {sidecar.path} is being replaced; open it when its builder has ended")
    if placement is not None and len(placement) != len(folders):
        raise ConfigError(f"open_shards: placement must be of {len(folders)} shards, got {len(placement)}")
    said = sidecar.manifest
    whole = Whole(said.documents, said.documents - said.empty, said.tokens, said.postings)
    places = placement or [{}] * len(folders)
    actor, cpus = _ray().remote(Shard), _share(threads, places)
    shards = [
        actor.options(
            num_cpus=cpus,
            resources=dict(place),
            max_concurrency=threads,
            max_restarts=-1,
            max_task_retries=RETRIES,
            runtime_env=environment(),
        ).remote(str(folder), sidecar.analyzer, key, whole, threads)
        for folder, key, place in zip(folders, keys, places, strict=True)
    ]
    scatter = Scatter(sidecar, shards)
    held[scatter] = cpus * len(shards)
    return Index(sidecar, scatter)


class Scatter:
    """The engine (`irkit.lucene.engine`) of an index whose shards are actors.

    Parameters
    ----------
    sidecar : Sidecar
        Of the whole index.
    shards : sequence of actors
        A `Shard` each, in the order of their documents.
    """

    def __init__(self, sidecar: Sidecar, shards: Sequence[Any]) -> None:
        self._ray = _ray()
        self._pulse = Pulse(self._ray, "index")
        self._shards = list(shards)
        self._analyzer = sidecar.analyzer
        self._known: dict[bytes, tuple[int, int]] = {}
        self._measured = self._open = False
        sizes = self._each("size")
        if sum(sizes) != sidecar.manifest.documents:
            raise ConfigError(f"index: the shards of {sidecar.path} have {sum(sizes)} documents; open it again")
        self._starts = offsets(np.array(sizes))
        self._open = True
        self._joiner = Joiner(sidecar.docnos.rank, self._starts[:-1])

    def use_lengths(self, known: Callable[[], Ints | None]) -> None:
        """Have each shard get its lengths ready, once."""
        if not self._measured:
            self._each("measure")
            self._measured = True

    def search(
        self, line: str, scorer: str, ties: Ties, batch: Sequence[bytes], k: int, threads: int, *, exact: bool
    ) -> Found:
        """Rank documents for a batch of queries."""
        block, terms = self._told(batch)
        blocks = self._each("search", terms, block, len(batch), line, scorer, ties, k)
        if len(blocks) == 1:
            return decode(blocks[0], len(batch), exact=exact)
        return self._joiner.join(blocks, len(batch), k, ties, exact=exact)

    def score(self, line: str, batch: Sequence[bytes], ptr: Ints, doc: Ints, threads: int, *, exact: bool) -> Found:
        """Score given documents, each in its shard."""
        block, terms = self._told(batch)
        query, places = segments(ptr), self._places(doc)
        questions = []
        for start, mine in zip(self._starts, places, strict=False):
            ends = offsets(np.bincount(query[mine], minlength=len(batch)))
            questions.append((terms, block, line, ends, doc[mine] - start, exact))
        scores: Floats = np.zeros(len(doc), dtype=np.float64 if exact else np.float32)
        for mine, found in zip(places, self._asked("score", questions), strict=True):
            scores[mine] = found.score
        return Found(ptr, doc, scores)

    def explain(self, line: str, query: bytes, doc: int) -> list[tuple[str, float, float]]:
        """Split a score by the terms of a query, where its document is."""
        at = int(np.searchsorted(self._starts, doc, side="right")) - 1
        _, terms = self._told([query])
        question = ("explain", time_left(), terms, line, query, doc - int(self._starts[at]))
        with self._pulse.saying():
            shares: list[tuple[str, float, float]] = self._answers([self._shards[at].asked.remote(*question)])[0]
        return shares

    def texts(self, doc: Ints) -> list[str | None]:
        """Return what is stored of documents, in their order."""
        out: list[str | None] = [None] * len(doc)
        places = self._places(doc)
        questions = [(doc[mine] - start,) for start, mine in zip(self._starts, places, strict=False)]
        for mine, texts in zip(places, self._asked("texts", questions), strict=True):
            for row, text in zip(mine.tolist(), texts, strict=True):
                out[row] = text
        return out

    def close(self) -> None:
        """End the actors."""
        held.pop(self, None)
        if self._ray.is_initialized():
            for shard in self._shards:
                self._ray.kill(shard)

    def _told(self, batch: Sequence[bytes]) -> tuple[bytes, Terms]:
        """Make bags of terms of all queries, and count these terms in the whole index."""
        block, terms = bags(self._analyzer, batch)
        known = self._known
        if new := [term for term in terms if term not in known]:
            counts = sum(self._each("counts", pack(new)))
            known.update(zip(new, counts.tolist(), strict=True))
            if len(known) > REMEMBERED:
                self._known = {}  # other threads go on with the one that they have
        numbers = np.array([known[term] for term in terms], dtype=np.int64).reshape(-1, 2)
        return block, (pack(terms), numbers)

    def _places(self, doc: Ints) -> list[Ints]:
        """Say for each shard which of some documents it has."""
        of = np.searchsorted(self._starts, doc, side="right") - 1
        return [np.flatnonzero(of == i) for i in range(len(self._shards))]

    def _each(self, name: str, *question: Any) -> list[Any]:
        """Ask all shards the same."""
        return self._asked(name, [question] * len(self._shards))

    def _asked(self, name: str, questions: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Ask each shard a question of its own."""
        self._pulse.check()
        left, asked = time_left(), zip(self._shards, questions, strict=True)
        with self._pulse.saying():
            return self._answers([shard.asked.remote(name, left, *question) for shard, question in asked])

    def _answers(self, pending: list[Any]) -> list[Any]:
        for step in itertools.count():
            if not self._ray.wait(pending, num_returns=len(pending), timeout=STEP)[1]:
                break
            check_deadline()
            self._pulse.check()
            if step == PATIENCE and not self._open:
                log.warning(
                    "the shards still wait to be started; where others hold the processors of the cluster, end them or "
                    "connect with more cpus"
                )
        try:
            found: list[Any] = self._ray.get(pending)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, IrkitError):
                raise error.cause from None
            raise
        except self._ray.exceptions.RayError as error:
            reason = " ".join(str(error).split()).partition(". ")[0]
            raise ClusterError(f"index: a shard was lost and could not be started again, {reason}") from error
        return found


def _share(threads: int, places: Sequence[Mapping[str, float]]) -> float:
    """Return how many processors each shard asks for; refuse what no node has or can have, which Ray would wait for."""
    have = _ray().cluster_resources()
    for name, amount in (one for place in places for one in place.items()):
        if have.get(name, 0) < amount:
            raise ConfigError(f"open_shards: no node has {amount:g} of {name!r}; start one with it, or place otherwise")
    share = check_room(have.get("CPU", 0), LEAST * len(places), who="open_shards") / len(places)
    if share >= threads:
        return threads
    return math.floor(share) if share >= 1 else math.floor(100 * share) / 100


def _ray() -> Any:
    ray = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        raise ConfigError("open_shards: Ray is not connected; call it inside `with irkit.cluster.connected():`")
    return ray
