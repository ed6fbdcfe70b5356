"""Which of the measured depths belong to an object, and which to what is behind its rims."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BIN = 0.03  # width of the histogram's bins, as a share of the depth
SHIFT = 3000  # makes the bins of all float32 numbers positive
SPARSE = 0.005  # share of all measurements below which a bin is a gap
SIGNIFICANT = 0.25  # share of all measurements from which on a group may be the object


def gate(depths: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Return which depths are of the object: those of the nearest group with enough of them.

    Groups are what gaps of more than a bin divide: bins that are empty or, where pixels fly
    between object and background, sparse. The nearest one with a quarter of all pixels is the
    object, be there ever so much wall between the bars of its back; what hides a part of it is
    less. Without such a group it is the largest.

    Args:
        depths: Depths within one mask, metres, all above 0, shape (P,).
    """
    if len(depths) == 0:
        return np.zeros(0, dtype=np.bool_)
    bins = (np.log(depths) * np.float32(1 / BIN) + np.float32(SHIFT)).astype(np.int64)
    bins -= bins.min()
    counts = np.bincount(bins)
    is_dense = counts >= min(max(2.0, SPARSE * len(depths)), counts.max())
    starts = np.flatnonzero(is_dense)
    last = np.append(np.diff(starts) > 2, True)  # the last dense bin of each group
    lows = starts[np.append(True, last[:-1])]
    highs = starts[last]
    totals = np.append(0, counts.cumsum())
    shares = (totals[highs + 1] - totals[lows]) / len(depths)
    chosen = (shares >= min(SIGNIFICANT, shares.max())).argmax()
    # sparse neighbours of dense bins are the tails of the object
    is_own: npt.NDArray[np.bool_] = (bins >= lows[chosen] - 1) & (bins <= highs[chosen] + 1)
    return is_own
