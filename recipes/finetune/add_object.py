"""Make a pack of object models with one class more than the indoor model knows.

The Makefile beside it shows how. The new class has all models of one name in the furniture
catalogues; they stand in rooms of the training data and of the test data alike.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / 'indoor'))

from assets import FURNITURE, catalogue_models, write_catalogue_models
from attribution import credits_table
from catalogue import LICENCES, read_catalogue
from models import load_index, save_index

WEIGHT = 8.0  # how often it is drawn; a chair has 3
MAX_FACES = 12000


def add_object(
    name: str, label: str, places: list[str], deb_root: Path, assets: Path, output: Path
) -> int:
    """Write the pack, whose other models are links to those of the first.

    Args:
        name: In the furniture catalogues.
        label: Of the new class, which comes last.
        places: Where it may stand.
        deb_root: The unpacked Debian package of furniture.
        assets: Pack made by ``recipes/indoor/assets.py``.
        output: Pack to make.

    Returns:
        How many models the class has.

    Raises:
        SystemExit: There is no such model, or it is in the pack already.
    """
    weights, infos = load_index(assets)
    archives = [deb_root / FURNITURE / f'{archive}.sh3f' for archive in LICENCES]
    entries = [entry for path in archives for entry in read_catalogue(path) if entry.name == name]
    if not entries or {entry.key for entry in entries} & {info.key for info in infos}:
        raise SystemExit(f'{name} must be a model of the catalogues that is not in {assets}')
    (output / 'models').mkdir(parents=True, exist_ok=True)
    for path in (assets / 'models').iterdir():
        link = output / 'models' / path.name
        link.unlink(missing_ok=True)
        link.symlink_to(path.resolve())
    found = catalogue_models({name: entries}, label, [name], places)
    everywhere = [(entry, replace(info, split='any')) for entry, info in found]
    written = write_catalogue_models(output / 'models', everywhere, MAX_FACES)
    save_index(output, {**weights, label: WEIGHT}, infos + written)
    (output / 'CREDITS.md').write_text(credits_table(written))
    return len(written)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('name', help='of the model in the furniture catalogues')
    parser.add_argument('label', help='name of the new class')
    parser.add_argument('--places', nargs='+', default=['floor'], help='floor, wall or table')
    parser.add_argument('--deb-root', type=Path, required=True, help='unpacked Debian package')
    parser.add_argument('--assets', type=Path, required=True, help='pack made by assets.py')
    parser.add_argument('--output', type=Path, required=True, help='pack to make')
    arguments = parser.parse_args()
    count = add_object(
        arguments.name, arguments.label, arguments.places, arguments.deb_root,
        arguments.assets, arguments.output,
    )  # fmt: skip
    parser.exit(message=f'{count} models of {arguments.label}: {arguments.output}\n')


if __name__ == '__main__':
    main()
