"""Make the recipes importable, as they are when ``python -m recipes`` runs."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))


@pytest.fixture
def fetch_or_skip():
    """Return a function that runs one that fetches, and skips the test where npm cannot.

    It is given the cache that the recipes have, too, so that nothing is fetched twice.
    """

    def run(fetching):
        try:
            return fetching(ROOT / 'out' / 'packages')
        except SystemExit as stop:
            if str(stop).startswith('npm must'):
                pytest.skip(str(stop))
            raise

    return run
