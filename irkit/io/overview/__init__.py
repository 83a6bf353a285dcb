"""What lies at a path of the user's own: which file is what, how much it holds, and what may surprise."""
