"""FAISS's index of the documents that have a vector, which can be saved and is read without loading it.

    flat    every document is compared: exact up to float32
    hnsw    a graph of `m` links a document is walked, with the `ef_search` best seen so far
    ivf     documents lie in `nlist` lists by the nearest centroid of k-means; `nprobe` lists are compared

Sources: Douze et al., "The Faiss library", arXiv 2401.08281; Malkov and Yashunin, "Efficient and robust approximate
nearest neighbor search using hierarchical navigable small world graphs", TPAMI 42(4), 2020 (M and efSearch there).

A file is FAISS's own, which reads no further, and then what was built of what: JSON, its length, and the digest of
`irkit.kept`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal, Self, TypeAlias

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.atomic import refused, replacing
from irkit.errors import ConfigError, DamagedError, NotFoundError, ShapeError
from irkit.kept import END, seal, whole

Kind: TypeAlias = Literal["flat", "hnsw", "ivf"]

EF_CONSTRUCTION = 200
"Best seen so far while a graph is built."

_LENGTH = 8  # bytes


def unit(vectors: Floats) -> Floats:
    """Scale vectors to length 1; zero stays zero: (n, d) to (n, d) float32."""
    if vectors.shape[1]:  # by powers of 2 first, which changes no digit, so that squares stay in float32's range
        vectors = np.ldexp(vectors, -np.frexp(np.abs(vectors).max(axis=1, keepdims=True))[1])
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.where(length > 0, length, 1), dtype=np.float32)


class Nearest:
    """Documents by the direction of their vectors.

    Parameters
    ----------
    index : faiss.Index
        Of vectors of length 1, by inner product; its ids are rows of documents.
    built : dict
        What it was built as: `index`, and `m` or `nlist` where there is such.
    fingerprint : str
        Of the encoder that the vectors are of.
    """

    def __init__(self, index: Any, built: dict[str, Any], fingerprint: str) -> None:
        self.index, self.built, self.fingerprint = index, built, fingerprint

    def __len__(self) -> int:
        return int(self.index.ntotal)

    @classmethod
    def build(cls, documents: Floats, built: dict[str, Any], fingerprint: str) -> Self:
        """Index documents, by one thread, which makes approximate ones the same each time.

        Parameters
        ----------
        documents : (N, d) float
            Those that are all zero are left out.
        built, fingerprint
            As the class has them.
        """
        import faiss

        vectors = unit(documents)
        rows = np.flatnonzero(vectors.any(axis=1))
        vectors, d = vectors[rows], vectors.shape[1]
        index: Any
        with _one_thread():
            if built["index"] == "ivf" and len(rows):
                nlist = min(built.get("nlist") or round(len(rows) ** 0.5), len(rows))
                index = faiss.IndexIVFFlat(faiss.IndexFlatIP(d), d, nlist, faiss.METRIC_INNER_PRODUCT)
                index.cp.spherical = True
                index.cp.min_points_per_centroid = 1  # fewer make FAISS print a warning
                index.train(vectors)
            elif built["index"] == "hnsw":
                graph = faiss.IndexHNSWFlat(d, built["m"], faiss.METRIC_INNER_PRODUCT)
                graph.hnsw.efConstruction = EF_CONSTRUCTION
                index = faiss.IndexIDMap(graph)
            else:
                index = faiss.IndexIDMap(faiss.IndexFlatIP(d))
            if len(rows):
                index.add_with_ids(vectors, rows)
        return cls(index, built, fingerprint)

    def search(self, queries: Floats, n: int, *, ef_search: int, nprobe: int) -> tuple[Ints, Ints, Floats]:
        """Return the n documents nearest to each query that has a vector, and those that tie with the last of them.

        Parameters
        ----------
        queries : (q, d) float
        n : int
        ef_search, nprobe : int
            Of the approximate kinds.

        Returns
        -------
        query, document : (m,) int64
            Rows of `queries`, ascending, and of documents, best first.
        cosine : (m,) float64

        Raises
        ------
        ShapeError
            If queries have other dimensions than documents.
        """
        asked = unit(queries)
        known = np.flatnonzero(asked.any(axis=1))
        if not len(known) or not len(self):
            nothing = np.zeros(0, dtype=np.int64)
            return nothing, nothing, np.zeros(0)
        if asked.shape[1] != self.index.d:
            raise ShapeError(
                f"dense: documents have vectors of {self.index.d} numbers, got {asked.shape[1]} of a query; encode "
                "both by the same model, and give a model of another width another name"
            )
        query, found, score = self._search(asked[known], n, n + 1, ef_search, nprobe)
        return known[query], found, score.astype(np.float64)

    def _search(self, asked: Floats, n: int, more: int, ef_search: int, nprobe: int) -> tuple[Ints, Ints, Floats]:
        """Search for more than n documents, and for more again where all of the rest tie with the n-th."""
        more = min(more, len(self))
        score, found = self.index.search(asked, more, params=self.how(more, ef_search, nprobe))
        # FAISS says -1 where the lists that it compares hold fewer.
        wanted = (score >= score[:, [min(n, more) - 1]]) & (found >= 0)
        unknown = wanted[:, -1] & (more < len(self))
        wanted[unknown] = False
        query, place = np.nonzero(wanted)
        parts: list[tuple[Ints, Ints, Floats]] = [(query, found[query, place], score[query, place])]
        if not unknown.any():
            return parts[0]
        again = np.flatnonzero(unknown)
        late, doc, cosine = self._search(asked[again], n, 2 * more, ef_search, nprobe)
        parts.append((again[late], doc, cosine))
        rows, doc, cosine = (np.concatenate(part) for part in zip(*parts, strict=True))
        order = np.argsort(rows, kind="stable")
        return rows[order], doc[order], cosine[order]

    def how(self, n: int, ef_search: int, nprobe: int) -> Any:
        """Return FAISS's parameters of a search for the best n."""
        import faiss

        if self.built["index"] == "hnsw":  # which finds no more documents than it walks with
            return faiss.SearchParametersHNSW(efSearch=max(n, ef_search))  # type: ignore[attr-defined]
        if self.built["index"] == "ivf":
            return faiss.SearchParametersIVF(nprobe=nprobe)  # type: ignore[call-arg]
        return None

    # ------------------------------------------------------------------ files

    def write(self, file: BinaryIO) -> None:
        """Write all but the digest."""
        import faiss

        faiss.write_index(self.index, faiss.PyCallbackIOWriter(file.write))  # type: ignore[attr-defined]
        head = json.dumps({"encoder": self.fingerprint, **self.built}).encode()
        file.write(head + len(head).to_bytes(_LENGTH, "little"))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Map a file into memory that is known to be whole."""
        import faiss

        with path.open("rb") as file:
            file.seek(-END - _LENGTH, 2)
            size = int.from_bytes(file.read(_LENGTH), "little")
            file.seek(-END - _LENGTH - size, 2)
            built = json.loads(file.read(size))
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:  # of another version of FAISS
            raise ValueError(str(error)) from None
        return cls(index, built, built.pop("encoder"))

    def save(self, path: Path) -> None:
        """Write a file.

        Raises
        ------
        DataError
            If the system refuses.
        """
        try:
            with replacing(path) as file:
                seal(file, self.write)
        except OSError as error:
            raise refused(path, error) from error

    @classmethod
    def load(cls, path: Path, fingerprint: str) -> Self:
        """Read a file of the vectors of an encoder.

        Raises
        ------
        NotFoundError
            If there is none.
        DamagedError
            If it is not as it was written.
        ConfigError
            If the vectors are of other documents or another encoder.
        """
        try:
            found = cls.read(path) if whole(path) else None
        except FileNotFoundError:
            raise NotFoundError(f"dense: there is no file {str(path)!r}; build it with Dense(...).save") from None
        except (OSError, ValueError) as error:
            raise DamagedError(f"dense: {path} cannot be read, {error}; build it again") from None
        if found is None:
            raise DamagedError(f"dense: {path} is not as Dense wrote it; build it again")
        if found.fingerprint != fingerprint:
            raise ConfigError(
                f"dense: {path} is of the fingerprint {fingerprint[:8]}, got {found.fingerprint[:8]}, of other "
                "documents or another encoder; give the encoder that it was built with, or build it again"
            )
        return found


@contextmanager
def _one_thread() -> Iterator[None]:
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
