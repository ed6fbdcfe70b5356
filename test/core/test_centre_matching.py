"""Which centre has to find which object, by hand and by properties."""

from __future__ import annotations

import pytest
import torch

from yolact_core import InputError, ModelConfig, build_network
from yolact_core.dataset import Targets
from yolact_core.network import Prediction, Yolact
from yolact_core.training.centre_matching import match_centres
from yolact_core.training.matching import MatchingOptions

SIDE = 128


@pytest.fixture(scope='module')
def network() -> Yolact:
    config = ModelConfig.from_name('yolact_nanodet').replace(
        input_size=SIDE, class_names=('cup', 'bowl')
    )
    return build_network(config)


def make_targets(
    boxes: list[list[float]], class_ids: list[int] | None = None, crowds: list | None = None
) -> Targets:
    """Make the truth of one image, with masks of no interest."""
    return Targets(
        boxes=[torch.tensor(boxes).float().view(-1, 4)],
        class_ids=[torch.tensor(class_ids or [0] * len(boxes), dtype=torch.int64)],
        masks=[torch.zeros(len(boxes), 4, 4, dtype=torch.uint8)],
        crowd_boxes=[torch.tensor(crowds or []).float().view(-1, 4)],
    )


def predict_boxes(network: Yolact, boxes: torch.Tensor, logits: torch.Tensor) -> Prediction:
    """Return a prediction in which each centre has a box and logits."""
    centre, stride = network.priors.split(2, dim=1)
    distances = torch.cat([centre - boxes[:, :2], boxes[:, 2:] - centre], dim=1)
    distances = distances / stride.repeat(1, 2)
    nothing = torch.zeros(1, len(boxes), 1)
    return Prediction(distances[None], logits[None], nothing, torch.zeros(1, 1, 4, 4))


def unsure(network: Yolact) -> torch.Tensor:
    return torch.full((len(network.priors), 2), -4.0)


def test_an_object_takes_the_centres_whose_boxes_fit_it(network):
    truth = torch.tensor([0.25, 0.25, 0.75, 0.75])
    boxes = torch.tensor([0.0, 0.0, 0.1, 0.1]).expand(len(network.priors), 4).clone()
    inside = ((network.priors[:, :2] - 0.5).abs() < 0.25).all(dim=1).nonzero().squeeze(1)
    fitting = inside[:3]
    boxes[fitting] = truth
    prediction = predict_boxes(network, boxes, unsure(network))
    matches = match_centres(
        prediction, network.priors, make_targets([truth.tolist()], [1]), MatchingOptions()
    )
    assert matches.labels[0].nonzero().squeeze(1).tolist() == fitting.tolist()
    assert matches.labels[0, fitting].tolist() == [2, 2, 2]
    torch.testing.assert_close(matches.qualities[0, fitting], torch.ones(3))
    assert matches.normalizer == pytest.approx(3)


def test_of_equal_boxes_the_better_score_is_taken_unless_scores_do_not_matter(network):
    truth = torch.tensor([0.25, 0.25, 0.75, 0.75])
    boxes = torch.tensor([0.25, 0.25, 0.5, 0.75]).expand(len(network.priors), 4).clone()
    inside = ((network.priors[:, :2] - 0.5).abs() < 0.25).all(dim=1).nonzero().squeeze(1)
    logits = unsure(network)
    logits[inside[-2], 0] = 4.0
    prediction, targets = predict_boxes(network, boxes, logits), make_targets([truth.tolist()])
    one = MatchingOptions(most_centres=1)
    by_score = match_centres(prediction, network.priors, targets, one)
    assert by_score.labels[0].nonzero().tolist() == [[int(inside[-2])]]
    blind = MatchingOptions(most_centres=1, by_score=False)
    logits[inside[-2], 0] = -40.0
    assert match_centres(prediction, network.priors, targets, blind).labels.sum() == 1


def test_even_an_object_smaller_than_a_stride_is_found_by_one_centre(network):
    tiny = [0.501, 0.501, 0.503, 0.503]
    boxes = torch.rand(len(network.priors), 4).sort(dim=1).values
    prediction = predict_boxes(network, boxes, unsure(network))
    matches = match_centres(prediction, network.priors, make_targets([tiny]), MatchingOptions())
    assert (matches.labels > 0).sum() >= 1


def test_a_centre_finds_an_object_that_it_lies_in_and_crowds_are_ignored(network):
    generator = torch.Generator().manual_seed(0)
    corner, size = torch.rand(2, 6, 2, generator=generator)
    truth = torch.cat([corner * 0.6, corner * 0.6 + 0.05 + size * 0.3], dim=1)
    boxes = truth[torch.randint(6, (len(network.priors),), generator=generator)]
    prediction = predict_boxes(network, boxes, unsure(network))
    targets = make_targets(truth.tolist(), crowds=[[0.0, 0.0, 1.0, 1.0]])
    matches = match_centres(prediction, network.priors, targets, MatchingOptions())
    found = matches.labels[0] > 0
    centre, stride = network.priors[found].split(2, dim=1)
    low, high = truth[matches.object_ids[0, found]].split(2, dim=1)
    middle, reach = (low + high) / 2, torch.maximum(high - low, stride) / 2
    assert found.any()
    assert ((centre - middle).abs() <= reach).all()
    assert (matches.labels[0, ~found] == -1).all()


def test_an_image_without_objects_is_background(network):
    boxes = torch.rand(len(network.priors), 4).sort(dim=1).values
    prediction = predict_boxes(network, boxes, unsure(network))
    matches = match_centres(prediction, network.priors, make_targets([]), MatchingOptions())
    assert (matches.labels == 0).all()
    assert matches.normalizer == 1


def test_no_centre_at_all_is_refused():
    with pytest.raises(InputError, match='most_centres must be at least 1, got 0'):
        MatchingOptions(most_centres=0)
