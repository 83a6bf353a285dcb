"""Settings changed by name: `n=100`, `0.k1=1.2`, `1.of.0.k=5`.

The last word is a field of a stage. What stands before it leads there: positions in lists of stages and `of`, or the
name of a stage, `rm3.mu`. It may stop short, or be absent, as long as only one stage below has the field
(`irkit.pipeline.settings`).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from irkit.errors import ConfigError, IrkitError
from irkit.pipeline.settings import Settable, target
from irkit.recipe.assemble import Fail, outline
from irkit.registry import STAGES
from irkit.yamlfile import parse_value


def parse_settings(texts: Iterable[str]) -> dict[str, Any]:
    """Read `name=value` texts, as `--set` takes them; values are YAML.

    Raises
    ------
    ConfigError
        If there is no `=` or a name comes twice.

    Examples
    --------
    >>> parse_settings(["k1=1.2", "0.mu=auto"])
    {'k1': 1.2, '0.mu': 'auto'}
    """
    settings: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise ConfigError(f"settings: needs name=value, got {text!r}; for example k1=1.2")
        if not value.strip():  # as of a variable of the shell that is not set
            raise ConfigError(f"settings: {text!r} has no value; write one, or null for none")
        if name.strip() in settings:
            raise ConfigError(f"settings: {name.strip()!r} is given twice; keep one")
        settings[name.strip()] = parse_value(value, f"settings: {name.strip()}")
    return settings


def change_settings(stages: list[dict[str, Any]], settings: Mapping[str, Any], fail: Fail) -> list[dict[str, Any]]:
    """Return a copy of the stages with some fields replaced; the result is not yet validated.

    Raises
    ------
    ConfigError
        If no stage has the field, or several do; the message lists them.
    """
    changed = copy.deepcopy(stages)
    for path, value in settings.items():
        stage, field = _target(changed, path, value, fail)
        stage[field] = value
    return changed


def setting_names(stages: list[dict[str, Any]]) -> list[str]:
    """List every field of every stage by its full path, such as `0.of.1.0.mu`.

    Examples
    --------
    >>> setting_names([{"use": "rrf", "of": [[{"use": "cut"}], [{"use": "scale"}]]}])
    ['0.k', '0.weights', '0.of.0.0.k', '0.of.1.0.weight']
    """
    return [_dotted(place, field) for place, stage in _walk(stages, ()) for field in _fields(stage)]


def _target(stages: list[dict[str, Any]], path: str, value: Any, fail: Fail) -> tuple[dict[str, Any], str]:
    walked = dict(_walk(stages, ()))
    settable = [
        Settable(place, (stage["use"],), _fields(stage), partial(_fits, stage)) for place, stage in walked.items()
    ]
    found, field = target(settable, path, value, fail)
    return walked[found.place], field


def _walk(node: Any, place: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Yield every stage in lists of stages and in their `of`, with its place."""
    if isinstance(node, dict):
        yield place, node
        yield from _walk(node.get("of", []), (*place, "of"))
    else:
        for i, item in enumerate(node):
            yield from _walk(item, (*place, i))


def _fields(stage: dict[str, Any]) -> list[str]:
    return list(STAGES.load(stage["use"]).config_type.model_fields)


def _fits(stage: dict[str, Any], field: str, value: Any) -> bool:
    def fail(message: str, *where: str | int, kind: type[IrkitError] = ConfigError) -> IrkitError:
        return kind(message)

    try:
        outline([{**stage, field: value}], fail, ())
    except IrkitError:
        return False
    return True


def _dotted(place: tuple[str | int, ...], field: str) -> str:
    return ".".join(map(str, (*place, field)))
