"""The commands and the one-line summaries that `irkit --help` shows."""

from __future__ import annotations

from cyclopts import App, Parameter

from irkit import __version__
from irkit.cli import data, pipelines
from irkit.cli.compare import compare
from irkit.cli.doctor import doctor
from irkit.cli.encode import encode
from irkit.cli.evaluate import evaluate
from irkit.cli.explain import explain
from irkit.cli.features import features
from irkit.cli.helptext import HelpText
from irkit.cli.index import index
from irkit.cli.leaderboard import leaderboard
from irkit.cli.recommend import recommend
from irkit.cli.reproduce import reproduce
from irkit.cli.run import run
from irkit.cli.sample import sample
from irkit.cli.search import search
from irkit.cli.standard import taking_standard
from irkit.cli.train import train
from irkit.cli.tune import tune

HELP = """Information retrieval and recommendation research on one pipeline algebra, over Lucene.

Start with: irkit leaderboard quickstart

Each command has its own help with examples: irkit search --help.
An error is one line and exit status 2; --debug shows its trace.
"""


def build() -> App:
    """Put the commands together."""
    app = App(
        name="irkit",
        help=HELP,
        version=f"irkit {__version__}",
        help_format="plaintext",
        help_formatter=HelpText(),
        suppress_keyboard_interrupt=False,
        default_parameter=Parameter(negative=()),
    )
    for command in (
        index,
        search,
        recommend,
        run,
        features,
        evaluate,
        compare,
        leaderboard,
        reproduce,
        tune,
        explain,
        train,
        sample,
        encode,
    ):
        app.command(taking_standard(command))
    for family in (data, pipelines):
        app.command(family.family())
    app.command(doctor)
    return app
