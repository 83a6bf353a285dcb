r"""Tables as LaTeX that can stand in a paper as they are: booktabs, best means bold, marks raised.

They need `\usepackage{booktabs}` and nothing else; letters beyond Latin need a font that has them, Greek ones and the
usual signs of mathematics do not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from irkit.screen import visible
from irkit.table.description import Cell, Column, Table

_SIGNS = "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩµ→←↔×≤≠≈∞∑√∈∩∪"
_CALLED = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi "
    "omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega mu "
    "to leftarrow leftrightarrow times leq neq approx infty sum surd in cap cup"
)
_MATHS = {
    **{sign: rf"$\{name}$" for sign, name in zip(_SIGNS, _CALLED.split(), strict=True)},
    **{chr(0x2080 + digit): f"$_{{{digit}}}$" for digit in range(10)},
    "\u2212": "$-$",
}
"Greek letters, subscripts and signs that pdflatex has in mathematics alone."

_ESCAPED = {
    **{character: "\\" + character for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "-": "-{}",
    "\u2013": "--",
    "\u2265": r"$\geq$",
    "\u00b1": r"$\pm$",
    "`": r"\textasciigrave{}",
    **_MATHS,
    **{character: f"{{{character}}}" for character in "[*"},  # which the end of the row above would take for its own
}
_SPECIAL = re.compile("-(?=-)|[" + re.escape("".join(_ESCAPED).replace("-", "")) + "]")  # a single hyphen is itself
_MARKS = {"better": "$^{+}$", "worse": "$^{-}$"}
_PHANTOM = r"\phantom{$^{+}$}"  # as wide as a mark, so that digits stand below one another


def latex(tables: Sequence[Table]) -> str:
    """Write tables as LaTeX, each as a `table` with caption and label; means only, without their intervals."""
    return "\n".join(["% \\usepackage{booktabs}", *map(_table, tables)])


def escape(text: str) -> str:
    r"""Make text literal in LaTeX; neither a command nor a comment can begin in it.

    Examples
    --------
    >>> print(escape("50% of a_b & {c} \\input"))
    50\% of a\_b \& \{c\} \textbackslash{}input
    >>> print(escape("nDCG@10, p < 0.05"))
    nDCG@10, p \textless{} 0.05
    """
    # Letters with accents are one character each: those that are two, as in names of files on macOS, stop pdflatex.
    line = unicodedata.normalize("NFC", " ".join(text.split()))
    return _SPECIAL.sub(lambda found: _ESCAPED[found.group()], visible(line))


def _table(table: Table) -> str:
    raised = [any(row[place].mark for row in table.rows) for place in range(len(table.columns))]
    body = [
        _row([name, *map(_cell, row[1:], table.columns[1:], raised[1:])])
        for name, row in zip(table.names(escape), table.rows, strict=True)
    ]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_caption(table)}}}",
            rf"\label{{tab:{_label(table.name)}}}",
            rf"\begin{{tabular}}{{{''.join('r' if c.number else 'l' for c in table.columns)}}}",
            r"\toprule",
            _row(_header(column) for column in table.columns),
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _row(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def _header(column: Column) -> str:
    return escape(column.heading) + (r" $\downarrow$" if column.lower else "")


def _cell(cell: Cell, column: Column, raised: bool) -> str:
    text = escape(cell.text)
    if column.number:
        text = _signed(text)
    if cell.best:
        text = rf"\textbf{{{text}}}"
    return text + (_MARKS.get(cell.mark, _PHANTOM) if raised else "")


def _signed(text: str) -> str:
    """Set the signs of numbers as signs, not as hyphens and letters."""
    text = re.sub(r"(?<![\w-])-(?=[\d.])", "$-$", text)
    return text.replace(r"\textasciitilde{}", r"$\sim$").replace(r"\textless{}", "$<$")


def _caption(table: Table) -> str:
    parts = [f"{escape(table.head).rstrip('.')}."] if table.head else []
    if table.ranked:
        parts.append(r"\textbf{Bold}: best of its column.")
    if table.lower:
        parts.append(r"$\downarrow$: lower is better.")
    parts += [f"{_signed(escape(line))}." for line in table.legend]
    if table.against:
        parts.append(f"$^{{+}}$ better, $^{{-}}$ worse than {_signed(escape(table.against))}.")
    if table.notes:  # they begin with small letters, and some with the name of a system
        notes = "; ".join(escape(note).rstrip(".") for note in table.notes)
        parts = [*parts[:-1], f"{parts[-1].rstrip('.')}; {notes}."] if parts else [f"{notes}."]
    return " ".join(parts)


def _label(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower() or "irkit"
