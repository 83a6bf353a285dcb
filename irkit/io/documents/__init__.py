"""Formats of documents, queries, judgements and runs, and who reads and writes them."""
