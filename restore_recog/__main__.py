"""The program: ``restore-recog``, or ``python -m restore_recog``."""

import atexit
import os
import sys
from contextlib import suppress

from restore_recog.cli import main


def run() -> None:
    """Run the command line, and end with its exit code.

    The process ends after everybody else's exit functions and before Python takes its modules
    apart: that of PyTorch takes half a second and 130 MB more than any command had needed.
    """
    code = 1  # as after a traceback

    def leave() -> None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # nobody reads it any more
                stream.flush()
        os._exit(code)

    atexit.register(leave)  # before any other, so that it is called last
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise


if __name__ == "__main__":
    run()
