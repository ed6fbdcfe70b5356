"""Write bags of results: split each bag, replay its spans anywhere, and join their parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

from yolact_ros.bag.executors.bag_runs import BagRun, Part, Reporter, Survey, run_bags
from yolact_ros.bag.executors.executor import Executor, Observer, Refused, load_once
from yolact_ros.bag.io.bag import Bag, Loss
from yolact_ros.bag.io.storage import MOST_REASONS, lose_images
from yolact_ros.bag.replay.depth_topics import choose_depth
from yolact_ros.bag.replay.frames import choose_images, split_span
from yolact_ros.bag.replay.joining import Joining, join_parts
from yolact_ros.bag.replay.replay import Replay, ReplayedSpan, ReplayFacts, ReplayJob
from yolact_ros.bag.replay.results import (
    NODE,
    list_topics,
    list_views,
    name_cameras,
    select_outputs,
)
from yolact_ros.bag.replay.resumable_output import (
    Progress,
    ResumableOutput,
    folder_of_parts,
)
from yolact_ros.messages.outputs import Need
from yolact_ros.messages.stamps import LATEST, TOO_LATE
from yolact_ros.messages.topic_names import make_legal


class ReplayedBag(BagRun[ReplayJob, ReplayFacts, ReplayedSpan]):
    """A bag that is replayed; where something failed, its parts are kept, and not joined."""

    @property
    def folder(self) -> Path:
        """Folder of the parts, as long as they are not joined."""
        return folder_of_parts(self.job.output)

    @property
    def is_complete(self) -> bool:
        """Whether all spans are done."""
        return not self.failures and all(span.progress.is_complete for span in self.results)

    @property
    def progress(self) -> Progress:
        """Sum of the progress of all spans."""
        instances: Counter[str] = Counter()
        spans = [span.progress for span in self.results]
        for span in spans:
            instances.update(span.instances)
        firsts = (one.first_skipped for one in spans if one.first_skipped is not None)
        lasts = (one.last_skipped for one in spans if one.last_skipped is not None)
        return Progress(
            images=sum(span.images for span in spans),
            skipped=sum(span.skipped for span in spans),
            first_skipped=min(firsts, default=None),
            last_skipped=max(lasts, default=None),
            instances=dict(instances),
            without_depth=sum(span.without_depth for span in spans),
        )

    @property
    def losses(self) -> list[Loss]:
        """Loss of the images that could not be used, and of depth if no image has any."""
        done = self.progress
        reasons = [reason for span in self.results for reason in span.reasons]
        lost = lose_images(
            self.job.bag, done.skipped, reasons, done.first_skipped, done.last_skipped
        )
        if done.images and done.without_depth == done.images:
            reason = f'no image of it has depth: {self.depth_reasons}'
            lost.append(Loss(reason, bag=str(self.job.bag)))
        return lost

    @property
    def depth_reasons(self) -> str:
        """Why images have no depth, in words."""
        reasons = [reason for span in self.results for reason in span.depth_reasons]
        return '; '.join(list(dict.fromkeys(reasons))[:MOST_REASONS])


def survey_replay(
    part_images: int | None, job: ReplayJob, observer: Observer
) -> Survey[ReplayFacts, ReplayedSpan]:
    """Split a bag, and find out what an earlier run did of it.

    Raises:
        InputError: What was asked for is not in the bag, or the output cannot be written.
    """
    selection, outputs = job.selection, select_outputs(job.outputs)
    with Bag(job.bag, observer.on_loss) as bag:
        images = choose_images(bag, selection)
        need = max((output.needs for output in outputs), default=Need.IMAGE)
        depth = choose_depth(bag, images.topics, job.depth, need)
        spans = split_span(bag, images, part_images)
        detector = load_once(job.model, **job.options)
        is_followed = job.is_tracked and 'instances' in job.outputs
        views = list_views(images.topics) if is_followed else {}
        plan = {  # all that decides what the output is
            'bag': {
                'path': str(bag.path.resolve()),
                'start': bag.start,
                'end': bag.end,
                'messages': sum(topic.count for topic in bag.topics),
            },
            'selection': {
                'topics': images.topics,
                'every': selection.every,
                'start': images.whole.start,
                'stop': images.whole.stop,
                'image_range': selection.image_range,
            },
            'model': detector.model_id,
            'runtime': [detector.backend, str(detector.device), detector.precision],
            'options': asdict(detector.options),
            'outputs': [output.topic for output in outputs],
            'depth': {topic: asdict(beside) for topic, beside in depth.items()},
            'views': list(views),
            'spans': len(spans),
            'part_images': part_images,
        }
    types = list_topics(images.topics, outputs)
    output = ResumableOutput(job.output, types)
    output.begin(plan, job.restart)
    before = [output.progress(number) for number in range(len(spans))]
    facts = ReplayFacts(
        types=types,
        views=views,
        images=images,
        class_names=detector.class_names,
        part_images=job.part_images if part_images is None else None,
        resumed=sum(one.images for one in before),
        depth=depth,
    )
    done = {number: ReplayedSpan(one) for number, one in enumerate(before) if one.is_complete}
    observer.advance()
    return Survey(facts, spans, max(images.count - facts.resumed, 0), done)


def replay_span(part: Part[ReplayJob, ReplayFacts], observer: Observer) -> ReplayedSpan:
    """Replay a span, or go on where an earlier run ended.

    Raises:
        InputError: There is no image, or no room on the disk.
    """
    with Bag(part.job.bag, observer.on_loss) as bag:
        return Replay(bag, part).run(observer)


def replay_bags(
    executor: Executor, jobs: Sequence[ReplayJob], part_images: int, reporter: Reporter
) -> list[ReplayedBag]:
    """Write the results of some bags.

    Args:
        executor: Executor that does the work; only a shared one splits bags.
        jobs: Bags of results to be written.
        part_images: Approximate number of images in a span of a bag that is split.
        reporter: Reporter of the progress and of what cannot be read.

    Returns:
        For each job, in the same order, as much as could be done of it.
    """
    bags = [ReplayedBag(job) for job in jobs]
    run_bags(executor, bags, part_images, survey_replay, replay_span, reporter)
    complete = []
    for bag in bags:
        if bag.facts is None:
            continue
        bag.remarks += _list_remarks(bag, bag.facts)
        if bag.is_complete:
            complete.append((bag, Joining(bag.job, bag.facts, bag.progress.images)))
        else:
            ResumableOutput(bag.job.output, bag.facts.types).discard()
    images = sum(joining.images for _, joining in complete if joining.is_followed)
    shown = reporter.bar('tracks', images) if images else nullcontext(lambda: None)
    with shown as advance:
        observer = Observer(advance, reporter.on_loss)
        outcomes = executor.map(join_parts, [joining for _, joining in complete], observer)
    for (bag, _), outcome in zip(complete, outcomes, strict=True):
        if isinstance(outcome, Refused):
            bag.failures.append(
                f'results of bag {bag.job.bag} cannot be joined and stay in {bag.folder}: '
                f'{outcome.reason}'
            )
    return bags


def _list_remarks(bag: ReplayedBag, facts: ReplayFacts) -> Iterator[str]:
    """Iterate over what is worth knowing of results."""
    for topic, camera in name_cameras(facts.images.topics).items():
        if camera != NODE and make_legal([topic])[topic] != topic:
            yield f'results of {topic} are below {camera}, a name that ROS 2 accepts'
    if 0 < bag.progress.without_depth < bag.progress.images:
        yield f'{bag.progress.without_depth} images have no depth: {bag.depth_reasons}'
    times = [one.progress.time for one in bag.results if one.progress.time is not None]
    if max(times, default=0) > LATEST:
        yield TOO_LATE
