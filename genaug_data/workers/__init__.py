"""Who runs the generator: in this process, or in one of its own."""

from genaug_data.workers.base import Job, Worker, WorkerStats
from genaug_data.workers.budget import Budget
from genaug_data.workers.inline import InlineWorker
from genaug_data.workers.process import ProcessWorker

__all__ = ["Budget", "InlineWorker", "Job", "ProcessWorker", "Worker", "WorkerStats"]
