"""``yolact bag``: a table of actions, each a module."""

from __future__ import annotations

from yolact_core.cli.options import Action
from yolact_ros.bag.commands import compare, evaluate, info, run

SUMMARY = 'replay, evaluate and compare on recorded bags'

ACTIONS = (
    Action('info', info.Options, info.run, 'say what is in a bag, and what of it can be used'),
    Action(
        'run', run.Options, run.run, 'find instances in every image, and write a bag of results'
    ),
    Action(
        'evaluate',
        evaluate.Options,
        evaluate.run,
        'measure precision, steadiness and speed on a bag',
    ),
    Action(
        'compare', compare.Options, compare.run, 'tell whether one model is better than another'
    ),
)
