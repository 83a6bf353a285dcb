"""An explanation as plain values: its steps in a list, what each knows greatest first and no more than is wanted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from irkit.serve import answers

if TYPE_CHECKING:
    from irkit.pipeline.explain import Explanation, Step, Terms


def steps(explanation: Explanation, most: int) -> list[answers.TrailStep]:
    """Return the steps of an explanation in order, operators before their parts; at most `most` terms in each."""
    from irkit.pipeline.explain import walk

    return [_step(number, step, most) for number, step in walk(explanation.steps)]


def shares(terms: Terms, most: int) -> tuple[list[answers.Share], answers.Omitted | None]:
    """Return what terms add to a score, greatest first, and the sum of those beyond `most`, which matter least."""
    by_size = sorted(terms, key=lambda term: (-abs(term[2]), term[0]))
    shown = sorted(by_size[:most], key=lambda term: (-term[2], term[0]))
    left = [value for _, _, value in by_size[most:]]
    omitted = answers.Omitted(count=len(left), contribution=math.fsum(left)) if left else None
    return [answers.Share(term=term, weight=weight, contribution=value) for term, weight, value in shown], omitted


def _step(number: str, step: Step, most: int) -> answers.TrailStep:
    terms, omitted = shares(step.terms, most)
    return answers.TrailStep(
        step=number,
        stage=step.label,
        docno=step.docno,
        rank=None if step.rank is None else step.rank + 1,
        score=step.score,
        query=step.query,
        counted=step.counted,
        terms=terms,
        omitted=omitted,
        sources=[answers.Source(**origin._asdict()) for origin in step.origins[:most]],
        omitted_sources=max(len(step.origins) - most, 0),
        features=[answers.Feature(name=name, value=value) for name, value in step.features],
    )
