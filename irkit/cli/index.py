"""`irkit index`: build a Lucene index."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from irkit.cli.numbers import MaybeWhole
from irkit.cli.printing import counted, note, say
from irkit.streams import is_stream


def index(
    source: str,
    /,
    *,
    to: Path | None = None,
    format: str = "auto",
    encoding: str = "utf-8",
    analyzer: str | None = None,
    threads: MaybeWhole = None,
    positions: bool = False,
    text: Annotated[bool, Parameter(negative="--no-text")] = True,
    shards: MaybeWhole = None,
    add: bool = False,
    replace: MaybeWhole = None,
    overwrite: bool = False,
) -> None:
    """Build a Lucene index of a file, a folder or a collection.

    The index appears when it is complete: an interrupted build leaves what was there before.

    For example:

        irkit index my.jsonl
        irkit index lee --to lee-index --overwrite
        irkit index irds:beir/scifact --analyzer english --threads 4
        irkit index january.jsonl --to news-index --shards 4
        irkit index february.jsonl --to news-index --add

    Parameters
    ----------
    source
        A file of documents or - (standard input), a folder (TREC-style, BEIR, or .txt, .md and .html files, each of
        them a document), a collection's name (irkit data list) or irds:<id>.
    to
        The index folder; default <source>-index in this folder.
    format
        How the files are written, if name and content do not tell; files takes each .txt, .md and .html file of a
        folder as a document.
    encoding
        Encoding of the files, such as latin-1.
    analyzer
        What makes terms of text: english (Porter, as Anserini; the default), whitespace, or a language code such as de.
    threads
        Indexing threads; default all cores.
    positions
        Store term positions.
    text
        Store the text of the documents, for snippets and rerankers.
    shards
        Build so many indexes side by side that are searched as one: scores are those of one index of all documents.
    add
        Index the documents as one more shard of --to, an index in shards; the others are left as they are.
    replace
        Put them in the place of the shard of this number, from 0.
    overwrite
        Replace an index that is there already.
    """
    from irkit.cli.inputs import documents
    from irkit.errors import ConfigError
    from irkit.io.outputs import check_folder
    from irkit.lucene import add_shard, build_index, jvm, replace_shard

    target = to or Path(default_name(source))
    if add or replace is not None:
        own = {
            "--shards": shards,
            "--analyzer": analyzer,
            "--positions": positions or None,
            "--no-text": None if text else False,
        }
        own |= {"--overwrite": overwrite or None}
        if add and replace is not None:
            raise ConfigError("index: --add makes another shard and --replace one anew; leave one of them out")
        for option in (name for name, value in own.items() if value is not None):
            raise ConfigError(f"index: {option} is for a new index, not for a shard of {target}; leave it out")
    elif target.is_dir() and any(target.iterdir()) and not overwrite:
        raise ConfigError(f"index: {target} exists; use --overwrite to replace it, or --to another folder")
    check_folder(target, who="index", option="--to")
    start = time.perf_counter()
    given = documents(source, format, encoding)
    jvm.start(builds=True)
    if add:
        built = add_shard(target, given, threads=threads, progress=True)
    elif replace is not None:
        built = replace_shard(target, replace, given, threads=threads, progress=True)
    else:
        built = build_index(
            target,
            given,
            analyzer=analyzer or "english",
            positions=positions,
            store_text=text,
            shards=shards,
            threads=threads,
            progress=True,
            overwrite=overwrite,
        )
    stats = built.stats
    built.close()
    if not stats.tokens:
        note(f"no document has a term under the analyser {built.analyzer.name}: no query will find any")
    seconds = time.perf_counter() - start
    say(
        f"{target}: {counted(stats.documents, 'document')}, {counted(stats.terms, 'term')}, "
        f"{counted(stats.tokens, 'token')}, {seconds:.1f} s"
    )


def default_name(source: str) -> str:
    """Name the index after what is indexed.

    Examples
    --------
    >>> default_name("my.jsonl"), default_name("corpora/docs.trec.gz"), default_name("irds:beir/scifact")
    ('my-index', 'docs-index', 'beir-scifact-index')
    """
    if is_stream(source):
        return "stream-index"
    if source.startswith("irds:"):
        return re.sub(r"\W+", "-", source.removeprefix("irds:")).strip("-") + "-index"
    return Path(source).resolve().name.split(".")[0] + "-index"
