"""What a number was measured on."""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """Return processor, usable cores, Python version and platform, as a result file holds them.

    If something was computed by torch, and there is one, the `accelerator` too.
    """
    found = {"cpu": _cpu(), "cores": _cores(), "python": platform.python_version(), "platform": platform.system()}
    torch = sys.modules.get("torch")  # who needs none does not wait for its import
    if torch is not None and torch.cuda.is_available():
        found["accelerator"] = torch.cuda.get_device_name()
    return found


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found.group(1).strip() if found else platform.processor() or platform.machine()
