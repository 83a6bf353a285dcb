"""The pages of the site (`make site`): the repository's own, where they stand, the worked examples, and the reference.

A page keeps its path, so that links between pages are those of the repository. The reference has a page for each public
package: what its door lets out, with the settings of each, and then what its modules say of themselves.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
OTHERS = ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE", "eval/LEADERBOARD.md")
"Pages beside those of docs/."


def on_files(files: Files, config: Any) -> Files:
    """Put in the place of the files of docs/ all pages, each under its path in the repository."""
    theme = [file for file in files if file.src_dir != config.docs_dir]
    paths = [ROOT / name for name in OTHERS]
    paths += [path for path in sorted((ROOT / "docs").rglob("*")) if path.suffix in {".md", ".css", ".png", ".svg"}]
    pages = [File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)) for path in paths]
    made = [File.generated(config, f"reference/{name}.md", content=reference(name)) for name in packages()]
    made += [
        File.generated(
            config, path.relative_to(ROOT).as_posix() + ".md", content=example(path.read_text(encoding="utf-8"))
        )
        for path in sorted((ROOT / "docs" / "examples").glob("*.py"))
    ]
    return Files([*theme, *pages, *made])


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Lead links to an example to its page."""
    return re.sub(r"(\]\([^)]*examples/\w+\.py)\)", r"\1.md)", markdown)


def example(text: str) -> str:
    """Return a worked example, a file of cells, in Markdown."""
    lines: list[str] = []
    for cell in re.split(r"(?m)^# %%", text)[1:]:
        head, _, body = cell.partition("\n")
        code = [line for line in body.rstrip().splitlines() if not line.startswith("# >")]
        shown = [line[4:] for line in body.splitlines() if line.startswith("# >")]
        if head.strip() == "[markdown]":
            lines += [line.removeprefix("#").removeprefix(" ") for line in code]
        else:
            lines += ["", "```python", *code, "```", *(["", "```text", *shown, "```", ""] if shown else [""])]
    return "\n".join(lines)


def packages() -> list[str]:
    """Return the public packages: all but the command line, whose reference is the guide's page of commands."""
    inside = sorted(path.parent.name for path in (ROOT / "irkit").glob("*/__init__.py"))
    return ["irkit", "irkit.errors", *(f"irkit.{name}" for name in inside if name != "cli")]


def reference(package: str) -> str:
    """Return the page of a package, or of a module, in Markdown with a line `::: name` for each thing to document."""
    path = ROOT / package.replace(".", "/")
    if not path.is_dir():
        return f"# {package}\n\n::: {package}\n    options: {{show_root_heading: false, show_root_toc_entry: false}}\n"
    init = ast.parse(read(path / "__init__.py"))
    lines = [f"# {package}", "", ast.get_docstring(init) or "", ""]
    door = public(init)
    shown: set[str] = set()
    for name, module in sorted(door.items(), key=lambda pair: pair[0].lower()):
        lines += [f"::: {package}.{name}", ""]
        config = settings(module, name)
        if config in shown:
            lines += [f"Its settings are those of [`{config.rpartition('.')[2]}`](#{config}).", ""]
        elif config:
            lines += [f"::: {config}", "    options: {heading_level: 4, inherited_members: true}", ""]
            shown.add(config)
    if package != "irkit":
        lines += ["## Modules", ""]
        for file in sorted(path.rglob("*.py")):
            dotted = file.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
            if not file.name.startswith("_"):
                lines += [f"::: {dotted}", *(["    options: {members: false}"] if door else []), ""]
    return "\n".join(lines)


def public(init: ast.Module) -> dict[str, str]:
    """Return the names that a package lets out, each with its module: its door (`irkit.doors`) or `__all__`."""
    found: dict[str, str] = {}
    for node in init.body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            found |= imported(node.body)
    if found:
        return found
    said = [
        node.value for node in init.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    return {name: module for name, module in imported(init.body).items() if said and name in ast.literal_eval(said[0])}


def imported(lines: list[ast.stmt]) -> dict[str, str]:
    """Return the names that lines import, each with its module."""
    found = [line for line in lines if isinstance(line, ast.ImportFrom) and line.module]
    return {name.name: str(line.module) for line in found for name in line.names}


def settings(module: str, name: str) -> str:
    """Return where the settings of a class stand, by its `config_type` or that of a base; empty where it has none."""
    path = ROOT / module.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if not file.is_file():  # of another package
        return ""
    body = ast.parse(read(file)).body
    classes = {node.name: node for node in body if isinstance(node, ast.ClassDef)}
    places = imported(body) | dict.fromkeys(classes, module)
    if name not in classes:
        return ""
    for line in classes[name].body:
        target = line.targets[0] if isinstance(line, ast.Assign) else getattr(line, "target", None)
        if isinstance(target, ast.Name) and target.id == "config_type" and isinstance(line.value, ast.Name):
            return f"{places[line.value.id]}.{line.value.id}" if line.value.id in places else ""
    bases = [base.id for base in classes[name].bases if isinstance(base, ast.Name) and base.id in places]
    return next((found for base in bases if (found := settings(places[base], base))), "")


def read(path: Path) -> str:
    """Return the text of a file."""
    return path.read_text(encoding="utf-8")
