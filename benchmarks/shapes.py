"""A data set of overlapping textured shapes: small, endless, and with exact masks.

The ground is dull and the shapes are vivid, so that what is to be learnt from nothing is which
shape is where, behind which other.

A network that trains as it should finds these shapes after a few minutes, which makes them the
smallest test of a whole training. Run as a script: ``python benchmarks/shapes.py FOLDER --images
1000``.
"""

from __future__ import annotations

import argparse
import colorsys
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.masks.instance_masks import InstanceMasks

CLASS_NAMES = ('disc', 'square', 'triangle', 'star', 'ring')
CATEGORY_STEP = 7  # category ids have gaps, as COCO's do
MOST_SHAPES = 5
RADIUS = (0.08, 0.25)  # of the image's shorter side
LEAST_VISIBLE = 0.25  # of a shape's area; more hidden ones become crowd
LEAST_AREA = 12  # pixels; of smaller remainders nothing is said
CORNERS = {'square': 4, 'triangle': 3}
STAR_POINTS = 5
INNER_RADIUS = 0.45  # of stars and rings, relative to the outer one
SUBPIXEL_BITS = 4
DULL, VIVID = (0.0, 0.3), (0.5, 1.0)  # saturation of the ground and of the shapes
CONTRAST = 0.2  # of the two shades of a texture, either way

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


def write_shapes(folder: Path, images: int, seed: int, size: tuple[int, int] = (240, 320)) -> Path:
    """Write images and their annotations in COCO's format.

    Args:
        folder: Gets ``annotations.json`` and the folder ``images``.
        images: How many; about one in twenty shows no shape.
        seed: The same seed gives the same data set.
        size: Height and width in pixels.

    Returns:
        The annotation file.
    """
    (folder / 'images').mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    records: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id in range(1, images + 1):
        image, masks, class_ids = draw_scene(generator, size)
        name = f'{image_id:06d}.jpg'
        cv2.imwrite(
            str(folder / 'images' / name), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95]
        )
        records.append({'id': image_id, 'file_name': name, 'height': size[0], 'width': size[1]})
        for annotation in _annotate(masks, class_ids):
            ids = {'id': len(annotations) + 1, 'image_id': image_id}
            annotations.append({**ids, **annotation})
    categories = [
        {'id': (index + 1) * CATEGORY_STEP, 'name': name} for index, name in enumerate(CLASS_NAMES)
    ]
    path = folder / 'annotations.json'
    content = {'images': records, 'annotations': annotations, 'categories': categories}
    path.write_text(json.dumps(content))
    return path


def draw_scene(
    generator: np.random.Generator, size: tuple[int, int]
) -> tuple[Image, list[Mask], list[int]]:
    """Draw one image.

    Args:
        generator: Source of randomness.
        size: Height and width in pixels.

    Returns:
        The image, RGB; the whole mask of each shape, hidden parts included, from back to front;
        and the class of each.
    """
    image = _texture(generator, size, DULL)
    count = 0 if generator.random() < 0.05 else int(generator.integers(1, MOST_SHAPES + 1))
    class_ids = generator.integers(len(CLASS_NAMES), size=count).tolist()
    masks = [_draw_shape(CLASS_NAMES[class_id], generator, size) for class_id in class_ids]
    for mask in masks:
        _paint(image, mask, generator)
    return image, masks, class_ids


def _draw_shape(name: str, generator: np.random.Generator, size: tuple[int, int]) -> Mask:
    radius = min(size) * generator.uniform(*RADIUS)
    centre = generator.uniform(0.05, 0.95, 2) * size[::-1]
    canvas = np.zeros(size, dtype=np.uint8)
    if name in ('disc', 'ring'):
        _fill_circle(canvas, centre, radius, 1)
        if name == 'ring':
            _fill_circle(canvas, centre, radius * INNER_RADIUS, 0)
        return canvas.astype(np.bool_)
    corners = CORNERS.get(name, 2 * STAR_POINTS)
    angles = generator.uniform(0, 2 * np.pi) + np.arange(corners) * 2 * np.pi / corners
    radii = np.full(corners, radius)
    if name == 'star':
        radii[1::2] *= INNER_RADIUS
    points = centre + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    cv2.fillPoly(canvas, [_fixed_point(points)], 1, shift=SUBPIXEL_BITS)
    return canvas.astype(np.bool_)


def _fill_circle(
    canvas: Image, centre: npt.NDArray[np.float64], radius: float, value: int
) -> None:
    x, y = _fixed_point(centre).tolist()
    cv2.circle(
        canvas, (x, y), round(radius * 2**SUBPIXEL_BITS), value, cv2.FILLED, shift=SUBPIXEL_BITS
    )


def _fixed_point(points: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    fixed: npt.NDArray[np.int32] = np.rint(points * 2**SUBPIXEL_BITS).astype(np.int32)
    return fixed


def _paint(image: Image, mask: Mask, generator: np.random.Generator) -> None:
    """Cover the pixels of a shape with a texture of its own."""
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    box = slice(y, y + height), slice(x, x + width)
    texture = _texture(generator, (height, width), VIVID)
    image[box][mask[box]] = texture[mask[box]]


def _texture(
    generator: np.random.Generator, size: tuple[int, int], saturation: tuple[float, float]
) -> Image:
    """Return smooth spots of two shades of a random colour with some grain, RGB."""
    cells = int(generator.integers(3, 30))
    spots = generator.random((cells, cells), dtype=np.float32)
    blend = cv2.resize(spots, size[::-1], interpolation=cv2.INTER_CUBIC)[..., None]
    hue = generator.random()
    lightness = generator.uniform(0.3, 0.8)
    first, second = (
        np.float32(255) * np.array(colorsys.hsv_to_rgb(hue, *shade), np.float32)
        for shade in zip(
            generator.uniform(*saturation, 2),
            lightness + generator.uniform(-CONTRAST, CONTRAST, 2),
            strict=True,
        )
    )
    grain = generator.normal(0, generator.uniform(1, 12), (*size, 1)).astype(np.float32)
    texture = first * blend + second * (1 - blend) + grain
    image: Image = texture.clip(0, 255).astype(np.uint8)
    return image


def _annotate(masks: list[Mask], class_ids: list[int]) -> list[dict[str, Any]]:
    """Return the annotations of the visible parts, without ids."""
    annotations = []
    in_front: Any = False
    for mask, class_id in zip(reversed(masks), reversed(class_ids), strict=True):
        visible = mask & np.logical_not(in_front)
        in_front = in_front | mask
        area = int(visible.sum())
        if area < LEAST_AREA:
            continue
        found = InstanceMasks.from_dense([visible], mask.shape)
        (rle,) = found.coco_rles()
        annotations.append(
            {
                'category_id': (class_id + 1) * CATEGORY_STEP,
                'iscrowd': int(area < LEAST_VISIBLE * mask.sum()),
                'area': area,
                'bbox': [*found.corners[0].tolist(), *found.shapes[0, ::-1].tolist()],
                'segmentation': rle,
            }
        )
    return annotations


def main() -> None:
    """Write a data set as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', type=Path)
    parser.add_argument('--images', type=int, default=1000)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--size', type=int, nargs=2, default=(240, 320), help='height and width')
    arguments = parser.parse_args()
    path = write_shapes(arguments.folder, arguments.images, arguments.seed, tuple(arguments.size))
    print(f'wrote {arguments.images} images and {path}')


if __name__ == '__main__':
    main()
