"""``yolact prototypes``: what the masks of an image are made of, as one picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from yolact_core.cli.model_options import add_detection_options, add_model_options, load_detector
from yolact_core.errors import InputError
from yolact_core.terminal import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument('image', type=Path, metavar='IMAGE', help='image file')
    parser.add_argument(
        '--output',
        type=Path,
        default=Path('out/prototypes.png'),
        metavar='FILE',
        help='PNG: all prototypes, then how the best instances combine them',
    )
    add_model_options(parser)
    add_detection_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Draw the prototypes of one image and how its instances combine them."""
    if arguments.output.suffix.lower() != '.png':
        raise InputError(f'output must be a .png file, got {str(arguments.output)!r}')
    from yolact_core.media.image_files import read_image, write_image
    from yolact_core.visualization import draw_combinations, draw_prototypes, stack_pictures

    rgb = read_image(arguments.image)
    detector = load_detector(arguments)
    detections = detector(rgb)
    prototypes = detector.prototypes[0].cpu().numpy()
    mosaic = draw_prototypes(prototypes, rgb)
    write_image(
        arguments.output, stack_pictures(mosaic, draw_combinations(prototypes, rgb, detections))
    )
    say(f'{len(prototypes)} prototypes, {len(detections)} instances: {arguments.output}')
    return 0
