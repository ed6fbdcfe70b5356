"""Make the scripts of the recipes importable, as they are when they run."""

import sys
from pathlib import Path

RECIPES = Path(__file__).parents[2] / 'recipes'
sys.path[:0] = [str(RECIPES / 'indoor'), str(RECIPES / 'finetune')]
