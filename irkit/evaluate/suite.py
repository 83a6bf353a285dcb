"""Suites: which systems are compared on what by which measures, as a YAML file.

The kind of a suite is told by the field that names what is measured on: `collections` (retrieval),
`ratings` (recommendation), `density` (density models), or `parts`, other suites to be run as one.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from irkit.errors import ConfigError
from irkit.evaluate.density_suite import DensityChoice, DensitySuite, ModelChoice
from irkit.evaluate.rating_suite import ProblemChoice, RatingSuite, RecommenderChoice
from irkit.evaluate.retrieval_suite import CollectionChoice, RetrievalSuite, SystemChoice
from irkit.evaluate.suitefile import AnySuite, ComparingSuite, parse
from irkit.locate import find
from irkit.yamlfile import YamlFile, read_yaml


class Composite(AnySuite):
    """Suites that are run as one, with this one's seed."""

    parts: tuple[str, ...] = Field(min_length=1)
    "Names or paths of suites; none of them has parts itself."

    @property
    def suites(self) -> list[ComparingSuite]:
        """The parts."""
        found = []
        for name in self.parts:
            suite = load_suite(name)
            if not isinstance(suite, ComparingSuite):
                raise ConfigError(f"parts: {name!r} has parts itself; name these")
            found.append(suite.changed(seed=self.seed))
        return found

    @property
    def boards(self) -> list[str]:
        """Names of what is measured on, one for each board."""
        return [name for suite in self.suites for name in suite.boards]

    @property
    def rows(self) -> list[str]:
        """Names of the systems, one for each row."""
        return [name for suite in self.suites for name in suite.rows]

    def check(self) -> None:
        """Raise an error unless every part is a suite."""
        super().check()
        for name in self.parts:
            if self.parts.count(name) > 1:
                raise ConfigError(f"parts: {name!r} occurs twice; name it once")


def load_suite(name: str | Path) -> AnySuite:
    """Read a suite by name or path.

    A collection, system or model may be written as its bare name, measures as one string.

    Raises
    ------
    NotFoundError
        If there is no such suite.
    DataError
        If the file is not YAML.
    ConfigError
        If a field is unknown, missing or wrong; says file and line.
    """
    return parse_suite(read_yaml(find("eval", str(name))))


def parse_suite(file: YamlFile) -> AnySuite:
    """Make a suite of a parsed file; errors as `load_suite`."""
    if "ratings" in file.value:
        return parse(file, RatingSuite, ratings=ProblemChoice, systems=RecommenderChoice)
    if "density" in file.value:
        return parse(file, DensitySuite, density=DensityChoice, models=ModelChoice)
    if "parts" in file.value:
        return parse(file, Composite)
    return parse(file, RetrievalSuite, collections=CollectionChoice, systems=SystemChoice)
