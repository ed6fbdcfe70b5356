"""Make the scripts of the recipes importable, as they are when they run."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / 'recipes' / 'indoor'))
