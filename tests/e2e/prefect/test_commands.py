"""Commands of Prefect's client that talk to its server: what they answer, and what they say of what is not there."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import shlex
import uuid

from headrace_harness.prefect_client import PrefectMachine

FLOWS = pathlib.Path(__file__).parent / "flows"

COMMANDS: tuple[tuple[str, int, str], ...] = (
    ("version", 0, "API version:"),
    ("server status", 0, "Server is available"),
    ("api GET /health", 0, "true"),
    ("api GET /nowhere", 4, "404"),
    ("flow ls", 0, "shown"),
    ("flow-run ls --flow-name shown --state Completed", 0, "{run}"),
    ("flow-run ls --state-type FAILED --flow-name nothing-{mark}", 0, "No flow runs found"),
    ("flow-run ls -o json", 0, "{run}"),
    ("flow-run inspect {run}", 0, "COMPLETED"),
    ("flow-run inspect {none}", 1, "ObjectNotFound"),
    ("flow-run logs {run} --head -n 4", 0, "line 1"),
    ("flow-run logs {run} --tail -n 2", 0, "Finished in state Completed()"),
    ("flow-run logs {run} --reverse -o json", 0, "line 4"),
    ("flow-run watch {run} --timeout 60", 0, "already finished"),
    ("flow-run cancel {run}", 1, "unable to be cancelled"),
    ("flow-run retry {run}", 1, "does not have an associated deployment"),
    ("task-run ls --state Completed", 0, "{task}"),
    ("task-run inspect {task}", 0, "COMPLETED"),
    ("task-run logs {task}", 0, "adding 3"),
    ("artifact ls", 0, "text-{mark}"),
    ("artifact inspect text-{mark}", 0, "# hello"),
    ("artifact delete text-{mark}", 0, "Deleted"),
    ("artifact delete text-{mark}", 1, "not found"),
    ("variable set v_{mark} hello", 0, "Set variable"),
    ("variable set v_{mark} again", 1, "already exists"),
    ("variable set v_{mark} again --overwrite --tag x", 0, "Set variable"),
    ("variable inspect v_{mark}", 0, "again"),
    ("variable ls", 0, "v_{mark}"),
    ("variable unset v_{mark}", 0, "Unset"),
    ("variable get v_{mark}", 1, "not found"),
    ("block type ls", 0, "secret"),
    ("block type delete secret", 1, "protected"),
    ("block inspect secret/hidden-{mark}", 0, "********"),
    ("block create secret", 0, "/blocks/catalog/secret/create"),
    ("block delete secret/hidden-{mark}", 0, "Deleted"),
    ("block delete secret/hidden-{mark}", 1, "not found"),
    ("gcl create one-{mark} --limit 3", 0, "Created"),
    ("gcl create one-{mark} --limit 3", 1, "already exists"),
    ("gcl update one-{mark} --slot-decay-per-second 1.5", 0, "Updated"),
    ("gcl disable one-{mark}", 0, "Disabled"),
    ("gcl inspect one-{mark}", 0, "slot_decay_per_second=1.5"),
    ("gcl delete one-{mark}", 0, "Deleted"),
    ("gcl inspect one-{mark}", 1, "not found"),
    ("concurrency-limit create tag-{mark} 3", 0, "Created"),
    ("concurrency-limit inspect tag-{mark}", 0, "tag-{mark}"),
    ("concurrency-limit reset tag-{mark}", 0, "Reset"),
    ("concurrency-limit delete tag-{mark}", 0, "Deleted"),
    ("work-pool create docks-{mark} --type docker", 0, "Created"),
    ("work-pool create kube-{mark} --type kubernetes", 0, "Created"),
    ("work-pool create ecs-{mark} --type ecs", 0, "Created"),
    ("work-pool create docks-{mark} --type docker", 1, "already exists"),
    ("work-pool create odd-{mark} --type nonsense", 1, "Unknown work pool type"),
    ("work-pool inspect docks-{mark}", 0, "docker"),
    ("work-pool update mill-{mark} --concurrency-limit 5", 0, "Updated"),
    ("work-pool slots mill-{mark}", 0, "0 / 5"),
    ("work-pool pause mill-{mark}", 0, "Paused"),
    ("work-pool resume mill-{mark}", 0, "Resumed"),
    ("work-pool preview mill-{mark} --hours 100", 0, "{deployment}"),
    ("work-pool delete docks-{mark}", 0, "Deleted"),
    ("work-pool delete docks-{mark}", 1, "does not exist"),
    ("work-queue ls --pool mill-{mark}", 0, "fast"),
    ("work-queue create slow --pool mill-{mark} --limit 2 --priority 5", 0, "Created"),
    ("work-queue create slow --pool mill-{mark}", 1, "already exists"),
    ("work-queue slots slow --pool mill-{mark}", 0, "0 / 2"),
    ("work-queue pause slow --pool mill-{mark}", 0, "paused"),
    ("work-queue resume slow --pool mill-{mark}", 0, "resumed"),
    ("work-queue delete slow --pool mill-{mark}", 0, "deleted"),
    ("work-queue inspect slow --pool mill-{mark}", 1, "No work queue named"),
    ("deployment ls", 0, "shown/daily-{mark}"),
    ("deployment inspect shown/daily-{mark}", 0, "{deployment}"),
    ("deployment inspect shown/nothing-{mark}", 1, "not found"),
    ("deployment schedule create shown/daily-{mark} --interval 3600 --timezone Europe/Berlin", 0, "Created"),
    ("deployment schedule ls shown/daily-{mark}", 0, "cron: 0 3 * * *"),
    ("deployment schedule clear shown/daily-{mark} -y", 0, "Cleared"),
    ("deployment run shown/daily-{mark} --param n=5 --start-in 1h --flow-run-name mine-{mark}", 0, "mine-{mark}"),
    ('deployment run shown/daily-{mark} --params \'{{"n": "x"}}\'', 1, "must be an integer"),
    ("deployment run shown/daily-{mark} --param nope=1", 1, "not found on the deployment"),
    ("flow-run ls --flow-name shown --state Scheduled", 0, "mine-{mark}"),
    ("events emit own.{mark} --resource-id own.{mark}", 0, "Successfully emitted"),
    ("automation create -f automation.json", 0, "Created"),
    ("automation inspect zombies-{mark}", 0, "Proactive"),
    ("automation pause zombies-{mark}", 0, "Paused"),
    ("automation resume zombies-{mark}", 0, "Resumed"),
    ("automation delete zombies-{mark} --no-prompt", 0, "Deleted"),
    ("automation inspect zombies-{mark}", 1, "not found"),
    ("worker start --pool mill-{mark} --run-once", 0, "stopped"),
    ("deployment delete shown/daily-{mark}", 0, "Deleted"),
    ("deployment delete shown/daily-{mark}", 1, "not found"),
    ("flow-run delete {run}", 0, "Successfully deleted"),
    ("flow-run delete {run}", 1, "not found"),
)
"""What is typed, the exit code, and words of what is said, wherever lines are broken."""


@dataclasses.dataclass(frozen=True, slots=True)
class Surprise:
    """A command that answered otherwise."""

    command: str
    code: int
    said: str


async def test_commands_answer_as_before_their_own_server(stock: PrefectMachine) -> None:
    mark = uuid.uuid4().hex[:8]
    for name in ("shown.py", "commands.py"):
        stock.take(FLOWS / name)
    done = await stock.prefect_python("shown.py", mark)
    names = {**json.loads(done.out.splitlines()[-1]), "mark": mark, "none": str(uuid.uuid4())}
    trigger = {
        "type": "event",
        "posture": "Proactive",
        "expect": ["prefect.flow-run.Completed"],
        "match": {"prefect.resource.id": "prefect.flow-run.*"},
        "threshold": 1,
        "within": 300,
    }
    automation = {"name": f"zombies-{mark}", "trigger": trigger, "actions": [{"type": "do-nothing"}]}
    (stock.folder / "automation.json").write_text(json.dumps(automation))
    typed = [shlex.split(command.format(**names)) for command, _, _ in COMMANDS]
    (stock.folder / "commands.json").write_text(json.dumps(typed))
    done = await stock.prefect_python("commands.py", "commands.json", seconds=540, COLUMNS="250")
    answers = json.loads(done.out.splitlines()[-1])
    surprises = [
        Surprise(shlex.join(words), code, said)
        for words, (code, said), (_, expected, told) in zip(typed, answers, COMMANDS, strict=True)
        if code != expected or "".join(told.format(**names).split()) not in "".join(said.split())
    ]
    assert surprises == []
