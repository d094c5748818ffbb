"""What happened, as pictures and as a page."""

from genaug_data.report.families import Family, draw_families
from genaug_data.report.logging import log_figures
from genaug_data.report.page import write_report
from genaug_data.report.run import LeakPair
from genaug_data.report.suspects import draw_suspects

__all__ = ["Family", "LeakPair", "draw_families", "draw_suspects", "log_figures", "write_report"]
