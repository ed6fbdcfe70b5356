"""The parts of the demo: real rooms, and a rendered one with depth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

from yolact_ros.demo.programs import Part
from yolact_ros.demo.recorder import IN_SPACE

RESULTS, RESULTS_IN_SPACE = 'results.mcap', 'objects.mcap'
RENDERED = Path(__file__).parents[2] / 'test' / 'data' / 'room_path' / 'room_path.mcap'
RECORDED = [
    f'/camera/{name}' for name in ('image/compressed', 'camera_info', 'depth/compressedDepth')
]
WITH_DEPTH = {
    'depth.transport': 'compressedDepth',
    'overlay.labels': False,  # the report writes names and distances
}


@contextmanager
def real_rooms(folder: Path, parameters: Mapping[str, object]) -> Iterator[Part]:
    """Give the part with pictures of real rooms, which comes with the package.

    Args:
        folder: Folder of the results.
        parameters: Parameters of the node.
    """
    with as_file(files('yolact_ros.demo') / 'rooms' / 'rooms.mcap') as bag:
        yield Part(
            bag=bag,
            player=('--loop', '--as-camera', '--transport', 'raw'),
            parameters=parameters,
            results=folder / RESULTS,
            logs=folder / 'logs',
        )


def rendered_room(folder: Path, parameters: Mapping[str, object]) -> Part:
    """Return the part with depth, whose bag lies beside the tests.

    Args:
        folder: Folder of the results.
        parameters: Parameters of the node.
    """
    return Part(
        bag=RENDERED,
        player=('--as-camera', '--transport', 'raw', '--topics', *RECORDED),
        parameters={**parameters, **WITH_DEPTH},
        results=folder / RESULTS_IN_SPACE,
        recorder=(IN_SPACE,),
        logs=folder / 'logs' / 'objects',
    )
