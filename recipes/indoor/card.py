"""What people see of a model or a data set: the model card, and sheets of pictures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from yolact_core import Detector
from yolact_core.checkpoints.checkpoint import hash_weights, load_checkpoint
from yolact_core.cli.options import argument, option
from yolact_core.dataset.annotations import read_annotations
from yolact_core.media.image_files import read_image, write_image
from yolact_core.terminal import say
from yolact_core.visualization import OverlayStyle, draw_overlay

TEMPLATE = Path(__file__).with_name('model_card.md')
SPEED_HEAD = '| machine | backend | ms per image at 640x480 |\n|---|---|---|\n'
NO_SPEED = '| to be measured with `yolact benchmark --model indoor` | | |'
COLUMNS = (('box', 'ap'), ('box', 'ap50'), ('mask', 'ap'), ('mask', 'ap50'), ('mask', 'ap75'))
CELL = (300, 400)  # height and width of a picture on the contact sheet, pixels
SUFFIXES = ('.jpg', '.png')
MOST_BYTES = 400_000
QUALITIES = range(90, 40, -5)


@dataclass(frozen=True, kw_only=True)
class CardOptions:
    """Options of the step ``card``."""

    model: Path = argument('file made by the step ship')
    output: Path = argument('Markdown file to write')
    rendered: Path = option('annotations of rendered rooms', required=True)
    real: Path = option('annotations of real pictures', required=True)


def run_card(options: CardOptions) -> None:
    """Write the model card of the shipped model from what is inside the file.

    Rows of the table of speeds are taken over from the card that is there.
    """
    datasets = {'rendered': options.rendered, 'real': options.real}
    card = write_card(options.model, options.output, datasets)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(card)
    say(f'{options.output}')


def write_card(model: Path, output: Path, datasets: dict[str, Path]) -> str:
    """Return the card.

    Args:
        model: The shipped file; ``CREDITS.md`` is beside it.
        output: An older card, whose speeds are kept, or nothing.
        datasets: Annotations of the data sets ``rendered`` and ``real``.
    """
    network, facts = load_checkpoint(model)
    config, training = network.config, facts.training
    evaluations: dict[str, Any] = training['evaluation']
    counts = {name: count_objects(path) for name, path in datasets.items()}
    return Template(TEMPLATE.read_text()).substitute(
        model_id=f'{config.name}@{hash_weights(network)[:12]}',
        input_size=config.input_size,
        backbone=config.backbone.name,
        parameters=f'{sum(one.numel() for one in network.parameters()) / 1e6:.1f}',
        megabytes=f'{model.stat().st_size / 1e6:.1f}',
        images=f'{training["images"]:,}',
        steps=f'{training["steps"]:,}',
        batch_size=training['run']['batch_size'],
        license=facts.license.strip(),
        data_licences=summarise_credits((model.parent / 'CREDITS.md').read_text()),
        rendered_row=figures_row(evaluations['rendered']),
        real_row=figures_row(evaluations['real']),
        class_rows='\n'.join(class_rows(config.class_names, evaluations, counts)),
        speed_rows=speed_rows(output.read_text() if output.is_file() else ''),
    )


def count_objects(dataset: Path) -> Counter[str]:
    """Return how many objects of each class there are, crowds not counted."""
    annotations = read_annotations(dataset)
    ids = annotations.class_ids[~annotations.is_crowd].tolist()
    return Counter(annotations.class_names[class_id] for class_id in ids)


def summarise_credits(credits_table: str) -> str:
    """Return how many models, or photographs, and authors there are of each licence."""
    rows = [line.strip('| ').split(' | ') for line in credits_table.splitlines() if ' | ' in line]
    authors: dict[str, Counter[str]] = {}
    for *_, author, licence in rows:
        if licence != 'licence':  # as a heading has it
            authors.setdefault(licence, Counter())[author] += 1
    return '\n'.join(
        [
            '| licence | models | authors |',
            '|---|---|---|',
            *(
                f'| {licence} | {sum(names.values())} | {len(names)} |'
                for licence, names in sorted(authors.items())
            ),
        ]
    )


def figures_row(evaluation: dict[str, Any]) -> str:
    """Return the cells of one row of figures."""
    precisions = evaluation['precisions']
    values = [precisions[part][key] for part, key in COLUMNS]
    return ' | '.join(map(str, [evaluation['images'], evaluation['objects'], *map(show, values)]))


def class_rows(
    class_names: tuple[str, ...],
    evaluations: dict[str, Any],
    counts: dict[str, Counter[str]],
) -> list[str]:
    """Return a row for each class."""
    rows = []
    for name in class_names:
        cells = [name]
        for part in ('rendered', 'real'):
            by_class = evaluations[part]['precisions']['mask']['by_class']
            cells += [str(counts[part][name]), show(by_class.get(name))]
        rows.append(f'| {" | ".join(cells)} |')
    return rows


def speed_rows(card: str) -> str:
    """Return the rows of the table of speeds in an older card."""
    _, found, rest = card.partition(SPEED_HEAD)
    return rest.split('\n\n')[0] if found else NO_SPEED


def show(value: float | None) -> str:
    """Return a figure in percent, or a dash where there is nothing to measure."""
    return '-' if value is None else f'{value:.1f}'


@dataclass(frozen=True, kw_only=True)
class SheetOptions:
    """Options of the step ``sheet``."""

    folder: Path = argument('folder of pictures')
    output: Path = argument('JPEG file to write')
    model: str = option('name or file of the model', 'indoor')
    score_threshold: float = option('in [0, 1)', 0.3)
    columns: int = option('pictures beside each other', 4)


def run_sheet(options: SheetOptions) -> None:
    """Lay what a model finds in all pictures of a folder onto one sheet."""
    detector = Detector.load(
        options.model, backend='torch', score_threshold=options.score_threshold
    )
    paths = [path for path in sorted(options.folder.iterdir()) if path.suffix in SUFFIXES]
    images = [read_image(path) for path in paths]
    pictures = [draw_overlay(rgb, detector(rgb)) for rgb in images]
    sheet = lay_out(pictures, options.columns)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_bytes(encode(sheet, MOST_BYTES))
    say(f'{len(pictures)} pictures: {options.output}')


@dataclass(frozen=True, kw_only=True)
class PreviewOptions:
    """Options of the step ``preview``."""

    dataset: Path = argument('output folder of the step render')
    output: Path = argument('PNG file to write')
    count: int = option('number of images', 24)
    columns: int = option('images beside each other', 4)
    plain: bool = option('do not draw the masks', False)


def run_preview(options: PreviewOptions) -> None:
    """Draw images of a rendered data set with their masks onto one sheet, to look at.

    What is to be ignored has a score of 0 %.
    """
    from recipes.indoor.dataset.annotations import read_coco, to_detections

    images, class_names = read_coco(options.dataset / 'instances.json')
    style, pictures = OverlayStyle(alpha=0.35, color_by='instance', boxes=False), []
    for index in np.linspace(0, len(images) - 1, options.count).astype(int):
        image = images[index]
        rgb = read_image(options.dataset / 'images' / image.name)
        truth = to_detections(image.annotations, image.size, class_names)
        pictures.append(rgb if options.plain else draw_overlay(rgb, truth, style))
    write_image(options.output, lay_out(pictures, options.columns, pictures[0].shape[:2]))


def lay_out(
    pictures: list[NDArray[np.uint8]], columns: int, cell: tuple[int, ...] = CELL
) -> NDArray[np.uint8]:
    """Return a grid of pictures, each shrunk into its cell; what is left of a cell is white.

    Args:
        pictures: RGB pictures of any size, each of shape (H, W, 3).
        columns: Number of cells beside each other.
        cell: Height and width of a cell in pixels.
    """
    cells = [into_cell(picture, cell) for picture in pictures]
    cells += [np.full((*cell, 3), 255, np.uint8)] * (-len(cells) % columns)
    rows = [np.hstack(cells[start : start + columns]) for start in range(0, len(cells), columns)]
    return np.vstack(rows)


def into_cell(picture: NDArray[np.uint8], size: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return a picture shrunk to fit a cell of a size in pixels, in its middle."""
    factor = min(side / extent for side, extent in zip(size, picture.shape[:2], strict=True))
    height, width = (max(1, int(extent * factor)) for extent in picture.shape[:2])
    cell = np.full((*size, 3), 255, np.uint8)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    shrunk = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    cell[top : top + height, left : left + width] = shrunk
    return cell


def encode(sheet: NDArray[np.uint8], most_bytes: int) -> bytes:
    """Return a JPEG of the best quality that fits.

    Args:
        sheet: RGB picture, shape (H, W, 3).
        most_bytes: Largest size of the file in bytes.

    Raises:
        SystemExit: It is larger in any quality.
    """
    bgr = cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR)
    for quality in QUALITIES:
        _, data = cv2.imencode('.jpg', bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if len(data) <= most_bytes:
            return data.tobytes()
    raise SystemExit(f'the sheet must have at most {most_bytes} bytes, got {len(data)}')
