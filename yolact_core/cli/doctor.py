"""``yolact doctor``: what this machine has, and what to install."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING

from yolact_core.terminal import say, say_json, say_table

if TYPE_CHECKING:
    from yolact_core.cli.doctor_checks import Finding

COLORS = {'ok': 'green', 'missing': 'yellow', 'problem': 'red'}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument('--json', action='store_true', help='print JSON')


def run(arguments: argparse.Namespace) -> int:
    """Check this machine.

    Returns:
        0 if all that is required works, else 1.
    """
    from yolact_core.cli.doctor_checks import examine

    findings = examine()
    is_fit = all(finding.state == 'ok' for finding in findings if finding.is_required)
    if arguments.json:
        say_json({'ok': is_fit, 'findings': [dataclasses.asdict(finding) for finding in findings]})
    else:
        _print_table(findings)
        say('\nAll that is required works.' if is_fit else '\nSomething required does not work.')
    return 0 if is_fit else 1


def _print_table(findings: list[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table('what', 'found', 'state', 'to do', box=None, pad_edge=False)
    for finding in findings:
        is_grave = finding.is_required and finding.state != 'ok'
        state = Text(finding.state, style='bold red' if is_grave else COLORS[finding.state])
        table.add_row(finding.what, Text(finding.found), state, Text(finding.remedy))
    say_table(table)
