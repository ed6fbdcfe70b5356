"""``yolact bag``: a table of actions, each a module that is imported when asked for."""

from __future__ import annotations

from yolact_core.cli.commands import Command

SUMMARY = 'replay, evaluate and compare on recorded bags'

ACTIONS = (
    Command('info', f'{__name__}.info', 'say what is in a bag, and what of it can be used'),
    Command('run', f'{__name__}.run', 'find instances in every image, and write a bag of results'),
    Command(
        'evaluate', f'{__name__}.evaluate', 'measure precision, steadiness and speed on a bag'
    ),
    Command('compare', f'{__name__}.compare', 'tell whether one model is better than another'),
)
