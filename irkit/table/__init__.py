"""Tables: one description of what a table holds, which text, Markdown, LaTeX, CSV and HTML are written from."""

from irkit.table.description import Cell, Column, Table, words
from irkit.table.numbers import counted, number, p_value
from irkit.table.text import GAP, cells_wide, text_table

__all__ = ["GAP", "Cell", "Column", "Table", "cells_wide", "counted", "number", "p_value", "text_table", "words"]
