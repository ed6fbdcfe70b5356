"""What is evaluated or compared, told in plain values, and made to work by whoever needs it.

A ``Plan`` can be sent to another process; there ``open_examination`` does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

from yolact_core.detector import Detector
from yolact_core.errors import InputError
from yolact_ros.bag.evaluate.frame_evaluation import Examination
from yolact_ros.bag.evaluate.predictors import (
    DetectorFinder,
    Finder,
    ResultsFinder,
    find_results_topic,
)
from yolact_ros.bag.evaluate.truth import FileTruth, TopicTruth, Truth, share_classes
from yolact_ros.bag.io.bag import NS_PER_S, Bag
from yolact_ros.bag.io.opening import FILE_SUFFIXES
from yolact_ros.bag.replay.frames import Span


@dataclass(frozen=True)
class Contender:
    """A model, or results that were recorded.

    Args:
        source: Name or file of a model, or a bag of results; ``BAG#TOPIC`` names their topic.
        options: Of ``Detector.load``, for a model.
    """

    source: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def bag(self) -> Path | None:
        """The bag of results, or None for a model."""
        path = Path(self.source.partition('#')[0])
        is_folder = path.is_dir() and any(
            child.suffix in FILE_SUFFIXES for child in path.iterdir()
        )
        return path if is_folder or path.suffix in FILE_SUFFIXES else None

    @property
    def topic(self) -> str | None:
        """The topic of the results, if it was named."""
        return self.source.partition('#')[2] or None


@dataclass(frozen=True)
class Plan:
    """What to look at.

    Args:
        bag: Path of the bag.
        contenders: Who finds instances.
        topics: Of images; empty means all of them.
        truth: A topic, ``IMAGES=TOPIC`` pairs, or a COCO file; empty means none.
        score_threshold: What scores above it counts as found.
        every: Take every so-many-th image of a topic.
        start: Seconds after the first message of the bag.
        end: Seconds after the first message of the bag.
    """

    bag: Path
    contenders: tuple[Contender, ...]
    topics: tuple[str, ...] = ()
    truth: tuple[str, ...] = ()
    score_threshold: float = 0.3
    every: int = 1
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True)
class PlanFacts:
    """What is known of a plan once it was opened.

    Args:
        topics: Of images.
        whole: The stretch that was asked for; ``plan_spans`` splits it.
        images: About how many images that is.
        names: Of the contenders.
        class_names: That take part.
        unknown_classes: Of the truth, which a model does not know; they are left out.
    """

    topics: tuple[str, ...]
    whole: Span
    images: int
    names: tuple[str, ...]
    class_names: tuple[str, ...]
    unknown_classes: tuple[str, ...]


@dataclass(frozen=True)
class OpenPlan(PlanFacts):
    """A plan that can be worked on.

    Args:
        examination: Gives the records.
    """

    examination: Examination

    @property
    def facts(self) -> PlanFacts:
        """What can be sent to another process."""
        return PlanFacts(**{one.name: getattr(self, one.name) for one in fields(PlanFacts)})


@contextmanager
def open_examination(
    plan: Plan,
    on_damage: Callable[[str], None],
    load: Callable[..., Detector] = Detector.load,
) -> Iterator[OpenPlan]:
    """Open bags, load models, and find out which classes take part.

    Args:
        plan: What to look at.
        on_damage: Is told in one sentence what cannot be read.
        load: Loads a model.

    Raises:
        InputError: Something of the plan does not fit.
    """
    with ExitStack() as stack:
        bag = stack.enter_context(Bag(plan.bag, on_damage))
        images = bag.select_images(plan.topics)
        topics = tuple(topic.name for topic in images)
        truth = _open_truth(plan, topics)
        if truth is not None:
            stack.callback(truth.close)
        threshold = 0.0 if truth is not None else plan.score_threshold
        names = tell_apart([contender.source for contender in plan.contenders])
        finders = [
            _open_contender(
                contender, name, on_damage, partial(load, score_threshold=threshold), stack
            )
            for contender, name in zip(plan.contenders, names, strict=True)
        ]
        class_names = share_classes(truth, [finder.class_names for finder in finders])
        whole = select_span(bag, plan.start, plan.end)
        yield OpenPlan(
            examination=Examination(
                bag, topics, finders, class_names, truth, plan.score_threshold, plan.every
            ),
            topics=topics,
            whole=whole,
            images=estimate_images(bag, sum(topic.count for topic in images), plan.every, whole),
            names=tuple(finder.name for finder in finders),
            class_names=class_names,
            unknown_classes=tuple(
                name for name in (truth.class_names if truth else ()) if name not in class_names
            ),
        )


def select_span(bag: Bag, start: float | None, end: float | None) -> Span:
    """Return the stretch of a bag between two times in seconds after its first message."""
    return Span(
        None if start is None else bag.start + round(start * NS_PER_S),
        None if end is None else bag.start + round(end * NS_PER_S),
    )


def estimate_images(bag: Bag, count: int, every: int, span: Span) -> int:
    """Return about how many images a stretch has."""
    length = min(span.stop or bag.end, bag.end) - max(span.start or bag.start, bag.start)
    share = max(length, 0) / max(bag.end - bag.start, 1)
    return round(count * share / every)


def _open_truth(plan: Plan, topics: Sequence[str]) -> Truth | None:
    """Return the truth that a plan names, if any.

    Raises:
        InputError: It does not fit to the images.
    """
    if not plan.truth:
        return None
    if len(plan.truth) == 1 and plan.truth[0].endswith('.json'):
        return FileTruth(Path(plan.truth[0]))
    pairs = {}
    for text in plan.truth:
        images, _, topic = text.rpartition('=')
        if not images and len(topics) > 1:
            raise InputError(
                f'truth must be IMAGES=TOPIC where several topics have images '
                f'({", ".join(topics)}), got {text!r}'
            )
        if images and images not in topics:
            raise InputError(f'truth must be of one of {", ".join(topics)}, got {text!r}')
        pairs[images or topics[0]] = topic
    return TopicTruth(lambda: Bag(plan.bag, lambda _: None), pairs)


def _open_contender(
    contender: Contender,
    name: str,
    on_damage: Callable[[str], None],
    load: Callable[..., Detector],
    stack: ExitStack,
) -> Finder:
    if contender.bag is not None:
        bag = stack.enter_context(Bag(contender.bag, on_damage))
        topic = contender.topic or find_results_topic(bag)
        return stack.enter_context(ResultsFinder(bag, topic, name))
    return DetectorFinder(load(contender.source, **contender.options), name)


def tell_apart(sources: Sequence[str]) -> list[str]:
    """Return the shortest ends of paths that differ; equal paths get numbers."""
    for parts in range(1, max(source.count('/') for source in sources) + 2):
        names = ['/'.join(source.split('/')[-parts:]) for source in sources]
        if len(set(names)) == len(names):
            return names
    return [f'{name} ({number})' for number, name in enumerate(sources, start=1)]
