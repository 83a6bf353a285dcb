"""Tables: one description of what a table holds, which text, Markdown, LaTeX, CSV and HTML are written from."""

from irkit.table.description import Cell, Column, Table, number, p_value, words
from irkit.table.text import GAP, cells_wide, text_table

__all__ = ["GAP", "Cell", "Column", "Table", "cells_wide", "number", "p_value", "text_table", "words"]
