"""Random people in poses and plain clothes, for training only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from recipes.indoor.assets.body import Body, Points, normals
from recipes.indoor.assets.meshes import clean, decimate
from recipes.indoor.assets.models import Part
from recipes.indoor.assets.primitives import WHITE, Rgba, paint, standing
from recipes.indoor.assets.textures import carpet, stripes

KEPT_FACES = 0.2  # of those in the files
RACES = ('african', 'asian', 'caucasian')
HAIR: tuple[Rgba, ...] = ((0.05, 0.04, 0.03, 1), (0.2, 0.12, 0.07, 1), (0.45, 0.33, 0.2, 1),
                          (0.7, 0.6, 0.4, 1), (0.6, 0.6, 0.6, 1))  # fmt: skip
SKINS = {'african': (0.3, 0.19, 0.13), 'asian': (0.8, 0.6, 0.47), 'caucasian': (0.85, 0.64, 0.54)}


def rotation(axis: int, degrees: float) -> NDArray[np.float64]:
    """Return the rotation about one coordinate axis, shape (3, 3)."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.eye(3)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix[[first, second], [first, second]] = cosine
    matrix[first, second], matrix[second, first] = -sine, sine
    return matrix


def random_pose(random: Generator) -> dict[str, NDArray[np.float64]]:
    """Return the turns of somebody who stands, walks, reaches, sits on the floor or squats."""
    kind = random.choice(['stand', 'walk', 'reach', 'sit', 'squat'], p=[0.4, 0.2, 0.2, 0.1, 0.1])
    turns = {
        'spine_01': rotation(0, random.normal(0, 6)) @ rotation(2, random.normal(0, 6)),
        'spine_03': rotation(2, random.normal(0, 8)),
        'head': rotation(0, random.normal(-5, 12)) @ rotation(2, random.normal(0, 25)),
    }
    stride = random.uniform(10, 30) * random.choice([-1, 1])
    for side, sign in (('l', 1), ('r', -1)):
        drop, lift = random.uniform(28, 46), random.normal(5, 12)
        bend = random.uniform(0, 100) if random.random() < 0.5 else random.uniform(0, 25)
        thigh, calf = random.normal(0, 3), random.uniform(0, 6)
        if kind == 'walk':
            thigh, calf, lift = sign * stride, random.uniform(0, 35), -sign * stride
        elif kind == 'reach' and random.random() < 0.7:
            lift, bend = random.uniform(30, 120), random.uniform(0, 60)
        elif kind == 'sit':
            thigh, calf = random.uniform(80, 95), random.uniform(0, 50)
        elif kind == 'squat':
            thigh, calf = random.uniform(100, 120), random.uniform(110, 130)
        # forwards is -y: arms and thighs swing there by negative turns about x
        turns[f'upperarm_{side}'] = rotation(0, -lift) @ rotation(1, sign * drop)
        turns[f'lowerarm_{side}'] = rotation(0, -bend)
        turns[f'thigh_{side}'] = rotation(0, -thigh) @ rotation(1, sign * random.uniform(-4, 9))
        turns[f'calf_{side}'] = rotation(0, calf)
        turns[f'foot_{side}'] = rotation(0, thigh - calf if kind in ('squat', 'walk') else 0)
    return turns


@dataclass(frozen=True)
class Garment:
    """Skin, hair, shoes or a piece of clothing.

    Attributes:
        faces: Triangles, as indices into the vertices of the body, shape (F, 3).
        rgba: Colour and opacity in [0, 1]; it tints the texture where there is one.
        texture: What is woven into it.
        looseness: How far it stands off, in metres.
    """

    faces: NDArray[np.int64]
    rgba: Rgba
    texture: NDArray[np.uint8] | None = None
    looseness: float = 0.0


