"""Peak memory of this process, from one point in time to another."""

from __future__ import annotations

import re
import sys
from pathlib import Path

try:
    import resource
except ImportError:  # Windows, where peaks are not known
    resource = None  # type: ignore[assignment]

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")

NOTE = "peak memory is that of the whole process since its start: this system cannot reset the mark"
"What a board says where the high-water mark cannot be reset."

UNKNOWN = "peak memory is not known: this system does not tell it"
"What a board says where there is no high-water mark."


def reset_peak() -> bool:
    """Set the kernel's high-water mark of resident memory back to what is resident now.

    Returns
    -------
    bool
        False where the kernel cannot or may not do it; peaks are then since the start of the process.

    Source: Linux, Documentation/filesystems/proc.rst, `clear_refs` (5) and `VmHWM`.
    """
    try:
        _CLEAR.write_bytes(b"5")
    except OSError:
        return False
    return True


def memory_notes() -> list[str]:
    """Return what a board must say of its peaks of memory, if anything."""
    if reset_peak():
        return []
    return [UNKNOWN if peak_memory_mb() is None else NOTE]


def peak_memory_mb() -> float | None:
    """Return the high-water mark of resident memory in megabytes (10^6 bytes); None where the system does not tell."""
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB", _STATUS.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    if found:
        return int(found.group(1)) * 1024 / 1e6
    if resource is None:
        return None
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / 1e6 if sys.platform == "darwin" else used * 1024 / 1e6
