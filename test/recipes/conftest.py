"""Make the recipes importable, as they are when ``python -m recipes`` runs."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
