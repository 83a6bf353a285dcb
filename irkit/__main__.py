"""Run the command line with `python -m irkit`."""

import sys

from irkit.cli import main

sys.exit(main())
