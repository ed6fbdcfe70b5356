"""Several data sets in COCO's format as one, for masks whose classes do not matter."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from yolact_core.cli.options import argument, option
from yolact_core.terminal import say

CATEGORY = {'id': 1, 'name': 'object'}


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the step ``gather``."""

    output: Path = argument('annotation file to write; its file names are relative to its folder')
    sources: tuple[Path, ...] = option(
        'annotation files, their images in a folder images beside each', nargs='+', required=True
    )
    repeats: tuple[int, ...] = option('how often each counts; default: once', (), nargs='+')


def run(options: Options) -> None:
    """Write one annotation file of all objects, which count as one class.

    Raises:
        SystemExit: There are not as many repeats as sources.
    """
    repeats = options.repeats or (1,) * len(options.sources)
    if len(repeats) != len(options.sources):
        raise SystemExit(
            f'repeats must be one for each of {len(options.sources)} sources, got {len(repeats)}'
        )
    content = gather(options.output.parent, options.sources, repeats)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(content))
    say(
        f'{len(content["images"])} images, {len(content["annotations"])} objects: {options.output}'
    )


def gather(
    root: Path, sources: tuple[Path, ...], repeats: tuple[int, ...]
) -> dict[str, list[dict[str, object]]]:
    """Return the content of several annotation files as that of one.

    Args:
        root: Folder that the new file names are relative to.
        sources: Annotation files, their images in a folder ``images`` beside each.
        repeats: How often the images of each are listed.
    """
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for source, times in zip(sources, repeats, strict=True):
        content = json.loads(source.read_text())
        folder = os.path.relpath(source.parent / 'images', root)
        for _ in range(times):
            ids = {}
            for image in content['images']:
                ids[image['id']] = len(images) + 1
                name = f'{folder}/{image["file_name"]}'
                images.append({**image, 'id': len(images) + 1, 'file_name': name})
            for one in content['annotations']:
                annotations.append(
                    {
                        **one,
                        'id': len(annotations) + 1,
                        'image_id': ids[one['image_id']],
                        'category_id': CATEGORY['id'],
                    }
                )
    return {'images': images, 'annotations': annotations, 'categories': [CATEGORY]}