def make_person(body: Body, random: Generator) -> list[Part]:
    """Return a random person, in metres, who looks to the front (-y) and stands at z = 0."""
    race = RACES[int(random.integers(len(RACES)))]
    rest = body.morphed(race, random)
    posed = body.posed(rest, random_pose(random))
    skin = np.unique(body.groups['body'])
    posed -= (*posed[skin, :2].mean(axis=0), posed[skin, 2].min())
    worn = [*clothes(body, rest, random), *skin_and_hair(body, rest, race, random)]
    parts = [put_on(garment, posed) for garment in worn if len(garment.faces)]
    return standing(parts)


def put_on(garment: Garment, posed: Points) -> Part:
    """Return a garment on a posed body, with fewer triangles than in the files."""
    points = posed + garment.looseness * normals(posed, garment.faces)
    texture = garment.texture
    texcoords = None if texture is None else (points[:, [0, 2]] * 2).astype(np.float32)
    part = Part(
        points.astype(np.float32), garment.faces.astype(np.int32), garment.rgba, texcoords, texture
    )
    return decimate(clean(part), KEPT_FACES)


def clothes(body: Body, rest: Points, random: Generator) -> list[Garment]:
    """Return a top, and trousers or a skirt, cut at random lengths."""
    arm, leg, height = body.along(rest, 'arm'), body.along(rest, 'leg'), rest[:, 2]
    hem = body.joint(rest, 'pelvis')[2] + random.uniform(-0.08, 0.08)
    sleeve, trouser = random.choice([0.6, 1.9], 2) * random.uniform(0.9, 1.03, 2)
    is_upper = (arm >= 0) | ((leg < 0) & (height > hem))
    top = is_upper & (arm < sleeve) & (height < body.joint(rest, 'neck_01')[2] + 0.03)
    bottom = (arm < 0) & (height < hem + 0.12) & (leg < trouser)  # reaches under the top
    cloth = body.groups['helper-tights']
    pieces = [Garment(within(cloth, top), *fabric(random), random.uniform(0.004, 0.02))]
    if random.random() < 0.15:
        return [*pieces, Garment(body.groups['helper-skirt'], *fabric(random), 0.005)]
    looseness = random.uniform(0.002, 0.015)
    return [*pieces, Garment(within(cloth, bottom), *fabric(random), looseness)]


def fabric(random: Generator) -> tuple[Rgba, NDArray[np.uint8] | None]:
    """Return colour and texture of a garment: mostly plain, sometimes woven or striped."""
    kind = random.random()
    texture = carpet(random) if kind < 0.15 else stripes(random) if kind < 0.3 else None
    return (paint(random, 0.03) if texture is None else WHITE), texture


def skin_and_hair(body: Body, rest: Points, race: str, random: Generator) -> list[Garment]:
    """Return bare skin, shoes and, mostly, short or long hair."""
    shoe, covered = body.along(rest, 'leg') >= 1.85, scalp(body, rest)
    red, green, blue = np.array(SKINS[race]) * random.uniform(0.7, 1.15)
    faces = body.groups['body']
    parts = [
        Garment(within(faces, ~shoe), (red, green, blue, 1.0)),
        Garment(within(faces, shoe), paint(random, 0.03), looseness=0.008),
    ]
    hair = HAIR[int(random.integers(len(HAIR)))]
    if random.random() < 0.9:
        parts.append(Garment(within(faces, covered), hair, looseness=0.012))
    if random.random() < 0.35:
        behind = rest[:, 1] > rest[covered, 1].mean()
        long = within(body.groups['helper-hair'], behind)
        parts.append(Garment(long, hair, looseness=0.012))
    return parts


def within(faces: NDArray[np.int64], inside: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the triangles that have most of their corners inside."""
    return np.asarray(faces[inside[faces].sum(axis=1) >= 2])


def scalp(body: Body, rest: Points) -> NDArray[np.bool_]:
    """Return which vertices are under the hair of a head at rest, shape (V,)."""
    joint = body.joint(rest, 'head')
    level = (rest[:, 2] - joint[2]) / (rest[np.unique(body.groups['body']), 2].max() - joint[2])
    return np.asarray((level > 0.68) | ((level > 0.1) & (rest[:, 1] > joint[1] + 0.03)))
