"""What a ControlNet is shown of a parent."""

from genaug_data.generators.pretrained.conditions.annotation import DrawnAnnotation
from genaug_data.generators.pretrained.conditions.base import Condition
from genaug_data.generators.pretrained.conditions.canny import Canny
from genaug_data.generators.pretrained.conditions.estimated import Estimated

__all__ = ["Canny", "Condition", "DrawnAnnotation", "Estimated"]
