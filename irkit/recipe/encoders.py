"""Encoders by the words that stand for them: a trained model's file, or a training whose model learns the documents.

    lsa                        the training recipe of that name, fitted to the documents of the index
    mine.yaml                  likewise, a file
    runs/docnade               a run folder of `irkit train`, or the file of its model
    transformers:models/bert   a pretrained model in a folder, over the stored texts; see `irkit.rank.local`

What is learned from an index is kept in the user's folder and found again by the recipe, the code, the documents
and the analyser. Cross-encoders are opened by words here too: `cross-encoder:models/mini`.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irkit.config import digest
from irkit.errors import ConfigError, IrkitError
from irkit.generative.saved import load_model
from irkit.io.kinds import DataSet, Examples
from irkit.io.library.checksums import sha256
from irkit.kept import say_not_kept
from irkit.locate import given_path, home, names
from irkit.locks import turn
from irkit.rank.bags import bags_of_index, frequent_words, tokens_of_index
from irkit.rank.cross_encoder import CrossEncoder
from irkit.rank.encoder import IndexEncoder
from irkit.rank.local import CROSS_ENCODERS, ENCODERS, load_cross_encoder, load_encoder, local_model
from irkit.rank.text_encoder import TextEncoder
from irkit.recipe.code import class_digest, code_digest
from irkit.recipe.indexes import collection_index
from irkit.recipe.runfolder import MODEL
from irkit.recipe.training import TrainingRecipe, load_training

if TYPE_CHECKING:
    from irkit.learn.model import Model
    from irkit.lucene import Index


def open_encoder(name: str, index: Index) -> IndexEncoder | TextEncoder:
    """Return what turns the documents of an index, and queries, into vectors.

    Parameters
    ----------
    name : str
        A training recipe, whose model is fitted to the documents of the index (to no query and no judgement);
        or the file or run folder of a trained model; or `sentence-transformers:` or `transformers:` and a folder.
    index : Index

    Raises
    ------
    NotFoundError
        If there is none of them.
    ConfigError
        If its model does not turn documents into vectors, or knows no word of them.
    MissingExtraError
        If the package that reads it is not installed.
    """
    local = local_model(name, ENCODERS, who="encoder")
    if local is not None:
        documents, queries = load_encoder(local)
        return TextEncoder(documents, index, name=local.name, encode_queries=queries)
    given = trained_file(name)
    if given is not None:
        return _on(index, _checked(load_model(given), name), given.stem)
    recipe = load_training(name)
    _checked(recipe.build(), name)
    path = home() / "encoders" / f"{recipe.name}-{_key(recipe, index)[:16]}.safetensors"
    kept = _kept(path, recipe)
    if kept is None:
        with turn(path, f"fits {recipe.name} to the documents of {index.path}"):
            kept = _kept(path, recipe)
            if kept is None:
                kept = recipe.fit(index_data(index, recipe))
                _keep(path, kept)
    return _on(index, kept, recipe.name)


def open_cross_encoder(name: str) -> CrossEncoder:
    """Return what scores pairs of a query and a text.

    Parameters
    ----------
    name : str
        `cross-encoder:` or `transformers:` and a folder.

    Raises
    ------
    NotFoundError
        If there is no such folder.
    ConfigError
        If it says no package, or the folder holds no such model.
    MissingExtraError
        If the package is not installed.
    """
    local = local_model(name, CROSS_ENCODERS, who="cross-encoder")
    if local is None:
        raise ConfigError(
            f"cross-encoder: the word says which package reads which folder, got {name!r}; write "
            f"{' or '.join(f'{kind}:PATH' for kind in CROSS_ENCODERS)}"
        )
    return CrossEncoder(load_cross_encoder(local), name=local.name)


def unknown_words(encoder: Any) -> str:
    """Say how many words of a model are terms of the index it stands on; nothing where all are, or it reads texts.

    One that was trained on a file of texts has its words as that was cut, and the index stems of them.
    """
    if not isinstance(encoder, IndexEncoder) or encoder.known == len(encoder.words):
        return ""
    return f"{encoder.known:,} of its {len(encoder.words):,} words are terms of the index"


def encoder_identity(name: str, index: Index) -> str:
    """Return a hash of what an encoder depends on, without fitting it; errors are those of `open_encoder`."""
    local = local_model(name, ENCODERS, who="encoder")
    if local is not None:
        return digest(index.fingerprint, local.name)
    given = trained_file(name)
    return digest(index.fingerprint, sha256(given)) if given is not None else _key(load_training(name), index)


def index_data(index: Index, recipe: TrainingRecipe, name: str = "") -> DataSet[Examples]:
    """Return the documents of an index for a training, all of them to train on.

    Counts where the model needs no more, else terms in their order; of the terms those that the recipe's `min_df` and
    `max_terms` admit. Documents come in the order of their docnos, shorter ones first, so that 9 precedes 10: threads
    that write an index leave another order each time, and what is learned would depend on it.
    """
    words = frequent_words(index, min_df=recipe.min_df or 2, max_terms=recipe.max_terms)
    counts = "bags" in recipe.build().takes
    train: Examples = (bags_of_index if counts else tokens_of_index)(index, words)
    order = index.docnos.ordered()
    known = train.take(order[train.x.lengths[order] > 0])
    none = train.cut(0)
    return DataSet(name or Path(index.path).name, known, none, none, {"analyser": index.analyzer.name})


def collection_data(recipe: TrainingRecipe) -> DataSet[Examples]:
    """Return what `index_data` does of the index of the collection that a recipe names, built where there is none."""
    with collection_index(recipe.data) as index:
        return index_data(index, recipe, recipe.data)


def is_learned(name: str) -> bool:
    """Say whether a word means an encoder that is learned from the documents of the index."""
    return local_model(name, ENCODERS, who="encoder") is None and trained_file(name) is None


def trained_file(name: str) -> Path | None:
    """Return the file of a trained model that a word means; None where it means a recipe."""
    path = given_path(name, names("pipelines"))
    if path is None or path.suffix in (".yaml", ".yml") or not path.exists():
        return None
    return path / MODEL if path.is_dir() else path


def _on(index: Index, model: Any, name: str) -> IndexEncoder:
    return IndexEncoder(model, index, name=name, folder=home() / "encoders", code=code_digest())


def _checked(model: Any, name: str) -> Any:
    """Return a model if it is one that turns documents into vectors."""
    if not (model.takes & {"bags", "tokens"} and model.can("encode")):
        raise ConfigError(
            f"encoder: {name} is of the model {model.name!r}, which turns no documents into vectors; "
            "choose one that does, such as lsa"
        )
    return model


def _key(recipe: TrainingRecipe, index: Index) -> str:
    return digest(
        "encoder of documents by docno",
        recipe.changed(data="").hash,
        index.fingerprint,
        class_digest(type(recipe.build())),
    )


def _kept(path: Path, recipe: TrainingRecipe) -> Model | None:
    """Read what was learned before; None if there is none or it is damaged."""
    try:
        kept = type(recipe.build()).load(path)
    except IrkitError:
        return None
    with suppress(OSError):
        os.utime(path)  # the time of last use
    return kept


def _keep(path: Path, model: Model) -> None:
    """Write what was learned; where that is not possible it is done without."""
    try:
        model.save(path)
    except (OSError, IrkitError) as error:
        say_not_kept(path.parent, error.__cause__ or error)
