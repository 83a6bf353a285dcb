"""Files of ratings: their formats, ids and times."""
