"""What of the project is compiled where it can be; all settings are in pyproject.toml."""

from setuptools import Extension, setup

KERNELS = Extension(
    'yolact_core.compiled._kernels',
    ['yolact_core/compiled/kernels.c'],
    extra_compile_args=['-std=c11', '-O3', '-ffp-contract=off'],
    optional=True,
)
setup(ext_modules=[KERNELS])
