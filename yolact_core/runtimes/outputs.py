"""What graphs give out: raw predictions, boxes and scores, of all priors or of the best."""

from __future__ import annotations

from torch import Tensor, nn

from yolact_core.network import Yolact
from yolact_core.network.boxes import decode_boxes
from yolact_core.network.candidates import Candidates, pick_candidates
from yolact_core.network.scores import class_scores

PRIOR_IDS = 'prior_ids'
RAW_OUTPUTS = ('box_offsets', 'class_logits', 'coefficients', 'prototypes')
DECODED_OUTPUTS = ('boxes', 'scores', 'coefficients', 'prototypes')


def output_names(is_decoded: bool, is_picked: bool) -> tuple[str, ...]:
    """Return the names of what a graph gives, in their order."""
    names = DECODED_OUTPUTS if is_decoded else RAW_OUTPUTS
    return (*names, PRIOR_IDS) if is_picked else names


class PickedYolact(nn.Module):
    """A network that gives what it predicts for its most promising priors only.

    Args:
        network: Network in evaluation mode.
        count: Number of priors of each image.
    """

    def __init__(self, network: Yolact, count: int) -> None:
        super().__init__()
        self.network = network
        self.config = network.config
        self.count = count

    @property
    def priors(self) -> Tensor:
        """All priors in centre form, shape (A, 4)."""
        return self.network.priors

    def forward(self, images: Tensor) -> Candidates:
        """Predict, and pick.

        Args:
            images: Normalized images, shape (B, 3, S, S).
        """
        return pick_candidates(self.network(images), self.count, self.config.scores)


class DecodedYolact(nn.Module):
    """A network that gives boxes and scores, for programs that know nothing of priors.

    Args:
        network: Network in evaluation mode, with all its priors or the best.
    """

    def __init__(self, network: Yolact | PickedYolact) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Predict, and decode.

        Args:
            images: Normalized images, shape (B, 3, S, S).

        Returns:
            Corners as fractions of the image, not clipped, shape (B, A, 4); scores without the
            background, shape (B, A, C); all else as it is.
        """
        prediction, config = self.network(images), self.network.config
        priors = prediction.pick_priors(self.network.priors)
        return (
            decode_boxes(prediction.box_offsets, priors, config.box_coding),
            class_scores(prediction.class_logits, config.scores),
            *prediction[2:],
        )


def with_outputs(network: Yolact, is_decoded: bool, candidates: int | None) -> nn.Module:
    """Return a module that gives ``output_names``.

    Args:
        network: Network in evaluation mode.
        is_decoded: Give boxes and scores instead of offsets and logits.
        candidates: Number of priors of each image that outputs are for; None: all.
    """
    picked = network if candidates is None else PickedYolact(network, candidates)
    return DecodedYolact(picked).eval() if is_decoded else picked.eval()
