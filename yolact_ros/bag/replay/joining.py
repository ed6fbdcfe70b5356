"""Join the parts of an output, and give instances their tracks meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

from yolact_ros.bag.executors.executor import Observer
from yolact_ros.bag.replay.following import InstanceFollower
from yolact_ros.bag.replay.replay import ReplayFacts, ReplayJob
from yolact_ros.bag.replay.resumable_output import ResumableOutput, explain_full_disk


@dataclass(frozen=True)
class Joining:
    """Parts of an output that are to be joined, all of which are complete.

    Args:
        job: Job that wrote them.
        facts: What is known of the bag.
        images: Number of images whose results they hold.
    """

    job: ReplayJob
    facts: ReplayFacts
    images: int

    @property
    def is_followed(self) -> bool:
        """Whether instances get their tracks meanwhile."""
        return bool(self.facts.views)


def join_parts(joining: Joining, observer: Observer) -> None:
    """Join the parts of an output.

    Raises:
        InputError: A part cannot be read, or there is no room on the disk.
        OSError: The output cannot be written; all parts are kept.
    """
    job, facts = joining.job, joining.facts
    output = ResumableOutput(job.output, facts.types)
    with explain_full_disk(output.folder, lambda: joining.images):
        if joining.is_followed:
            output.join(InstanceFollower(facts, observer.advance).rewrite)
        else:
            output.join()
