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
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from irkit.errors import IrkitError
from irkit.screen import visible
from irkit.streams import held_by_command

if TYPE_CHECKING:
    from cyclopts import App, CycloptsError

DEFECT, ERROR, INTERRUPTED, BROKEN_PIPE = 1, 2, 130, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        What stands after `irkit`; default the process's own. `--debug` anywhere before a `--`
        shows the trace of an error.
    """
    tokens, debug = _without_debug(list(sys.argv[1:] if arguments is None else arguments))
    from cyclopts import CycloptsError

    from irkit.cli.standard import marked

    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the shell: `>&-`
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  (to the end of the process)
    with contextlib.suppress(AttributeError, ValueError):
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        with held_by_command(), _noted(), warnings.catch_warnings():
            warnings.showwarning = _warn
            status = application()(marked(tokens), exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED, debug)
    except BrokenPipeError:
        _discard_output()
        return BROKEN_PIPE
    except SystemExit as leaving:  # rich, which prints the help, leaves so when nobody reads it
        if isinstance(leaving.__context__, BrokenPipeError):
            return BROKEN_PIPE
        raise
    except CycloptsError as error:
        return _fail(_usage(error), ERROR, debug)
    except IrkitError as error:
        return _fail(str(error), ERROR, debug)
    except OSError as error:
        return _fail(_system(error), ERROR, debug)
    except MemoryError:
        return _fail("out of memory; use a smaller collection or a machine with more memory", ERROR, debug)
    except Exception as error:
        from irkit.registry import plugin_of

        what = f"{type(error).__name__}: {error}"
        message = f"a defect in {plugin_of(error) or 'irkit'}, not in your input: {what}; --debug shows the trace"
        return _fail(message, DEFECT, debug)


def application() -> App:
    """Return the command-line application with all its commands."""
    from irkit.cli.app import build

    return build()


def _without_debug(tokens: list[str]) -> tuple[list[str], bool]:
    end = tokens.index("--") if "--" in tokens else len(tokens)
    kept = [token for token in tokens[:end] if token != "--debug"]
    return kept + tokens[end:], len(kept) < end


def _fail(message: str, status: int, debug: bool) -> int:
    # What was printed before the failure comes before the error line.
    with contextlib.suppress(AttributeError, OSError, ValueError):
        sys.stdout.flush()
    if debug:
        print(visible(traceback.format_exc(), lines=True), end="", file=sys.stderr)
    print(f"irkit: {_one_line(message)}", file=sys.stderr)
    return status


class _Notes(logging.Handler):
    """Prints what irkit logs as one line, as errors are."""

    def emit(self, record: logging.LogRecord) -> None:
        print(f"irkit: {_one_line(record.getMessage())}", file=sys.stderr)


@contextlib.contextmanager
def _noted() -> Iterator[None]:
    notes, log = _Notes(logging.WARNING), logging.getLogger("irkit")
    log.addHandler(notes)
    try:
        yield
    finally:
        log.removeHandler(notes)


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    """Print a warning as one line, as errors are."""
    print(f"irkit: warning: {_one_line(str(message))}", file=sys.stderr)


def _one_line(text: str) -> str:
    return visible(" ".join(text.split()))


def _usage(error: CycloptsError) -> str:
    """Put cyclopts' message into the shape of ours."""
    from irkit.cli.standard import restored

    text = restored(str(error)).split(" Available commands")[0].strip().rstrip(".")
    chain = " ".join(error.command_chain or ())
    who = f"{chain}: " if chain else ""
    return f"{who}{text[:1].lower()}{text[1:]}; see irkit {chain + ' ' if chain else ''}--help"


def _system(error: OSError) -> str:
    """Say what the operating system refused, and what to do where that is plain."""
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
