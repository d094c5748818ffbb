"""Tasks: how an item of the user's dataset becomes a :class:`~genaug_data.sample.Sample`, and back."""

from genaug_data.tasks.auto import detect_task, resolve_task
from genaug_data.tasks.base import Task
from genaug_data.tasks.check import check_base
from genaug_data.tasks.classification import ClassificationTask
from genaug_data.tasks.layout import ItemLayout
from genaug_data.tasks.segmentation import SegmentationTask
from genaug_data.tasks.view import SampleView, Without, dataset_probe

__all__ = [
    "ClassificationTask",
    "ItemLayout",
    "SampleView",
    "SegmentationTask",
    "Task",
    "Without",
    "check_base",
    "dataset_probe",
    "detect_task",
    "resolve_task",
]
