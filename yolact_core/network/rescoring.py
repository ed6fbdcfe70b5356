"""Mask rescoring (YOLACT++, section 6.1)."""

from itertools import pairwise

from torch import Tensor, nn

WIDTHS = (1, 8, 16, 32, 64, 128)


class MaskRescoring(nn.Module):
    """Predicts how well each mask overlaps the object, for every class it might be.

    Submodules are named as in the official checkpoints, which then load without a translation.

    Args:
        classes: Foreground classes.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.maskiou_net = nn.Sequential()
        for in_channels, channels in pairwise(WIDTHS):
            self.maskiou_net.append(nn.Conv2d(in_channels, channels, 3, stride=2))
            self.maskiou_net.append(nn.ReLU(inplace=True))
        self.maskiou_net.append(nn.Conv2d(WIDTHS[-1], classes, 1))
        self.maskiou_net.append(nn.ReLU(inplace=True))

    def forward(self, masks: Tensor) -> Tensor:
        """Return the predicted mask IoU, at least 0 and not bounded above, shape (N, classes).

        Args:
            masks: Cropped soft masks in [0, 1] at prototype resolution, shape (N, Hp, Wp).
        """
        iou: Tensor = self.maskiou_net(masks.unsqueeze(1)).amax(dim=(2, 3))
        return iou
