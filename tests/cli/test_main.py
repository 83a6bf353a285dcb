"""Tests of irkit.cli: exit statuses, the one error line, --debug, interrupted and broken output."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
import time

import pytest
from cyclopts import App

import irkit.cli.app
import irkit.cli.search
from irkit import cli
from irkit.cli.interrupted import Interrupted, going_on
from irkit.errors import ConfigError


def command_that(error: BaseException):
    """Return an application whose one command `fail` raises an error."""
    from cyclopts import App

    def fail() -> None:
        print("before")
        raise error

    app = App(name="irkit", suppress_keyboard_interrupt=False)
    app.command(fail)
    return lambda: app


@pytest.fixture
def failing(monkeypatch):
    def install(error: BaseException) -> None:
        monkeypatch.setattr(cli, "application", command_that(error))

    return install


def test_help_succeeds(capsys):
    assert cli.main(["--help"]) == 0
    assert "Start with: irkit leaderboard quickstart" in capsys.readouterr().out


def test_no_arguments_show_the_help(capsys):
    assert cli.main([]) == 0
    assert "Commands:" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version_is_the_packages(capsys, option):
    assert cli.main([option]) == 0
    assert capsys.readouterr().out.strip() == f"irkit {irkit.__version__}"


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (ConfigError("thing: is wrong, got 3; use 4"), 2, "irkit: thing: is wrong, got 3; use 4"),
        (ConfigError("two\nlines"), 2, "irkit: two lines"),
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "a.txt"),
            2,
            "irkit: a.txt: no such file or directory; check the path",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "a.txt"),
            2,
            "irkit: a.txt: permission denied; change its permissions or choose another place",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            2,
            "irkit: no space left on device; free some space and run it again",
        ),
        (OSError("odd"), 2, "irkit: odd"),
        (MemoryError(), 2, "irkit: out of memory; use a smaller collection or a machine with more memory"),
        (KeyboardInterrupt(), 130, "irkit: interrupted; nothing is kept that it could go on from"),
        (KeyError("x"), 1, "irkit: a defect in irkit, not in your input: KeyError: 'x'; --debug shows the trace"),
    ],
)
def test_an_error_is_one_line_and_a_status(failing, capsys, error, status, line):
    failing(error)
    assert cli.main(["fail"]) == status
    printed = capsys.readouterr()
    assert printed.err == line + "\n"
    assert printed.out == "before\n"


def test_debug_shows_the_trace_and_still_the_line(failing, capsys):
    failing(ConfigError("thing: is wrong"))
    assert cli.main(["fail", "--debug"]) == 2
    printed = capsys.readouterr().err
    assert "Traceback" in printed
    assert "ConfigError" in printed
    assert printed.endswith("irkit: thing: is wrong\n")


def test_debug_after_two_dashes_is_an_argument():
    assert cli.without_options(["search", "--debug", "--", "--debug"]) == (["search", "--", "--debug"], {"--debug"})
    assert cli.without_options(["search", "--", "--quiet"]) == (["search", "--", "--quiet"], set())


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["indx"], "there is no command 'indx'; did you mean index?"),
        (["search"], "search: INDEX is missing"),
        (["doctor", "a", "b"], "doctor: there is more than it takes, b; "),
        (["search", "a", "b", "--colour", "red"], "search: there is no option --colour; "),
        (["search", "a", "b", "-n", "ten"], "search: -n is not valid, got 'ten'; it must be a whole number"),
        (["search", "a", "b", "-n"], "search: -n needs a value"),
        (
            ["compare", "q", "a", "b", "--test", "z"],
            "compare: --test is not valid, got 'z'; choose from randomisation, t, wilcoxon",
        ),
        (["pipelines", "shew"], "pipelines: there is no command 'shew'; did you mean show?"),
    ],
)
def test_a_wrong_command_line_is_one_line(capsys, arguments, line):
    assert cli.main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"irkit: {line}")
    assert printed.err.count("\n") == 1
    assert any(todo in printed.err for todo in ("--help", "did you mean", "; choose from ", "; it must be "))


def test_a_reader_that_stops_is_no_error(failing, monkeypatch, capsys):
    failing(BrokenPipeError())
    monkeypatch.setattr(cli, "_discard_output", lambda: None)
    assert cli.main(["fail"]) == 141
    assert capsys.readouterr().err == ""


def test_output_that_an_encoding_lacks_is_escaped(monkeypatch):
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(irkit.cli, "application", lambda: lambda *a, **k: print("K\u00f6ln"))
    assert cli.main([]) == 0
    out.flush()
    assert out.buffer.getvalue() == b"K\\xf6ln\n"


@pytest.mark.slow
def test_a_closed_pipe_is_silent_in_a_real_shell():
    code = "import sys; from irkit.cli import main; sys.exit(main(['--help']))"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.slow
def test_ctrl_c_in_the_middle_of_work_is_one_line(tmp_path):
    # A shell that starts the tests in the background leaves them deaf to Ctrl-C.
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); from irkit.cli import main; "
        "sys.exit(main(['leaderboard', 'quickstart-retrieval', '--repeats', '100000']))"
    )
    environment = {**os.environ, "IRKIT_HOME": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        limit = time.monotonic() + 60
        while not list(tmp_path.glob("indexes/lee-*")) and time.monotonic() < limit:
            time.sleep(0.05)
        time.sleep(1)  # it searches by now
        process.send_signal(signal.SIGINT)
        try:
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, out) == (130, "")
    assert (
        err == "irkit: interrupted; nothing is kept that it could go on from\n"
    )  # nothing was measured to its end yet


@pytest.mark.parametrize(
    ("words", "again"),
    [
        (["fail"], "irkit fail --resume"),
        (["fail", "--resume"], "irkit fail --resume"),
        (["--quiet", "fail"], "irkit fail --resume"),
    ],
)
def test_ctrl_c_says_what_is_kept_and_how_to_go_on(monkeypatch, capsys, words, again):
    def fail(*, resume: bool = False) -> None:
        with going_on("its checkpoint is kept", lambda: True, "--resume"):
            raise KeyboardInterrupt

    app = App(name="irkit", suppress_keyboard_interrupt=False)
    app.command(fail)
    monkeypatch.setattr(cli, "application", lambda: app)
    assert cli.main(words) == 130
    assert capsys.readouterr().err == f"irkit: interrupted; its checkpoint is kept; go on with: {again}\n"


def test_ctrl_c_says_nothing_of_what_is_not_kept():
    with pytest.raises(KeyboardInterrupt) as stopped, going_on("it is kept", lambda: False):
        raise KeyboardInterrupt
    assert not isinstance(stopped.value, Interrupted)


@pytest.mark.slow
def test_a_full_disk_under_the_output_is_one_line():
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "irkit", "--help"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr == "irkit: no space left on device; free some space and run it again\n"
