"""The gates of a job at work: what they say of a batch, and what they are told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from genaug_data.errors import brief
from genaug_data.gates import Gate, amended, judge_all
from genaug_data.generators import Refusal
from genaug_data.sample import Sample, Verdict
from genaug_data.workers.base import Event, Job, Warned


class Gatekeeping:
    """Lets the gates of a job judge what its generator answers.

    Args:
        job: whose gates are prepared.
    """

    def __init__(self, job: Job) -> None:
        self._job = job

    def judge(self, parents: Sequence[Sample], answers: Sequence[Sample]) -> list[Sequence[Verdict]]:
        """Return the verdicts on each answer; what the generator refused has one, of the generator itself."""
        pairs = [
            (parent, answer) for parent, answer in zip(parents, answers, strict=True) if not isinstance(answer, Refusal)
        ]
        if self._job.task is not None:
            for parent, child in pairs:
                if child.target is not parent.target:
                    self._job.task.check_target(child.target)
        gates = self._job.gates if pairs else []
        judged = iter(judge_all(gates, [parent for parent, _ in pairs], [child for _, child in pairs]))
        return [
            [Verdict("generator", 0.0, False, answer.reason)] if isinstance(answer, Refusal) else next(judged)
            for answer in answers
        ]

    def as_amended(self, child: Sample, verdicts: Sequence[Verdict]) -> Sample:
        """Return what may train of an accepted child."""
        final = amended(child, verdicts)
        if self._job.task is not None and final is not child:
            self._job.task.check_target(final.target)
        return final

    def tell(self, tell: Callable[[Gate], None]) -> list[Event]:
        """Tell every gate something; returns a warning of each that could not take note of it."""
        warned: list[Event] = []
        for gate in self._job.gates:
            try:
                tell(gate)
            except Exception as error:  # noqa: PERF203
                # What came into the cache or left it has done so.
                warned.append(Warned(f"the gate {gate.name!r} could not take note of it: {brief(error)}"))
        return warned
