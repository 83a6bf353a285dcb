"""Data sets that code makes, one function each, under the names of `irkit.registry.SETS`."""
