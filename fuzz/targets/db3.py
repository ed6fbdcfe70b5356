"""Bags in databases of SQLite, altered row by row."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from random import Random

from fuzz.bags import read_all, write_database
from fuzz.mutation import NUMBERS, mutate_bytes

NAME = 'bag.db3'
ENDLESS = (
    'WITH RECURSIVE row(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM row) SELECT id, '
    "id AS topic_id, id AS timestamp, x'00' AS data, 'name' AS name, 'type' AS type, "
    "'cdr' AS serialization_format, '' AS offered_qos_profiles FROM row"
)


def seeds() -> Iterable[bytes]:
    """Return a small bag."""
    yield write_database()


def mutate(data: bytes, random: Random) -> bytes:
    """Change cells, or put a view without end in place of a table."""
    if random.random() < 0.4:
        return mutate_bytes(data, random)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / NAME
        path.write_bytes(data)
        try:
            with closing(sqlite3.connect(path)) as database, database:
                _change_cell(database, random)
        except (sqlite3.Error, IndexError, OverflowError, ValueError):  # nothing to alter
            return mutate_bytes(data, random)
        return path.read_bytes()


def run(data: bytes, folder: Path) -> None:
    """Read a bag."""
    path = folder / NAME
    path.write_bytes(data)
    read_all(path)


def _change_cell(database: sqlite3.Connection, random: Random) -> None:
    tables = [
        row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    ]
    table = random.choice(tables)
    if random.random() < 0.05:
        database.execute(f'DROP TABLE "{table}"')
        if random.random() < 0.5:
            database.execute(f'CREATE VIEW "{table}" AS {ENDLESS}')
        return
    columns = [row[1] for row in database.execute(f'PRAGMA table_info("{table}")')]
    column = random.choice(columns)
    rows = database.execute(f'SELECT rowid, "{column}" FROM "{table}"').fetchall()
    row, value = random.choice(rows)
    database.execute(
        f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?', (_alter(value, random), row)
    )


def _alter(value: object, random: Random) -> object:
    if random.random() < 0.2:
        return random.choice((None, '', b'', 1.5, 'x', 2**40, -1))
    if isinstance(value, bytes):
        return mutate_bytes(value, random)
    if isinstance(value, str):
        return mutate_bytes(value.encode(), random).decode('latin-1')
    return random.choice([number for number in NUMBERS if number < 2**63]) * random.choice((1, -1))
