"""Plain values to stages, with an error that names the place of whatever does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from irkit.config import Config
from irkit.errors import CompositionError, ConfigError, IrkitError
from irkit.registry import STAGES
from irkit.wording import shown

if TYPE_CHECKING:
    from irkit.pipeline.stage import Stage


TRAIN = "train"
"What stands in the needs of a recipe that is fitted; it is given to `fit` and not to `build`."


class Fail(Protocol):
    """Makes an error whose message begins with the place of a value, as `YamlFile.error` does."""

    def __call__(self, message: str, *where: str | int, kind: type[IrkitError] = ConfigError) -> IrkitError:
        """Make the error; the caller raises it."""


def build_stages(specs: Any, resources: Mapping[str, Any], fail: Fail, where: tuple[str | int, ...]) -> Stage:
    """Build a list of stages in a row.

    Parameters
    ----------
    specs : list of dict
        `{use: name, field: value, ...}`; an operator holds its pipelines in `of`, a list of such lists.
    resources : mapping
        Everything the stages need, by name; see `outline` for a build without any.
    fail : Fail
        Makes the error for a place.
    where : tuple
        The place of `specs`.

    Raises
    ------
    IrkitError
        `NotFoundError` for an unknown stage, `CompositionError` where two stages do not fit,
        `ConfigError` for everything else.
    """
    from irkit.pipeline.chain import Then

    if not isinstance(specs, list) or not specs:
        raise fail(f"stages are a list of one or more, got {shown(specs)}; write - {{use: lucene}}", *where)
    built: list[Stage] = []
    for place, spec in enumerate(specs):
        here = (*where, place)
        built.append(_build_stage(spec, resources, fail, here))
        try:
            Then.of(*built[-2:])
        except CompositionError as error:
            raise fail(str(error), *here, kind=CompositionError) from None
    return Then.of(*built)


def outline(specs: Any, fail: Fail, where: tuple[str | int, ...]) -> Stage:
    """Build stages on stand-ins for their resources: checked in full, printable, not runnable."""
    return build_stages(specs, _StandIns(), fail, where)


def essence(stage: Stage) -> list[dict[str, Any]]:
    """Return what a stage does as plain values, a list of stages: without where and how they run."""
    if stage.transparent:
        return essence(stage.parts[0])
    if stage.name == "then":
        return [one for part in stage.parts for one in essence(part)]
    own = {"use": stage.name, **stage.config.essence()}
    return [{**own, "of": [essence(part) for part in stage.parts]} if stage.parts else own]


def needed(stage: Stage) -> list[str]:
    """Return what a stage and its parts must be given: resources in the order they are met, and `train` to fit on."""
    from irkit.pipeline.unfold import every

    return list(dict.fromkeys([*(need for one in every(stage) for need in one.needs), *[TRAIN] * stage.learns]))


def _build_stage(spec: Any, resources: Mapping[str, Any], fail: Fail, where: tuple[str | int, ...]) -> Stage:
    if not isinstance(spec, Mapping):
        raise fail(
            f"a stage is a mapping, got {shown(spec)}; write {{use: {spec if isinstance(spec, str) else 'cut'}}}",
            *where,
        )
    name = spec.get("use")
    if not isinstance(name, str):
        problem = "does not say which it is" if name is None else f"must be named by text, got {shown(name)}"
        raise fail(f"the stage {problem}; add use: and its name", *where)
    try:
        kind = STAGES.load(name)
    except IrkitError as error:
        raise fail(str(error), *where, "use", kind=type(error)) from None
    settings = {str(field): value for field, value in spec.items() if field not in {"use", "of"}}
    config = kind.config_type.checked(settings, fail, *where, who=name)
    parts = tuple(
        build_stages(_part(part, fail, (*where, "of", place)), resources, fail, (*where, "of", place))
        for place, part in enumerate(_parts(spec, fail, where))
    )
    try:
        stage: Stage = kind.make(settings, parts, resources)
        return stage
    except _StandInUsed:
        return _skeleton(kind, config, parts)
    except IrkitError as error:
        raise fail(str(error), *where, kind=type(error)) from None


def _parts(spec: Mapping[str, Any], fail: Fail, where: tuple[str | int, ...]) -> list[Any]:
    parts = spec.get("of", [])
    if not isinstance(parts, list) or ("of" in spec and not parts):
        raise fail(
            f"{spec['use']}: 'of' is a list of pipelines, got {shown(parts)}; write [[...], [...]]", *where, "of"
        )
    return parts


def _part(part: Any, fail: Fail, where: tuple[str | int, ...]) -> list[Any]:
    if not isinstance(part, list):
        raise fail(f"each pipeline in 'of' is a list of stages, got {shown(part)}; put it in brackets: [...]", *where)
    return part


class _StandInUsed(Exception):
    """A constructor looked inside a resource that is not there."""


class _StandIn:
    """Takes the place of a resource in an outline; a stage may hold it but not look inside."""

    def _used(self, *args: Any, **kwargs: Any) -> Any:
        raise _StandInUsed

    __getattr__ = __getitem__ = __call__ = __len__ = __iter__ = __contains__ = __bool__ = _used
    __class__ = property(_used)  # isinstance asks for it


class _StandIns(dict[str, Any]):
    """Has a stand-in for every name."""

    def __missing__(self, name: str) -> _StandIn:
        return _StandIn()

    def __contains__(self, name: object) -> bool:
        return True


def _skeleton(kind: type[Stage], config: Config, parts: tuple[Stage, ...]) -> Stage:
    """Return a stage with its settings but without its constructor's work."""
    stage = kind.__new__(kind)
    stage.config, stage.parts = config, parts
    if parts:
        stage.takes = parts[0].takes
    return stage
