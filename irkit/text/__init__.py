"""Texts: windows of words, word vectors, term similarity."""
