"""Representations of documents: models whose vectors search, rank again, smooth and expand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.doors import door

if TYPE_CHECKING:
    from irkit.represent.deep_docnade import DeepDocNADE as DeepDocNADE
    from irkit.represent.doc2vec import Doc2Vec as Doc2Vec
    from irkit.represent.docnade import DocNADE as DocNADE
    from irkit.represent.docnade_lm import DocNADELM as DocNADELM
    from irkit.represent.document_vae import DocumentVAE as DocumentVAE
    from irkit.represent.hierarchical import HierarchicalAutoencoder as HierarchicalAutoencoder
    from irkit.represent.lda import LDA as LDA
    from irkit.represent.lsa import LSA as LSA
    from irkit.represent.lstm_classifier import LSTMClassifier as LSTMClassifier
    from irkit.represent.rnnlm import RNNLM as RNNLM
    from irkit.represent.sentence_vae import SentenceVAE as SentenceVAE
    from irkit.represent.seq2seq import Seq2Seq as Seq2Seq
    from irkit.represent.sequence_autoencoder import SequenceAutoencoder as SequenceAutoencoder
    from irkit.represent.tfidf_classifier import TfidfClassifier as TfidfClassifier
    from irkit.represent.topicrnn import TopicRNN as TopicRNN
    from irkit.represent.vector_average import VectorAverage as VectorAverage
    from irkit.represent.vector_classifier import VectorClassifier as VectorClassifier
else:
    __getattr__, __dir__, __all__ = door(__name__)
