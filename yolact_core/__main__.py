"""``python -m yolact_core`` is the command ``yolact``."""

import sys

from yolact_core.cli import main

sys.exit(main())
