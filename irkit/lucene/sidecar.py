"""The sidecar of an index: external ids, vocabulary, postings and the forward matrix as memory maps.

It lies in `INDEX/irkit/`, or under `IRKIT_HOME/sidecars/` where the index cannot be written, and
belongs to one commit: when the index has changed, it is made anew. Ids, their ranks and the
manifest are written with the index; the rest on first use, by one walk over the postings.
Nothing of it is read before its digest was compared, see `irkit.lucene.integrity`; what is
damaged is made again.

Symbols: D documents, V terms, P postings.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from irkit import verified
from irkit.arrays import Ints
from irkit.atomic import put
from irkit.config import digest
from irkit.errors import ConfigError, DamagedError, JavaError, LockedError
from irkit.hits import Docnos
from irkit.locate import home
from irkit.lucene import storage, swap
from irkit.lucene.analysis import processors
from irkit.lucene.calls import interruptible
from irkit.lucene.integrity import DamagedPart, check_index, check_parts
from irkit.lucene.jvm import java
from irkit.lucene.making import Replaced, create
from irkit.lucene.manifest import (
    LASTING,
    Manifest,
    commit_key,
    read_manifest,
    sidecar_lock,
    work_folder,
    write_manifest,
)
from irkit.lucene.owned import FOLDER
from irkit.lucene.shards import java_paths
from irkit.lucene.transpose import transpose
from irkit.lucene.vocabulary import Vocabulary
from irkit.lucene.wire import java_errors

if TYPE_CHECKING:
    from scipy.sparse import csc_matrix, csr_matrix

__all__ = ["FOLDER", "Sidecar", "commit_key"]

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
        check_parts(path, folder, {name: manifest.parts.get(name, "") for name in LASTING})
        docnos = storage.read_strings(folder / "docnos.arrow", manifest.documents)
        rank = storage.read_array(folder / "rank.npy", manifest.documents, np.int32)
        now = read_manifest(folder)
        if docnos is None or rank is None or now is None or now.key != manifest.key:
            raise DamagedPart(f"{folder}: ids and ranks do not fit the manifest")
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
            If a file of Lucene's is damaged (`DamagedError`), or two documents have the same id.
        JavaError
            If Lucene cannot read the index.
        """
        index = swap.target(path)
        swap.recover(index)
        for _ in range(_ATTEMPTS):
            key = commit_key(index)
            try:
                for folder in places(index, key):
                    manifest = read_manifest(folder)
                    if manifest is not None and manifest.key == key:
                        check_index(index, manifest.files)
                        with suppress(DamagedPart):
                            return cls(index, folder, manifest, analyzer)
                check_index(index)
                return cls(index, *_create(index, key), analyzer)
            except (DamagedPart, Replaced):
                continue
            except (JavaError, DamagedError):
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
        terms = self._part("terms.arrow", partial(storage.read_strings, size=size))
        return Vocabulary(terms, self._array("df", size, np.int32), self._array("cf", size, np.int64))

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

    def ready_lengths(self) -> Ints | None:
        """Return the exact lengths if they were written before."""
        lengths: Ints | None = self._mapped(
            "lengths.npy", partial(storage.read_array, size=self.manifest.documents, dtype=np.int32)
        )
        return lengths

    def _array(self, name: str, size: int, dtype: Any) -> Ints:
        """Map one array, writing it first where it is missing."""
        array: Ints = self._part(f"{name}.npy", partial(storage.read_array, size=size, dtype=dtype))
        return array

    def _part(self, name: str, read: Callable[[Path], Any]) -> Any:
        """Map one part, making it first where there is none that is intact."""
        value = self._mapped(name, read)
        if value is None:
            self._make(self._transpose if name.startswith("csr_") else self._export)
            value = self._mapped(name, read)
        if value is None:
            self._same_commit()
            raise ConfigError(
                f"sidecar: {name} of {self.path} cannot be read; delete {self.folder} to have it made again"
            )
        return value

    def _mapped(self, name: str, read: Callable[[Path], Any]) -> Any:
        """Map one part from the first place that has it intact, and for our commit; None if there is no such place."""
        for folder in places(self.path, self.key):
            manifest = read_manifest(folder)
            if manifest is None or manifest.key != self.key or name not in manifest.parts:
                continue
            with suppress(DamagedPart):
                check_parts(self.path, folder, {name: manifest.parts[name]})
                value = read(folder / name)
                now = read_manifest(folder)  # read last: the folder may have got another index's parts meanwhile
                if value is not None and now is not None and now.key == self.key:
                    return value
        return None

    def _export(self, work: Path) -> None:
        """Walk all postings once and keep them by term."""
        export = java("Export")
        with java_errors(f"sidecar: exporting the postings of {self.path} failed"):
            interruptible(export.postings, java_paths(self.path), str(work))
        storage.write_strings(work / "terms.arrow", storage.raw_strings(work, "terms"))
        for name in ("terms.ptr", "terms.bytes"):
            (work / name).unlink()

    def _transpose(self, work: Path) -> None:
        """Turn the postings by term into rows by document."""
        ptr, doc, tf = self.columns
        transpose(ptr, doc, tf, self.manifest.documents, work)

    def _make(self, fill: Callable[[Path], None]) -> None:
        """Have parts written into a work folder and keep them in the first place that can be written.

        Java says in its own way that a disk is full, so its errors count like the system's.
        """
        reasons: list[OSError | JavaError] = []
        for folder in places(self.path, self.key):
            self._same_commit()
            try:
                self._make_in(folder, fill)
                return
            except Replaced:
                self._same_commit()
            except (OSError, JavaError) as error:
                self._same_commit()
                reasons.append(error)
        for reason in reasons:
            if isinstance(reason, OSError):
                raise _unwritable(self.path, self.key, reason) from reason
        raise reasons[0] if reasons else LockedError(f"index: {self.path} is being replaced; open it again")

    def _make_in(self, folder: Path, fill: Callable[[Path], None]) -> None:
        manifest = read_manifest(folder)
        if manifest is None or manifest.key != self.key:
            create(self.path, folder, self.key)
        with work_folder(folder) as work:
            fill(work)
            written = sorted(work.iterdir())
            with ThreadPoolExecutor(processors()) as pool:
                parts = dict(zip((path.name for path in written), pool.map(verified.file_digest, written), strict=True))
            with sidecar_lock(folder):
                manifest = read_manifest(folder)
                if manifest is None or manifest.key != self.key or commit_key(self.path) != self.key:
                    raise Replaced
                for name in parts:
                    put(work / name, folder / name)
                write_manifest(folder, replace(manifest, parts={**manifest.parts, **parts}), work)
                files = {str(folder / name): said for name, said in parts.items()}
                verified.remember(self.path, files, verified.states(files))

    def _same_commit(self) -> None:
        if commit_key(self.path) != self.key:
            raise ConfigError(f"index: {self.path} was rebuilt since it was opened; open it again")


def places(index: Path, key: str) -> tuple[Path, Path]:
    """Return where the sidecar of a commit may lie, in the order of preference."""
    return index / FOLDER, home() / "sidecars" / digest(str(index), key)


def _create(index: Path, key: str) -> tuple[Path, Manifest]:
    """Make the sidecar in the first place that can be written.

    Java says in its own way that a disk is full, so its errors count like the system's.
    """
    first, second = places(index, key)
    with suppress(OSError, JavaError):
        return first, create(index, first, key)
    try:
        return second, create(index, second, key)
    except OSError as error:
        raise _unwritable(index, key, error) from error


def _unwritable(index: Path, key: str, error: OSError) -> ConfigError:
    first, second = places(index, key)
    why = error.strerror or error
    return ConfigError(
        f"sidecar: can be written neither in {first} nor in {second}: {why}; make room, or set IRKIT_HOME"
    )


def _matrix(kind: Any, parts: tuple[Ints, Ints, Ints], shape: tuple[int, int]) -> Any:
    ptr, index, tf = parts
    matrix = kind((tf, index, ptr), shape=shape, copy=False)
    matrix.has_canonical_format = True  # sorted, no repeats: scipy need not try to sort read-only memory
    return matrix
