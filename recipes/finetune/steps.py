"""The steps around fine-tuning: a new object in rendered rooms, pictures of it, and figures.

The Makefile beside it shows how they follow each other.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yolact_core.cli.options import argument, option
from yolact_core.terminal import say

WEIGHT = 8.0  # how often the new class is drawn; a chair has 3
MAX_FACES = 12000

Content = dict[str, list[dict[str, Any]]]  # of a COCO file


@dataclass(frozen=True, kw_only=True)
class ObjectOptions:
    """Options of the step ``add-object``."""

    name: str = argument('name of the model in the furniture catalogues')
    label: str = argument('name of the new class')
    places: tuple[str, ...] = option('floor, wall or table', ('floor',), nargs='+')
    deb_root: Path = option('unpacked Debian package', required=True)
    assets: Path = option('pack made by the step assets', required=True)
    output: Path = option('pack to make', required=True)


def run_add_object(options: ObjectOptions) -> None:
    """Make a pack of object models with one class more than the indoor model knows."""
    count = add_object(
        options.name, options.label, list(options.places), options.deb_root,
        options.assets, options.output,
    )  # fmt: skip
    say(f'{count} models of {options.label}: {options.output}')


def add_object(
    name: str, label: str, places: list[str], deb_root: Path, assets: Path, output: Path
) -> int:
    """Write a pack with a new class; its other models are links to those of the first pack.

    The new class has all models of one name in the furniture catalogues; they stand in rooms of
    the training data and of the test data alike.

    Args:
        name: Name of the models in the furniture catalogues.
        label: Name of the new class, which comes last.
        places: Where it may stand.
        deb_root: The unpacked Debian package of furniture.
        assets: Pack made by the step ``assets``.
        output: Pack to make.

    Returns:
        How many models the class has.

    Raises:
        SystemExit: There is no such model, or it is in the pack already.
    """
    from recipes.indoor.assets.build import credits_table, write_catalogue_models
    from recipes.indoor.assets.catalogue import read_catalogues
    from recipes.indoor.assets.models import load_index, save_index

    weights, infos = load_index(assets)
    found = read_catalogues(deb_root)[name]
    if not found or {model.key for model in found} & {info.key for info in infos}:
        raise SystemExit(f'{name} must be a model of the catalogues that is not in {assets}')
    (output / 'models').mkdir(parents=True, exist_ok=True)
    for path in (assets / 'models').iterdir():
        link = output / 'models' / path.name
        link.unlink(missing_ok=True)
        link.symlink_to(path.resolve())
    written = write_catalogue_models(output / 'models', found, label, places, MAX_FACES)
    save_index(output, {**weights, label: WEIGHT}, infos + written)
    (output / 'CREDITS.md').write_text(credits_table(written))
    return len(written)


@dataclass(frozen=True, kw_only=True)
class ChoiceOptions:
    """Options of the step ``choose``."""

    dataset: Path = argument('COCO annotations')
    label: str = argument('name of the class')
    output: Path = argument('COCO file to write')
    count: int = option('images to take', 20)
    alone: bool = option('without the other classes', False)
    least_area: float = option('area of one object in each image, pixels', 0)


def run_choose(options: ChoiceOptions) -> None:
    """Choose a few pictures of an object from a rendered data set, as if someone took them."""
    content = json.loads(options.dataset.read_text())
    chosen = choose(content, options.label, options.count, options.alone, options.least_area)
    options.output.write_text(json.dumps(chosen))
    say(f'{options.count} images: {options.output}')


def choose(
    content: Content, label: str, count: int, is_alone: bool, least_area: float = 0
) -> Content:
    """Return the first images that show an object of a class.

    Args:
        content: Content of a COCO file.
        label: Name of the class.
        count: Number of images.
        is_alone: Leave the annotations of all other classes out.
        least_area: Area that one object of the class must have in each image, in pixels.

    Raises:
        SystemExit: There are too few.
    """
    (wanted,) = (one['id'] for one in content['categories'] if one['name'] == label)
    showing = {
        one['image_id']
        for one in content['annotations']
        if one['category_id'] == wanted and not one['iscrowd'] and one['area'] >= least_area
    }
    images = [image for image in content['images'] if image['id'] in showing][:count]
    if len(images) < count:
        raise SystemExit(f'{count} images must show a {label}, got {len(images)}: render more')
    kept = {image['id'] for image in images}
    return {
        'images': images,
        'annotations': [
            one
            for one in content['annotations']
            if one['image_id'] in kept and (not is_alone or one['category_id'] == wanted)
        ],
        'categories': [
            one for one in content['categories'] if not is_alone or one['id'] == wanted
        ],
    }


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """Options of the step ``report``; files are those of ``yolact evaluate --output``."""

    label: str = argument('name of the new class')
    alone: Path = argument('new model on the new class', metavar='ALONE.json')
    before: Path = argument('old model on all its classes', metavar='BEFORE.json')
    after: Path = argument('new model on all classes', metavar='AFTER.json')


def run_report(options: ReportOptions) -> None:
    """Say what fine-tuning gained and what it cost."""
    paths = (options.alone, options.before, options.after)
    say(report(options.label, *(json.loads(path.read_text()) for path in paths)))


def report(
    label: str, alone: dict[str, Any], before: dict[str, Any], after: dict[str, Any]
) -> str:
    """Return the figures in words.

    Args:
        label: Name of the new class.
        alone: Evaluation of the new model on the new class only.
        before: Evaluation of the old model on all its classes.
        after: Evaluation of the new model on all classes.
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
