"""Run a pipeline in several worker processes, the queries split among them."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from pydantic import Field

from irkit.config import Config
from irkit.errors import ConfigError, IrkitError
from irkit.frames import stack_queries
from irkit.hits import Hits, stacked
from irkit.pipeline.chain import as_stage
from irkit.pipeline.stage import Flow, Stage

CHUNKS_PER_WORKER = 4
"More chunks than workers even out queries that take long."


class ParallelConfig(Config):
    """Settings of `Parallel`."""

    unhashed: ClassVar[frozenset[str]] = frozenset({"n"})
    n: int = Field(ge=1)
    "Worker processes."


class Parallel(Stage):
    """Run a pipeline in worker processes: `pipeline.parallel(4)`.

    The results are those of the pipeline itself, bit for bit, as long as its stages treat each
    query for itself. The workers are fresh processes (loky: no fork of a process that runs a JVM),
    started on first use and kept for later calls; each opens indexes by their path and keeps the
    last pipelines it ran. Only stages that compute in Python gain from it: a retriever already uses
    all cores from one process, through threads in the JVM, and on two cores those are usually enough.
    """

    name = "parallel"
    transparent = True
    config_type = ParallelConfig
    config: ParallelConfig

    def __init__(self, parts: tuple[Stage, ...], config: ParallelConfig | None = None, **settings: Any) -> None:
        super().__init__(config, **settings)
        if len(parts) != 1:
            raise ConfigError(f"parallel: runs one pipeline, got {len(parts)}; join them by an operator first")
        self.parts = (as_stage(parts[0], sign="parallel"),)
        self.takes, self.gives = parts[0].takes, parts[0].gives

    @classmethod
    def make(cls, config: dict[str, Any], parts: tuple[Stage, ...], resources: dict[str, Any]) -> Stage:
        """Construct from plain values, as a recipe does."""
        return cls(parts, ParallelConfig(**config))

    def run(self, flow: Flow) -> Flow:
        """Split the queries, run the pieces, and put the results together in order."""
        from joblib import Parallel as Pool
        from joblib import delayed

        from irkit.pipeline.worker import run_piece

        pipeline = self.parts[0]
        queries = flow.queries if isinstance(flow, Hits) else flow
        if self.config.n == 1 or len(queries) < 2:
            return pipeline.run(flow)
        key, payload = _packed(pipeline)
        size = math.ceil(len(queries) / (self.config.n * CHUNKS_PER_WORKER))
        pieces = [_piece(flow, start, min(start + size, len(queries))) for start in range(0, len(queries), size)]
        pool = Pool(n_jobs=self.config.n, backend="loky")
        done = pool(delayed(run_piece)(key, payload, piece) for piece in pieces)
        if self.gives == "queries":
            return stack_queries(done)
        return stacked(done, stack_queries([hits.queries for hits in done]))

    def limited(self, k: int) -> Stage:
        """Cut inside the workers, so that fewer hits travel."""
        return Parallel((self.parts[0] % k,), self.config)

    @property
    def fingerprint(self) -> str:
        """That of the pipeline: where it runs makes no difference to what it gives."""
        return self.parts[0].fingerprint


def _packed(pipeline: Stage) -> tuple[str, bytes]:
    """Return a pipeline as bytes for the workers, and a key for them to know it by.

    The bytes only travel from this process to its own workers; nothing is written or read back.

    Raises
    ------
    ConfigError
        If something in the pipeline cannot be sent.
    """
    from hashlib import blake2b

    import cloudpickle  # type: ignore[import-untyped]

    try:
        payload = cloudpickle.dumps(pipeline)
    except IrkitError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ConfigError(
            f"parallel: {pipeline!r} cannot be sent to a worker process, {reason}; "
            "let functions open files, models and connections themselves, or run without parallel"
        ) from error
    return blake2b(payload, digest_size=16).hexdigest(), payload


def _piece(flow: Flow, start: int, stop: int) -> Flow:
    if isinstance(flow, Hits):
        return flow.between(start, stop).compact()
    return flow.iloc[start:stop].reset_index(drop=True)
