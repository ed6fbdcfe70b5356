"""Lets tools that look for a ``setup.py`` find the project; all settings are in pyproject.toml."""

from setuptools import setup

setup()
