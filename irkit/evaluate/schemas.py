"""JSON Schemas of the files that people write, for editors: recipes, tuning spaces, suites and cards.

They are made of the configs that read the files, with the texts of the fields and the names that are registered, those
of plug-ins among them. What a config checks beyond types is not in them: an editor that finds nothing wrong is no
promise.

Source: JSON Schema, draft 7, which editors read: https://json-schema.org/draft-07.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from irkit.config import Config
from irkit.errors import NotFoundError, near_misses
from irkit.evaluate.space import Parameter, Space
from irkit.evaluate.suite import Suite, SystemChoice
from irkit.io.library.cards import KINDS
from irkit.io.ratings.sniff import FORMATS
from irkit.recipe import Recipe, TrainingRecipe
from irkit.registry import DOCUMENTS, JUDGES, MODELS, QRELS, QUERIES, STAGES, TASKS

Schema: TypeAlias = dict[str, Any]

_DRAFT = "http://json-schema.org/draft-07/schema#"
_TEXT: Schema = {"type": "string"}
_NAME_OR_LIST: Schema = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}


def schema_of(kind: str) -> Schema:
    """Return the schema of a kind of file.

    Parameters
    ----------
    kind : {"recipe", "space", "suite", "card"}

    Raises
    ------
    NotFoundError
        If there is no such kind.
    """
    if kind not in SCHEMAS:
        raise NotFoundError(f"schema: there is no kind {kind!r}; {near_misses(kind, SCHEMAS)}")
    definitions: dict[str, Schema] = {}
    body = SCHEMAS[kind](definitions)
    return {"$schema": _DRAFT, "title": f"irkit {kind}", **body, "$defs": dict(sorted(definitions.items()))}


def _recipe(definitions: dict[str, Schema]) -> Schema:
    """Return that of pipelines and of what is trained; the field `model` tells which it is."""
    pipeline = _put(definitions, "pipeline", Recipe, optional=("name",))
    stages = _stages(definitions)
    own = definitions["pipeline"]["properties"]
    own["stages"] = stages
    needs = dict.fromkeys(need for name in STAGES for need in STAGES.load(name).needs)
    own["needs"] |= {"items": {"enum": [*needs, "train"]}, "uniqueItems": True}
    training = _put(definitions, "training", TrainingRecipe, optional=("name",))
    own = definitions["training"]["properties"]
    own["model"] = {"enum": list(MODELS), "description": own["model"].get("description", "")}
    own["judge"] = {"enum": list(JUDGES), "description": own["judge"].get("description", "")}
    definitions["training"]["allOf"] = [_of_model(definitions, name) for name in MODELS]
    return {"type": "object", "if": {"required": ["model"]}, "then": training, "else": pipeline}


def _stages(definitions: dict[str, Schema]) -> Schema:
    """Return that of a list of stages, each with the fields of its config."""
    several: Schema = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/stage"}}
    for name in STAGES:
        _put(definitions, f"stage-{name}", STAGES.load(name).config_type)
        found = definitions[f"stage-{name}"]
        own = {"use": {"const": name}, "of": {"type": "array", "minItems": 1, "items": several}}
        found["properties"] = own | found.get("properties", {})
        found["required"] = ["use", *found.get("required", [])]
    definitions["stage"] = {
        "type": "object",
        "required": ["use"],
        "properties": {"use": {"enum": list(STAGES), "description": "Which stage."}},
        "allOf": [_if("use", name, {"$ref": f"#/$defs/stage-{name}"}) for name in STAGES],
    }
    return {**several, "description": "What is done, in order."}


def _of_model(definitions: dict[str, Schema], name: str) -> Schema:
    """Return what holds for a training of one model: its settings, and those of its trainer."""
    kind = MODELS.load(name)
    config = _put(definitions, f"model-{name}", kind.config_type)
    trainer = type(kind.trainer)
    changed = _put(definitions, f"trainer-{trainer.__name__}", trainer, optional=tuple(trainer.model_fields))
    return _if("model", name, {"properties": {"config": config, "trainer": changed}})


def _space(definitions: dict[str, Schema]) -> Schema:
    body = _body(definitions, Space, optional=("name",))
    values: Schema = {"type": "array", "minItems": 1, "description": "Values to try."}
    parameter = _put(definitions, "parameter", Parameter)
    own = body["properties"]["parameters"]
    body["properties"]["parameters"] = {**own, "additionalProperties": {"anyOf": [values, parameter]}}
    return body


def _suite(definitions: dict[str, Schema]) -> Schema:
    """Return that of a suite: its own fields, and those that name tasks of each kind."""
    body = _body(definitions, Suite, leave=("tasks", "path"))
    own = body["properties"]
    system = _put(definitions, "system", SystemChoice)
    definitions["system"]["properties"]["data"] = _NAME_OR_LIST
    definitions["system"] |= {"required": ["name"], "anyOf": [{"required": ["recipe"]}, {"required": ["run"]}]}
    systems: Schema = {"type": "array", "minItems": 1, "items": {"anyOf": [_TEXT, system]}}
    own["systems"] = {**systems, "description": "What is compared."}
    own["measures"] = {**_NAME_OR_LIST, "description": "The first one ranks the board."}
    for field in TASKS:
        kind = TASKS.load(field)
        task = _put(definitions, f"task-{field}", kind)
        own[field] = {
            "type": "array",
            "minItems": 1,
            "items": {"anyOf": [_TEXT, task]},
            "description": (kind.__doc__ or "").strip().split("\n")[0],
        }
        shared = {name: one for name, one in definitions[f"task-{field}"]["properties"].items() if name != "name"}
        for name, one in shared.items():
            own[name] = one if own.get(name, one) == one else _either(own[name], one)
    own["parts"] = {**own["parts"], "minItems": 1}
    body["oneOf"] = [{"required": [field]} for field in (*TASKS, "parts")]
    return body


def _card(definitions: dict[str, Schema]) -> Schema:
    for kind in dict.fromkeys(KINDS.values()):
        _put(definitions, f"card-{kind.__name__}", kind)
    definitions["FileCard"]["properties"]["members"] = _either(
        definitions["FileCard"]["properties"]["members"], {"type": "array", "items": _TEXT}
    )
    files: Schema = {"type": "array", "minItems": 1, "items": _TEXT}
    for part, one in definitions["FoldCard"]["properties"].items():
        definitions["FoldCard"]["properties"][part] = _either(one, files)
    formats = {"DocumentsCard": DOCUMENTS, "QueriesCard": QUERIES, "QrelsCard": QRELS, "RatingsCard": FORMATS}
    for name, known in formats.items():
        definitions[name]["properties"]["format"]["enum"] = ["auto", *known]
    kinds = list(KINDS)
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": kinds, "description": "What the data are."}},
        "allOf": [_if("kind", name, {"$ref": f"#/$defs/card-{KINDS[name].__name__}"}) for name in kinds],
    }


SCHEMAS: Mapping[str, Callable[[dict[str, Schema]], Schema]] = {
    "recipe": _recipe,
    "space": _space,
    "suite": _suite,
    "card": _card,
}
"What there are schemas of, and who makes them."


def _if(field: str, value: str, then: Schema) -> Schema:
    return {"if": {"required": [field], "properties": {field: {"const": value}}}, "then": then}


def _either(one: Schema, other: Schema) -> Schema:
    choices = one["anyOf"] if set(one) == {"anyOf"} else [one]
    return {"anyOf": choices if other in choices else [*choices, other]}


def _put(definitions: dict[str, Schema], name: str, config: type[Config], *, optional: Iterable[str] = ()) -> Schema:
    """Define the schema of a config under a name; return the reference to it."""
    definitions[name] = _body(definitions, config, optional=optional)
    return {"$ref": f"#/$defs/{name}"}


def _body(
    definitions: dict[str, Schema], config: type[Config], *, optional: Iterable[str] = (), leave: Iterable[str] = ()
) -> Schema:
    """Return the schema of a config, with what it refers to among the definitions."""
    body = copy.deepcopy(config.model_json_schema())
    for name, inner in body.pop("$defs", {}).items():
        definitions.setdefault(name, inner)
    for name in leave:
        body["properties"].pop(name)
    required = [name for name in body.get("required", []) if name not in {*optional, *leave}]
    body.pop("required", None)
    body.pop("title", None)
    return {**body, "required": required} if required else body
