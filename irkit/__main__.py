"""Run the command line with `python -m irkit`."""

from irkit.cli import main

main()
