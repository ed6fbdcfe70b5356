"""How fast models are, side by side."""

from yolact_core.benchmark.benchmark import BenchmarkOptions, run_benchmark
from yolact_core.benchmark.report import Milliseconds, Report, Result, Spread
from yolact_core.benchmark.variants import REFERENCES, Variant, plan_variants
from yolact_core.benchmark.workload import Workload, draw_images, read_images

__all__ = [
    'REFERENCES',
    'BenchmarkOptions',
    'Milliseconds',
    'Report',
    'Result',
    'Spread',
    'Variant',
    'Workload',
    'draw_images',
    'plan_variants',
    'read_images',
    'run_benchmark',
]
