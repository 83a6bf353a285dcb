"""The sidecar of an index: external ids, vocabulary, postings and the forward matrix as memory maps.

It lies in `INDEX/irkit/`, or under `IRKIT_HOME/sidecars/` where the index cannot be written, and
belongs to one commit: when the index has changed, it is made anew. Ids, their ranks and the
manifest are written with the index; the rest on first use, by one walk over the postings.

Symbols: D documents, V terms, P postings.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from irkit.arrays import Ints
from irkit.config import digest
from irkit.errors import ConfigError, JavaError, LockedError
from irkit.hits import Docnos
from irkit.locate import home
from irkit.lucene import storage, swap
from irkit.lucene.calls import interruptible
from irkit.lucene.jvm import java
from irkit.lucene.manifest import Manifest, Replaced, commit_key, create, read_manifest, sidecar_lock, work_folder
from irkit.lucene.transpose import transpose
from irkit.lucene.vocabulary import Vocabulary
from irkit.lucene.wire import java_errors

if TYPE_CHECKING:
    from scipy.sparse import csc_matrix, csr_matrix

__all__ = ["FOLDER", "Sidecar", "commit_key"]

FOLDER = "irkit"
"Name of the sidecar's folder inside the index."

_ATTEMPTS = 5


class Sidecar:
    """An open sidecar; make one with `Sidecar.open`.

    Ids and ranks are mapped at once. The rest is mapped when first asked for, and refused if the
    index has been rebuilt meanwhile.
    """

    def __init__(self, path: Path, folder: Path, manifest: Manifest, analyzer: str | None = None) -> None:
        self.path = path
        self.folder = folder
        self.manifest = manifest
        self.analyzer = analyzer or manifest.analyzer
        docnos = storage.read_strings(folder / "docnos.arrow", manifest.documents)
        rank = storage.read_array(folder / "rank.npy", manifest.documents, np.int32)
        if docnos is None or rank is None or read_manifest(folder) != manifest:
            raise _Damaged
        self.docnos = Docnos(docnos, rank)

    @classmethod
    def open(cls, path: str | os.PathLike[str], analyzer: str | None = None) -> Sidecar:
        """Open the sidecar of an index, making it first where there is none for its present commit.

        Parameters
        ----------
        path : path
            Folder of the index.
        analyzer : str, optional
            Use this analyser for queries, whatever the manifest says.

        Raises
        ------
        NotFoundError
            If there is no index at `path`.
        ConfigError
            If the index has no documents, deleted documents or no field `contents`, or a sidecar
            can be written nowhere.
        DataError
            If two documents have the same id.
        JavaError
            If Lucene cannot read the index.
        """
        index = swap.target(path)
        swap.recover(index)
        for _ in range(_ATTEMPTS):
            key = commit_key(index)
            places = (index / FOLDER, home() / "sidecars" / digest(str(index), key))
            for folder in places:
                manifest = read_manifest(folder)
                if manifest is not None and manifest.key == key:
                    with suppress(_Damaged):
                        return cls(index, folder, manifest, analyzer)
            try:
                return cls(index, *_create(index, places, key), analyzer)
            except (_Damaged, Replaced):
                continue
            except JavaError:
                if commit_key(index) == key:
                    raise
        raise LockedError(f"index: {index} is being replaced again and again; open it when its builder has ended")

    @property
    def key(self) -> str:
        """Identity of the commit."""
        return self.manifest.key

    @property
    def fingerprint(self) -> str:
        """Identity of the content and the analyser in force."""
        if self.analyzer == self.manifest.analyzer:
            return self.manifest.fingerprint
        return digest(self.manifest.fingerprint, self.analyzer)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The V terms with their frequencies."""
        size = self.manifest.terms
        df, cf = self._array("df", size, np.int32), self._array("cf", size, np.int64)
        terms = storage.read_strings(self.folder / "terms.arrow", size)
        if terms is None:
            self._export()
            terms = storage.read_strings(self.folder / "terms.arrow", size)
        return Vocabulary(self._checked(terms, "terms.arrow"), df, cf)

    @cached_property
    def lengths(self) -> Ints:
        """(D,) int32: exact number of tokens of each document."""
        return self._array("lengths", self.manifest.documents, np.int32)

    @cached_property
    def columns(self) -> tuple[Ints, Ints, Ints]:
        """Postings by term: offsets (V + 1,) int64, documents (P,) int32 ascending, frequencies (P,) int32."""
        size = self.manifest.postings
        ptr = self._array("csc_ptr", self.manifest.terms + 1, np.int64)
        return ptr, self._array("csc_doc", size, np.int32), self._array("csc_tf", size, np.int32)

    @cached_property
    def rows(self) -> tuple[Ints, Ints, Ints]:
        """Postings by document: offsets (D + 1,) int64, terms (P,) int32 ascending, frequencies (P,) int32."""
        size = self.manifest.postings
        ptr = self._array("csr_ptr", self.manifest.documents + 1, np.int64)
        return ptr, self._array("csr_term", size, np.int32), self._array("csr_tf", size, np.int32)

    @cached_property
    def postings(self) -> csc_matrix:
        """(D, V) int32 term frequencies by term, on read-only memory maps."""
        from scipy.sparse import csc_matrix

        return _matrix(csc_matrix, self.columns, (self.manifest.documents, self.manifest.terms))

    @cached_property
    def forward(self) -> csr_matrix:
        """(D, V) int32 term frequencies by document, on read-only memory maps."""
        from scipy.sparse import csr_matrix

        return _matrix(csr_matrix, self.rows, (self.manifest.documents, self.manifest.terms))

    def _array(self, name: str, size: int, dtype: Any) -> Ints:
        """Map one array, writing it first where it is missing."""
        path = self.folder / f"{name}.npy"
        array = storage.read_array(path, size, dtype)
        if array is None:
            self._transpose() if name.startswith("csr_") else self._export()
            array = storage.read_array(path, size, dtype)
        return self._checked(array, path.name)

    def _checked(self, value: Any, name: str) -> Any:
        """Check that a part was read and that the sidecar is still that of our commit."""
        self._same_commit()
        if value is None:
            raise ConfigError(
                f"sidecar: {self.folder / name} cannot be read; delete {self.folder} to have it made again"
            )
        return value

    def _same_commit(self) -> None:
        now = read_manifest(self.folder)
        if now is None or now.key != self.key:
            raise ConfigError(f"index: {self.path} was rebuilt since it was opened; open it again")

    def _export(self) -> None:
        """Walk all postings once and keep them by term."""
        export = java("Export")
        with self._writing() as work:
            with java_errors(f"sidecar: exporting the postings of {self.path} failed"):
                interruptible(export.postings, str(self.path), str(work))
            storage.write_strings(work / "terms.arrow", storage.raw_strings(work, "terms"))
            for name in ("terms.ptr", "terms.bytes"):
                (work / name).unlink()

    def _transpose(self) -> None:
        """Turn the postings by term into rows by document."""
        ptr, doc, tf = self.columns
        with self._writing() as work:
            transpose(ptr, doc, tf, self.manifest.documents, work)

    @contextmanager
    def _writing(self) -> Iterator[Path]:
        """Lend a folder; what is in it at the end is kept, if the index is still the one we opened."""
        try:
            self._same_commit()
            with work_folder(self.folder) as work:
                yield work
                with sidecar_lock(self.folder):
                    self._same_commit()
                    for path in sorted(work.iterdir()):
                        storage.keep(path, self.folder)
        except OSError as error:
            self._same_commit()
            raise ConfigError(
                f"sidecar: cannot write {self.folder}: {error.strerror or error}; check free space and permissions"
            ) from error


class _Damaged(Exception):
    """The files of a sidecar do not fit its manifest."""


def _create(index: Path, places: tuple[Path, Path], key: str) -> tuple[Path, Manifest]:
    """Make the sidecar in the first place that can be written."""
    with suppress(OSError):
        return places[0], create(index, places[0], key)
    try:
        return places[1], create(index, places[1], key)
    except OSError as error:
        raise ConfigError(
            f"sidecar: can be written neither in {index} nor in {places[1]}: {error.strerror or error}; set IRKIT_HOME"
        ) from error


def _matrix(kind: Any, parts: tuple[Ints, Ints, Ints], shape: tuple[int, int]) -> Any:
    ptr, index, tf = parts
    matrix = kind((tf, index, ptr), shape=shape, copy=False)
    matrix.has_canonical_format = True  # sorted, no repeats: scipy need not try to sort read-only memory
    return matrix
