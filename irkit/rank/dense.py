"""Dense retrieval: the documents whose vectors point most nearly where a query's does.

    score(q, d) = <q, d> / (|q| |d|)

By default every document is compared, so the best n are exact up to float32; `index: hnsw` or `ivf` compares fewer
and may miss some. A query or document without a vector (all zero) finds nothing and is found by nothing.

The index is built when it is first needed. Where the encoder has a `folder`, as those of recipes have, it is kept
there and found again; then no document is encoded any more.
"""

from __future__ import annotations

import os
from copy import copy
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator

from irkit.arrays import offsets
from irkit.config import Config, digest
from irkit.errors import ConfigError
from irkit.frames import Queries
from irkit.hits import Hits, settle_ties
from irkit.kept import found, keep
from irkit.locks import turn
from irkit.pipeline.stage import Stage
from irkit.rank.encoder import Encoder, texts_of
from irkit.rank.nearest import Kind, Nearest
from irkit.rank.remembered import safe_name
from irkit.signature import showing

_OF = {"m": "hnsw", "ef_search": "hnsw", "nlist": "ivf", "nprobe": "ivf"}


class DenseConfig(Config):
    """Settings of `Dense`."""

    n: int = Field(1000, ge=1)
    "Documents retrieved per query."
    index: Kind = "flat"
    "FAISS's index: `flat` compares all documents; `hnsw` walks a graph, `ivf` compares some lists of them."
    m: int = Field(32, ge=2)
    "Of hnsw: links of a document."
    ef_search: int = Field(64, ge=1)
    "Of hnsw: best documents seen so far that the walk goes on from; at least `n` of them."
    nlist: int | None = Field(None, ge=1)
    "Of ivf: lists; default the square root of the number of documents."
    nprobe: int = Field(16, ge=1)
    "Of ivf: lists that a query is compared with."

    @model_validator(mode="after")
    def _fits(self) -> DenseConfig:
        for name, kind in _OF.items():
            value = getattr(self, name)
            if self.index != kind and value != type(self).model_fields[name].default:
                raise ValueError(f"{name} is a setting of index={kind!r}, got {value} with {self.index!r}; remove it")
        return self

    def built(self) -> dict[str, Any]:
        """Return the settings that the index depends on."""
        names = ["index", *(name for name in ("m", "nlist") if _OF[name] == self.index)]
        return {name: getattr(self, name) for name in names}


class Dense(Stage):
    """Retrieve the documents whose vectors are nearest to the query's by cosine.

    The text of the query is encoded, as it was asked: terms that an expansion before it weighs are not.
    """

    name = "dense"
    takes = "queries"
    gives = "results"
    needs = ("encoder",)
    config_type = DenseConfig
    config: DenseConfig

    def __init__(self, encoder: Encoder, config: DenseConfig | None = None, **settings: Any) -> None:
        super().__init__(config, **settings)
        self.encoder = encoder
        self._held: list[Nearest] = []  # shared with those of fewer documents

    @property
    def nearest(self) -> Nearest:
        """The documents, indexed."""
        if not self._held:
            folder = getattr(self.encoder, "folder", None)
            self._held.append(self._built() if folder is None else self._kept(folder))
        return self._held[0]

    def run(self, flow: Queries) -> Hits:
        """Search all queries in one batch.

        Raises
        ------
        FrameError
            If the queries have no texts.
        """
        if not len(flow):
            return Hits.none(flow)
        asked, docnos = self.encoder.encode(texts_of(flow, who=self.name)), self.encoder.docnos
        config = self.config
        query, doc, score = self.nearest.search(asked, config.n, ef_search=config.ef_search, nprobe=config.nprobe)
        ptr = offsets(np.bincount(query, minlength=len(flow)))
        return Hits(flow, ptr, settle_ties(doc, query, score, docnos.rank), score, docnos).cut(config.n)

    def limited(self, k: int) -> Dense:
        """Return a retriever that stops at k documents, over the same index."""
        if k >= self.config.n:
            return self
        fewer = copy(self)
        fewer.config = self.config.changed(n=k)
        return fewer

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the index of the documents.

        Raises
        ------
        DataError
            If the system refuses to write.
        """
        self.nearest.save(Path(path).expanduser())

    @classmethod
    @showing(DenseConfig)
    def load(cls, path: str | os.PathLike[str], *, encoder: Encoder, **settings: Any) -> Self:
        """Return a retriever over a saved index, which stays on the disk and is read from there.

        Parameters
        ----------
        path : path
        encoder : Encoder
            The one that it was saved with, of the same documents.
        settings
            Fields of `DenseConfig`; those that the index was built with need not be given.

        Raises
        ------
        NotFoundError
            If there is no such file.
        DamagedError
            If it is not as it was written.
        ConfigError
            If it is of other documents, another encoder or other settings.
        """
        nearest = Nearest.load(Path(path).expanduser(), encoder.fingerprint)
        stage = cls(encoder, **{**nearest.built, **settings})
        if stage.config.built() != nearest.built:
            raise ConfigError(
                f"dense: {path} was built with {nearest.built}, got {stage.config.built()}; leave these out"
            )
        stage._held.append(nearest)
        return stage

    def _built(self) -> Nearest:
        return Nearest.build(self.encoder.documents, self.config.built(), self.encoder.fingerprint)

    def _kept(self, folder: Path) -> Nearest:
        """Return the index that is in a folder, or build it and keep it there."""
        who = getattr(self.encoder, "name", self.name)
        key = digest("nearest", self.encoder.fingerprint, getattr(self.encoder, "code", ""), self.config.built())
        path = folder / f"{safe_name(who)}-{key[:16]}.faiss"
        nearest = found(path, Nearest.read)
        if nearest is None:
            with turn(path, f"builds the index of {who}"):
                nearest = found(path, Nearest.read)
                if nearest is None:
                    nearest = self._built()
                    keep(path, nearest.write)
        return nearest
