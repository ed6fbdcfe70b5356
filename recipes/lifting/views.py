"""Single objects of known place and size, as tilted cameras with distorting lenses see them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from recipes.indoor.assets.models import Model, ModelInfo, Part, join_vertices, with_top
from recipes.indoor.assets.primitives import box
from recipes.indoor.assets.things import GENERATORS
from recipes.indoor.rooms.camera import looking_at
from recipes.indoor.rooms.furnish import Furnished
from recipes.indoor.rooms.layout import Placement, turn
from recipes.indoor.rooms.rendering import SceneRenderer, open_graphics
from recipes.indoor.rooms.room import Room
from recipes.indoor.rooms.scene import compile_scene
from recipes.lifting.boxes import UprightBox
from recipes.lifting.lens import LENSES, WIDE_FOCAL, WIDE_SIZE, Lens
from yolact_core.lifting import Rays

CUBE = 'cube'
DISTANCES = (0.5, 1.0, 2.0, 3.0, 5.0)  # m
PITCHES = (0, 15, 30, 45, 60)  # degrees below the horizon
SEEN_SIZES = (0.05, 0.5)  # longest side of an object, as a share of its distance
CUBE_SIZE = 0.25  # of its distance
CUBE_YAW = np.pi / 4
COPIES = 3  # of each kind of object, no two alike
ROOM = Room(16.0, 16.0, 6.0)


@dataclass(frozen=True)
class Specimen:
    """An object to look at.

    Attributes:
        kind: Name of it.
        parts: Geometry of it, which stands on the floor.
        yaw: Turn about the vertical in radians; at 0 it faces the camera.
        distances: Distances to look from in metres.
    """

    kind: str
    parts: list[Part]
    yaw: float
    distances: tuple[float, ...]


@dataclass(frozen=True)
class View:
    """What a camera sees, without any error.

    Attributes:
        kinds: Name of each object.
        surface: Point seen at each pixel, in the optical frame, metres, shape (H, W, 3).
        masks: Where each object is seen, shape (N, H, W).
        rays: Rays of the camera, from its calibration.
        camera_to_room: Transform from the optical frame to the room, whose z is up, shape (4, 4).
        wholes: Box around the whole of each object, seen or not, in the room.
    """

    kinds: tuple[str, ...]
    surface: NDArray[np.float32]
    masks: NDArray[np.bool_]
    rays: Rays
    camera_to_room: NDArray[np.float64]
    wholes: tuple[UprightBox, ...]

    def __len__(self) -> int:
        return len(self.kinds)


def render_views(random: Generator) -> Iterator[View]:
    """Render every object from every distance that fits it and from every pitch."""
    context = open_graphics(*WIDE_SIZE)
    lenses = [Lens(distortion) for distortion in LENSES]
    for number, specimen in enumerate(make_specimens(random)):
        yield from render_specimen(specimen, lenses[number % len(lenses)], random)
    context.free()


def make_specimens(random: Generator) -> Iterator[Specimen]:
    """Yield cubes that show an edge, and random objects of several classes."""
    for distance in DISTANCES:
        edge = CUBE_SIZE * distance
        cube = box((-edge / 2, -edge / 2, 0), (edge / 2, edge / 2, edge), (1.0, 0.0, 0.0, 1.0))
        yield Specimen(CUBE, [cube], CUBE_YAW, (distance,))
    for kind in [*GENERATORS] * COPIES:
        parts = GENERATORS[kind](random)
        longest = np.ptp(join_vertices(parts), axis=0).max()
        least, most = SEEN_SIZES
        distances = tuple(one for one in DISTANCES if least * one <= longest <= most * one)
        yield Specimen(kind, parts, float(random.uniform(0, 2 * np.pi)), distances)


def render_specimen(specimen: Specimen, lens: Lens, random: Generator) -> Iterator[View]:
    """Render an object from its distances and all pitches.

    Args:
        specimen: The object.
        lens: Lens to look through.
        random: Source of randomness, for surfaces.
    """
    model = with_top(specimen.parts)
    width, depth, height = np.ptp(join_vertices(model.parts), axis=0).tolist()
    info = ModelInfo('it', specimen.kind, 'any', (), (width, depth, height), 0.0, '', '', '')
    placement = Placement(info, np.zeros(3), specimen.yaw, 1.0)
    whole = box_around(model, placement)
    furnished = Furnished(ROOM, (placement,), {'it': model})
    scene = compile_scene(furnished, random, *WIDE_SIZE)
    fov_y = 2 * np.arctan(WIDE_SIZE[0] / 2 / WIDE_FOCAL)
    with closing(SceneRenderer(scene, *WIDE_SIZE, is_smooth=False)) as renderer:
        for distance in specimen.distances:
            for pitch in np.radians(PITCHES):
                eye = whole.centre + distance * np.array([0, -np.cos(pitch), np.sin(pitch)])
                camera = looking_at(eye, whole.centre, 0.0, fov_y)
                renderer.look(camera)
                surface, instances = lens.look(renderer.depth(), renderer.instances())
                masks = (instances == 0)[None]
                yield View((specimen.kind,), surface, masks, lens.rays, camera.pose(), (whole,))


def box_around(model: Model, placement: Placement) -> UprightBox:
    """Return the box, in the room, around the whole of a model at a placement."""
    points = join_vertices(model.parts).astype(float) * placement.scale
    low, high = points.min(axis=0), points.max(axis=0)
    x_y = turn((low + high)[None, :2] / 2, placement.yaw)[0]
    centre = np.array([*x_y, (low[2] + high[2]) / 2]) + placement.position
    return UprightBox(centre, high - low, placement.yaw)
