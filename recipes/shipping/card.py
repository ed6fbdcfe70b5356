"""The model card: what people must know of a model that ships, from what is inside its file."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from yolact_core.checkpoints.checkpoint import hash_weights, load_checkpoint
from yolact_core.cli.options import argument, option
from yolact_core.terminal import say

SPEED_HEAD = '| machine | runtime | ms per image at 640x480 |\n|---|---|---|\n'
NO_SPEED = '| to be measured | | |'
COLUMNS = (('box', 'ap'), ('box', 'ap50'), ('mask', 'ap'), ('mask', 'ap50'))

Evaluations = dict[str, dict[str, Any]]  # what `yolact evaluate --output` wrote, by name


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the step ``card``."""

    model: Path = argument('file made by the step ship')
    output: Path = argument('Markdown file to write')
    template: Path = option('Markdown file with a $name for each fact', required=True)
    speed: Path | None = option(
        'what `yolact benchmark --json` wrote; default: speeds are kept as the card has them'
    )


def run(options: Options) -> None:
    """Write the model card of a shipped model from what is inside the file."""
    old = options.output.read_text() if options.output.is_file() else ''
    card = write_card(options.model, options.template.read_text(), old, options.speed)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(card)
    say(f'{options.output}')


def write_card(model: Path, template: str, old: str = '', speed: Path | None = None) -> str:
    """Return the card.

    Args:
        model: The shipped file; its credits are beside it.
        template: The card with ``$name`` where a fact belongs; ``$NAME_row`` are figures of the
            evaluation of that name.
        old: An older card, whose speeds are kept, or nothing.
        speed: What ``yolact benchmark --json`` wrote, or nothing.

    Raises:
        SystemExit: The template asks for something that the model does not tell.
    """
    network, facts = load_checkpoint(model)
    config, training = network.config, facts.training
    evaluations: Evaluations = training['evaluation']
    model_id = f'{config.name}@{hash_weights(network)[:12]}'
    known = {
        'model_id': model_id,
        'input_size': config.input_size,
        'backbone': config.backbone.name,
        'parameters': f'{sum(one.numel() for one in network.parameters()) / 1e6:.1f}',
        'megabytes': f'{model.stat().st_size / 1e6:.1f}',
        'images': f'{training["images"]:,}',
        'steps': f'{training["steps"]:,}',
        'batch_size': training['run']['batch_size'],
        'license': facts.license.strip(),
        'data_licences': summarise_credits(credits_of(model).read_text()),
        'class_table': class_table(config.class_names, evaluations),
        'unmeasured_classes': ', '.join(unmeasured(config.class_names, evaluations)) or 'none',
        'speed_rows': measured_speeds(speed, model_id) if speed else kept_speeds(old),
        'losses': show_losses(facts.losses),
        **{f'{name}_row': figures_row(one) for name, one in evaluations.items()},
    }
    try:
        return Template(template).substitute(known)
    except KeyError as missing:
        raise SystemExit(f'the template must ask for {", ".join(known)}, got {missing}') from None


def show_losses(losses: dict[str, float]) -> str:
    """Return what each precision loses, in words."""
    words = [f'{name} {points:.2f}' for name, points in sorted(losses.items())]
    return ', '.join(words) or 'not measured'


def credits_of(model: Path) -> Path:
    """Return where the credits of a shipped model are."""
    return model.with_name(f'{model.stem}_credits.md')


