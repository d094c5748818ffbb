"""The sections of the report, in the order in which they are read."""

from genaug_data.report.sections.base import Built, Missing, Section
from genaug_data.report.sections.cached import Cached
from genaug_data.report.sections.classes import Classes
from genaug_data.report.sections.cost import Cost
from genaug_data.report.sections.feature_map import FeatureMap
from genaug_data.report.sections.hardest import Hardest
from genaug_data.report.sections.hardness import Hardness
from genaug_data.report.sections.leak import Leak
from genaug_data.report.sections.overview import Overview
from genaug_data.report.sections.ratio import Reached
from genaug_data.report.sections.rejected import Rejected
from genaug_data.report.sections.suspects import Suspects

SECTIONS: tuple[Section, ...] = (
    Overview(),
    Hardest(),
    Rejected(),
    Leak(),
    Suspects(),
    Hardness(),
    Reached(),
    Cost(),
    Classes(),
    Cached(),
    FeatureMap(),
)

__all__ = ["SECTIONS", "Built", "Missing", "Section"]
