"""Databases of ROS 2: whole, with changes in a file beside them, or damaged."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory

from yolact_core.errors import InputError
from yolact_ros.bag.io.storage import FOREVER, Entry, Loss, ReportLoss, Topic, describe, read_qos

CHANGES = ('-wal', '-journal')  # endings of files with what a database was not told yet
LATEST = 2**63 - 1  # that a database can hold
FARTHEST = 2**40  # messages that may be damaged in a row
HAS_TIME = "typeof(timestamp) = 'integer'"  # of a message

Row = tuple[int, int, int]  # number of a message, of its topic, and its time of recording
time_of = itemgetter(2)


def open_sqlite(path: Path, stack: ExitStack) -> SqliteStorage:
    """Open a database with all that belongs to it, and change nothing beside it.

    Changes that a recorder left in a file of their own are applied to a copy.

    Args:
        path: A ``.db3`` file.
        stack: Stack that removes the copy.

    Raises:
        Exception: It cannot be read.
    """
    changes = [path.with_name(path.name + ending) for ending in CHANGES]
    changes = [one for one in changes if one.is_file() and one.stat().st_size]
    if changes:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        for one in (path, *changes):
            shutil.copyfile(one, folder / one.name)
        path = folder / path.name
    return SqliteStorage(path, is_copy=bool(changes))


class SqliteStorage:
    """A database of ROS 2, of which every message is read that is whole.

    Args:
        path: A ``.db3`` file.
        is_copy: Whether the file may be changed.

    Raises:
        Exception: It cannot be read.
    """

    def __init__(self, path: Path, *, is_copy: bool = False) -> None:
        access = '' if is_copy else '?mode=ro&immutable=1'
        uri = path.absolute().as_uri() + access
        self._database = sqlite3.connect(uri, uri=True, check_same_thread=False)
        self._database.text_factory = lambda text: text.decode('utf-8', 'replace')
        self._salvaged: list[Row] | None = None  # of a damaged table, in order of time
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def messages(
        self, topics: Collection[str], start: int, stop: int, on_loss: ReportLoss
    ) -> Iterator[Entry]:
        """Iterate over messages in the order of recording."""
        wanted = {key: topic for key, topic in self._topics.items() if topic.name in topics}
        lost: list[int] = []  # times
        reason = ''
        for number, key, time in self._rows(wanted, start, stop):
            try:
                query = 'SELECT CAST(data AS BLOB) FROM messages WHERE id = ?'
                (data,) = self._database.execute(query, (number,)).fetchone()
                topic = wanted[key]
                yield Entry(topic.name, topic.type, time, bytes(data), topic.encoding)
            except (sqlite3.Error, TypeError) as error:
                lost.append(time)
                reason = describe(error)
        if lost:
            reason = f'the content of messages cannot be read: {reason}'
            on_loss(Loss(reason, len(lost), start=lost[0], end=lost[-1]))

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _open(self) -> None:
        """Find out what is in the file.

        Raises:
            Exception: There are no topics in it.
        """
        self._database.execute('PRAGMA writable_schema = ON')  # opens also what was cut off
        topics = self._read_topics()
        self.losses: tuple[Loss, ...] = ()
        try:
            counts, self.times = self._count()
            (total,) = self._database.execute('SELECT count(*) FROM messages').fetchone()
            if timeless := total - counts.total():
                self.losses = (Loss('the times of all messages must be whole numbers', timeless),)
        except sqlite3.DatabaseError as error:
            self._salvaged, missing = self._salvage()
            counts = Counter(key for _, key, _ in self._salvaged)
            times = [time for _, _, time in self._salvaged]
            self.times = (times[0], times[-1] + 1) if times else None
            reason = f'its table of messages is damaged: {describe(error)}'
            self.losses = (_lose_missing(reason, missing, self._salvaged),)
        self._topics = {
            key: Topic(name, kind, counts[key], encoding, read_qos(qos))
            for key, name, kind, encoding, qos in topics
        }
        if nameless := sum(counts[key] for key in counts.keys() - self._topics.keys()):
            reason = 'it does not name the topics of all messages'
            self.losses += (Loss(reason, nameless),)
        self.topics = tuple(self._topics.values())

    def _read_topics(self) -> list[tuple[int, str, str, str, str]]:
        columns = {row[1] for row in self._database.execute('PRAGMA table_info(topics)')}
        if not columns:
            raise InputError('it has no table of topics')
        if self._database.execute("SELECT * FROM sqlite_master WHERE type = 'view'").fetchone():
            raise InputError('it must hold tables alone, got a view, which may never end')
        texts = ['name', 'type', 'serialization_format', 'offered_qos_profiles']
        texts = [f"ifnull(CAST({one} AS TEXT), '')" if one in columns else "''" for one in texts]
        query = f'SELECT CAST(id AS INTEGER), {", ".join(texts)} FROM topics'
        return self._database.execute(query).fetchall()

    def _count(self) -> tuple[Counter[int], tuple[int, int] | None]:
        """Return the number of messages of each topic, and times as those of a storage.

        Raises:
            sqlite3.DatabaseError: The table is damaged.
        """
        query = (
            'SELECT topic_id, count(*), min(timestamp), max(timestamp) FROM messages '
            f'WHERE {HAS_TIME} GROUP BY topic_id'
        )
        rows = self._database.execute(query).fetchall()
        counts = Counter({key: count for key, count, _, _ in rows})
        if not rows:
            return counts, None
        return counts, (min(row[2] for row in rows), max(row[3] for row in rows) + 1)

    def _rows(self, wanted: Collection[int], start: int, stop: int) -> Iterator[Row]:
        """Iterate over messages by time, without their content."""
        if self._salvaged is not None:
            for row in self._salvaged:
                if row[1] in wanted and start <= time_of(row) < stop:
                    yield row
            return
        keys = ','.join(map(str, wanted))
        query = (
            f'SELECT id, topic_id, timestamp FROM messages WHERE topic_id IN ({keys}) '
            f'AND timestamp BETWEEN ? AND ? AND {HAS_TIME} ORDER BY timestamp, id'
        )
        last = LATEST if stop == FOREVER else stop - 1
        if start <= LATEST:
            yield from self._database.execute(query, (start, min(last, LATEST)))

    def _salvage(self) -> tuple[list[Row], int]:
        """Return the messages of a damaged table by time, and how many numbers are missing."""
        rows: list[Row] = []
        number: int | None = 0
        while number is not None:
            try:
                query = (
                    'SELECT id, topic_id, timestamp FROM messages '
                    f'WHERE id >= ? AND {HAS_TIME} ORDER BY id'
                )
                for row in self._database.execute(query, (number,)):
                    if not _goes_on(row, number):
                        raise sqlite3.DatabaseError('it leads back to what was read')
                    rows.append(row)
                    number = row[0] + 1
                break
            except sqlite3.DatabaseError:
                number = self._find_behind(number)
        missing = rows[-1][0] - rows[0][0] + 1 - len(rows) if rows else 0
        return sorted(rows, key=time_of), missing

    def _find_behind(self, number: int) -> int | None:
        """Return the first number of a message behind a damaged part of the table."""
        bad, step = number, 1
        while not self._is_readable(number + step):
            bad, step = number + step, 2 * step
            if step > FARTHEST:
                return None
        good = number + step
        while good - bad > 1:
            middle = (bad + good) // 2
            bad, good = (bad, middle) if self._is_readable(middle) else (middle, good)
        return good

    def _is_readable(self, number: int) -> bool:
        query = 'SELECT id, topic_id, timestamp FROM messages WHERE id >= ? ORDER BY id LIMIT 1'
        try:
            row = self._database.execute(query, (number,)).fetchone()
            return row is not None and _goes_on(row, number)
        except sqlite3.DatabaseError:
            return False


def _goes_on(row: tuple[object, ...], number: int) -> bool:
    """Return whether a row of a damaged table is whole, and its number not one before another."""
    values = [value for value in row if isinstance(value, int)]
    return len(values) == len(row) and values[0] >= number


def _lose_missing(reason: str, missing: int, salvaged: list[Row]) -> Loss:
    """Return the loss of messages whose numbers are missing; of those at the end nobody knows."""
    by_number = sorted(salvaged)
    gaps = [
        (before[2], after[2]) for before, after in pairwise(by_number) if after[0] - before[0] > 1
    ]
    if not gaps:
        return Loss(reason, start=by_number[-1][2] if by_number else None)
    return Loss(reason, missing, start=gaps[0][0], end=gaps[-1][1])
