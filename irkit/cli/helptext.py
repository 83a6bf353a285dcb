"""How help is laid out: plain text in two columns, the same on a terminal and in a pipe."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cyclopts.help import HelpEntry, HelpPanel
    from rich.console import Console, ConsoleOptions

WIDTH = 100
"Widest line."

LABELS = 26
"Widest left column; a longer label has its text on the next line."


class HelpText:
    """Renders usage, description and the panels of a command, as cyclopts asks for them."""

    def render_usage(self, console: Console, options: ConsoleOptions, usage: Any) -> None:
        """Print the usage line."""
        _print(console, f"Usage: {_plain(usage).removeprefix('Usage:').strip()}\n")

    def render_description(self, console: Console, options: ConsoleOptions, description: Any) -> None:
        """Print a docstring as it was written."""
        if text := _plain(description):
            _print(console, f"{text}\n")

    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
        """Print one panel: a title, then labels and their meanings."""
        rows = [(_label(entry), _meaning(entry)) for entry in panel.entries]
        if not rows:
            return
        left = min(max(len(label) for label, _ in rows), LABELS) + 4
        lines = [f"{panel.title}:"]
        for label, meaning in rows:
            wrapped = textwrap.wrap(meaning, WIDTH - left, break_on_hyphens=False) or [""]
            if len(label) + 4 > left:
                lines.append(f"  {label}")
            else:
                wrapped[0] = f"  {label}".ljust(left) + wrapped[0]
            start = 0 if len(label) + 4 > left else 1
            lines += [*wrapped[:start], *(" " * left + line for line in wrapped[start:])]
        _print(console, "\n".join(line.rstrip() for line in lines) + "\n")


def _label(entry: HelpEntry) -> str:
    """Return `-n, --n INT` or `INDEX`: short names first, then what the value is."""
    names = [*entry.positive_shorts, *sorted(entry.positive_names, key=len), *entry.negative_names]
    words = [entry.positional_label] if entry.positional_label else [", ".join(names)]
    if entry.metavar and not entry.positional_label:
        words.append(entry.metavar.replace("CHOICE", "|".join(entry.choices or ())))
    return " ".join(word for word in words if word)


def _meaning(entry: HelpEntry) -> str:
    text = " ".join(_plain(entry.description).split())
    if entry.default not in {None, "True", "False"}:
        text = f"{text.rstrip('.')}; default {entry.default}."
    return text


def _plain(thing: Any) -> str:
    """Return the text of what cyclopts hands over: text, or a renderable that holds it."""
    for name in ("plain", "primary_renderable"):
        if hasattr(thing, name):
            return _plain(getattr(thing, name)) if name != "plain" else str(thing.plain).strip()
    return str(thing or "").strip()


def _print(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)
