"""``genaug cache COMMAND FOLDER``: look after a cache; one command a file."""

from genaug_data.cli.cache.main import run

__all__ = ["run"]
