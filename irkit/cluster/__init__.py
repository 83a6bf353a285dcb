"""Work of many processes and machines, by Ray."""