def summarise_credits(credits_text: str) -> str:
    """Return how many works there are of each licence, from tables whose last column names it.

    Args:
        credits_text: Markdown. The first column of a table says what its rows are; a column
            ``count`` says how many each row is, and a column ``author`` who made it.
    """
    works: dict[tuple[str, str], int] = Counter()
    authors: dict[tuple[str, str], set[str]] = defaultdict(set)
    heading: list[str] = []
    for line in credits_text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip('|').split('|')]
        if not line.startswith('|') or set(line) <= set('|-: '):
            continue
        if cells[-1] == 'licence':
            heading = cells
            continue
        row = dict(zip(heading, cells, strict=False))
        kind = cells[-1], heading[0].split(maxsplit=1)[0].rstrip('s')
        works[kind] += int(row.get('count', 1))
        authors[kind] |= {row['author']} if 'author' in row else set()
    rows = ['| licence | works |', '|---|---|']
    for (licence, kind), count in sorted(works.items()):
        people = len(authors[licence, kind])
        by = f' by {_number(people, "author")}' if people else ''
        rows.append(f'| {licence} | {_number(count, kind)}{by} |')
    return '\n'.join(rows)


def _number(count: int, thing: str) -> str:
    return f'{count} {thing}{"" if count == 1 else "s"}'


def figures_row(evaluation: dict[str, Any]) -> str:
    """Return the cells of one row of figures, each with its interval."""
    cells = [str(evaluation['images']), str(evaluation['objects'])]
    for part, name in COLUMNS:
        precision = evaluation['precisions'][part]
        cells.append(show(precision[name], (precision['intervals'] or {}).get(name), 1))
    return ' | '.join(cells)


def class_table(class_names: tuple[str, ...], evaluations: Evaluations) -> str:
    """Return a table of the classes that were measured: objects and mask AP50 in each data set."""
    headings = [name.replace('_', ' ') for name in evaluations]
    cells = ['class', *(f'{one}: objects | mask AP50' for one in headings)]
    rows = [_row(cells), '|---' * (1 + 2 * len(headings)) + '|']
    missing = unmeasured(class_names, evaluations)
    for name in class_names:
        if name in missing:
            continue
        cells = [name]
        for evaluation in evaluations.values():
            mask = evaluation['precisions']['mask']
            interval = (mask['intervals'] or {}).get('ap50_by_class', {}).get(name)
            cells.append(str(evaluation['objects_by_class'].get(name, 0)))
            cells.append(show(mask['ap50_by_class'].get(name), interval, 0))
        rows.append(_row(cells))
    return '\n'.join(rows)


def unmeasured(class_names: tuple[str, ...], evaluations: Evaluations) -> list[str]:
    """Return the classes that no data set has an object of."""
    return [
        name
        for name in class_names
        if not any(one['objects_by_class'].get(name) for one in evaluations.values())
    ]


def measured_speeds(path: Path, model_id: str) -> str:
    """Return a row of the table of speeds for each way to run the model, the fastest first.

    Args:
        path: What ``yolact benchmark --json`` wrote.
        model_id: Identity of the model, which may be one of several in the file.

    Raises:
        SystemExit: The model is not in the file.
    """
    report = json.loads(path.read_text())
    machine = report['machine']
    place = machine.get('gpu') or f'{machine["cpu"]}, {machine["threads"]} threads'
    times = sorted(
        (one['stages']['total']['p50'], f'{one["backend"]} {one["precision"]}')
        for one in report['results']
        if one['model_id'] == model_id
    )
    if not times:
        raise SystemExit(f'{path} must have a result of {model_id}, got none')
    return '\n'.join(_row([place, runtime, f'{time:.1f}']) for time, runtime in times)


def kept_speeds(card: str) -> str:
    """Return the rows of the table of speeds in an older card."""
    _, found, rest = card.partition(SPEED_HEAD)
    return rest.split('\n\n')[0] if found else NO_SPEED


def show(value: float | None, interval: dict[str, float] | None, digits: int) -> str:
    """Return a figure in percent with its interval, or a dash where nothing can be measured."""
    if value is None:
        return '-'
    if interval is None:
        return f'{value:.1f}'
    return f'{value:.1f} ({interval["low"]:.{digits}f} to {interval["high"]:.{digits}f})'


def _row(cells: list[str]) -> str:
    return f'| {" | ".join(cells)} |'
