"""Figures against triggers."""

from __future__ import annotations

import asyncio
import datetime
import itertools
import logging
from collections.abc import Mapping, Sequence

from headrace import errors
from headrace_notification.repository import EvaluationStore
from headrace_notification.repository.metrics import Measures
from headrace_notification.rules.firings import Changes, Firing, judge_figure, keys_above, metric_key
from headrace_notification.rules.metrics import Question, question_of
from headrace_notification.usecases.catalogue import Catalogue
from headrace_notification.usecases.evaluation import Covered, fire

logger = logging.getLogger(__name__)

MOST_QUESTIONS = 200
"""Figures asked for at one time; where there are more, they take turns."""

AT_ONCE = 4
STEP = 100
"""Conditions judged in one transaction."""


class Measuring:
    """Asks for the figures that conditions need, and judges them.

    Args:
        store: Keeps what conditions remember.
        catalogue: The automations.
        measures: Asks the other services.
    """

    def __init__(self, store: EvaluationStore, catalogue: Catalogue, measures: Measures) -> None:
        self._store = store
        self._catalogue = catalogue
        self._measures = measures
        self._turn: Question | None = None

    async def measure(self, now: datetime.datetime) -> int:
        """Measure, and return how many conditions were judged."""
        await self._catalogue.refresh()
        asked: dict[Question, list[Covered]] = {}
        for automation, path, trigger in self._catalogue.metrics():
            asked.setdefault(question_of(automation.workspace_id, trigger), []).append((automation, path))
        if not asked:
            return 0
        figures = await self._figures(self._next(list(asked)), now)
        judged = [(covered, figure) for question, figure in figures.items() for covered in asked[question]]
        for start in range(0, len(judged), STEP):
            await self._judge(judged[start : start + STEP], now)
        return len(judged)

    def _next(self, questions: list[Question]) -> Sequence[Question]:
        if len(questions) <= MOST_QUESTIONS:
            return questions
        start = (questions.index(self._turn) + 1) if self._turn in questions else 0
        chosen = list(itertools.islice(itertools.cycle(questions), start, start + MOST_QUESTIONS))
        self._turn = chosen[-1]
        return chosen

    async def _figures(self, questions: Sequence[Question], now: datetime.datetime) -> Mapping[Question, float | None]:
        gate = asyncio.Semaphore(AT_ONCE)
        found: dict[Question, float | None] = {}

        async def ask(question: Question) -> None:
            async with gate:
                try:
                    found[question] = await self._measures.measure(question, now)
                except errors.HeadraceError as error:
                    # What cannot be asked now is asked the next time; nothing is concluded from it.
                    logger.warning("%s of workspace %s: %s", question.metric.value, question.workspace_id, error)
                except Exception:
                    # One question that cannot be asked must not keep the others from being answered.
                    logger.exception("%s of workspace %s", question.metric.value, question.workspace_id)

        await asyncio.gather(*map(ask, questions))
        return found

    async def _judge(self, judged: Sequence[tuple[Covered, float | None]], now: datetime.datetime) -> None:
        async with self._store.watch() as work:
            await work.hold({automation.automation_id for (automation, path), _ in judged if path})
            keys = {metric_key(*covered): None for covered, _ in judged}
            keys |= {key: None for covered, _ in judged for key in keys_above(*covered)}
            before = await work.lock(sorted(keys))
            memory: Changes = dict(before)
            firings: list[Firing] = []
            for (automation, path), figure in judged:
                changes, fired = judge_figure(automation, path, figure, memory, now)
                firings += fired
                memory.update(changes)
            changed = {key: kept for key, kept in memory.items() if kept != before.get(key)}
            await fire(work, firings)
            await work.save(changed, {automation.automation_id: automation for (automation, _), _ in judged})
