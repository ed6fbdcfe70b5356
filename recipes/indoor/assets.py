"""Build the pack of object models that the renderer draws from.

The models come from the Debian package ``sweethome3d-furniture`` and, for classes that it is
thin in, from our own generators. Whole models are held out for validation and test.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from attribution import credits_table
from catalogue import LICENCES, Entry, read_catalogue, read_groups
from generated import GENERATORS
from meshes import groups_to_model, with_top
from models import ModelInfo, save_index, save_model

if TYPE_CHECKING:
    from collections.abc import Iterable

FURNITURE = 'usr/share/sweethome3d/furniture'
VAL_SHARE, TEST_SHARE = 0.1, 0.2
MAX_TABLETOP = (0.75, 0.6, 0.95)  # m, largest width, depth and height of what stands on a table
MIN_FLOOR_LAMP, CEILING = 1.0, 2.4  # m
MAX_HUNG_DEPTH = 0.15  # m, of a screen on the wall
SCREEN_MOUNT = 1.0  # m above the floor, for televisions on the wall

logger = logging.getLogger('assets')


def split_keys(keys: Iterable[str]) -> dict[str, str]:
    """Assign every key to train, val or test, by hash, so that no run or order changes it.

    Two keys or more always give at least one test key, and ten at least one val key.
    """
    ordered = sorted(keys, key=lambda key: hashlib.sha256(key.encode()).hexdigest())
    test = max(round(TEST_SHARE * len(ordered)), int(len(ordered) > 1))
    val = round(VAL_SHARE * len(ordered))
    return {
        key: 'test' if rank < test else 'val' if rank < test + val else 'train'
        for rank, key in enumerate(ordered)
    }


def possible_places(label: str | None, places: list[str], entry: Entry) -> tuple[str, ...]:
    """Return where a catalogue model may stand, from its class's places and its own size."""
    if label == 'lamp' and entry.elevation + entry.size[2] > CEILING:
        return ('ceiling',)
    if entry.elevation > 0.3:
        return ('hung',)
    fits = all(side <= limit for side, limit in zip(entry.size, MAX_TABLETOP, strict=True))
    allowed = [place for place in places if place != 'table' or fits]
    if label == 'screen':
        allowed = [place for place in allowed if place != 'hung' or entry.size[1] < MAX_HUNG_DEPTH]
    if label == 'lamp' and entry.size[2] < MIN_FLOOR_LAMP:
        allowed = ['table']
    return tuple(allowed or ['floor'])


def catalogue_models(
    entries: dict[str, list[Entry]], label: str | None, names: list[str], places: list[str]
) -> list[tuple[Entry, ModelInfo]]:
    """Return the entries of one class with what the index says of them."""
    chosen = {entry.key: entry for name in names for entry in entries[name]}
    splits = split_keys(chosen)
    return [
        (
            entry,
            ModelInfo(
                key=key,
                label=label,
                split=splits[key] if label else 'any',
                places=possible_places(label, places, entry),
                size=entry.size,
                elevation=entry.elevation or SCREEN_MOUNT * (label == 'screen'),
                title=entry.title,
                creator=entry.creator,
                licence=entry.licence,
            ),
        )
        for key, entry in chosen.items()
    ]


def write_catalogue_models(
    folder: Path, found: list[tuple[Entry, ModelInfo]], max_faces: int
) -> list[ModelInfo]:
    """Convert catalogue models; those that cannot be read are left out and logged."""
    written = []
    for entry, info in found:
        try:
            model = groups_to_model(*read_groups(entry), max_faces)
        except (KeyError, ValueError, IndexError) as error:
            logger.warning('left out %s: %s', entry.key, error)
            continue
        save_model(folder / f'{info.key}.npz', model)
        written.append(info)
    return written


def write_generated_models(
    folder: Path, label: str, count: int, places: list[str]
) -> list[ModelInfo]:
    """Write ``count`` generated models of one class."""
    splits = split_keys(f'generated_{label}_{number:02d}' for number in range(count))
    infos = []
    for number, key in enumerate(sorted(splits)):
        random = np.random.default_rng([number, *label.encode()])
        model = with_top(GENERATORS[label](random))
        points = np.concatenate([part.vertices for part in model.parts])
        width, depth, height = (float(side) for side in np.ptp(points, axis=0))
        save_model(folder / f'{key}.npz', model)
        standing = tuple(place for place in places if place != 'hung')
        infos.append(
            ModelInfo(key, label, splits[key], standing, (width, depth, height), 0.0,
                      label.capitalize(), 'generated', 'Apache-2.0')
        )  # fmt: skip
    return infos


def build(deb_root: Path, classes_file: Path, output: Path, max_faces: int) -> list[ModelInfo]:
    """Write all models, the index and the credits; return what the index holds."""
    entries: dict[str, list[Entry]] = defaultdict(list)
    for archive in LICENCES:
        for entry in read_catalogue(deb_root / FURNITURE / f'{archive}.sh3f'):
            entries[entry.name].append(entry)
    mapping: dict[str, Any] = yaml.safe_load(classes_file.read_text())
    models = output / 'models'
    models.mkdir(parents=True, exist_ok=True)
    infos: list[ModelInfo] = []
    for label, spec in mapping['classes'].items():
        found = catalogue_models(entries, label, spec['models'], spec['places'])
        infos += write_catalogue_models(models, found, max_faces)
        infos += write_generated_models(models, label, spec.get('generated', 0), spec['places'])
    for place, names in mapping['clutter'].items():
        places = ['hung'] if place == 'wall' else [place]
        found = catalogue_models(entries, None, names, places)
        infos += write_catalogue_models(models, found, max_faces)
    weights = {label: spec['weight'] for label, spec in mapping['classes'].items()}
    save_index(output, weights, infos)
    (output / 'CREDITS.md').write_text(credits_table(infos))
    return infos


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--deb-root', type=Path, required=True, help='unpacked Debian package')
    parser.add_argument('--output', type=Path, required=True, help='folder of the model pack')
    parser.add_argument(
        '--classes', type=Path, default=Path(__file__).with_name('classes.yaml'),
        help='classes and their catalogue models',
    )  # fmt: skip
    parser.add_argument('--max-faces', type=int, default=12000, help='triangles of one model')
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format='%(message)s')
    infos = build(arguments.deb_root, arguments.classes, arguments.output, arguments.max_faces)
    logger.info('wrote %d models to %s', len(infos), arguments.output)


if __name__ == '__main__':
    main()
