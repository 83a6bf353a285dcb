"""An explanation as plain values: its steps in a list, what each knows greatest first and no more than is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.serve import answers

if TYPE_CHECKING:
    from irkit.pipeline.explain import Explanation, Step, Terms


def steps(explanation: Explanation, most: int) -> list[answers.TrailStep]:
    """Return the steps of an explanation in order, operators before their parts; at most `most` terms in each."""
    from irkit.pipeline.explain import walk

    return [_step(number, step, most) for number, step in walk(explanation.steps)]


def shares(terms: Terms, most: int) -> list[answers.Share]:
    """Return what terms add to a score, greatest first, at most `most` of them."""
    greatest = sorted(terms, key=lambda term: (-term[2], term[0]))[:most]
    return [answers.Share(term=term, weight=weight, contribution=value) for term, weight, value in greatest]


def _step(number: str, step: Step, most: int) -> answers.TrailStep:
    return answers.TrailStep(
        step=number,
        stage=step.label,
        docno=step.docno,
        rank=None if step.rank is None else step.rank + 1,
        score=step.score,
        query=step.query,
        counted=step.counted,
        terms=shares(step.terms, most),
        sources=[answers.Source(**origin._asdict()) for origin in step.origins[:most]],
        features=[answers.Feature(name=name, value=value) for name, value in step.features],
    )
