"""Measures by name, as ir-measures spells them: `AP`, `nDCG@10`, `P(rel=2)@5`."""

from __future__ import annotations

import ast
import contextlib
import io
import re
import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from irkit.arrays import Floats
from irkit.errors import ConfigError, MissingExtraError, near_misses
from irkit.registry import MEASURES
from irkit.wording import shown

if TYPE_CHECKING:
    from ir_measures import Measure

Measures: TypeAlias = "str | Measure | Iterable[str | Measure]"
"Measures as people write them: `AP nDCG@10 P(rel=2)@5`, or a list of such."

USUAL = "AP nDCG@10 P@10"
"Those of rankings where none are named."

ALIASES = {"HitRate": "Success"}
"Other words for measures, which are read and not printed; ir-measures has some of its own (MAP, MRR)."

# A measure ends at white space or a comma that is not inside brackets.
_TOKEN = re.compile(r"(?:[^\s,()]|\([^)]*\)?|\))+")


def parse_measures(measures: Measures) -> list[Measure]:
    """Read measures by name; any measure that ir-measures can compute.

    Parameters
    ----------
    measures : str, ir_measures.Measure, or a sequence of these
        A string may hold several, separated by white space or commas. Repeats are dropped.

    Returns
    -------
    list of ir_measures.Measure
        In the order given; `str(measure)` is a name that this function reads back. Those of
        `irkit.evaluate.beyond` are among them.

    Raises
    ------
    ConfigError
        If a name is unknown or a parameter does not fit; the message shows the nearest spelling.
    MissingExtraError
        If only a package that is not installed computes the measure; the message says the command.

    Examples
    --------
    >>> parse_measures("MAP nDCG@10 P(rel=2)@5")
    [AP, nDCG@10, P(rel=2)@5]
    """
    parsed: dict[str, Measure] = {}
    for measure in _pieces(measures):
        one = _parse(measure) if isinstance(measure, str) else measure
        _check_supported(one)
        parsed.setdefault(str(one), one)
    if not parsed:
        raise ConfigError(f"measures: needs one measure or more, got {measures!r}; for example AP nDCG@10")
    return list(parsed.values())


def split_measures(text: str) -> list[str]:
    """Split a text into the measures it names, without reading them.

    Examples
    --------
    >>> split_measures("AP, P(rel=2, judged_only=True)@5")
    ['AP', 'P(rel=2, judged_only=True)@5']
    """
    return _TOKEN.findall(text)


def measure_names(measures: Measures) -> list[str]:
    """Return the canonical names of some measures.

    Examples
    --------
    >>> measure_names("MRR(rel=1), MAP")
    ['RR', 'AP']
    """
    return [str(measure) for measure in parse_measures(measures)]


def said_aliases(measures: Measures) -> list[str]:
    """Say of each measure that was named by another word what it is called.

    Examples
    --------
    >>> said_aliases("HitRate@10 AP Success@5")
    ['HitRate@10 is called Success@10']
    """
    texts = [one for one in _pieces(measures) if isinstance(one, str)]
    return [f"{text} is called {_parse(text)}" for text in dict.fromkeys(texts) if _base(text) in ALIASES]


def aggregate(measure: Measure, values: Floats) -> float:
    """Combine per-query values (n,) as the measure asks: mean, or sum for measures that count."""
    import ir_measures

    aggregator: Any = measure.aggregator()
    if type(aggregator) is ir_measures.measures.MeanAgg and len(values):
        return float(np.add.accumulate(values)[-1] / len(values))  # added in order, as below, and so the same bits
    for value in values.tolist():
        aggregator.add(value)
    return float(aggregator.result())


def _pieces(measures: Measures) -> Iterable[str | Measure]:
    if isinstance(measures, str):
        return split_measures(measures)
    if not isinstance(measures, Iterable):
        return [measures]
    return [piece for one in measures for piece in (split_measures(one) if isinstance(one, str) else [one])]


def _parse(text: str) -> Measure:
    import ir_measures

    try:
        name, parameters, at = _read(text)
    except (ValueError, TypeError):  # the latter for a dictionary that has one for a key
        raise ConfigError(f"measures: cannot read {text!r}; write Name, Name@10 or Name(rel=2)@10") from None
    name = ALIASES.get(name, name)
    kind = ir_measures.measures.registry.get(name)
    if kind is None and name in MEASURES:
        kind = MEASURES.load(name)
    if kind is None:
        kind = _beyond().get(name)
    if kind is None:
        raise ConfigError(f"measures: there is no measure {text!r}; {_suggest(text)}")
    if at and kind.AT_PARAM in parameters:
        raise ConfigError(f"measures: {text!r} gives {kind.AT_PARAM} twice; leave one out")
    if at:
        parameters[kind.AT_PARAM] = at[0]
    measure: Measure = kind(**parameters)
    _check_parameters(measure, text)
    return measure


