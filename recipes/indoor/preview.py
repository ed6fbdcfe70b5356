"""Draw a contact sheet of a rendered data set with its masks, to look at."""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from pycocotools import mask as coco_mask

if TYPE_CHECKING:
    from numpy.typing import NDArray


def draw(
    bgr: NDArray[np.uint8], annotations: list[dict[str, Any]], names: dict[int, str]
) -> NDArray[np.uint8]:
    """Return the image with tinted masks, outlines and class names; crowd is grey."""
    drawn = bgr.copy()
    for number, annotation in enumerate(annotations):
        mask = coco_mask.decode(annotation['segmentation'])
        hue = np.array([[[number * 67 % 180, 220, 255]]], np.uint8)
        colour = cv2.cvtColor(hue, cv2.COLOR_HSV2BGR)[0, 0].astype(float)
        if annotation['iscrowd']:
            colour = np.array([128.0, 128.0, 128.0])
        drawn[mask == 1] = 0.65 * drawn[mask == 1] + 0.35 * colour
        contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(drawn, contours, -1, colour.tolist(), 1)
        x, y, width, height = (int(value) for value in annotation['bbox'])
        origin = (x + width // 2 - 20, y + height // 2)
        cv2.putText(drawn, names[annotation['category_id']], origin, 0, 0.5, (255, 255, 255), 1)
    return np.asarray(drawn, np.uint8)


def contact_sheet(dataset: Path, count: int, columns: int, is_masked: bool) -> NDArray[np.uint8]:
    """Return a grid of ``count`` images spread evenly over a data set."""
    content = json.loads((dataset / 'instances.json').read_text())
    names = {category['id']: category['name'] for category in content['categories']}
    by_image = defaultdict(list)
    for annotation in content['annotations']:
        by_image[annotation['image_id']].append(annotation)
    cells = []
    for index in np.linspace(0, len(content['images']) - 1, count).astype(int):
        image = content['images'][index]
        bgr = np.asarray(cv2.imread(str(dataset / 'images' / image['file_name'])), np.uint8)
        cells.append(draw(bgr, by_image[image['id']], names) if is_masked else bgr)
    cells += [np.zeros_like(cells[0])] * (-len(cells) % columns)
    rows = [np.hstack(cells[start : start + columns]) for start in range(0, len(cells), columns)]
    return np.vstack(rows)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('dataset', type=Path, help='output folder of render.py')
    parser.add_argument('output', type=Path, help='PNG file to write')
    parser.add_argument('--count', type=int, default=24, help='number of images')
    parser.add_argument('--columns', type=int, default=4)
    parser.add_argument('--plain', action='store_true', help='do not draw the masks')
    arguments = parser.parse_args()
    sheet = contact_sheet(
        arguments.dataset, arguments.count, arguments.columns, not arguments.plain
    )
    cv2.imwrite(str(arguments.output), sheet)


if __name__ == '__main__':
    main()
