"""Tell what fine-tuning gained and what it cost, from files of ``yolact evaluate --output``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def report(
    label: str, alone: dict[str, Any], before: dict[str, Any], after: dict[str, Any]
) -> str:
    """Return the figures in words.

    Args:
        label: The new class.
        alone: Evaluation of the new model on the new class only.
        before: Of the old model on all its classes.
        after: Of the new model on all classes.
    """
    old, new = (part['precisions']['mask']['by_class'] for part in (before, after))
    shared = [name for name, value in old.items() if value is not None and name in new]
    means = [sum(part[name] for name in shared) / max(len(shared), 1) for part in (old, new)]
    found = alone['precisions']['mask']
    return (
        f'{alone["images"]} new scenes, {alone["objects"]} of class {label}: '
        f'mask AP50 {found["ap50"]:.1f}, mask AP {found["ap"]:.1f}\n'
        f'the {len(shared)} old classes in them, mean mask AP: '
        f'{means[0]:.1f} before, {means[1]:.1f} after'
    )


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('label', help='the new class')
    for name in ('alone', 'before', 'after'):
        parser.add_argument(name, type=Path, metavar=f'{name.upper()}.json')
    arguments = parser.parse_args()
    parts = (arguments.alone, arguments.before, arguments.after)
    text = report(arguments.label, *(json.loads(path.read_text()) for path in parts))
    parser.exit(message=f'{text}\n')


if __name__ == '__main__':
    main()
