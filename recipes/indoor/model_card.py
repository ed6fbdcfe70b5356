"""Write the model card of the shipped model from what is inside the file.

Rows of the table of speeds are taken over from the card that is there.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from string import Template
from typing import Any

from yolact_core.checkpoints.checkpoint import hash_weights, load_checkpoint
from yolact_core.dataset.annotations import read_annotations

TEMPLATE = Path(__file__).with_name('model_card.md')
SPEED_HEAD = '| machine | backend | ms per image at 640x480 |\n|---|---|---|\n'
NO_SPEED = '| to be measured with `yolact benchmark --model indoor` | | |'
COLUMNS = (('box', 'ap'), ('box', 'ap50'), ('mask', 'ap'), ('mask', 'ap50'), ('mask', 'ap75'))


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
    """Return how many models and authors there are of each licence."""
    rows = [line.strip('| ').split(' | ') for line in credits_table.splitlines() if ' | ' in line]
    authors: dict[str, Counter[str]] = {}
    for *_, author, licence in rows[1:]:  # the first is the heading
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


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('model', type=Path, help='made by ship.py')
    parser.add_argument('output', type=Path, help='Markdown file to write')
    for name in ('rendered', 'real'):
        parser.add_argument(f'--{name}', type=Path, required=True, help='its annotations')
    arguments = parser.parse_args()
    datasets = {'rendered': arguments.rendered, 'real': arguments.real}
    card = write_card(arguments.model, arguments.output, datasets)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(card)
    parser.exit(message=f'{arguments.output}\n')


if __name__ == '__main__':
    main()
