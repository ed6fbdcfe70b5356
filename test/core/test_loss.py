"""Losses and their gradients against numbers of the original, and laws that they obey."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from yolact_core import InputError, ModelConfig, Prediction, Yolact, build_network
from yolact_core.checkpoints.state_dicts import load_weights
from yolact_core.dataset import Targets
from yolact_core.inference.preprocessing import Preprocessor
from yolact_core.network.boxes import encode_boxes
from yolact_core.training.losses import Losses, LossOptions, compute_losses
from yolact_core.training.losses.classes import select_negatives
from yolact_core.training.matching import Matches, MatchingOptions, Objects, match_priors

ALL_MASKS = LossOptions(masks_to_train=10**6)
LETTERS = {'B': 'box', 'C': 'class_', 'M': 'mask', 'S': 'semantic', 'I': 'mask_iou'}
SIDE = 550


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(shape)


def ellipses(seed: int, count: int, crowds: int = 0) -> Targets:
    """Make the truth of one image as GOLDEN.md, section 6, describes it."""
    generator = np.random.Generator(np.random.PCG64(seed))
    rows, columns = (np.mgrid[0:SIDE, 0:SIDE] + 0.5) / SIDE
    boxes, class_ids, masks = [], [], []
    for _ in range(count):
        width, height = generator.uniform(0.08, 0.55, 2)
        x = generator.uniform(width / 2, 1 - width / 2)
        y = generator.uniform(height / 2, 1 - height / 2)
        masks.append(((columns - x) / (width / 2)) ** 2 + ((rows - y) / (height / 2)) ** 2 <= 1)
        class_ids.append(int(generator.integers(0, 80)))
        boxes.append((x - width / 2, y - height / 2, x + width / 2, y + height / 2))
    real = count - crowds
    return Targets(
        boxes=[torch.tensor(boxes[:real], dtype=torch.float32)],
        class_ids=[torch.tensor(class_ids[:real])],
        masks=[torch.from_numpy(np.array(masks[:real], dtype=np.uint8))],
        crowd_boxes=[torch.tensor(boxes[real:], dtype=torch.float32).view(-1, 4)],
    )


def join(*images: Targets) -> Targets:
    return Targets(
        *(
            [getattr(image, name)[0] for image in images]
            for name in ('boxes', 'class_ids', 'masks', 'crowd_boxes')
        )
    )


NOTHING = Targets(
    boxes=[torch.zeros(0, 4)],
    class_ids=[torch.zeros(0, dtype=torch.int64)],
    masks=[torch.zeros(0, SIDE, SIDE, dtype=torch.uint8)],
    crowd_boxes=[torch.zeros(0, 4)],
)


@pytest.fixture(scope='module')
def priors() -> Tensor:
    return build_network('yolact_base').priors


def random_outputs(priors: Tensor) -> list[Tensor]:
    """Make the outputs of GOLDEN.md's ``loss_alone``: a prediction and semantic logits."""
    count = len(priors)
    arrays = [
        normal(101, 2, count, 4),
        1.5 * normal(102, 2, count, 81),
        np.tanh(normal(103, 2, count, 32)),
        normal(104, 2, 138, 138, 32).clip(min=0).transpose(0, 3, 1, 2),
        normal(105, 2, 80, 69, 69),
    ]
    return [torch.from_numpy(array.astype(np.float32)).requires_grad_() for array in arrays]


def losses_of(
    outputs: list[Tensor], priors: Tensor, targets: Targets, options: LossOptions = ALL_MASKS
) -> Losses:
    matches = match_priors(priors, targets, options.matching)
    generator = torch.Generator().manual_seed(0)
    return compute_losses(
        Prediction(*outputs[:4]), outputs[4], matches, options, generator=generator
    )


