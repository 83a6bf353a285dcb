"""Names of what torch computes on; torch itself is not imported."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

_DEVICE = re.compile(r"auto|cpu|mps|cuda(:[0-9]{1,2})?")


def check_device(name: str) -> str:
    """Return the name of a device.

    Raises
    ------
    ValueError
        If irkit does not compute on such a thing.
    """
    if not _DEVICE.fullmatch(name):
        raise ValueError("a device is auto, cpu, cuda, cuda:0 and so on, or mps")
    return name


Device = Annotated[str, AfterValidator(check_device)]
"A config's field for a device."
