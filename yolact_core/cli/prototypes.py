"""``yolact prototypes``: what the masks of an image are made of, as one picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from yolact_core.cli.model_options import DetectionOptions, ModelOptions
from yolact_core.cli.options import argument, group, option
from yolact_core.errors import InputError
from yolact_core.terminal import say


@dataclass(frozen=True, kw_only=True)
class Options:
    """What ``yolact prototypes`` can be asked for."""

    image: Path = argument('image file', metavar='IMAGE')
    output: Path = option(
        'PNG: all prototypes, then how the best instances combine them',
        Path('out/prototypes.png'),
        metavar='FILE',
    )
    model: ModelOptions = group('model')
    detection: DetectionOptions = group('detections')


def run(options: Options) -> int:
    """Draw the prototypes of one image and how its instances combine them."""
    if options.output.suffix.lower() != '.png':
        raise InputError(f'output must be a .png file, got {str(options.output)!r}')
    from yolact_core.media.image_files import read_image, write_image
    from yolact_core.visualization import draw_combinations, draw_prototypes, stack_pictures

    rgb = read_image(options.image)
    detector = options.model.load(options.detection)
    detections = detector(rgb)
    prototypes = detector.prototypes[0].cpu().numpy()
    mosaic = draw_prototypes(prototypes, rgb)
    write_image(
        options.output, stack_pictures(mosaic, draw_combinations(prototypes, rgb, detections))
    )
    say(f'{len(prototypes)} prototypes, {len(detections)} instances: {options.output}')
    return 0
