"""``yolact bag info``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from yolact_core.cli.options import argument, option
from yolact_core.terminal import say, say_json, say_table
from yolact_ros.bag.commands.options import BAG, Damages

if TYPE_CHECKING:
    from yolact_ros.bag.commands.bag_info import TopicSurvey


COLUMNS = (
    'topic',
    'type',
    'messages',
    'unreadable',
    'Hz',
    'longest gap, s',
    'stamps',
    'images',
    'use',
)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What ``yolact bag info`` can be asked for."""

    bag: Path = argument(BAG, metavar='BAG')
    json: bool = option('print JSON', False)


def run(options: Options) -> int:
    """Say what is in a bag."""
    from yolact_ros.bag.commands.bag_info import survey
    from yolact_ros.bag.io.bag import Bag

    damages = Damages()
    with Bag(options.bag, damages) as bag:
        topics = survey(bag, damages)
        if options.json:
            say_json(
                {
                    'bag': str(bag.path),
                    'start': bag.start,
                    'seconds': bag.duration,
                    'messages': sum(topic.messages for topic in topics),
                    'topics': [asdict(topic) for topic in topics],
                    'losses': damages.losses,
                }
            )
        else:
            _show(topics, f'{bag.path}: {bag.duration:.2f} s')
    return damages.status


def _show(topics: list[TopicSurvey], headline: str) -> None:
    from rich.table import Table

    say(headline)
    table = Table(*COLUMNS)
    for topic in topics:
        table.add_row(
            topic.topic,
            topic.type,
            str(topic.messages),
            str(topic.unreadable or '-'),
            '-' if topic.rate is None else f'{topic.rate:.2f}',
            '-' if topic.longest_gap is None else f'{topic.longest_gap:.3f}',
            _describe_stamps(topic),
            ', '.join([*topic.encodings, *topic.sizes]),
            topic.use,
        )
    say_table(table)


def _describe_stamps(topic: TopicSurvey) -> str:
    if topic.stamps_backwards is None or not topic.messages:
        return '-'
    found = {
        'are zero': topic.without_stamp,
        'go back': topic.stamps_backwards,
        'are equal to the one before': topic.stamps_equal,
    }
    return ', '.join(f'{count} {what}' for what, count in found.items() if count) or 'in order'
