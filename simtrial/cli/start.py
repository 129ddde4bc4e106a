"""Where the command starts: loading it takes a moment, in which Ctrl-C is answered too."""

from __future__ import annotations

import sys


def main() -> None:
    """Load and run the command; an interrupt while it loads ends with code 130, in a line."""
    try:
        from simtrial.cli.main import main as run
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted before anything was finished.\n")
        sys.exit(130)  # the codes are in what was being loaded
    run()
