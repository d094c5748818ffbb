"""What happened, as pictures."""

from genaug_data.report.families import Family, draw_families

__all__ = ["Family", "draw_families"]
