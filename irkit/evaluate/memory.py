"""Peak memory of this process, from one point in time to another."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")

NOTE = "peak memory is that of the whole process since its start: this system cannot reset the mark"
"What a board says where the high-water mark cannot be reset."


def reset_peak() -> bool:
    """Set the kernel's high-water mark of resident memory back to what is resident now.

    Returns
    -------
    bool
        False where the kernel cannot or may not do it; peaks are then since the start of the process.

    Source: Linux, Documentation/filesystems/proc.rst, `clear_refs` (5) and `VmHWM`.
    """
    try:
        _CLEAR.write_text("5")
    except OSError:
        return False
    return True


def memory_notes() -> list[str]:
    """Return what a board must say of its peaks of memory, if anything."""
    return [] if reset_peak() else [NOTE]


def peak_memory_mb() -> float:
    """Return the high-water mark of resident memory in megabytes (10^6 bytes)."""
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    except OSError:
        found = None
    if found:
        return int(found.group(1)) * 1024 / 1e6
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / 1e6 if sys.platform == "darwin" else used * 1024 / 1e6
