"""The prediction head that all pyramid levels share (YOLACT, section 3.2)."""

from torch import Tensor, nn


class PredictionHead(nn.Module):
    """Predicts box offsets, class logits and mask coefficients at each prior of a level.

    Submodules are named as in the official checkpoints, which then load without a translation.

    Args:
        channels: Of the pyramid level.
        priors_per_cell: How many priors each cell has.
        classes: Foreground classes.
        prototypes: Coefficients per prior.
    """

    def __init__(self, channels: int, priors_per_cell: int, classes: int, prototypes: int) -> None:
        super().__init__()
        self.classes = classes
        self.prototypes = prototypes
        self.upfeature = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(inplace=True)
        )
        self.bbox_layer = nn.Conv2d(channels, priors_per_cell * 4, 3, padding=1)
        self.conf_layer = nn.Conv2d(channels, priors_per_cell * (classes + 1), 3, padding=1)
        self.mask_layer = nn.Conv2d(channels, priors_per_cell * prototypes, 3, padding=1)

    def forward(self, level: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Predict at one level, in the order row, column, prior of the cell.

        Args:
            level: Shape (B, C, H, W).

        Returns:
            Box offsets (B, A, 4), class logits (B, A, classes + 1) with the background first, and
            mask coefficients (B, A, prototypes) in [-1, 1].
        """
        features = self.upfeature(level)
        return (
            _per_prior(self.bbox_layer(features), 4),
            _per_prior(self.conf_layer(features), self.classes + 1),
            _per_prior(self.mask_layer(features), self.prototypes).tanh(),
        )


def _per_prior(output: Tensor, values: int) -> Tensor:
    return output.permute(0, 2, 3, 1).reshape(output.shape[0], -1, values)
