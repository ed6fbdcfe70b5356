"""Choose a few pictures of an object from a rendered data set, as if someone had taken them.

The Makefile beside it shows how.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

Content = dict[str, list[dict[str, Any]]]


def choose(
    content: Content, label: str, count: int, is_alone: bool, least_area: float = 0
) -> Content:
    """Return the first images that show an object of a class.

    Args:
        content: Of a COCO file.
        label: The class.
        count: How many images.
        is_alone: Leave the annotations of all other classes out.
        least_area: Of one object of the class in each image, in pixels.

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


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('dataset', type=Path, help='COCO annotations')
    parser.add_argument('label', help='name of the class')
    parser.add_argument('output', type=Path, help='COCO file to write')
    parser.add_argument('--count', type=int, default=20, help='images to take')
    parser.add_argument('--alone', action='store_true', help='without the other classes')
    parser.add_argument(
        '--least-area', type=float, default=0, help='of one object in each image, pixels'
    )
    arguments = parser.parse_args()
    content = json.loads(arguments.dataset.read_text())
    chosen = choose(
        content, arguments.label, arguments.count, arguments.alone, arguments.least_area
    )
    arguments.output.write_text(json.dumps(chosen))
    parser.exit(message=f'{arguments.count} images: {arguments.output}\n')


if __name__ == '__main__':
    main()
