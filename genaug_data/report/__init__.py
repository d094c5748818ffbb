"""What happened, as pictures."""

from genaug_data.report.families import Family, draw_families
from genaug_data.report.suspects import draw_suspects

__all__ = ["Family", "draw_families", "draw_suspects"]
