"""How near two images are, each measure blind to other alterations."""

from genaug_data.copies.measures.base import Measure
from genaug_data.copies.measures.embedded import Embedded
from genaug_data.copies.measures.part import Part
from genaug_data.copies.measures.registered import Registered
from genaug_data.copies.measures.whole import Whole

__all__ = ["Embedded", "Measure", "Part", "Registered", "Whole"]