def test_losses_of_given_outputs_equal_those_of_the_original(golden, priors):
    numbers = golden('loss_alone')
    outputs = random_outputs(priors)
    targets = join(ellipses(31, 4, crowds=1), ellipses(32, 3))

    losses = losses_of(outputs, priors, targets)
    losses.total().backward()

    for letter in 'BCMS':
        value = getattr(losses, LETTERS[letter]).item()
        assert value == pytest.approx(float(numbers[f'loss_{letter}']), rel=1e-5)
    names = ('B_loc', 'C_conf', 'M_mask', 'M_proto', 'S_segm')
    for name, output in zip(names, outputs, strict=True):
        expected = float(numbers[f'grad_{name}_norm'])
        assert output.grad.norm().item() == pytest.approx(expected, rel=1e-4)
    labels = match_priors(priors, targets, MatchingOptions()).labels
    used = (labels > 0) | select_negatives(outputs[1], labels, 3)
    for index in (0, 1):
        rows = used[index].nonzero().squeeze(1)
        np.testing.assert_array_equal(rows, np.sort(numbers[f'conf_rows_used_{index}']))


def targets_of(numbers: dict) -> Targets:
    """Read the truth of a golden training step."""
    images = []
    for index, crowds in enumerate(numbers['num_crowds'].tolist()):
        rows = torch.from_numpy(numbers[f'target{index}'])
        bits = np.unpackbits(numbers[f'masks{index}'], axis=1)[:, : SIDE * SIDE]
        real = len(rows) - crowds
        images.append(
            Targets(
                boxes=[rows[:real, :4]],
                class_ids=[rows[:real, 4].long()],
                masks=[torch.from_numpy(bits.reshape(-1, SIDE, SIDE)[:real])],
                crowd_boxes=[rows[real:, :4]],
            )
        )
    return join(*images)


def make_image(seed: int, height: int = 480, width: int = 640, blobs: int = 40) -> np.ndarray:
    """Make the RGB image that golden numbers call by its seed."""
    generator = np.random.Generator(np.random.PCG64(seed))
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float64)
    image = np.zeros((height, width, 3)) + generator.uniform(80, 150, 3)
    for _ in range(blobs):
        x, y = generator.uniform(0, width), generator.uniform(0, height)
        sides = generator.uniform(8, 90, 2)
        angle = generator.uniform(0, np.pi)
        amplitude = generator.uniform(-140, 140, 3)
        along = (columns - x) * np.cos(angle) + (rows - y) * np.sin(angle)
        across = (rows - y) * np.cos(angle) - (columns - x) * np.sin(angle)
        distance = (along / sides[0]) ** 2 + (across / sides[1]) ** 2
        is_soft = generator.uniform() < 0.5
        blob = np.exp(-0.5 * distance) if is_soft else (distance < 1.5).astype(np.float64)
        image += blob[..., None] * amplitude
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)[..., ::-1]


