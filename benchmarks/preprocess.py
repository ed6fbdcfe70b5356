"""Images on their way to the network: floats, which PyTorch takes, and bytes, which graphs take.

Run with ``make bench``. Another input size: ``--config yolact_nanodet``.
"""

import argparse
from functools import partial

import cv2
import torch

from yolact_core import ModelConfig
from yolact_core.benchmark.measuring import time_interleaved
from yolact_core.benchmark.workload import draw_images
from yolact_core.inference.preprocessing import BytePreprocessor, Preprocessor

ROUNDS = 100


def report_preparation(name: str) -> None:
    """Compare both ways to the input of a network, in one thread."""
    config = ModelConfig.from_name(name)
    ways = {'floats': Preprocessor(config), 'bytes': BytePreprocessor(config)}
    print(f'an image to {config.input_size} pixels a side (median ms, one thread)')
    print(f'{"size":>12}{"floats":>10}{"bytes":>10}{"faster":>10}')
    for height, width in ((480, 640), (720, 1280), (1080, 1920)):
        images = draw_images((height, width), 1)
        median = time_interleaved(
            {way: partial(prepare, images) for way, prepare in ways.items()}, rounds=ROUNDS
        )
        print(
            f'{width:>7}x{height:<4}{median["floats"] * 1e3:>10.2f}{median["bytes"] * 1e3:>10.2f}'
            f'{median["floats"] / median["bytes"]:>9.1f}x'
        )


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--config', default='yolact_resnet50')
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    report_preparation(parser.parse_args().config)
