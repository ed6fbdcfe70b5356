"""Data sets of other formats as COCO files, by the library ``supervision``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from yolact_core.errors import InputError
from yolact_core.files import replace_when_done

if TYPE_CHECKING:
    from types import ModuleType

Format = Literal['labelme', 'yolo']


def convert_to_coco(
    source: Format, labels: Path, images: Path, output: Path, names: Path | None = None
) -> None:
    """Write the annotations of another tool as a COCO file, with polygons.

    Masks pass through pixels on the way, so that outlines may move by a pixel.

    Args:
        source: ``labelme``: a JSON file per image, of which polygons and rectangles are taken.
            ``yolo``: a text file per image with lines of class and polygon, as Ultralytics
            writes them for segmentation.
        labels: The folder of these files.
        images: The folder of the images.
        output: The file to write.
        names: For ``yolo``: the ``data.yaml`` with the names of the classes.

    Raises:
        InputError: ``supervision`` is not installed, or the data set cannot be read.
    """
    reader = _supervision().DetectionDataset
    if source == 'yolo' and names is None:
        raise InputError('yolo data must come with its data.yaml, which names the classes')
    if not (labels.is_dir() and images.is_dir()):
        raise InputError(f'{labels} and {images} must be folders')
    try:
        if source == 'yolo':
            dataset = reader.from_yolo(str(images), str(labels), str(names), force_masks=True)
        else:
            dataset = reader.from_labelme(str(images), str(labels), force_masks=True)
        with replace_when_done(output) as unfinished:
            dataset.as_coco(annotations_path=str(unfinished))
            _correct(unfinished)
    except (OSError, KeyError, IndexError, TypeError, ValueError) as error:
        raise InputError(
            f'{labels} must hold {source} annotations of the images in {images}: '
            f'{type(error).__name__}: {error}'
        ) from error


def _correct(path: Path) -> None:
    """Undo what the library adds unasked.

    It calls every object in several parts, or with a hole, a crowd, which training would ignore,
    and puts the images under a licence.
    """
    content = json.loads(path.read_text())
    for annotation in content['annotations']:
        annotation['iscrowd'] = 0
    for image in content['images']:
        image.pop('license', None)
    kept = {key: content[key] for key in ('images', 'annotations', 'categories')}
    path.write_text(json.dumps(kept))


def _supervision() -> ModuleType:
    try:
        import supervision
    except ImportError as error:
        raise InputError(
            'supervision must be installed to convert data sets: pip install "yolact[convert]"'
        ) from error
    module: ModuleType = supervision
    return module
