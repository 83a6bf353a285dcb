"""Tables: one description of what a table holds, which text, Markdown, LaTeX, CSV and HTML are written from."""

from irkit.table.description import Cell as Cell
from irkit.table.description import Column as Column
from irkit.table.description import Table as Table
from irkit.table.description import words as words
from irkit.table.numbers import counted as counted
from irkit.table.numbers import number as number
from irkit.table.numbers import p_value as p_value
from irkit.table.text import GAP as GAP
from irkit.table.text import cells_wide as cells_wide
from irkit.table.text import text_table as text_table
