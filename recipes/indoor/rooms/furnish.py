"""Fill a room: doors and windows, furniture, people, clutter, and things on tables."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from recipes.indoor.assets.models import Model, ModelInfo, ModelPack, Part, join_vertices
from recipes.indoor.rooms.layout import Layout, Placement
from recipes.indoor.rooms.room import (
    Room,
    make_picture,
    make_room,
    make_rug,
    make_toy,
    make_window,
)


@dataclass(frozen=True)
class Furnished:
    """A filled room.

    Attributes:
        room: Size of the room.
        placements: Everything that stands or hangs in it.
        models: Geometry of every placement, by the key of its model.
    """

    room: Room
    placements: tuple[Placement, ...]
    models: dict[str, Model]


class Decorator:
    """Fills one random room from a pack of models."""

    def __init__(self, pack: ModelPack, random: Generator) -> None:
        self.pack = pack
        self.random = random
        self.layout = Layout(make_room(random), random)
        self.models: dict[str, Model] = {}

    def furnish(self) -> Furnished:
        """Fill the room and return it."""
        density = float(self.random.choice([0.4, 1.0, 1.5, 2.2]))
        area = self.layout.room.width * self.layout.room.depth
        self.fix_to_walls()
        self.stand('wall', self.random.poisson(1 + 2.5 * density))
        self.seat_at_tables(self.random.poisson(1.3 * density))
        self.stand('floor', self.random.poisson(0.35 * density * area))
        self.scatter(self.random.poisson(1.2 * density))
        self.load_tops(float(self.random.choice([0.5, 1.0, 2.0])))
        return Furnished(self.layout.room, tuple(self.layout.placements), self.models)

    def fix_to_walls(self) -> None:
        """Put in doors, windows, pictures, wall and ceiling models, and rugs."""
        self.stand('door', int(self.random.integers(1, 4)))
        windows, pictures = self.random.poisson(1.2), self.random.poisson(1.5)
        for make in [make_window] * windows + [make_picture] * pictures:
            self.layout.put_at_wall(self.adopt(make(self.random)))
        self.stand('hung', self.random.poisson(1.0))
        self.stand('ceiling', self.random.poisson(0.5))
        for _ in range(self.random.poisson(0.6)):
            self.layout.put_on_floor(self.adopt(make_rug(self.random)))

    def stand(self, place: str, count: int) -> None:
        """Draw ``count`` models for a place and stand them there."""
        put = {
            'floor': self.layout.put_on_floor,
            'ceiling': self.layout.put_at_ceiling,
        }.get(place, self.layout.put_at_wall)
        for _ in range(count):
            info = self.pack.draw(place, self.random)
            if info:
                self.keep(put(info))

    def seat_at_tables(self, count: int) -> None:
        """Stand ``count`` tables on the floor or at walls, with chairs of one kind around."""
        for _ in range(count):
            table = self.pack.draw('floor', self.random, 'table')
            chair = self.pack.draw('floor', self.random, 'chair')
            if table is None or chair is None:
                return
            is_at_wall = self.random.random() < 0.5
            put = self.layout.put_at_wall if is_at_wall else self.layout.put_on_floor
            placed = self.keep(put(table))
            if placed:
                seats = int(self.random.integers(0, 5))
                for placement in self.layout.put_around(chair, placed, seats):
                    self.keep(placement)

    def scatter(self, count: int) -> None:
        """Leave toys and small things on the floor."""
        for _ in range(count):
            if self.random.random() < 0.5:
                self.layout.put_on_floor(self.adopt(make_toy(self.random)))
            else:
                info = self.pack.draw('table', self.random)
                self.keep(self.layout.put_on_floor(info) if info else None)

    def load_tops(self, crowding: float) -> None:
        """Put things on tables and other flat tops, more where there is more room."""
        for base in list(self.layout.placements):
            if base.info.label not in ('table', 'cabinet', 'appliance', 'shelf', 'box'):
                continue
            area = base.info.size[0] * base.info.size[1]
            model = self.models[base.info.key]
            for _ in range(self.random.poisson(min(1 + 6 * area, 9) * crowding)):
                if self.random.random() < 0.1:
                    info: ModelInfo | None = self.adopt(make_toy(self.random))
                else:
                    info = self.pack.draw('table', self.random)
                self.keep(self.layout.put_on_top(info, base, model) if info else None)

    def keep(self, placement: Placement | None) -> Placement | None:
        """Load the geometry of what was placed, and return the placement."""
        if placement and placement.info.key not in self.models:
            self.models[placement.info.key] = self.pack.load(placement.info)
        return placement

    def adopt(self, parts: list[Part]) -> ModelInfo:
        """Return an unlabelled model of parts made for this room."""
        points = join_vertices(parts)
        low, high = points.min(axis=0), points.max(axis=0)
        middle = np.array([*(low + high)[:2] / 2, low[2]], np.float32)
        key = f'made_{len(self.models)}'
        centred = tuple(replace(part, vertices=part.vertices - middle) for part in parts)
        self.models[key] = Model(centred, 0.0, np.zeros((1, 1), bool))
        width, depth, height = (float(side) for side in high - low)
        return ModelInfo(
            key, None, 'any', (), (width, depth, height), float(low[2]), 'Fixture', '', ''
        )
