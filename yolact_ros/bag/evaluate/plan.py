"""What is evaluated or compared, as plain values that can be sent to another process.

There ``open_evaluation`` opens the bags, loads the models and gives an evaluator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

from yolact_core.detector import Detector
from yolact_core.errors import InputError
from yolact_ros.bag.evaluate.frame_evaluation import FrameEvaluator
from yolact_ros.bag.evaluate.predictors import (
    DetectorPredictor,
    Predictor,
    RecordedPredictor,
    find_results_topic,
)
from yolact_ros.bag.evaluate.truth import FileTruth, TopicTruth, Truth, find_common_classes
from yolact_ros.bag.image_selection import ImageSelection
from yolact_ros.bag.io.bag import Bag
from yolact_ros.bag.io.opening import FILE_SUFFIXES
from yolact_ros.bag.io.storage import ReportLoss
from yolact_ros.bag.replay.frames import ChosenImages, choose_images


@dataclass(frozen=True)
class Candidate:
    """A model, or results that were recorded.

    Args:
        source: Name or file of a model, or a bag of results; ``BAG#TOPIC`` names their topic.
        options: Options of ``Detector.load``, for a model.
    """

    source: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def bag(self) -> Path | None:
        """The bag of results, or None for a model."""
        path = Path(self._parts[0])
        is_folder = path.is_dir() and any(
            child.suffix in FILE_SUFFIXES for child in path.iterdir()
        )
        return path if is_folder or path.suffix in FILE_SUFFIXES else None

    @property
    def topic(self) -> str | None:
        """The topic of the results, if it was named."""
        return self._parts[1] or None

    @property
    def _parts(self) -> tuple[str, str]:
        """The path and the topic; a path may have a ``#`` itself."""
        path, _, topic = self.source.rpartition('#')
        return (self.source, '') if Path(self.source).exists() or not path else (path, topic)


@dataclass(frozen=True)
class EvaluationPlan:
    """What to evaluate.

    Args:
        bag: Path of the bag.
        candidates: Models or recorded results to evaluate.
        truth: A topic, ``IMAGES=TOPIC`` pairs, or a COCO file; empty means none.
        score_threshold: Detections that score above it count as found.
        selection: Images that are taken.
        is_tracked: Whether instances are followed from image to image, too.
    """

    bag: Path
    candidates: tuple[Candidate, ...]
    truth: tuple[str, ...] = ()
    score_threshold: float = 0.3
    selection: ImageSelection = field(default_factory=ImageSelection)
    is_tracked: bool = False


@dataclass(frozen=True)
class EvaluationFacts:
    """What is known of a plan once it was opened; can be sent to another process.

    Args:
        images: Images that were asked for; ``split_span`` splits their stretch.
        names: Names of the candidates.
        class_names: Names of the classes that are evaluated.
        unknown_classes: Classes of the truth that a candidate does not know; they are left out.
    """

    images: ChosenImages
    names: tuple[str, ...]
    class_names: tuple[str, ...]
    unknown_classes: tuple[str, ...]


@dataclass(frozen=True)
class OpenEvaluation(EvaluationFacts):
    """A plan whose bags are open and whose models are loaded.

    Args:
        bag: Bag of the images, open for reading.
        evaluator: Evaluator of the images of a span.
    """

    bag: Bag
    evaluator: FrameEvaluator

    @property
    def facts(self) -> EvaluationFacts:
        """The part that can be sent to another process."""
        return EvaluationFacts(
            **{one.name: getattr(self, one.name) for one in fields(EvaluationFacts)}
        )


@contextmanager
def open_evaluation(
    plan: EvaluationPlan,
    on_loss: ReportLoss,
    load: Callable[..., Detector] = Detector.load,
) -> Iterator[OpenEvaluation]:
    """Open the bags, load the models, and find out which classes they have in common.

    Args:
        plan: What to evaluate.
        on_loss: Function to call with each loss.
        load: Function that loads a model, as ``Detector.load`` does.

    Raises:
        InputError: A bag, a model or the truth cannot be used, or they do not fit together.
    """
    with ExitStack() as stack:
        bag = stack.enter_context(Bag(plan.bag, on_loss))
        images = choose_images(bag, plan.selection)
        truth = _open_truth(plan, images.topics, on_loss)
        if isinstance(truth, TopicTruth):
            stack.enter_context(closing(truth))
        threshold = 0.0 if truth is not None else plan.score_threshold
        names = distinct_names([candidate.source for candidate in plan.candidates])
        predictors = [
            _open_candidate(
                candidate, name, on_loss, partial(load, score_threshold=threshold), stack
            )
            for candidate, name in zip(plan.candidates, names, strict=True)
        ]
        class_names = find_common_classes(
            truth, [predictor.class_names for predictor in predictors]
        )
        yield OpenEvaluation(
            bag=bag,
            evaluator=FrameEvaluator(
                bag,
                images.topics,
                predictors,
                class_names,
                truth,
                plan.score_threshold,
                plan.selection,
                plan.is_tracked,
            ),
            images=images,
            names=tuple(predictor.name for predictor in predictors),
            class_names=class_names,
            unknown_classes=tuple(
                name for name in (truth.class_names if truth else ()) if name not in class_names
            ),
        )


def _open_truth(plan: EvaluationPlan, topics: Sequence[str], on_loss: ReportLoss) -> Truth | None:
    """Return the truth that a plan names, if any.

    Raises:
        InputError: It does not fit the images.
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
    return TopicTruth(lambda: Bag(plan.bag, on_loss), pairs)


def _open_candidate(
    candidate: Candidate,
    name: str,
    on_loss: ReportLoss,
    load: Callable[..., Detector],
    stack: ExitStack,
) -> Predictor:
    if candidate.bag is not None:
        bag = stack.enter_context(Bag(candidate.bag, on_loss))
        topic = candidate.topic or find_results_topic(bag)
        return stack.enter_context(closing(RecordedPredictor(bag, topic, name)))
    return DetectorPredictor(load(candidate.source, **candidate.options), name)


def distinct_names(sources: Sequence[str]) -> list[str]:
    """Return the shortest endings of paths that all differ; equal paths get numbers."""
    for parts in range(1, max(source.count('/') for source in sources) + 2):
        names = ['/'.join(source.split('/')[-parts:]) for source in sources]
        if len(set(names)) == len(names):
            return names
    return [f'{name} ({number})' for number, name in enumerate(sources, start=1)]
