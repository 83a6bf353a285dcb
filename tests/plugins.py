"""A package as `pip install` would leave it, for the time of a test: found on the path, its entry points known."""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

from irkit import registry


@contextlib.contextmanager
def installed(folder: Path) -> Iterator[None]:
    """Install the package of a folder with a pyproject.toml, by its `dist-info` alone."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    site = Path(tempfile.mkdtemp(prefix="irkit-plugin-"))
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    groups = project.get("entry-points", {})
    lines = [[f"[{group}]", *(f"{name} = {place}" for name, place in names.items())] for group, names in groups.items()]
    (info / "entry_points.txt").write_text("\n".join(line for group in lines for line in group) + "\n")
    before = set(sys.modules)
    sys.path[:0] = [str(folder), str(site)]
    path = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(site), path]))  # for commands that are started
    _forget()
    try:
        yield
    finally:
        del os.environ["PYTHONPATH"]
        if path is not None:
            os.environ["PYTHONPATH"] = path
        sys.path.remove(str(folder))
        sys.path.remove(str(site))
        shutil.rmtree(site)
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file is not None and Path(file).is_relative_to(folder):
                del sys.modules[name]
        _forget()


def _forget() -> None:
    importlib.invalidate_caches()
    registry.plugins_of.cache_clear()
