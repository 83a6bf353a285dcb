"""Pretrained models in folders of this machine, by words that say which package reads them.

    sentence-transformers:models/e5      its `encode_document` and `encode_query`
    cross-encoder:models/mini            its `CrossEncoder`
    transformers:models/bert             as an encoder the mean of the last hidden states of a text's tokens;
                                         as a cross-encoder its classifier: the one logit, or of two the second
                                         less the first

Nothing is ever downloaded, and only weights in safetensors are read. What a model gives is kept under the digest of
its folder's files, so that a folder with other weights is another model. `transformers` reads at most 512 tokens.

Sources: Reimers and Gurevych, "Sentence-BERT", EMNLP 2019 (the mean of the states); Nogueira and Cho, "Passage
re-ranking with BERT", arXiv 1901.04085 (two classes; ours is the log of their odds).
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from irkit.config import digest
from irkit.errors import ConfigError, IrkitError, MissingExtraError, NotFoundError
from irkit.io.library.checksums import sha256
from irkit.locate import in_order

TOKENS = 512
"Most that `transformers` reads of a text."

ENCODERS = ("sentence-transformers", "transformers")
CROSS_ENCODERS = ("cross-encoder", "transformers")

_PACKAGES = {"cross-encoder": "sentence-transformers"}
_SAFE = {"local_files_only": True, "model_kwargs": {"use_safetensors": True}}


class LocalModel(NamedTuple):
    """A folder with a model."""

    kind: str
    "What reads it: the word before the colon."
    path: Path

    @property
    def name(self) -> str:
        """The folder's name and a digest of its files and of what reads them."""
        files = in_order(path for path in self.path.rglob("*") if path.is_file() and not _hidden(path, self.path))
        content = [[path.relative_to(self.path).as_posix(), sha256(path)] for path in files]
        return f"{self.path.resolve().name}-{digest(self.kind, content)[:16]}"


def local_model(word: str, kinds: Sequence[str], *, who: str) -> LocalModel | None:
    """Return the model that a word such as `transformers:models/bert` means; None where it means something else.

    Raises
    ------
    NotFoundError
        If there is no such folder.
    """
    kind, colon, place = word.partition(":")
    if not colon or kind not in kinds:
        return None
    path = Path(place).expanduser()
    if not place or not path.is_dir():
        raise NotFoundError(f"{who}: there is no folder {place!r}, got {word!r}; put the model's files there first")
    return LocalModel(kind, path)


def load_encoder(model: LocalModel) -> tuple[Any, Callable[[list[str]], Any] | None]:
    """Load what encodes documents, and what encodes queries where that is another function.

    Raises
    ------
    MissingExtraError
        If the package that reads it is not installed.
    ConfigError
        If the folder holds no such model.
    """
    if model.kind == "transformers":
        return _loaded("encoder", model, "transformers", _MeanPooled), None
    found = _loaded("encoder", model, "sentence_transformers", _of("SentenceTransformer"))
    queries = getattr(found, "encode_query", None)  # since version 5
    documents = found.encode if queries is None else found.encode_document
    return partial(documents, show_progress_bar=False), queries and partial(queries, show_progress_bar=False)


def load_cross_encoder(model: LocalModel) -> Any:
    """Load what scores pairs; errors are those of `load_encoder`."""
    if model.kind == "transformers":
        return _loaded("cross-encoder", model, "transformers", _Classifier)
    found = _loaded("cross-encoder", model, "sentence_transformers", _of("CrossEncoder"))
    return _Pairs(partial(found.predict, show_progress_bar=False))


class _Pairs(NamedTuple):
    predict: Callable[[Any], Any]


class _Pretrained:
    """A model of transformers and its tokeniser, on an accelerator where there is one."""

    kind = "AutoModel"

    def __init__(self, package: Any, path: str) -> None:
        from irkit.learn.conditions import choose_device

        self.tokens = package.AutoTokenizer.from_pretrained(path, local_files_only=True)
        read = getattr(package, self.kind).from_pretrained
        self.model = read(path, local_files_only=True, use_safetensors=True).to(choose_device("auto")).eval()
        longest = getattr(self.model.config, "max_position_embeddings", TOKENS)
        self.longest = min(TOKENS, longest, self.tokens.model_max_length)

    def read(self, *texts: list[str]) -> tuple[Any, Any]:
        """Return what the model makes of texts, and (n, T) which tokens count."""
        import torch

        given = self.tokens(*texts, padding=True, truncation=True, max_length=self.longest, return_tensors="pt")
        given = given.to(self.model.device)
        with torch.inference_mode():
            return self.model(**given), given["attention_mask"]


class _MeanPooled(_Pretrained):
    def encode(self, texts: list[str]) -> Any:
        found, counted = self.read(texts)
        counted = counted[..., None].float()
        return (found.last_hidden_state * counted).sum(1) / counted.sum(1)


class _Classifier(_Pretrained):
    kind = "AutoModelForSequenceClassification"

    def predict(self, pairs: list[tuple[str, str]]) -> Any:
        queries, texts = map(list, zip(*pairs, strict=True))
        logits = self.read(queries, texts)[0].logits
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits


def _loaded(who: str, model: LocalModel, package: str, load: Callable[[Any, str], Any]) -> Any:
    shown = _PACKAGES.get(model.kind, model.kind)
    try:
        found = importlib.import_module(package)
    except ImportError:
        raise MissingExtraError(
            f"{who}: {model.kind}:{model.path} needs {shown}, which is not installed; pip install 'irkit[neural]'"
        ) from None
    try:
        with _no_bars():
            return load(found, os.fspath(model.path))
    except IrkitError:
        raise
    except Exception as error:  # whatever goes wrong inside somebody else's package
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(
            f"{who}: {shown} cannot read the model in {model.path}, {type(error).__name__}: {reason}; "
            "it must hold config, tokeniser and weights in safetensors"
        ) from None


@contextmanager
def _no_bars() -> Iterator[None]:
    """Keep transformers from drawing bars while it reads weights, wherever its output goes."""
    logging = getattr(sys.modules.get("transformers.utils"), "logging", None)
    if logging is None or not logging.is_progress_bar_enabled():
        yield
        return
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.enable_progress_bar()


def _of(kind: str) -> Callable[[Any, str], Any]:
    """Return what makes a model of a class of sentence-transformers."""
    return lambda package, path: getattr(package, kind)(path, **_SAFE)


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)
