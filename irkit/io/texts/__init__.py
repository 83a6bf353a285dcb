"""Documents with labels in three parts, for models of documents."""
