"""LDA: documents as proportions of topics, which are distributions over words.

Source: Blei, Ng and Jordan, "Latent Dirichlet allocation", JMLR 3, 2003; online Hoffman, Blei and Bach, "Online
learning for latent Dirichlet allocation", NIPS 2010.

    theta ~ Dirichlet(alpha)        beta_k ~ Dirichlet(eta)        word ~ sum over k of theta_k beta_k
    q(theta) = Dirichlet(gamma)     q(beta_k) = Dirichlet(lambda_k)
    document = gamma / sum of gamma, the mean of q(theta)

Symbols: n documents, V terms, K topics.
Cost: scikit-learn's variational inference, some tens of sweeps over a document's terms, O(K) each.
Departure: no perplexity. What variational inference gives is a bound that is not comparable with the exact or
sampled likelihoods of other models of documents.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field
from torch import Tensor

from irkit.arrays import Floats
from irkit.config import Config
from irkit.errors import DataError
from irkit.io.kinds import Examples, Spec, Tokens
from irkit.represent.solved import SolvedModel, SolvedNet, count_matrix
from irkit.rng import check_seed


class LDAConfig(Config):
    """Settings of `LDA`."""

    topics: int = Field(50, ge=1)
    "K."
    alpha: float | None = Field(None, gt=0)
    "Prior of a document's topics; None is 1/K."
    eta: float | None = Field(None, gt=0)
    "Prior of a topic's terms; None is 1/K."
    method: Literal["batch", "online"] = "batch"
    "Whether topics are updated after all documents or after each batch of some."
    iterations: int = Field(20, ge=1)
    "Passes over the documents."
    batch_size: int = Field(128, ge=1)
    "Documents of an update of the online method."


class LDANet(SolvedNet):
    """The parameters of the topics' posterior: lambda (K, V)."""

    def __init__(self, topics: int, terms: int) -> None:
        super().__init__()
        self.hold("components", topics, terms)

    @property
    def topics(self) -> Tensor:
        """The mean probability of each term in each topic: (V, K)."""
        found = self.get_parameter("components")
        return (found / found.sum(1, keepdim=True)).T


class LDA(SolvedModel):
    """Latent Dirichlet allocation of documents, whose words need no order."""

    name = "lda"
    config_type = LDAConfig
    config: LDAConfig
    gives = frozenset({"word_log_prob"})

    def build(self, spec: Spec) -> LDANet:
        """Return a net whose arrays are empty."""
        assert spec.vocabulary is not None
        return LDANet(self.config.topics, spec.vocabulary)

    def solve(self, documents: Tokens, net: SolvedNet, seed: int) -> None:
        """Infer the topics.

        Raises
        ------
        DataError
            If no document has a word.
        """
        if not len(documents.x.values):
            raise DataError("lda: topics are found in words, got documents without any; give some")
        net.fill(components=self._posed(seed).fit(count_matrix(documents)).components_)

    def vectors(self, documents: Tokens) -> Floats:
        """Return proportions of topics, 1/K each for a document without words: (n, K)."""
        from scipy.special import psi

        model, components = self._posed(0), self.fitted.array("components")
        model.components_, model.n_features_in_ = components, components.shape[1]
        model.exp_dirichlet_component_ = np.exp(psi(components) - psi(components.sum(1, keepdims=True)))
        model.doc_topic_prior_ = 1 / self.config.topics if self.config.alpha is None else self.config.alpha
        found: Floats = model.transform(count_matrix(documents))
        return found

    def word_log_prob(self, data: Examples | Floats | Tensor) -> Floats:
        """Return log of the sum over k of a document's theta_k times beta_k, at their means: (n, V) float32 nats."""
        proportions = self.encode(data).astype(np.float64)
        found: Floats = np.log(proportions @ self.fitted.topics.detach().numpy().T).astype(np.float32)
        return found

    def _posed(self, seed: int) -> Any:
        from sklearn.decomposition import LatentDirichletAllocation

        return LatentDirichletAllocation(
            n_components=self.config.topics,
            doc_topic_prior=self.config.alpha,
            topic_word_prior=self.config.eta,
            learning_method=self.config.method,
            max_iter=self.config.iterations,
            batch_size=self.config.batch_size,
            random_state=check_seed(seed, most=2**32 - 1),
        )
