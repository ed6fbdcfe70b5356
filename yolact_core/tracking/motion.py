"""Where the boxes of tracks are, and how fast they move and grow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# standard deviations, as shares of an object's size, the square root of its box's area
MEASURED = 0.05  # of the side of a detector's box
FIRST_SPEED = 1.5  # per second, of an object that was seen once
AGILITY = 1.0  # of the change of a speed within a second
REST = 2.0  # seconds after which an object that nobody sees has lost two thirds of its speed

Floats = npt.NDArray[np.float64]
Index = list[int] | npt.NDArray[np.bool_]


@dataclass(frozen=True)
class BoxMotion:
    """Kalman filters in seconds: place and speed of each side of each box.

    Args:
        boxes: Corners x1 y1 x2 y2 in pixels, shape (T, 4).
        speeds: Pixels per second that each side moves, shape (T, 4).
        variances: Variance of the place, covariance of place and speed, variance of the speed,
            shape (T, 3, 4).
    """

    boxes: Floats
    speeds: Floats
    variances: Floats

    @classmethod
    def begin(cls, boxes: Floats, speed: Floats, doubts: Floats) -> BoxMotion:
        """Take boxes that are seen for the first time.

        Args:
            boxes: Corners x1 y1 x2 y2 in pixels, shape (T, 4).
            speed: Pixels per second, x and y, that they are supposed to move at, shape (2,).
            doubts: Factor to the error of each side, shape (T, 4).
        """
        sizes = box_sizes(boxes)[:, None]
        variances = np.stack(
            [
                (doubts * MEASURED * sizes) ** 2,
                np.zeros_like(doubts),
                np.broadcast_to((FIRST_SPEED * sizes) ** 2, doubts.shape),
            ],
            axis=1,
        )
        return cls(boxes, np.tile(speed, (len(boxes), 2)), variances)

    def __getitem__(self, index: Index) -> BoxMotion:
        """Return some of the filters."""
        return BoxMotion(self.boxes[index], self.speeds[index], self.variances[index])

    def join(self, other: BoxMotion) -> BoxMotion:
        """Return these filters, then others."""
        return BoxMotion(
            np.concatenate([self.boxes, other.boxes]),
            np.concatenate([self.speeds, other.speeds]),
            np.concatenate([self.variances, other.variances]),
        )

    def predict(self, seconds: float) -> BoxMotion:
        """Return what is to be expected some time later."""
        kept = float(np.exp(-seconds / REST))
        reach = REST * (1 - kept)  # seconds for which the speed counts
        place, both, speed = self.variances.transpose(1, 0, 2)
        push = (AGILITY * box_sizes(self.boxes)[:, None]) ** 2
        boxes = self.boxes + reach * self.speeds
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1.0)
        variances = [
            place + 2 * reach * both + reach**2 * speed + push * seconds**3 / 3,
            kept * (both + reach * speed) + push * seconds**2 / 2,
            kept**2 * speed + push * seconds,
        ]
        return BoxMotion(boxes, kept * self.speeds, np.stack(variances, axis=1))

    def correct(self, index: list[int], boxes: Floats, doubts: Floats) -> BoxMotion:
        """Return the filters after some of their boxes were seen.

        Args:
            index: Positions of the boxes that were seen, shape (K,).
            boxes: What was seen, shape (K, 4).
            doubts: Factor to the error of each side, shape (K, 4).
        """
        before = self[index]
        place, both, speed = before.variances.transpose(1, 0, 2)
        total = place + (doubts * MEASURED * box_sizes(before.boxes)[:, None]) ** 2
        gain, pull = place / total, both / total
        surprise = boxes - before.boxes
        after = BoxMotion(self.boxes.copy(), self.speeds.copy(), self.variances.copy())
        after.boxes[index] += gain * surprise
        after.speeds[index] += pull * surprise
        after.variances[index] = np.stack(
            [place - gain * place, both - gain * both, speed - pull * both], axis=1
        )
        return after

    def place_deviations(self) -> Floats:
        """Return how far off a detector's box may be from these, in pixels, shape (T,)."""
        expected = self.variances[:, 0].mean(axis=1)
        return np.asarray(np.sqrt(expected + (MEASURED * box_sizes(self.boxes)) ** 2))


def no_motion() -> BoxMotion:
    """Return filters of no boxes."""
    return BoxMotion(np.zeros((0, 4)), np.zeros((0, 4)), np.zeros((0, 3, 4)))


def box_sizes(boxes: Floats) -> Floats:
    """Return the square root of the area of each box, shape (N, 4) to (N,), at least 1."""
    return np.asarray(np.sqrt(np.maximum(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), 1.0)))


def box_centres(boxes: Floats) -> Floats:
    """Return the centre x, y of each box, shape (N, 4) to (N, 2)."""
    return np.asarray((boxes[:, :2] + boxes[:, 2:]) / 2)
