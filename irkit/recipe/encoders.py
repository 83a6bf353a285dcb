"""Encoders by the words that stand for them: a trained model's file, or a training whose model learns the documents.

    lsa                        the training recipe of that name, fitted to the documents of the index
    mine.yaml                  likewise, a file
    runs/docnade               a run folder of `irkit train`, or the file of its model

What is learned from an index is kept in the user's folder and found again by the recipe, the documents and
the analyser.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from irkit.config import digest
from irkit.errors import ConfigError, IrkitError
from irkit.generative.saved import load_model
from irkit.io.kinds import DataSet, Examples
from irkit.io.library.checksums import sha256
from irkit.locate import given_path, home, names
from irkit.locks import turn
from irkit.rank.bags import bags_of_index, frequent_words, tokens_of_index
from irkit.rank.encoder import IndexEncoder
from irkit.recipe.indexes import collection_index
from irkit.recipe.runfolder import MODEL
from irkit.recipe.training import TrainingRecipe, load_training

if TYPE_CHECKING:
    from irkit.learn.model import Model
    from irkit.lucene import Index


def open_encoder(name: str, index: Index) -> IndexEncoder:
    """Return what turns the documents of an index, and queries, into vectors.

    Parameters
    ----------
    name : str
        A training recipe, whose model is fitted to the documents of the index (to no query and no judgement);
        or the file or run folder of a trained model.
    index : Index

    Raises
    ------
    NotFoundError
        If there is neither.
    ConfigError
        If its model does not turn documents into vectors, or does not know their words.
    """
    given = trained_file(name)
    if given is not None:
        return IndexEncoder(_checked(load_model(given), name), index)
    recipe = load_training(name)
    _checked(recipe.build(), name)
    path = home() / "encoders" / f"{recipe.name}-{_key(recipe, index)[:16]}.safetensors"
    kept = _kept(path, recipe)
    if kept is None:
        with turn(path, f"fits {recipe.name} to the documents of {index.path}"):
            kept = _kept(path, recipe)
            if kept is None:
                kept = recipe.fit(index_data(index, recipe))
                path.parent.mkdir(parents=True, exist_ok=True)
                kept.save(path)
    return IndexEncoder(kept, index)


def encoder_identity(name: str, index: Index) -> str:
    """Return a hash of what an encoder depends on, without fitting it; errors are those of `open_encoder`."""
    given = trained_file(name)
    return digest(index.fingerprint, sha256(given)) if given is not None else _key(load_training(name), index)


def index_data(index: Index, recipe: TrainingRecipe, name: str = "") -> DataSet[Examples]:
    """Return the documents of an index for a training, all of them to train on.

    Counts where the model needs no more, else terms in their order; of the terms those that the recipe's `min_df` and
    `max_terms` admit.
    """
    words = frequent_words(index, min_df=recipe.min_df or 2, max_terms=recipe.max_terms)
    counts = "bags" in recipe.build().takes
    train: Examples = (bags_of_index if counts else tokens_of_index)(index, words)
    known = train.take(np.flatnonzero(train.x.lengths))
    none = train.cut(0)
    return DataSet(name or Path(index.path).name, known, none, none, {"analyser": index.analyzer.name})


def collection_data(recipe: TrainingRecipe) -> DataSet[Examples]:
    """Return what `index_data` does of the index of the collection that a recipe names, built where there is none."""
    with collection_index(recipe.data) as index:
        return index_data(index, recipe, recipe.data)


def trained_file(name: str) -> Path | None:
    """Return the file of a trained model that a word means; None where it means a recipe."""
    path = given_path(name, names("pipelines"))
    if path is None or path.suffix in (".yaml", ".yml") or not path.exists():
        return None
    return path / MODEL if path.is_dir() else path


def _checked(model: Any, name: str) -> Any:
    """Return a model if it is one that turns documents into vectors."""
    if not (model.takes & {"bags", "tokens"} and model.can("encode")):
        raise ConfigError(
            f"encoder: {name} is of the model {model.name!r}, which turns no documents into vectors; "
            "choose one that does, such as lsa"
        )
    return model


def _key(recipe: TrainingRecipe, index: Index) -> str:
    return digest("encoder", recipe.changed(data="").hash, index.fingerprint)


def _kept(path: Path, recipe: TrainingRecipe) -> Model | None:
    """Read what was learned before; None if there is none or it is damaged."""
    try:
        return type(recipe.build()).load(path)
    except IrkitError:
        return None
