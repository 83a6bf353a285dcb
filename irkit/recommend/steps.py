"""Ratings of users, or of items, by steps of time: what recurrent networks read.

Symbols: S steps with a rating, over all the entities (users or items) of one side; n ratings.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from irkit.arrays import Floats, Ints, offsets

YEAR = 365.0
"Days in a unit of the clock."


class Clock(NamedTuple):
    """Where the steps of a side lie."""

    keys: Ints
    "(S,) int64, ascending: entity * width + step - start of every step with a rating."
    start: int
    "Number of the first step."
    width: int
    "Steps from the first to the last."
    length: float
    "Days in a step."

    def before(self, entity: Ints, day: Floats) -> Ints:
        """Return the row of each entity's vector made of steps strictly before the one of a day.

        Entity e with n steps has n + 1 rows, the first for no step at all, after those of all entities before e.
        """
        step = np.clip(np.floor(day / self.length).astype(np.int64) - self.start, 0, self.width)
        # After its last step an entity's key is the one of the next entity's first; no key lies between them.
        place: Ints = np.searchsorted(self.keys, entity * self.width + step) + entity
        return place


class History(NamedTuple):
    """What one side's network reads, by entity and step."""

    clock: Clock
    ptr: Ints
    "(entities + 1,): each entity's steps."
    newbie: Floats
    "(S,): 1 for an entity's first step, else 0."
    now: Floats
    "(S,) years from the origin to the step."
    last: Floats
    "(S,) the same of the step before; of a first step its own."
    rating_ptr: Ints
    "(S + 1,): the ratings of each step."
    other: Ints
    "(n,): who was rated, or who rated; ascending within a step."
    value: Floats
    "(n,): (r - mu) / sqrt(ratings of the step)."


def history(
    entity: Ints, other: Ints, value: Floats, day: Floats, entities: int, length: float, origin: float
) -> History:
    """Lay the ratings of one side out by step.

    Parameters
    ----------
    entity, other : (n,) int
        The side's own number and the other side's of each rating, in any order.
    value : (n,)
        r - mu.
    day : (n,)
    entities : int
    length : float
        Days in a step.
    origin : float
        Day at which the clock shows 0.
    """
    step = np.floor(day / length).astype(np.int64)
    order = np.lexsort((value, other, step, entity))
    entity, other, value, step = entity[order], other[order], value[order], step[order]
    start = int(step.min())
    width = int(step.max()) - start + 1
    keys, first, counts = np.unique(entity * width + step - start, return_index=True, return_counts=True)
    ptr = offsets(np.bincount(entity[first], minlength=entities))
    newbie = np.zeros(len(keys), dtype=np.float32)
    newbie[ptr[:-1][np.diff(ptr) > 0]] = 1
    now = ((step[first] * length - origin) / YEAR).astype(np.float32)
    last = np.where(newbie == 1, now, np.roll(now, 1))
    scaled = (value / np.sqrt(np.repeat(counts, counts))).astype(np.float32)
    return History(Clock(keys, start, width, length), ptr, newbie, now, last, offsets(counts), other, scaled)
