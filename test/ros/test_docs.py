"""The tables of the documentation and the running node agree."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

from yolact_ros.node.settings import TABLE

DOCS = Path(__file__).parents[2] / 'docs'
PAGE = (DOCS / 'topics_and_parameters.md').read_text()


def rows_below(heading):
    """Return the cells of the first table below a heading."""
    lines = PAGE.partition(f'## {heading}\n')[2].splitlines()
    begin = next(index for index, line in enumerate(lines) if line.startswith('|'))
    table = []
    for line in lines[begin + 2 :]:
        if not line.startswith('|'):
            break
        table.append([cell.strip() for cell in line.strip('|').split('|')])
    return table


def as_text(value):
    if isinstance(value, bool):
        return f'`{str(value).lower()}`'
    if isinstance(value, tuple):
        return f'`[{", ".join(value)}]`'
    return "`''`" if value == '' else f'`{value}`'


def values_of(row):
    if row.choices:
        return ', '.join(f'`{choice}`' for choice in row.choices)
    return ' to '.join(f'{bound:.10g}' for bound in row.range) if row.range else ''


def test_the_table_of_parameters_is_that_of_the_node():
    assert rows_below('Parameters') == [
        [
            f'`{row.name}`',
            as_text(row.default),
            values_of(row),
            row.when.name.lower(),
            row.description,
        ]
        for row in TABLE
    ]


def quality_of(profile):
    words = [profile.reliability.name.lower().replace('_', ' ')]
    if profile.durability.name == 'TRANSIENT_LOCAL':
        words.append('latched')
    return ', '.join(words)


def test_the_table_of_topics_is_that_of_the_node(start_node, tester):
    start_node().wait_for('listens to /image')
    for name, kind, quality, _ in rows_below('What it publishes'):
        topic = name.strip('`').replace('~', '/yolact')
        tester.until(lambda topic=topic: tester.node.count_publishers(topic), topic)
        (publisher,) = tester.node.get_publishers_info_by_topic(topic)
        assert publisher.topic_type == kind.strip('`')
        assert quality_of(publisher.qos_profile) == quality.rpartition(', depth')[0]
    (camera,) = tester.node.get_subscriptions_info_by_topic('/image')
    name, kind, quality, _ = rows_below('What it subscribes')[0]
    assert (name, kind) == ('`image`', f'`{camera.topic_type}`')
    assert quality_of(camera.qos_profile) == quality.rpartition(', depth')[0]
    offered = {name for name, _ in tester.node.get_service_names_and_types()}
    for name, _, _ in rows_below('Services')[:2]:
        assert name.strip('`').replace('~', '/yolact') in offered


def test_every_link_leads_somewhere():
    import re

    for page in (DOCS / 'topics_and_parameters.md', DOCS / 'quick_start_ros.md'):
        for link in re.findall(r'\]\((?!http)([^)#]+)', page.read_text()):
            assert (DOCS / link).exists(), f'{page.name}: {link}'
