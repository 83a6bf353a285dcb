"""The commands and the one-line summaries that `irkit --help` shows."""

from __future__ import annotations

from cyclopts import App, Parameter

from irkit import __version__
from irkit.cli import data, pipelines
from irkit.cli.compare import compare
from irkit.cli.completion import completion_for
from irkit.cli.doctor import doctor
from irkit.cli.encode import encode
from irkit.cli.evaluate import evaluate
from irkit.cli.explain import explain
from irkit.cli.features import features
from irkit.cli.fuse import fuse
from irkit.cli.helptext import HelpText
from irkit.cli.index import index
from irkit.cli.leaderboard import leaderboard
from irkit.cli.mcp import mcp
from irkit.cli.recommend import recommend
from irkit.cli.reproduce import reproduce
from irkit.cli.run import run
from irkit.cli.sample import sample
from irkit.cli.schema import schema
from irkit.cli.search import search
from irkit.cli.serve import serve
from irkit.cli.standard import taking_standard
from irkit.cli.train import train
from irkit.cli.tune import tune

HELP = """Information retrieval and recommendation research on one pipeline algebra, over Lucene.

Start with: irkit leaderboard quickstart

Each command has its own help with examples: irkit help search.
An error is one line and exit status 2; --debug shows its trace. --quiet leaves results and
errors only, --verbose says what is opened, built and kept. All three may stand anywhere.
"""


def build() -> App:
    """Put the commands together."""
    app = App(
        name="irkit",
        help=HELP,
        version=f"irkit {__version__}",
        version_flags=("--version", "-V"),
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
        fuse,
        evaluate,
        compare,
        leaderboard,
        reproduce,
        tune,
        explain,
        train,
        sample,
        encode,
        serve,
        mcp,
    ):
        app.command(taking_standard(command))
    for family in (data, pipelines):
        app.command(family.family())
    app.command(taking_standard(schema))
    app.command(doctor)

    def help(*command: str) -> None:
        """Show the help of a command, as its option --help does.

        For example:

            irkit help search
            irkit help data show

        Parameters
        ----------
        command
            The command; without one all commands are listed.
        """
        app([*command, "--help"], exit_on_error=False, print_error=False)

    app.command(help)
    app.command(completion_for(app))
    return app
