"""What happens after the network: decoding, Fast NMS and masks, against the plain algorithms.

Run with ``make bench``. The scene is synthetic but shaped like real ones: candidates in clusters
around objects, box sides spread evenly in log scale, smooth prototypes. Another head:
``--config yolact_nanodet``.
"""

import argparse
from collections.abc import Callable

import torch
from torch import Tensor

from yolact_core import Prediction, build_network
from yolact_core.benchmark.measuring import MemoryMeter, time_interleaved
from yolact_core.benchmark.references import assemble_plainly, detect_plainly
from yolact_core.benchmark.workload import cluttered_prediction, random_boxes, smooth_prototypes
from yolact_core.inference.nms import fast_nms, select_candidates
from yolact_core.inference.options import DetectorOptions
from yolact_core.masks.assembly import assemble_masks
from yolact_core.network.boxes import decode_boxes
from yolact_core.network.scores import class_scores
from yolact_core.runtimes.torch import TorchBackend

PROTOTYPES, GRID = 32, 138


def instances(count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Make prototypes, coefficients and boxes whose sides are 4 % to 60 % of the image's."""
    generator = torch.Generator().manual_seed(1)
    prototypes = smooth_prototypes(PROTOTYPES, GRID, generator)
    coefficients = torch.rand(count, PROTOTYPES, generator=generator) * 2 - 1
    return prototypes, coefficients, random_boxes(count, generator)


def report_nms(name: str) -> None:
    """Compare decoding and Fast NMS with the plain algorithm and with the network beside them."""
    network = build_network(name)
    config, priors, backend = network.config, network.priors, TorchBackend(network)
    image = torch.randn(1, 3, config.input_size, config.input_size)
    print(
        f'decode + Fast NMS, {len(priors):,} priors, {len(config.class_names)} classes (median ms)'
    )
    print(f'{"candidates":>12}{"plain":>10}{"ours":>10}{"faster":>10}{"of network":>12}')
    for candidates in (300, min(4000, len(priors))):
        prediction = cluttered_prediction(config, priors, candidates, objects=15)

        def ours(prediction: Prediction = prediction) -> Tensor:
            logits, offsets = prediction.class_logits, prediction.box_offsets
            found, scores = select_candidates(logits, 0.05, kind=config.scores)
            boxes = decode_boxes(offsets[found], priors[found], config.box_coding)
            kept, classes = fast_nms(boxes, scores, 0.5, 200, 0.0, 100)
            return scores[kept, classes]

        def plain(prediction: Prediction = prediction) -> Tensor:
            return detect_plainly(
                decode_boxes(prediction.box_offsets, priors, config.box_coding),
                class_scores(prediction.class_logits, config.scores),
                prediction.coefficients,
                DetectorOptions(score_threshold=0.0),
            )[1]

        torch.testing.assert_close(ours(), plain())
        with torch.inference_mode():
            median = time_interleaved(
                {'plain': plain, 'ours': ours, 'network': lambda: backend(image)}
            )
        print(
            f'{candidates:>12}{median["plain"] * 1e3:>10.1f}{median["ours"] * 1e3:>10.1f}'
            f'{median["plain"] / median["ours"]:>9.1f}x{median["ours"] / median["network"]:>11.1%}'
        )


def report_masks() -> None:
    """Compare masks inside boxes with masks of the full frame: time, memory, pixels."""
    print('\nmasks (median ms, MB above the level before, pixels that differ in the worst mask)')
    titles = ('size', 'masks', 'plain', 'ours', 'faster', 'plain MB', 'ours MB', 'differ')
    print(''.join(f'{title:>11}' for title in titles))
    for size, count in (((480, 640), 15), ((720, 1280), 100), ((1080, 1920), 100)):
        scene = instances(count)
        with torch.inference_mode():
            differing = (
                assemble_masks(*scene, size).dense() != assemble_plainly(*scene, size).numpy()
            )
            median = time_interleaved(
                {
                    'plain': lambda scene=scene, size=size: assemble_plainly(*scene, size),
                    'ours': lambda scene=scene, size=size: assemble_masks(*scene, size),
                },
                rounds=7,
            )
            plain_peak = peak_bytes(lambda scene=scene, size=size: assemble_plainly(*scene, size))
            peak = peak_bytes(lambda scene=scene, size=size: assemble_masks(*scene, size))
        print(
            f'{size[1]:>6}x{size[0]:<4}{count:>11}{median["plain"] * 1e3:>11.1f}'
            f'{median["ours"] * 1e3:>11.1f}{median["plain"] / median["ours"]:>10.1f}x'
            f'{plain_peak / 1e6:>11.0f}{peak / 1e6:>11.0f}{differing.sum(axis=(1, 2)).max():>11}'
        )


def peak_bytes(function: Callable[[], object]) -> int:
    """Return how far the memory of this process rises above its level during a call (Linux)."""
    meter = MemoryMeter(torch.device('cpu'))
    meter.forget_peak()
    function()
    return meter.host_bytes() or 0


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--config', default='yolact_resnet50')
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    report_nms(arguments.config)
    report_masks()
