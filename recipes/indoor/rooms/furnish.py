"""Fill a room: doors and windows, furniture, people, clutter, and things on tables."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from recipes.indoor.assets.distractors import HUNG, LYING, TABLETOP
from recipes.indoor.assets.models import (
    Model,
    ModelInfo,
    ModelPack,
    Part,
    join_vertices,
    with_top,
)
from recipes.indoor.assets.photos import Photos
from recipes.indoor.assets.variety import makers
from recipes.indoor.rooms.dressing import PICTURE, WINDOW
from recipes.indoor.rooms.layout import Layout, Placement
from recipes.indoor.rooms.room import (
    Room,
    make_curtained_window,
    make_picture,
    make_room,
    make_rug,
    make_toy,
    make_window,
)

TOPPED = ('table', 'cabinet', 'appliance', 'shelf', 'box')  # things stand on them


@dataclass(frozen=True)
class Decor:
    """What rooms get beyond the models of the pack.

    Attributes:
        distractors: Factor on the number of unlabelled curtains, toys, papers and the like; 0
            leaves them out.
        fresh: Share of models that give way to new ones, made for one room, of the same class.
        photos: Photographs on surfaces and in pictures, windows and screens.
    """

    distractors: float = 0.0
    fresh: float = 0.0
    photos: Photos | None = None


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
    """Fills one random room from a pack of models.

    Args:
        pack: Models to draw from.
        random: Source of randomness.
        decor: What the room gets beyond them. It has a source of randomness of its own, so that
            rooms with and without it resemble each other.
        room: Room to fill; a random one unless it is given.
    """

    def __init__(
        self,
        pack: ModelPack,
        random: Generator,
        decor: Decor | None = None,
        room: Room | None = None,
    ) -> None:
        self.pack = pack
        self.random = random
        self.decor = decor or Decor()
        self.extra = random.spawn(1)[0]
        self.layout = Layout(room or make_room(random), random)
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
        self.distract()
        return self.furnished()

    def furnished(self) -> Furnished:
        """Return the room with all that has been put into it."""
        return Furnished(self.layout.room, tuple(self.layout.placements), self.models)

    def fix_to_walls(self) -> None:
        """Put in doors, windows, pictures, wall and ceiling models, and rugs."""
        self.stand('door', int(self.random.integers(1, 4)))
        windows, pictures = self.random.poisson(1.2), self.random.poisson(1.5)
        for _ in range(windows):
            self.layout.put_at_wall(self.adopt(make_window(self.random), title=WINDOW))
        for _ in range(pictures):
            self.layout.put_at_wall(self.adopt(make_picture(self.random), title=PICTURE))
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
            info = self.draw(place)
            if info:
                self.keep(put(info))

    def seat_at_tables(self, count: int) -> None:
        """Stand ``count`` tables on the floor or at walls, with chairs of one kind around."""
        for _ in range(count):
            table = self.draw('floor', 'table')
            chair = self.draw('floor', 'chair')
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
                info = self.draw('table')
                self.keep(self.layout.put_on_floor(info) if info else None)

    def load_tops(self, crowding: float) -> None:
        """Put things on tables and other flat tops, more where there is more room."""
        for base in list(self.layout.placements):
            if base.info.label not in TOPPED:
                continue
            area = base.info.size[0] * base.info.size[1]
            model = self.models[base.info.key]
            for _ in range(self.random.poisson(min(1 + 6 * area, 9) * crowding)):
                if self.random.random() < 0.1:
                    info: ModelInfo | None = self.adopt(make_toy(self.random))
                else:
                    info = self.draw('table')
                self.keep(self.layout.put_on_top(info, base, model) if info else None)

    def distract(self) -> None:
        """Hang, lay and stand unlabelled things about the furnished room."""
        amount, random = self.decor.distractors, self.extra
        self.layout.random = random
        for _ in range(random.poisson(0.7 * amount)):
            window = make_curtained_window(random)
            self.layout.put_at_wall(self.adopt(window, title=WINDOW))
        for _ in range(random.poisson(3 * amount)):
            make = HUNG[int(random.integers(len(HUNG)))]
            self.layout.put_at_wall(self.adopt(make(random)))
        for _ in range(random.poisson(2.5 * amount)):
            make = LYING[int(random.integers(len(LYING)))]
            self.layout.put_on_floor(self.adopt(make(random)))
        for base in [one for one in self.layout.placements if one.info.label in TOPPED]:
            for _ in range(random.poisson(0.8 * amount)):
                make = TABLETOP[int(random.integers(len(TABLETOP)))]
                self.layout.put_on_top(self.adopt(make(random)), base, self.models[base.info.key])

    def draw(self, place: str, label: str | None = None) -> ModelInfo | None:
        """Return a model of the pack for a place, or a new one of the same class."""
        info = self.pack.draw(place, self.random, label)
        kinds = makers(info.label, place) if info else ()
        if info is None or not kinds or self.extra.random() >= self.decor.fresh:
            return info
        parts = kinds[int(self.extra.integers(len(kinds)))](self.extra)
        return self.adopt(parts, info.label)

    def keep(self, placement: Placement | None) -> Placement | None:
        """Load the geometry of what was placed, and return the placement."""
        if placement and placement.info.key not in self.models:
            self.models[placement.info.key] = self.pack.load(placement.info)
        return placement

    def adopt(
        self, parts: list[Part], label: str | None = None, title: str = 'Fixture'
    ) -> ModelInfo:
        """Return a model of parts made for this room, unlabelled or of a class."""
        points = join_vertices(parts)
        low, high = points.min(axis=0), points.max(axis=0)
        middle = np.array([*(low + high)[:2] / 2, low[2]], np.float32)
        key = f'made_{len(self.models)}'
        centred = [replace(part, vertices=part.vertices - middle) for part in parts]
        flat = Model(tuple(centred), 0.0, np.zeros((1, 1), bool))
        self.models[key] = with_top(centred) if label in TOPPED else flat
        width, depth, height = (float(side) for side in high - low)
        return ModelInfo(
            key, label, 'any', (), (width, depth, height), float(low[2]), title, '', ''
        )
