"""Render what is hard to follow, as the step ``path`` renders a camera in a still room.

``crossing``: people and things that go round furniture, some of them equal, pass behind it and
behind each other, leave the picture and come back, seen by a camera that hardly moves.
``turning``: a camera that turns back and forth in a furnished room, 60 to 120 degrees a second,
and stops between.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from recipes.indoor.assets.models import ModelInfo, ModelPack
from recipes.indoor.dataset.path import render_path
from recipes.indoor.dataset.render import parse_size
from recipes.indoor.rooms.camera import PATH_FOV_Y, Camera, is_clear, looking_at
from recipes.indoor.rooms.furnish import Decorator
from recipes.indoor.rooms.layout import Placement
from recipes.indoor.rooms.motion import Ring, pan
from recipes.indoor.rooms.rendering import open_graphics
from recipes.indoor.rooms.room import Room
from recipes.indoor.rooms.scene import Scene, build_scene, compile_scene, vary_look
from yolact_core.cli.options import argument, option
from yolact_core.errors import InputError

HALL = Room(8.0, 8.0, 2.8)
MIDDLE = (0.0, 0.6)  # of the rings, m
RINGS = (
    Ring(MIDDLE, (1.8, 1.05), 9.0),
    Ring(MIDDLE, (2.4, 1.65), -12.0),
    Ring(MIDDLE, (3.0, 2.25), 17.0, stops=3),
)
EYE, SWAY, SWAY_PERIOD = (0.0, -3.75, 1.5), 0.25, 11.0  # m, m, s
SHALLOW = 0.7  # m, depth of what stands at the walls of the hall
TRIES = 300

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the step ``sequence``."""

    kind: Literal['crossing', 'turning'] = argument('what moves: things, or the camera')
    assets: Path = option('pack made by the step assets', required=True)
    split: Literal['train', 'val', 'test'] = option('whose models are seen', 'test')
    frames: int = option('frames of the sequence', 750)
    rate: float = option('frames per second', 30.0)
    seed: int = option('seed of the room and of what moves', 0)
    size: tuple[int, int] = option('HEIGHTxWIDTH in px', (480, 640), type=parse_size)
    output: Path = option('folder to write', required=True)


@dataclass(frozen=True)
class Sequence:
    """What is to be rendered.

    Attributes:
        scene: The scene before anything moved.
        cameras: Camera of each frame.
        moves: New placements, by index, of each frame; empty where nothing ever moves.
    """

    scene: Scene
    cameras: list[Camera]
    moves: list[Mapping[int, Placement]] = field(default_factory=list)


def run(options: Options) -> None:
    """Make the room and what moves, and render it."""
    context = open_graphics(*options.size)
    random = np.random.default_rng(options.seed)
    pack = ModelPack(options.assets, options.split)
    times = np.arange(options.frames) / options.rate
    sequence = KINDS[options.kind](pack, random, times, options.size)
    vary_look(sequence.scene, random)
    render_path(
        sequence.scene, sequence.cameras, options.size, pack.class_names, options.output,
        sequence.moves,
    )  # fmt: skip
    context.free()
    logger.info('wrote %d frames to %s', options.frames, options.output)


