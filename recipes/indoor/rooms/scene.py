"""Compile a furnished room into a MuJoCo model that can be rendered from anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import mujoco
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from recipes.indoor.assets.models import ModelPack, Part, join_vertices
from recipes.indoor.rooms.dressing import dress_model, dress_shell
from recipes.indoor.rooms.furnish import Decor, Decorator, Furnished
from recipes.indoor.rooms.layout import Placement, turn
from recipes.indoor.rooms.room import room_shell

LIGHT_COUNT = 3
BACKGROUND = -1
HULL_POINTS = 400
SHELL = 'shell'


@dataclass(frozen=True)
class Scene:
    """A compiled room.

    Attributes:
        model: The room as MuJoCo renders it.
        furnished: The room that it was made from.
        instance_of_geom: Index of the placement of each geometry, or ``BACKGROUND``.
        colours: The colours as built, which variations start from, shape (M, 4).
    """

    model: mujoco.MjModel
    furnished: Furnished
    instance_of_geom: NDArray[np.int32]
    colours: NDArray[np.float32]

    def outline_points(self, instance: int) -> NDArray[np.float64]:
        """Return some points of a placement's surface in the room, in metres, shape (N, 3)."""
        placement = self.furnished.placements[instance]
        points = join_vertices(self.furnished.models[placement.info.key].parts)
        points = points[:: max(1, len(points) // HULL_POINTS)] * placement.scale
        floor_plan = turn(points[:, :2], placement.yaw)
        return np.concatenate([floor_plan, points[:, 2:]], axis=1) + placement.position

    def move(self, moved: Mapping[int, Placement]) -> Scene:
        """Move placements, by index, in the model, and return the scene as it is now."""
        placements = list(self.furnished.placements)
        for index, placement in moved.items():
            placements[index] = placement
            body = self.model.geom_bodyid[np.argmax(self.instance_of_geom == index)]
            self.model.body_pos[body] = placement.position
            self.model.body_quat[body] = to_quaternion(placement.yaw)
        return replace(self, furnished=replace(self.furnished, placements=tuple(placements)))


def to_quaternion(yaw: float) -> list[float]:
    """Return a turn about the vertical in radians as MuJoCo has it: w, x, y, z."""
    return [np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)]


class SceneBuilder:
    """Collects geometry for one MuJoCo model; equal meshes are stored once.

    Args:
        height: Height of the frames in pixels.
        width: Width of the frames in pixels.
    """

    def __init__(self, height: int, width: int) -> None:
        self.spec = mujoco.MjSpec()
        self.spec.stat.extent = 1.0
        self.spec.stat.center = [0, 0, 1]
        visual = self.spec.visual
        visual.map.znear, visual.map.zfar = 0.02, 40.0
        visual.quality.shadowsize = 2048
        visual.global_.offwidth, visual.global_.offheight = width, height
        self.spec.worldbody.add_camera(name='camera')
        for number in range(LIGHT_COUNT):
            self.spec.worldbody.add_light(name=f'light_{number}', castshadow=number == 0)
        self.assets: dict[str, list[str]] = {}
        self.textures: dict[int, str] = {}  # names by identity of the image

    def add(self, key: str, parts: Sequence[Part], placement: Placement | None) -> None:
        """Add the parts of one model, at a placement or as they are."""
        scale = placement.scale if placement else 1.0
        names = self.assets.get(f'{key}@{scale}')
        if names is None:
            names = [self._add_part(f'{key}@{scale}@{i}', p, scale) for i, p in enumerate(parts)]
            self.assets[f'{key}@{scale}'] = names
        body = self.spec.worldbody.add_body()
        if placement:
            body.pos = placement.position
            body.quat = to_quaternion(placement.yaw)
        for name in names:
            body.add_geom(
                type=mujoco.mjtGeom.mjGEOM_MESH, meshname=name, material=name,
                contype=0, conaffinity=0,
            )  # fmt: skip

    def _add_part(self, name: str, part: Part, scale: float) -> str:
        """Add mesh, texture and material of one part under one name, and return it."""
        mesh = self.spec.add_mesh(name=name)
        mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL
        mesh.uservert = (part.vertices * scale).ravel()
        mesh.userface = part.faces.ravel()
        material = self.spec.add_material(
            name=name, rgba=part.rgba, specular=0.2, shininess=0.3, emission=part.emission
        )
        if part.texture is not None and part.texcoords is not None:
            mesh.usertexcoord = (part.texcoords * (1, -1) + (0, 1)).ravel()
            mesh.userfacetexcoord = part.faces.ravel()
            if id(part.texture) not in self.textures:
                self._add_texture(name, part.texture)
            material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = self.textures[
                id(part.texture)
            ]
        return name

    def _add_texture(self, name: str, image: NDArray[np.uint8]) -> None:
        """Add an RGB image under a name, which all parts that show it share."""
        height, width = image.shape[:2]
        texture = self.spec.add_texture(
            name=name, type=mujoco.mjtTexture.mjTEXTURE_2D, width=width, height=height, nchannel=3
        )
        texture.data = image.tobytes()
        self.textures[id(image)] = name


def build_scene(
    pack: ModelPack, random: Generator, height: int, width: int, decor: Decor | None = None
) -> Scene:
    """Furnish a random room and compile it.

    Args:
        pack: Models to draw from.
        random: Source of randomness.
        height: Height of the frames in pixels.
        width: Width of the frames in pixels.
        decor: What the room gets beyond the models.

    Raises:
        ValueError: MuJoCo refuses a mesh.
    """
    return compile_scene(Decorator(pack, random, decor).furnish(), random, height, width, decor)


def compile_scene(
    furnished: Furnished, random: Generator, height: int, width: int, decor: Decor | None = None
) -> Scene:
    """Compile a furnished room, with random surfaces.

    Args:
        furnished: The room.
        random: Source of randomness.
        height: Height of the frames in pixels.
        width: Width of the frames in pixels.
        decor: What the room got beyond the models of a pack.

    Raises:
        ValueError: MuJoCo refuses a mesh.
    """
    builder = SceneBuilder(height, width)
    dressed = dress(furnished, room_shell(furnished.room, random), decor, random.spawn(1)[0])
    builder.add(SHELL, dressed[SHELL], None)
    for placement in furnished.placements:
        builder.add(placement.info.key, dressed[placement.info.key], placement)
    model = builder.spec.compile()
    # Body 0 is the world and body 1 the shell; placements follow in order.
    instances = np.where(model.geom_bodyid > 1, model.geom_bodyid - 2, BACKGROUND)
    return Scene(model, furnished, instances.astype(np.int32), model.mat_rgba.copy())


def dress(
    furnished: Furnished, shell: list[Part], decor: Decor | None, random: Generator
) -> dict[str, Sequence[Part]]:
    """Return the parts of the room and of every model as they look, by the models' keys."""
    photos = decor.photos if decor else None
    if photos is None:
        return {SHELL: shell, **{key: one.parts for key, one in furnished.models.items()}}
    dressed: dict[str, Sequence[Part]] = {SHELL: dress_shell(shell, photos, random)}
    for info in (placement.info for placement in furnished.placements):
        if info.key not in dressed:
            parts = furnished.models[info.key].parts
            dressed[info.key] = dress_model(parts, info.title, photos, random)
    return dressed


def vary_look(scene: Scene, random: Generator) -> None:
    """Give all materials new tints and gloss, and the room new lights."""
    model = scene.model
    tint = random.uniform(0.75, 1.3, (model.nmat, 1)) * random.uniform(0.9, 1.1, (model.nmat, 3))
    colours = scene.colours[:, :3]
    greyness = random.uniform(0, 1, (model.nmat, 1)) ** 2
    colours = colours + greyness * (colours.mean(axis=1, keepdims=True) - colours)
    model.mat_rgba[:, :3] = np.clip(colours * tint, 0, 1)
    model.mat_specular[:] = random.uniform(0, 0.5, model.nmat) ** 2
    model.mat_shininess[:] = random.uniform(0.1, 0.9, model.nmat)
    room = scene.furnished.room
    reach = np.array([room.width, room.depth]) * 0.45
    warmth = np.array([1.0, random.uniform(0.85, 1.0), random.uniform(0.7, 1.0)])
    shares = random.dirichlet(np.ones(LIGHT_COUNT)) * random.uniform(0.6, 2.0)
    for number in range(LIGHT_COUNT):
        height = random.uniform(1.6, room.height - 0.05)
        model.light_pos[number] = (*random.uniform(-reach, reach), height)
        model.light_dir[number] = (*random.normal(0, 0.35, 2), -1.0)
        model.light_diffuse[number] = shares[number] * warmth
        model.light_specular[number] = shares[number] * 0.3
        model.light_ambient[number] = 0.0
        model.light_cutoff[number] = random.uniform(60, 85)
        model.light_exponent[number] = random.uniform(0, 3)
    model.light_castshadow[0] = random.random() < 0.75
    ambient = random.uniform(0.25, 0.9)
    model.vis.headlight.ambient[:] = ambient * warmth
    model.vis.headlight.diffuse[:] = random.uniform(0.0, 0.5) * warmth
    model.vis.headlight.specular[:] = 0.0