def step_losses(network: Yolact, images: Tensor, targets: Targets) -> Losses:
    features = network.extract(images)
    matches = match_priors(network.priors, targets, MatchingOptions())
    return compute_losses(
        network.predict(features),
        network.semantic_seg_conv(features.levels[0]),
        matches,
        ALL_MASKS,
        network,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ('config', 'rel'),
    [
        ('yolact_resnet50', 2e-3),
        ('yolact_resnet50_pascal', 2e-3),
        # random offsets of deformable convolutions magnify rounding, by machine up to 0.3 %
        ('yolact_plus_resnet50', 1e-2),
    ],
)
def test_a_training_step_equals_that_of_the_original(golden, official_weights, config, rel):
    numbers = golden(f'loss_{config}')
    network = build_network(config)
    load_weights(network, official_weights(golden(config)))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.requires_grad_(False)
    seeds = numbers['image_seeds'].tolist()
    images = Preprocessor(network.config)([make_image(seed) for seed in seeds]).contiguous()
    targets = targets_of(numbers)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4)

    losses = step_losses(network, images, targets)
    losses.total().backward()

    assert_losses(losses, numbers, 'frozen', rel=1e-5)
    gradients = {name: value.grad for name, value in network.named_parameters()}
    names = json.loads(str(numbers['frozen_grad_names']))
    norms = [gradients[name].norm().item() for name in names]
    np.testing.assert_allclose(norms, numbers['frozen_grad_norm_sum'][:, 0], rtol=rel)
    optimizer.step()
    with torch.no_grad():
        assert_losses(step_losses(network, images, targets), numbers, 'after1step', rel=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize('config', ['yolact_resnet50', 'yolact_resnet50_pascal'])
def test_a_training_step_with_live_batch_norm_equals_that_of_the_original(
    golden, official_weights, config
):
    numbers = golden(f'loss_{config}')
    network = build_network(config)
    load_weights(network, official_weights(golden(config)))
    seeds = numbers['image_seeds'].tolist()
    images = Preprocessor(network.config)([make_image(seed) for seed in seeds]).contiguous()

    losses = step_losses(network.train(), images, targets_of(numbers))
    losses.total().backward()

    assert_losses(losses, numbers, 'bnbatch', rel=1e-5)
    gradients = {name: value.grad for name, value in network.named_parameters()}
    names = json.loads(str(numbers['bnbatch_grad_names']))
    norms = [gradients[name].norm().item() for name in names]
    np.testing.assert_allclose(norms, numbers['bnbatch_grad_norm_sum'][:, 0], rtol=1e-2)


def assert_losses(losses: Losses, numbers: dict, stage: str, rel: float) -> None:
    for letter, name in LETTERS.items():
        if f'{stage}_loss_{letter}' in numbers:
            expected = float(numbers[f'{stage}_loss_{letter}'])
            assert getattr(losses, name).item() == pytest.approx(expected, rel=rel), name


def test_a_batch_without_objects_trains_the_background_only(priors):
    outputs = random_outputs(priors)
    losses = losses_of(outputs, priors, join(NOTHING, NOTHING))
    losses.total().backward()
    assert losses.box == losses.mask == losses.mask_iou == 0
    assert losses.class_ > 0
    assert outputs[1].grad.abs().sum(dim=2).count_nonzero(dim=1).tolist() == [3, 3]
    assert all(output.grad.isfinite().all() for output in outputs)


def test_an_image_without_objects_changes_no_term_of_the_others_but_background(priors):
    outputs = random_outputs(priors)
    with_empty = losses_of(outputs, priors, join(ellipses(32, 3), NOTHING))
    alone = losses_of([output[:1] for output in outputs], priors, ellipses(32, 3))
    assert with_empty.box.item() == pytest.approx(alone.box.item(), rel=1e-5)
    assert with_empty.mask.item() == pytest.approx(alone.mask.item(), rel=1e-5)
    assert with_empty.class_ > alone.class_


def test_a_random_part_of_the_masks_stands_for_all(priors):
    outputs = random_outputs(priors)
    targets = join(ellipses(31, 3), ellipses(32, 3))
    everything = losses_of(outputs, priors, targets)
    matches = match_priors(priors, targets, MatchingOptions())
    draws = []
    for seed in range(60):
        generator = torch.Generator().manual_seed(seed)
        options = replace(ALL_MASKS, masks_to_train=8)
        with torch.no_grad():
            losses = compute_losses(
                Prediction(*outputs[:4]), outputs[4], matches, options, generator=generator
            )
        draws.append(losses.mask.item())
        assert losses.box == everything.box
    assert len(set(draws)) > 1
    assert np.mean(draws) == pytest.approx(everything.mask.item(), rel=0.1)


def test_losses_ignore_an_autocast_region(priors):
    outputs = random_outputs(priors)
    targets = join(ellipses(31, 3), ellipses(32, 3))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        inside = losses_of(outputs, priors, targets)
    assert torch.equal(torch.stack(inside), torch.stack(losses_of(outputs, priors, targets)))


def test_negatives_are_the_background_priors_that_look_most_like_objects():
    background = torch.tensor([[5.0, 1.0, 4.0, 2.0, 3.0, 0.0]])
    class_logits = torch.stack([background, torch.zeros_like(background)], dim=2)
    labels = torch.tensor([[0, 1, 0, 0, -1, 0]])
    picked = select_negatives(class_logits, labels, per_positive=2)
    assert picked.tolist() == [[False, False, False, True, False, True]]


def test_a_perfect_prediction_costs_next_to_nothing():
    config = build_network('yolact_base').config.replace(input_size=64, class_names=('disc',))
    network = build_network(config)
    box = network.priors[100] * torch.tensor([1, 1, 0.9, 0.9])
    corners = torch.cat([box[:2] - box[2:] / 2, box[:2] + box[2:] / 2]).unsqueeze(0)
    mask = torch.zeros(1, 64, 64, dtype=torch.uint8)
    x1, y1, x2, y2 = (corners[0] * 64).round().int().tolist()
    mask[:, max(0, y1) : y2, max(0, x1) : x2] = 1
    targets = Targets([corners], [torch.tensor([0])], [mask], [torch.zeros(0, 4)])
    matches = match_priors(network.priors, targets, MatchingOptions())
    is_object = (matches.labels > 0).float()
    grid = torch.nn.functional.interpolate(mask.unsqueeze(0).float(), (16, 16), mode='bilinear')
    semantic = torch.nn.functional.interpolate(mask.unsqueeze(0).float(), (8, 8), mode='bilinear')
    sign = 40 * ((grid > 0.5).float() - 0.5)
    prediction = Prediction(
        box_offsets=encode_boxes(corners.expand(len(network.priors), 4), network.priors)[None],
        class_logits=torch.stack([20 * (1 - is_object), 20 * is_object], dim=2),
        coefficients=torch.tensor([1.0, -1.0]).expand(1, len(network.priors), 2),
        prototypes=torch.cat([sign.clamp(min=0), (-sign).clamp(min=0)], dim=1),
    )
    losses = compute_losses(
        prediction, 40 * ((semantic > 0.5).float() - 0.5), matches, LossOptions()
    )
    assert losses.total() < 1e-4


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'mask': -1.0}, 'mask must be at least 0, got -1.0'),
        ({'masks_to_train': 0}, 'masks_to_train must be at least 1, got 0'),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        LossOptions(**options)


