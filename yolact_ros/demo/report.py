"""What is left of a demo: a summary, a video, a contact sheet, and a short table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from rich.table import Table
from std_msgs.msg import Header
from yolact.msg import StageTiming

from yolact_core.errors import InputError
from yolact_core.files import replace_when_done
from yolact_core.media.image_files import write_image
from yolact_core.media.video_writing import write_video
from yolact_core.terminal import say, say_table
from yolact_ros.bag.io.bag import NS_PER_S, Loss
from yolact_ros.demo.parts import RESULTS, RESULTS_IN_SPACE
from yolact_ros.demo.recorder import CAMERA_INFO, INSTANCES, MODEL_INFO, OVERLAY, TIMING, TOPICS
from yolact_ros.health.freshness import Counters
from yolact_ros.health.latencies import Spread, StageTimes
from yolact_ros.images.decoding import compressed_to_rgb
from yolact_ros.player.recording import BagRecording, RecordedMessage

PRODUCTS = {
    RESULTS: 'what the node published: a bag',
    'overlay.mp4': 'all overlays',
    'contact_sheet.png': 'one overlay a second',
    'summary.json': 'these numbers',
}
PRODUCTS_IN_SPACE = {
    RESULTS_IN_SPACE: 'what the node published of the room with depth: a bag',
    'objects.png': 'objects in the image, and their points and boxes in space',
}
HEARD = 'camera_to_subscriber'  # stage from the image's stamp until somebody else has the result
COLUMNS, ROWS = 4, 3  # of the contact sheet
TILE_WIDTH = 400  # pixels
GAP = 4  # pixels, white


@dataclass(frozen=True)
class DemoSummary:
    """What the node did.

    Args:
        model: ``ModelInfo.model_id``.
        device: Device that the model ran on.
        seconds: Seconds from the first result to the last.
        rate: Results per second.
        images: Number of images that the camera published and that were lost on the way, and
            what became of the others, as in ``StageTiming``.
        milliseconds: Median, 95th percentile and longest duration of each stage.
        instances: Number of instances of each class in all images, most frequent class first.
    """

    model: str
    device: str
    seconds: float
    rate: float
    images: dict[str, int]
    milliseconds: dict[str, Spread]
    instances: dict[str, int]


class Results:
    """What the recorder has heard, in memory.

    Args:
        path: The mcap file.
        topics: Topics in it.

    Raises:
        InputError: It cannot be read, or the node has answered nothing.
    """

    def __init__(self, path: Path, topics: Iterable[str] = TOPICS) -> None:
        recording = BagRecording(path, tuple(topics), None, _refuse, lambda _: None)
        with closing(recording):
            self._entries = list(recording.entries())
        if not all(self.of(topic) for topic in topics):
            raise InputError(f'{path} must hold an answer of the node to at least one image')

    def of(self, topic: str) -> list[RecordedMessage]:
        """Return the messages of a topic."""
        return [entry for entry in self._entries if entry.topic == topic]

    def summarize(self) -> DemoSummary:
        """Return what the node did."""
        timings: list[StageTiming] = [entry.message for entry in self.of(TIMING)]
        answers = self.of(INSTANCES)
        model = self.of(MODEL_INFO)[-1].message
        counters = {field.name: getattr(timings[-1], field.name) for field in fields(Counters)}
        published = len(self.of(CAMERA_INFO))
        seconds = (answers[-1].time - answers[0].time) / NS_PER_S
        names = Counter(one.class_name for entry in answers for one in entry.message.instances)
        return DemoSummary(
            model=model.model_id,
            device=model.device,
            seconds=round(seconds, 3),
            rate=round((len(answers) - 1) / seconds, 3) if seconds else 0.0,
            images={
                'published': published,
                'lost': max(0, published - counters['received']),
                **counters,
            },
            milliseconds=_spreads(timings, [_age(e.message.header, e.time) for e in answers]),
            instances=dict(names.most_common()),
        )


def forget(folder: Path) -> None:
    """Remove what an earlier demo left, so that nothing old is taken for new."""
    for name in (*PRODUCTS, *PRODUCTS_IN_SPACE):
        (folder / name).unlink(missing_ok=True)


def report(folder: Path) -> None:
    """Make pictures and a summary of the recording in a folder, and show the summary.

    Raises:
        InputError: The recording holds no answer of the node.
    """
    results = Results(folder / RESULTS)
    summary, overlays = results.summarize(), results.of(OVERLAY)
    write_overlay_video(folder / 'overlay.mp4', overlays, summary.rate)
    write_contact_sheet(folder / 'contact_sheet.png', overlays)
    with replace_when_done(folder / 'summary.json') as unfinished:
        unfinished.write_text(json.dumps(asdict(summary), indent=2) + '\n')
    _show(summary)
    for name, meaning in PRODUCTS.items():
        say(f'{folder / name}: {meaning}')


def write_overlay_video(path: Path, overlays: Sequence[RecordedMessage], rate: float) -> None:
    """Write all overlays, as fast as they came on average.

    Args:
        path: The mp4 file.
        overlays: Messages with a JPEG image each.
        rate: Overlays per second.
    """
    with write_video(path, max(rate, 1.0)) as add:
        for entry in overlays:
            add(compressed_to_rgb(entry.message))


def write_contact_sheet(path: Path, overlays: Sequence[RecordedMessage]) -> None:
    """Write a picture with one overlay of each of the first seconds.

    Args:
        path: The image file.
        overlays: Messages with a JPEG image each, in the order of their times, at least one.
    """
    chosen = one_a_second(overlays)[: COLUMNS * ROWS]
    tiles = [_fit(compressed_to_rgb(entry.message)) for entry in chosen]
    write_image(path, arrange(tiles))


def one_a_second(entries: Sequence[RecordedMessage]) -> list[RecordedMessage]:
    """Return the entry nearest to the middle of each second since the first that has any."""
    nearest: dict[int, tuple[float, RecordedMessage]] = {}
    for entry in entries:
        second, rest = divmod((entry.time - entries[0].time) / NS_PER_S, 1.0)
        distance = abs(rest - 0.5)
        if int(second) not in nearest or distance < nearest[int(second)][0]:
            nearest[int(second)] = distance, entry
    return [entry for _, entry in nearest.values()]


def arrange(tiles: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint8]:
    """Put pictures of one size side by side in rows, with gaps between them.

    Args:
        tiles: Pictures in RGB, each of shape (H, W, 3).
    """
    height, width = tiles[0].shape[:2]
    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    size = rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3
    sheet = np.full(size, 255, dtype=np.uint8)
    for index, tile in enumerate(tiles):
        y, x = index // columns * (height + GAP), index % columns * (width + GAP)
        sheet[y : y + height, x : x + width] = tile
    return sheet


def _fit(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    size = TILE_WIDTH, round(height * TILE_WIDTH / width)
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _show(summary: DemoSummary) -> None:
    images = summary.images
    ends = ', '.join(
        f'{images[name]} {name.replace("_", " ")}'
        for name in ('dropped_busy', 'dropped_stale', 'unreadable', 'failed', 'lost')
    )
    say(f'{summary.model} on {summary.device}')
    say(f'{images["published"]} images: {images["processed"]} processed, {ends}')
    say(f'{summary.rate:.1f} results a second over {summary.seconds:.1f} s')
    table = Table('stage, ms', 'p50', 'p95', 'max')
    for column in table.columns[1:]:
        column.justify = 'right'
    for stage, spread in summary.milliseconds.items():
        table.add_row(
            stage.replace('_', ' '), *(f'{v:.1f}' for v in (spread.p50, spread.p95, spread.max))
        )
    say_table(table)
    found = ', '.join(f'{count} {name}' for name, count in summary.instances.items())
    say(f'instances: {found or "nothing found"}')


def _refuse(loss: Loss) -> None:
    raise InputError(str(loss))


def _age(header: Header, now: int) -> float:
    """Return the seconds since a stamp."""
    stamp: int = header.stamp.sec * NS_PER_S + header.stamp.nanosec
    return (now - stamp) / NS_PER_S


def _spreads(timings: Sequence[StageTiming], ages: Sequence[float]) -> dict[str, Spread]:
    """Summarize durations in seconds as milliseconds, by stage."""
    rows = {
        field.name: [getattr(timing, field.name) for timing in timings]
        for field in fields(StageTimes)
    }
    return {stage: _spread(seconds) for stage, seconds in {**rows, HEARD: ages}.items()}


def _spread(seconds: Sequence[float]) -> Spread:
    milliseconds = 1e3 * np.asarray(seconds)
    p50, p95 = np.percentile(milliseconds, [50, 95]).round(2).tolist()
    return Spread(p50, p95, round(float(milliseconds.max()), 2))