def make_crossing(
    pack: ModelPack, random: Generator, times: NDArray[np.float64], size: tuple[int, int]
) -> Sequence:
    """Let people and things go round furniture in the middle of a hall.

    Args:
        pack: Models to draw from.
        random: Source of randomness.
        times: Time of each frame in seconds, shape (N,).
        size: Height and width of the frames in pixels.
    """
    decorator = Decorator(pack, random, room=HALL)
    layout = decorator.layout

    def stand(info: ModelInfo, x: float = 0.0, y: float = 0.0) -> Placement:
        placement = Placement(info, np.array([x, y, 0.0]), 0.0, 1.0)
        layout.placements.append(placement)
        return decorator.keep(placement) or placement

    stand(choose(pack, random, 'wall', 'shelf', (1.0, 0.5, 1.3)), -0.6, MIDDLE[1])
    stand(choose(pack, random, 'floor', 'table', (1.3, 0.8, 0.4)), 0.7, MIDDLE[1])
    decorator.fix_to_walls()
    for info in (pack.draw('wall', random) for _ in range(8)):
        if info and info.size[1] < SHALLOW:
            decorator.keep(layout.put_at_wall(info))
    decorator.load_tops(1.0)
    first = len(layout.placements)
    goers = [(stand(info), ring, share) for info, ring, share in choose_goers(pack, random)]
    moves = [
        {first + index: ring.place(goer, share, time)
         for index, (goer, ring, share) in enumerate(goers)}
        for time in times.tolist()
    ]  # fmt: skip
    sway = SWAY * np.sin(2 * np.pi * times / SWAY_PERIOD)
    cameras = [looking_at(np.add(EYE, (x, 0, 0)), (*MIDDLE, 0.7), 0.0, PATH_FOV_Y) for x in sway]
    return Sequence(compile_scene(decorator.furnished(), random, *size), cameras, moves)


def choose_goers(pack: ModelPack, random: Generator) -> list[tuple[ModelInfo, Ring, float]]:
    """Return who and what goes round, on which ring, and how far ahead.

    Two people and two chairs are equal, and follow each other on one ring.
    """
    people = [choose(pack, random, 'floor', 'person', (0.7, 0.6, 1.4)) for _ in range(3)]
    chair = choose(pack, random, 'floor', 'chair', (0.6, 0.7, 0.5))
    things = [choose(pack, random, 'floor', label, (0.7, 0.7, 0.2)) for label in ('bin', 'box')]
    groups = (
        [chair, things[0], chair, things[1]],
        [people[0], people[1], people[0]],
        [people[2], things[1], chair, people[0]],
    )
    return [
        (info, ring, index / len(group))
        for ring, group in zip(RINGS, groups, strict=True)
        for index, info in enumerate(group)
    ]


def choose(
    pack: ModelPack,
    random: Generator,
    place: str,
    label: str,
    limits: tuple[float, float, float],
) -> ModelInfo:
    """Return a random model of a class.

    Args:
        pack: Models to draw from.
        random: Source of randomness.
        place: Where it may stand.
        label: Name of the class.
        limits: Largest width and depth and least height in metres.

    Raises:
        InputError: The pack has none.
    """
    width, depth, height = limits
    found = [
        info for info in pack.by_place[place][label]
        if info.size[0] <= width and info.size[1] <= depth and info.size[2] >= height
    ]  # fmt: skip
    if not found:
        raise InputError(f'the pack must have a {label} within {limits} m, got none')
    return found[int(random.integers(len(found)))]


def make_turning(
    pack: ModelPack, random: Generator, times: NDArray[np.float64], size: tuple[int, int]
) -> Sequence:
    """Let a camera turn in a furnished room.

    Args:
        pack: Models to draw from.
        random: Source of randomness.
        times: Time of each frame in seconds, shape (N,).
        size: Height and width of the frames in pixels.

    Raises:
        InputError: The room is too full.
    """
    scene = build_scene(pack, random, *size)
    reach = scene.furnished.room.reach * 0.8
    proposals = (np.array([*random.uniform(-reach, reach), 1.3]) for _ in range(TRIES))
    eye = next((one for one in proposals if is_clear(scene, one)), None)
    if eye is None:
        raise InputError(f'the room must have a free place, got none in {TRIES} tries')
    yaws = np.arctan2(-eye[1], -eye[0]) + pan(times, random)
    cameras = [
        looking_at(eye, np.add(eye, (np.cos(yaw), np.sin(yaw), -0.3)), 0.0, PATH_FOV_Y)
        for yaw in yaws
    ]
    return Sequence(scene, cameras)


Maker = Callable[[ModelPack, Generator, NDArray[np.float64], tuple[int, int]], Sequence]
KINDS: dict[str, Maker] = {'crossing': make_crossing, 'turning': make_turning}
