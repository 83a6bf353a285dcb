"""Work of many processes and machines, by Ray."""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.doors import door

if TYPE_CHECKING:
    from irkit.cluster.connection import connected as connected
    from irkit.cluster.connection import environment as environment
    from irkit.cluster.scatter import open_shards as open_shards
    from irkit.cluster.tasks import Tasks as Tasks
else:
    __getattr__, __dir__, __all__ = door(__name__)
