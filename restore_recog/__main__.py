"""Run the command line as ``python -m restore_recog``."""

from restore_recog.cli import main

if __name__ == "__main__":
    main()