def test_distances_cost_what_their_boxes_lack_and_sigmoids_what_their_quality_lacks():
    config = ModelConfig.from_name('yolact_nanodet').replace(
        input_size=64, class_names=('cup', 'bowl')
    )
    network = build_network(config)
    count = len(network.priors)
    truth = torch.tensor([[0.25, 0.25, 0.75, 0.75]])
    matches = Matches(
        network.priors,
        labels=torch.zeros(1, count, dtype=torch.int64),
        object_ids=torch.zeros(1, count, dtype=torch.int64),
        objects=Objects(
            truth, torch.tensor([1]), torch.ones(1, 4, 4, dtype=torch.uint8), torch.tensor([0])
        ),
        normalizer=torch.tensor(1.0),
        qualities=torch.zeros(1, count),
    )
    chosen = int((network.priors[:, :2] - 0.5).abs().sum(dim=1).argmin())
    matches.labels[0, chosen], matches.labels[0, chosen + 1] = 2, -1
    matches.qualities[0, chosen] = 0.5
    centre, stride = network.priors[chosen].split(2)
    found = torch.tensor([0.25, 0.25, 0.75, 0.5])  # half of the object: its GIoU is 0.5
    distances = torch.zeros(1, count, 4)
    distances[0, chosen] = torch.cat([centre - found[:2], found[2:] - centre]) / stride.repeat(2)
    logits = torch.full((1, count, 2), -30.0)
    logits[0, chosen, 1] = 2.0
    logits[0, chosen + 1] = 30.0  # ignored
    prediction = Prediction(distances, logits, torch.zeros(1, count, 3), torch.zeros(1, 3, 16, 16))
    losses = compute_losses(
        prediction, torch.zeros(1, 2, 8, 8), matches, LossOptions(box=1.0), network
    )
    score = 1 / (1 + math.exp(-2.0))
    entropy = -0.5 * math.log(score) - 0.5 * math.log(1 - score)
    assert losses.box.item() == pytest.approx(0.5 * 0.5, rel=1e-5)
    assert losses.class_.item() == pytest.approx(entropy * (score - 0.5) ** 2, rel=1e-4)


def test_losses_that_do_not_count_are_not_computed(priors):
    """Classes may then be unknown to the network, as where masks alone are trained."""
    outputs, targets = random_outputs(priors), ellipses(31, 4)
    targets.class_ids[0] += 1000
    losses = losses_of(outputs, priors, targets, LossOptions(class_=0.0, semantic=0.0))
    assert losses.class_ == losses.semantic == 0
    assert losses.mask > 0
