"""Rows, pictures and sequences in three parts, and the files that they come in."""
