"""A pipeline as text: the Python expression that makes it, and a tree for reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from irkit.pipeline.unfold import in_row

if TYPE_CHECKING:
    from irkit.pipeline.stage import Stage

# How tightly Python binds what we print, loosest first.
UNION, APPEND, INTERSECTION, CHAIN, SUM, SCALE, FEATURES, ATOM = range(8)

_BINDING = {"|": UNION, "^": APPEND, "&": INTERSECTION, "+": SUM, "**": FEATURES}


def expression(stage: Stage) -> str:
    """Write a pipeline as the Python expression that makes it, with no more parentheses than Python needs.

    Stages are calls that name the parameters which differ from their defaults; resources, such as
    an index, are not shown. `parse` reads the text back.
    """
    return _written(stage, _label)[0]


def names_of(stages: Sequence[Stage], named: Sequence[str] = ()) -> list[str]:
    """Name pipelines by what they are, `bm25 >> rm3 >> bm25`, but for those that are `named` (else empty) already.

    Those that would have the same name get the settings that differ from their defaults, and a number where these
    are the same too.

    Examples
    --------
    >>> from irkit.pipeline.chain import Cut
    >>> names_of([Cut(k=5), Cut(k=9), Cut(k=9) >> Cut(k=1)])
    ['cut(k=5)', 'cut(k=9)', 'cut % 1']
    """
    own = named or [""] * len(stages)
    short, full = (
        [name or _written(stage, word)[0] for name, stage in zip(own, stages, strict=True)] for word in (_word, _full)
    )
    names = [one if short.count(one) == 1 else longer for one, longer in zip(short, full, strict=True)]
    taken: list[str] = []
    for name in names:
        number = next(n for n in range(1, len(names) + 1) if (f"{name} {n}" if n > 1 else name) not in taken)
        taken.append(f"{name} {number}" if number > 1 else name)
    return taken


def _label(stage: Stage) -> str:
    return stage.label()


def _word(stage: Stage) -> str:
    return stage.word


def _full(stage: Stage) -> str:
    """Return the word of a stage and its settings, but for one that is the word."""
    given = {name: value for name, value in stage.config.given().items() if value != stage.word}
    return f"{stage.word}({', '.join(f'{name}={value!r}' for name, value in given.items())})" if given else stage.word


def schematic(stage: Stage) -> str:
    """Draw a pipeline as a tree of its stages, with what goes in at the top and what comes out below."""
    return "\n".join([stage.takes, *_tree(in_row(stage), "  "), stage.gives])


def _written(stage: Stage, word: Callable[[Stage], str]) -> tuple[str, int]:
    """Return the text, of what is said of each stage, and how tightly it binds."""
    from irkit.pipeline.chain import Cut, Then
    from irkit.pipeline.joined import Joined
    from irkit.pipeline.operators import Scale
    from irkit.pipeline.parallel import Parallel

    if isinstance(stage, Then):
        text, binding = _written(stage.parts[0], word)
        chained = ""  # what stands left of the stage at hand
        for part in stage.parts[1:]:
            if isinstance(part, Cut):
                text, binding = f"{_in(text, binding, SCALE)} % {part.config.k}", SCALE
            elif isinstance(part, Scale):
                weight = repr(part.config.weight)
                # Behind a % or * the weight comes last, which saves the parentheses.
                text = f"{text} * {weight}" if binding == SCALE else f"{weight} * {_in(text, binding, SCALE)}"
                binding = SCALE
            else:
                chained += f"{_in(text, binding, CHAIN + 1 if chained else CHAIN)} >> "
                text, binding = _written(part, word)
        return (f"{chained}{_in(text, binding, CHAIN + 1)}", CHAIN) if chained else (text, binding)
    if isinstance(stage, Joined) and stage.sign and not stage.config.given():
        binding = _BINDING[stage.sign]
        # A nested operator of the same kind needs its parentheses: flat ones have been flattened.
        return f" {stage.sign} ".join(_in(*_written(part, word), binding + 1) for part in stage.parts), binding
    if isinstance(stage, Parallel):
        return f"{_in(*_written(stage.parts[0], word), ATOM)}.parallel({stage.config.n})", ATOM
    if stage.parts:
        name, _, given = word(stage).removesuffix(")").partition("(")
        parts = stage.parts[:1] if stage.alike and word is not _label else stage.parts
        inside = [_written(part, word)[0] for part in parts] + ([given] if given else [])
        return f"{name}({', '.join(inside)})", ATOM
    return word(stage), ATOM


def _in(text: str, binding: int, least: int) -> str:
    """Put parentheses round a text that binds more loosely than its place asks for."""
    return text if binding >= least else f"({text})"


def _tree(stages: tuple[Stage, ...], indent: str) -> Iterator[str]:
    """Yield a line per stage; an operator's pipelines hang below it."""
    for stage in stages:
        turns = stage.takes != stage.gives
        yield f"{indent}{stage.label()}{f'  [{stage.takes} -> {stage.gives}]' if turns else ''}"
        for place, part in enumerate(stage.parts, 1):
            last = place == len(stage.parts)
            lines = list(_tree(in_row(part), ""))
            yield f"{indent}{'└─' if last else '├─'} {lines[0]}"
            for line in lines[1:]:
                yield f"{indent}{'  ' if last else '│ '} {line}"
