"""Reading samples in other processes, whose failures are told in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import cv2
from torch import Tensor
from torch.multiprocessing import set_sharing_strategy
from torch.utils.data import DataLoader, Dataset, get_worker_info

from yolact_core.dataset.sample import Targets
from yolact_core.errors import InputError

WORKER = 'DataLoader worker'  # what PyTorch calls one in the text of its errors
TOO_MANY_FILES = 'Too many open files'


@dataclass(frozen=True)
class Failure:
    """What takes the place of a sample or batch that cannot be had.

    An exception would come out of a worker process with its traceback as its text.

    Args:
        reason: One sentence.
    """

    reason: str


class SampleLoader(DataLoader[Any]):
    """Loads batches in order; an error in a worker is raised here as it was there.

    Args:
        dataset: Samples by position, whose errors name what cannot be read.
        collate: Makes a batch of samples.
        workers: Number of processes that read; 0 means this one.
        options: Further options of ``DataLoader``.
    """

    def __init__(
        self,
        dataset: Dataset[Any],
        collate: Callable[[Sequence[Any]], Any],
        workers: int,
        **options: Any,  # noqa: ANN401 - of PyTorch
    ) -> None:
        super().__init__(
            _Told(dataset),
            collate_fn=_CollateTold(collate),
            num_workers=workers,
            worker_init_fn=start_worker if workers else None,
            **options,
        )

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        """Yield the batches.

        Raises:
            InputError: A sample cannot be read.
        """
        for batch in super().__iter__():
            if isinstance(batch, Failure):
                raise InputError(batch.reason)
            yield batch


@contextmanager
def deaths_told() -> Iterator[None]:
    """Tell in one sentence that a worker process died, which may be noticed anywhere.

    Raises:
        InputError: One died.
    """
    try:
        yield
    except (RuntimeError, OSError) as error:
        text = str(error)
        if WORKER not in text and TOO_MANY_FILES not in text:
            raise
        raise InputError(
            f'the processes that read pictures must not die ({text.split(". ")[0].strip(". ")}): '
            'lower data.workers or batch_size, which need memory, shared memory (/dev/shm) and '
            'open files (ulimit -n)'
        ) from error


def start_worker(_worker: int) -> None:
    """Keep OpenCV to one thread in a worker process, and share tensors by name.

    By default each of the many tensors of a batch takes an open file, and the queue loses batches
    that find no more of these.
    """
    cv2.setNumThreads(0)
    set_sharing_strategy('file_system')


@dataclass(frozen=True)
class _Told(Dataset[Any]):
    """A data set that gives a failure instead of raising."""

    dataset: Dataset[Any]

    def __len__(self) -> int:
        return len(self.dataset)  # type: ignore[arg-type]

    def __getitem__(self, position: int) -> Any:  # noqa: ANN401 - a sample of any kind
        return _attempt(self.dataset.__getitem__, position)


@dataclass(frozen=True)
class _CollateTold:
    """Makes a batch, in shared memory already, as the queue would lose what does not fit there."""

    collate: Callable[[Sequence[Any]], Any]

    def __call__(self, samples: Sequence[Any]) -> Any:  # noqa: ANN401 - a batch of any kind
        for sample in samples:
            if isinstance(sample, Failure):
                return sample
        return _attempt(self._share, samples)

    def _share(self, samples: Sequence[Any]) -> Any:  # noqa: ANN401
        batch = self.collate(samples)
        if get_worker_info() is not None:
            for tensor in _tensors(batch):
                tensor.share_memory_()
        return batch


def _attempt(function: Callable[[Any], Any], argument: Any) -> Any:  # noqa: ANN401
    try:
        return function(argument)
    except InputError as error:
        return Failure(str(error))
    except Exception as error:
        return Failure(f'{type(error).__name__}: {" ".join(str(error).split())}')


def _tensors(value: object) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Targets):
        yield from _tensors(list(vars(value).values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)
