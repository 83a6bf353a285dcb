"""Leaderboards as text, Markdown, JSON and one self-contained HTML page."""

from irkit.report.charts import chart
from irkit.report.html import html
from irkit.report.markdown import leaderboard, markdown
from irkit.report.text import table
from irkit.report.write import write_report

__all__ = ["chart", "html", "leaderboard", "markdown", "table", "write_report"]


def __dir__() -> list[str]:
    return __all__
