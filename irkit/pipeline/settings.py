"""Settings of a pipeline's stages by name: `k1`, `rm3.mu`, `0.k1`, `1.of.0.k`.

The last word is a field of a stage. What stands before it leads there: positions in rows of stages and `of`, or the
name of a stage. It may stop short, or be absent, as long as only one stage below has the field, or takes the value.
A stage that stands in a pipeline twice, as one object, is one stage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from irkit.errors import ConfigError, IrkitError, near_misses
from irkit.pipeline.stage import resource_fingerprint
from irkit.pipeline.unfold import in_row

if TYPE_CHECKING:
    from irkit.pipeline.stage import Stage

Place: TypeAlias = tuple[str | int, ...]
"Where a stage stands: `(0,)`, `(1, 'of', 0, 2)`."


@dataclass(frozen=True)
class Settable:
    """A stage whose settings may be changed."""

    place: Place
    names: tuple[str, ...]
    "What it is called."
    fields: Sequence[str]
    "What may be set."
    fits: Callable[[str, Any], bool]
    "Whether a field may have a value."
    one: int | None = None
    "The same number for places where one object stands."


def target(
    stages: Sequence[Settable], path: str, value: Any, fail: Callable[[str], IrkitError]
) -> tuple[Settable, str]:
    """Return the stage that a name means, and the field of it.

    Parameters
    ----------
    stages : sequence of Settable
        Of a pipeline, those of `of` after the stage that holds them.
    path : str
    value : any
        What the field is to be: where several stages have it, the one that takes this is meant.
    fail : function of a message
        Makes the error.

    Raises
    ------
    IrkitError
        If no stage has the field, or several do; the message lists them.
    """
    *steps, field = path.split(".")
    below = _below(stages, steps, path, fail)
    having = [stage for stage in below if field in stage.fields]
    if not having:
        known = {name for stage in below for name in stage.fields}
        raise fail(f"there is no setting {path!r}; {near_misses(field, known)}")
    if _several(having):
        # `k1` means the one retriever whose model has it.
        having = [stage for stage in having if stage.fits(field, value)] or having
    if _several(having):
        names = [_called(stage, stages, field) for stage in having]
        raise fail(f"{path!r} may be {' or '.join(dict.fromkeys(names))}; say which")
    return having[0], field


def _below(
    stages: Sequence[Settable], steps: list[str], path: str, fail: Callable[[str], IrkitError]
) -> Sequence[Settable]:
    """Return the stages that the steps of a name lead to."""
    place: Place = ()
    for step in steps:
        here = [stage for stage in stages if stage.place[: len(place)] == place]
        deeper = (*place, int(step) if step.isdecimal() else step)
        if any(stage.place[: len(deeper)] == deeper for stage in here):
            place = deeper
        elif step == steps[-1] and any(step in stage.names for stage in here):
            return [stage for stage in here if step in stage.names]
        else:
            there, names = ".".join(map(str, deeper)), {name for stage in here for name in stage.names}
            raise fail(f"setting {path!r} leads nowhere: there is no {there!r}; {near_misses(step, names)}")
    exact = [stage for stage in stages if stage.place == place]
    return exact or [stage for stage in stages if stage.place[: len(place)] == place]


def _several(stages: Sequence[Settable]) -> bool:
    return len({stage.place if stage.one is None else stage.one for stage in stages}) > 1


def _called(stage: Settable, stages: Sequence[Settable], field: str) -> str:
    """Name a field by its stage if that is the only one called so, else by its place."""
    name = stage.names[-1]
    alone = not _several([one for one in stages if name in one.names])
    return ".".join(map(str, (*([name] if alone else stage.place), field)))


def changed(pipeline: Stage, settings: Mapping[str, Any], *, who: str) -> Stage:
    """Return a pipeline with some settings changed; its other stages are the same objects.

    Raises
    ------
    ConfigError
        If there is no such setting, a name fits several, a value is not valid, or a stage is fitted or holds more than
        settings and resources.
    """
    values: dict[Place, dict[str, Any]] = {}
    walked = list(_walk(pipeline, ()))

    def fits(place: Place, stage: Stage, field: str, value: Any) -> bool:
        try:
            _made(stage, {**values.get(place, {}), field: value}, stage.parts)
        except IrkitError:
            return False
        return True

    stages = [
        Settable(
            place,
            tuple(dict.fromkeys((stage.name, stage.word))),
            tuple(stage.config_type.model_fields),
            partial(fits, place, stage),
            id(stage),
        )
        for place, stage in walked
    ]
    for path, value in settings.items():
        meant, field = target(stages, str(path), value, lambda message: ConfigError(f"{who}: {message}"))
        for stage in stages:
            if stage.one == meant.one:
                values.setdefault(stage.place, {})[field] = value
    return _row(pipeline, (), values)


def _walk(pipeline: Stage, place: Place) -> Iterator[tuple[Place, Stage]]:
    for number, stage in enumerate(in_row(pipeline)):
        here = (*place, number)
        yield here, stage
        for part, inner in enumerate(stage.parts):
            yield from _walk(inner, (*here, "of", part))


def _row(pipeline: Stage, place: Place, values: Mapping[Place, Mapping[str, Any]]) -> Stage:
    from irkit.pipeline.chain import Then

    stages = in_row(pipeline)
    new = [_stage(stage, (*place, number), values) for number, stage in enumerate(stages)]
    return pipeline if all(a is b for a, b in zip(new, stages, strict=True)) else Then.of(*new)


def _stage(stage: Stage, place: Place, values: Mapping[Place, Mapping[str, Any]]) -> Stage:
    parts = tuple(_row(part, (*place, "of", number), values) for number, part in enumerate(stage.parts))
    same = all(a is b for a, b in zip(parts, stage.parts, strict=True))
    if same and place not in values:
        return stage
    _check_whole(stage)
    return _made(stage, values.get(place, {}), parts)


def _made(stage: Stage, values: Mapping[str, Any], parts: tuple[Stage, ...]) -> Stage:
    held = {need: getattr(stage, need) for need in stage.needs}
    return type(stage).make({**stage.config.given(), **values}, parts, held)


def _check_whole(stage: Stage) -> None:
    """Raise `ConfigError` unless a stage is all that its settings, parts and resources say."""
    if any(resource_fingerprint(getattr(stage, need)) is None for need in stage.needs):
        return  # nobody can tell
    if _made(stage, {}, stage.parts) != stage:
        raise ConfigError(
            f"{stage.name}: its settings cannot be changed, for it is fitted or holds an object of yours; give it "
            "unfitted, and by settings alone"
        )
