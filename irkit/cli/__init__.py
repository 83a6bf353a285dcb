"""The command `irkit`: one small file per command, errors of one line, exit status 2 for them.

    0    done                        2    an error that the one line on stderr explains
    1    `irkit doctor` found a      130  interrupted with Ctrl-C
         problem; or a defect        141  whoever read the output stopped reading

Commands import what they need inside their functions, so that `irkit --help` is quick and
`irkit search` loads neither pandas nor torch.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING

from irkit.cli.interrupted import Interrupted
from irkit.cli.logs import QUIET, VERBOSE, logged, one_line
from irkit.errors import ConfigError, IrkitError
from irkit.screen import visible
from irkit.streams import held_by_command

if TYPE_CHECKING:
    from cyclopts import App

DEFECT, ERROR, INTERRUPTED, BROKEN_PIPE = 1, 2, 130, 141

DEBUG = "--debug"
ANYWHERE = (DEBUG, QUIET, VERBOSE)
"Options of every command."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        What stands after `irkit`; default the process's own. Anywhere before a `--`, `--debug` shows the trace of
        an error, `--quiet` leaves results and errors only, `--verbose` says what is opened, built and kept.
    """
    tokens, options = without_options(list(sys.argv[1:] if arguments is None else arguments))
    debug = DEBUG in options
    from cyclopts import CycloptsError

    from irkit.cli.standard import marked

    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the shell: `>&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  (to the end of the process)
    if os.environ.get("COLUMNS", "").strip() == "0":  # a terminal that tells no width, to which help would be nothing
        del os.environ["COLUMNS"]
    with contextlib.suppress(AttributeError, ValueError):
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        if {QUIET, VERBOSE} <= options:
            raise ConfigError(f"{QUIET} and {VERBOSE} contradict each other; leave out one")
        with held_by_command(), logged(options):
            status = application()(marked(tokens), exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except Interrupted as stopped:
        return _fail(f"interrupted; {stopped.advice(tokens)}", INTERRUPTED, debug)
    except KeyboardInterrupt:
        return _fail("interrupted; nothing is kept that it could go on from", INTERRUPTED, debug)
    except BrokenPipeError:
        _discard_output()
        return BROKEN_PIPE
    except SystemExit as leaving:  # rich, which prints the help, leaves so when nobody reads it
        if isinstance(leaving.__context__, BrokenPipeError):
            return BROKEN_PIPE
        raise
    except CycloptsError as error:
        from irkit.cli.usage import usage

        return _fail(usage(error), ERROR, debug)
    except IrkitError as error:
        command = next((token for token in tokens if not token.startswith("-")), "irkit")
        return _fail(_OF_PYTHON.sub(f"{command}: ", str(error)), ERROR, debug)
    except OSError as error:
        return _fail(_system(error), ERROR, debug)
    except MemoryError:
        return _fail("out of memory; use a smaller collection or a machine with more memory", ERROR, debug)
    except Exception as error:
        from irkit.registry import plugin_of

        what = f"{type(error).__name__}: {error}"
        message = f"a defect in {plugin_of(error) or 'irkit'}, not in your input: {what}; --debug shows the trace"
        return _fail(message, DEFECT, debug)


_OF_PYTHON = re.compile(r"^(?:read_(?:documents|queries|qrels|run|ratings)|write_run|similarity): ")
"How messages begin that name a function of Python; a command line is told of its command."


def application() -> App:
    """Return the command-line application with all its commands."""
    from irkit.cli.app import build

    return build()


def without_options(tokens: Sequence[str]) -> tuple[list[str], set[str]]:
    """Take the options of every command out of a command line.

    Examples
    --------
    >>> without_options(["search", "lee", "storm", "--quiet", "--", "--debug"])
    (['search', 'lee', 'storm', '--', '--debug'], {'--quiet'})
    """
    end = tokens.index("--") if "--" in tokens else len(tokens)
    kept = [token for token in tokens[:end] if token not in ANYWHERE]
    return kept + list(tokens[end:]), set(ANYWHERE).intersection(tokens[:end])


def _fail(message: str, status: int, debug: bool) -> int:
    # What was printed before the failure comes before the error line.
    with contextlib.suppress(AttributeError, OSError, ValueError):
        sys.stdout.flush()
    if debug:
        print(visible(traceback.format_exc(), lines=True), end="", file=sys.stderr)
    print(f"irkit: {one_line(message)}", file=sys.stderr)
    return status


def _system(error: OSError) -> str:
    """Say what the operating system refused, and what to do where that is plain."""
    folder = os.path.dirname(os.fspath(error.filename)) if isinstance(error.filename, str) else ""
    if error.errno == errno.EACCES and folder and not os.access(folder, os.X_OK):
        error.filename = folder  # whatever may lie in it
    remedies = {
        errno.ENOENT: "check the path",
        errno.EACCES: "change its permissions or choose another place",
        errno.EROFS: "choose another place",
        errno.ENOSPC: "free some space and run it again",
        errno.EDQUOT: "free some space and run it again",
        errno.EISDIR: "give a file",
        errno.ENOTDIR: "give a folder",
    }
    what = (error.strerror or str(error) or type(error).__name__).lower()
    where = f"{error.filename}: " if error.filename else ""
    remedy = f"; {remedies[error.errno]}" if error.errno in remedies else ""
    return f"{where}{what}{remedy}"


def _discard_output() -> None:
    """Point stdout at nothing, so that the interpreter's own flush at exit stays silent."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
