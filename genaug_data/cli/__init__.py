"""The command ``genaug``: demo, warmup and cache."""

from genaug_data.cli.main import main

__all__ = ["main"]
