"""A run file in the place of a recipe: a system of a suite that is measured and not run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irkit.errors import ConfigError
from irkit.pipeline.given import Run

if TYPE_CHECKING:
    from irkit.evaluate.suite import SystemChoice


@dataclass(frozen=True)
class RunRecipe:
    """What boards ask of a recipe, of a run: nothing is needed, learned or set."""

    name: str
    run: Run
    about: str
    needs: tuple[str, ...] = ()
    learns_from: tuple[type, ...] = ()

    @classmethod
    def of(cls, choice: SystemChoice) -> RunRecipe:
        """Read the run of a system; errors are those of `Run`.

        Raises
        ------
        ConfigError
            If the system has settings.
        """
        recipe = cls(choice.name, Run(Path(choice.run).expanduser()), choice.about)
        return recipe.with_settings(choice.settings)

    @property
    def hash(self) -> str:
        """Hash of what the run holds."""
        return self.run.fingerprint

    def yaml(self) -> str:
        """Return nothing: there is no recipe to copy."""
        return ""

    def with_settings(self, settings: Mapping[str, Any]) -> RunRecipe:
        """Refuse settings; `ConfigError`."""
        if settings:
            raise ConfigError(f"systems: {self.name} is a run, which has no settings, got {', '.join(settings)}")
        return self

    def build(self, **resources: Any) -> Run:
        """Return the run."""
        return self.run
