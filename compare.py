"""Rank tracked runs, and say how sure the ranking is: python compare.py --metric f1."""

import sys

from cifake.compare.__main__ import run

if __name__ == "__main__":
    sys.exit(run())
