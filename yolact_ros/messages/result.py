"""One processed image: what its messages are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from yolact_core.detections import Detections
from yolact_core.lifting import Objects
from yolact_core.palette import Color
from yolact_core.tracking import Tracks
from yolact_core.visualization import OverlayStyle, draw_overlay, pick_colors
from yolact_ros.health.freshness import Counters
from yolact_ros.health.latencies import StageTimes
from yolact_ros.masks import MaskEncoding
from yolact_ros.messages.factory import Message
from yolact_ros.messages.nav.view import NavOptions, NavView
from yolact_ros.messages.space import Space

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class OutputOptions:
    """How results are published.

    Args:
        encoding: Encoding of the masks.
        with_coefficients: Whether instances carry the weights of their prototype masks.
        jpeg_quality: Quality of JPEG images in [1, 100].
        overlay: What is drawn over an image, and how.
        nav: What costmaps are shown.
    """

    encoding: MaskEncoding = MaskEncoding.RLE
    with_coefficients: bool = False
    jpeg_quality: int = 80
    overlay: OverlayStyle = field(default_factory=OverlayStyle)
    nav: NavOptions = field(default_factory=NavOptions)


@dataclass(frozen=True)
class Result:
    """One processed image.

    Args:
        rgb: The image, shape (H, W, 3).
        header: Header of its message.
        detections: Instances in the image, best score first.
        sequence: Number of the image among those that were processed, from 1.
        model_id: Identity of the model, as in ``ModelInfo.model_id``.
        palette: Colour of each class.
        prototypes: Prototypes of the masks, shape (K, Hp, Wp), where the model left them: its
            next pass may overwrite them.
        tracks: Tracks of the detections; None where they are not followed.
        space: Depth that belongs to the image; None where there is none, or nobody needs it.
        camera_info: Calibration of the image as it came; None where there is none that fits, or
            nobody needs it.
        target: Which detection is the object that is followed; None where it is not seen.
        options: How the result is published.
        times: Time that the image spent in each stage; unknown until all else is published.
        counters: What became of all images so far, this one included.
    """

    rgb: npt.NDArray[np.uint8]
    header: Message
    detections: Detections
    sequence: int
    model_id: str
    palette: Sequence[Color]
    prototypes: Tensor
    tracks: Tracks | None = None
    space: Space | None = None
    camera_info: Message | None = None
    target: int | None = None
    options: OutputOptions = field(default_factory=OutputOptions)
    times: StageTimes = field(default_factory=StageTimes)
    counters: Counters = field(default_factory=Counters)

    @cached_property
    def labels(self) -> npt.NDArray[np.uint16]:
        """The label image, shape (H, W)."""
        return self.detections.masks.label_image()

    @cached_property
    def objects(self) -> Objects | None:
        """The objects in space; None where no depth belongs to the image."""
        return None if self.space is None else self.space.lift(self.detections)

    @property
    def known_objects(self) -> Objects | None:
        """The objects in space, where an output has asked for them; None elsewhere."""
        return vars(self).get('objects')

    @cached_property
    def nav(self) -> NavView | None:
        """The image as costmaps see it; None where no depth belongs to it."""
        if self.space is None:
            return None
        return NavView(self.space, self.detections, self.options.nav)

    @property
    def colors(self) -> list[Color]:
        """The colour of each instance, as in the overlay."""
        return pick_colors(self.detections, self.options.overlay, self.palette, self.tracks)

    @cached_property
    def overlay(self) -> npt.NDArray[np.uint8]:
        """The image with its detections drawn over it, RGB."""
        style = self.options.overlay
        return draw_overlay(self.rgb, self.detections, style, self.palette, self.tracks)
