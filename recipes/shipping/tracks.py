"""A sheet of pictures out of a bag, with the tracks of what a model finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recipes.shipping.sheets import encode, lay_out
from yolact_core import Detector, Tracker
from yolact_core.cli.options import argument, option
from yolact_core.media.ranges import BY_ENCODING
from yolact_core.terminal import say
from yolact_core.visualization import OverlayStyle, draw_overlay
from yolact_ros.bag.image_selection import ImageSelection
from yolact_ros.bag.io.bag import Bag
from yolact_ros.bag.replay.frames import choose_images, decode, read_raw

STYLE = OverlayStyle(color_by='track', boxes=False, scores=False)
COLUMNS = 3
MOST_BYTES = 300_000


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the step ``tracks``."""

    bag: Path = argument('bag with one topic of images')
    output: Path = argument('JPEG file to write')
    model: str = option('name or file of the model', 'indoor')
    first: int = option('number of the first image that is shown', 0)
    every: int = option('show every so-many-th image', 10)
    count: int = option('number of images that are shown', 6)


def run(options: Options) -> None:
    """Follow what a model finds in a bag, and lay some of its images onto one sheet."""
    last = options.first + options.every * (options.count - 1)
    shown = range(options.first, last + 1, options.every)
    pictures = [picture for index, picture in _draw(options, last) if index in shown]
    options.output.write_bytes(encode(lay_out(pictures, COLUMNS), MOST_BYTES))
    say(f'{len(pictures)} pictures: {options.output}')


def _draw(options: Options, last: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield the number of each image, and the image with its tracks."""
    detector = Detector.load(options.model, backend='torch')
    tracker = Tracker()
    with Bag(options.bag, say) as bag:
        chosen = choose_images(bag, ImageSelection())
        for raw in read_raw(bag, chosen.topics, 1, chosen.whole):
            if raw.index > last:
                return
            frame = decode(bag, raw, BY_ENCODING)
            found = detector(frame.rgb)
            tracks = tracker.update(found, frame.moment, frame.rgb)
            yield raw.index, draw_overlay(frame.rgb, found, STYLE, tracks=tracks)
