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
        topics = survey(bag)
        if options.json:
            say_json(
                {
                    'bag': str(bag.path),
                    'start': bag.start,
                    'seconds': bag.duration,
                    'messages': sum(topic.messages for topic in topics),
                    'topics': [asdict(topic) for topic in topics],
                }
            )
        else:
            _show(topics, f'{bag.path}: {bag.duration:.2f} s')
    return damages.status


def _show(topics: list[TopicSurvey], headline: str) -> None:
    from rich.table import Table

    say(headline)
    table = Table('topic', 'type', 'messages', 'Hz', 'longest gap, s', 'stamps', 'images', 'use')
    for topic in topics:
        table.add_row(
            topic.topic,
            topic.type,
            str(topic.messages),
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
    if topic.without_stamp:
        return f'{topic.without_stamp} are zero'
    return f'{topic.stamps_backwards} go back' if topic.stamps_backwards else 'in order'
