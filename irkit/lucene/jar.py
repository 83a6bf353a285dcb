"""Build the bridge jar from its Java sources: `python -m irkit.lucene.jar` (needs javac 17 or newer).

The jar is part of the package, so users never need this. The same sources give the same bytes:
entries are sorted and carry a fixed date.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from irkit.atomic import writing
from irkit.errors import JavaError
from irkit.lucene.jvm import BRIDGE_JAR, lucene_jar

SOURCES = Path(__file__).parent / "java"


def build_jar(out: Path = BRIDGE_JAR) -> Path:
    """Compile the sources against Lucene and write the jar.

    Raises
    ------
    JavaError
        If there is no javac, or the sources do not compile.
    """
    javac = shutil.which("javac")
    if javac is None:
        raise JavaError("jar: there is no javac on the PATH; install a JDK 17 or newer")
    with tempfile.TemporaryDirectory() as folder:
        command = [javac, "--release", "17", "-Xlint:all", "-Werror", "-g:none", "-cp", str(lucene_jar()), "-d", folder]
        done = subprocess.run(
            [*command, *map(str, sorted(SOURCES.glob("*.java")))], capture_output=True, encoding="utf-8"
        )
        if done.returncode:
            raise JavaError(f"jar: javac failed\n{done.stderr or done.stdout}")
        # In one step: a JVM that runs keeps reading the file it opened; changed in place, it would crash.
        with writing(out) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as jar:
            for path in sorted(Path(folder).rglob("*.class")):
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), (1980, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                jar.writestr(entry, path.read_bytes())
    return out


if __name__ == "__main__":
    print(build_jar(Path(sys.argv[1]) if len(sys.argv) > 1 else BRIDGE_JAR))