def _read(text: str) -> tuple[str, dict[str, Any], list[Any]]:
    """Split `Name(key=value)@value` into its name, its parameters and what stands behind the @, if anything.

    ir-measures' own reader asks for syntax nodes that Python 3.12 warns of and 3.14 lacks.

    Raises
    ------
    ValueError
        If the text has another form.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python's opinions on the spelling of a string are not for our users
        try:
            node: ast.AST = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, RecursionError, MemoryError) as error:
            raise ValueError(text) from error
    at: list[Any] = []
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        at = [_value(node.right)]
        node = node.left
    parameters: dict[str, Any] = {}
    if isinstance(node, ast.Call) and not node.args:
        for keyword in node.keywords:
            if keyword.arg is None or keyword.arg in parameters:
                raise ValueError(text)
            parameters[keyword.arg] = _value(keyword.value)
        node = node.func
    if not isinstance(node, ast.Name):
        raise ValueError(text)
    return node.id, parameters, at


def _base(text: str) -> str:
    """Return a measure's name without its parameters."""
    return re.split(r"[^\w]", text, maxsplit=1)[0]


def _beyond() -> dict[str, Any]:
    from irkit.evaluate.beyond_names import BY_NAME

    return BY_NAME


def _value(node: ast.AST | None) -> Any:
    """Return a number, text, truth value, None, or a dictionary of these."""
    if isinstance(node, ast.Dict):
        return {_value(key): _value(value) for key, value in zip(node.keys, node.values, strict=True)}
    if isinstance(node, ast.Constant) and not isinstance(node.value, bytes | type(Ellipsis)):
        return node.value
    raise ValueError("not a plain value")


def _check_parameters(measure: Measure, text: str) -> None:
    known: Mapping[str, Any] = measure.SUPPORTED_PARAMS
    for name, value in measure.params.items():
        if name not in known:
            raise ConfigError(f"measures: {text!r} has no parameter {name!r}; {near_misses(name, known)}")
        whole = name in ("cutoff", "rel")
        if not known[name].validate(value) or (whole and value < 1):
            meaning = "a whole number, 1 or more" if whole else known[name].desc or "of another kind"
            raise ConfigError(f"measures: {name} of {text!r} is not valid, got {shown(value)}; it must be {meaning}")
    for name, info in known.items():
        if info.required and name not in measure.params:
            at = "@10" if name == "cutoff" else "@0.1"
            hint = f"write {at} after it" if name == measure.AT_PARAM else f"write ({name}=...)"
            raise ConfigError(f"measures: {text!r} needs {name} ({info.desc}); {hint}")


def _suggest(text: str) -> str:
    """Name the measure that was probably meant: another case, trec_eval's name, or a near miss."""
    import ir_measures

    registry = {**ir_measures.measures.registry, **_beyond()}
    wanted = _base(text)
    if wanted in ("RMSE", "MAE"):
        return "errors of predicted ratings are measured by irkit evaluate, and on a suite's board of ratings"
    if wanted.upper() in ("RMSE", "MAE"):
        return f"did you mean {wanted.upper()}?"
    folded = {known.lower(): measure.__name__ for known, measure in registry.items()}
    folded |= {other.lower(): other for other in ALIASES}
    if wanted.lower() in folded:
        return f"did you mean {folded[wanted.lower()]}{text[len(wanted) :]}?"
    joined = re.fullmatch(r"([a-zA-Z]+)(\d+)", text)
    if joined and joined[1].lower() in folded:
        return f"did you mean {folded[joined[1].lower()]}@{joined[2]}?"
    if re.fullmatch(r"[a-zA-Z_]+(_[\d.]+)?", text):
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # it prints what it leaves out of a nickname
                meant = ir_measures.parse_trec_measure(text)
        except (ValueError, TypeError):
            meant = []
        if len(meant) == 1:
            return f"did you mean {meant[0]}?"
    return near_misses(wanted, [*registry, *ALIASES, *MEASURES])


def _check_supported(measure: Any) -> None:
    import ir_measures

    if not isinstance(measure, ir_measures.Measure):
        raise ConfigError(f"measures: needs names or ir_measures measures, got {shown(measure)}")
    if measure.NAME in _beyond():
        return
    pipeline: Any = ir_measures.DefaultPipeline
    if pipeline.supports(measure):
        return
    commands = [p.install_instructions() for p in pipeline.providers if p.supports(measure)]
    if commands:
        command = " or ".join(filter(None, commands))
        raise MissingExtraError(f"measures: {measure} needs a package that is not installed; {command}")
    raise ConfigError(f"measures: no package computes {measure}; check its parameters")
