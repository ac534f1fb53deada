"""`headrace audit ...`."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from typing import Any

import click

from headrace import __version__, errors
from headrace.api.v1 import audit_pb2
from headrace.cli import filtering, lookup, output

_OUTCOMES = {
    "done": audit_pb2.AUDIT_OUTCOME_DONE,
    "denied": audit_pb2.AUDIT_OUTCOME_DENIED,
    "failed": audit_pb2.AUDIT_OUTCOME_FAILED,
}
_NAMES = {number: name for name, number in _OUTCOMES.items()}
_SEND_SECONDS = 30.0


@click.group("audit")
def command() -> None:
    """See who changed what, and who tried to."""


@command.command("ls")
@click.option("--who", default="", metavar="ID", help="Only of this user or service account, by id.")
@click.option("--action", default="", metavar="TEXT", help="Only methods with this text in their name.")
@click.option("--kind", default="", metavar="KIND", help="Only about objects of this kind, for example variables.")
@click.option("--object", "object_id", default="", metavar="ID", help="Only about this object.")
@click.option("--outcome", type=click.Choice(list(_OUTCOMES)), help="Only with this outcome.")
@click.option("--since", metavar="TIME", help="From then on: a time, or 2h for two hours ago.")
@click.option("--until", metavar="TIME", help="Before then.")
@click.option("--unproven", is_flag=True, help="Attempts of callers that did not prove who they are.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_entries(
    who: str,
    action: str,
    kind: str,
    object_id: str,
    outcome: str | None,
    since: str | None,
    until: str | None,
    unproven: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List entries, newest first."""
    stub = lookup.client().audit
    request = audit_pb2.ListAuditEntriesRequest(
        principal_id=who,
        action_contains=action,
        object_kind=kind,
        object_id=object_id,
        outcome=_OUTCOMES[outcome] if outcome else audit_pb2.AUDIT_OUTCOME_UNSPECIFIED,
        since=filtering.moment(since) if since else None,
        until=filtering.moment(until) if until else None,
        without_workspace=unproven,
    )

    def page(token: str, size: int) -> audit_pb2.ListAuditEntriesResponse:
        request.page_token, request.page_size = token, size
        return stub.ListAuditEntries(request)

    entries = list(lookup.pages(page, "entries", limit))
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        "Audit log",
        [
            "WHEN",
            "WHO",
            "FROM",
            ("ACTION", {"ratio": 1, "overflow": "fold", "no_wrap": False}),
            ("OBJECT", {"ratio": 1, "overflow": "fold", "no_wrap": False}),
            "OUTCOME",
        ],
        [
            [
                output.moment(entry.occurred_at),
                entry.principal_name or entry.principal_id,
                entry.address,
                entry.action,
                entry.object_id,
                f"{_NAMES.get(entry.outcome, '')} {entry.reason}".strip(),
            ]
            for entry in entries
        ],
    )


@command.command("verify")
@click.option("--expect-hash", metavar="HASH", help="The hash of an entry, as kept earlier; it has to be there still.")
@click.option("--expect-sequence", type=click.IntRange(1), metavar="NUMBER", help="The number of that entry.")
@output.output_option
def verify(expect_hash: str | None, expect_sequence: int | None, as_json: bool) -> None:
    """Compute the hashes of all entries anew; exit code 1 if one was changed, taken out or put in.

    Keep the number and hash that this prints somewhere else: whoever cuts off the end of the log cannot be found out
    otherwise.
    """
    if (expect_hash is None) != (expect_sequence is None):
        raise click.UsageError("--expect-hash and --expect-sequence belong together")
    stub = lookup.client().audit
    found = stub.GetAuditVerification(audit_pb2.GetAuditVerificationRequest())
    is_kept = True
    if expect_hash is not None and expect_sequence is not None:
        request = audit_pb2.FollowAuditEntriesRequest(after_sequence=expect_sequence - 1)
        first = next((entry for response in stub.FollowAuditEntries(request) for entry in response.entries), None)
        is_kept = first is not None and (first.sequence, first.hash) == (expect_sequence, expect_hash)
    if as_json:
        output.print_json({**output.to_plain(found), "expected_found": is_kept})
    elif not found.whole:
        output.note(f"Entry {found.first_broken_sequence} is not what was written: the log was changed there.")
    elif not is_kept:
        output.note(f"Entry {expect_sequence} is not the one that was kept: the log was cut off or written anew.")
    else:
        output.done(f"{found.checked} entries are whole; the last one is {found.last_sequence} with {found.last_hash}.")
    if not (found.whole and is_kept):
        sys.exit(output.ExitCode.FAILED)


@command.command("export")
@click.option("--format", "form", type=click.Choice(["jsonl", "otlp"]), default="jsonl", show_default=True)
@click.option("--after", default=0, type=click.IntRange(0), metavar="NUMBER", help="Begin behind this entry.")
@click.option("--follow", is_flag=True, help="Go on with those that come, until Ctrl-C.")
@click.option("--to", "url", metavar="URL", help="Send OTLP there (…/v1/logs) in place of writing it.")
def export(form: str, after: int, follow: bool, url: str | None) -> None:
    """Write entries in their order: an entry a line, or OTLP logs as JSON, a batch a line."""
    if url is not None and form != "otlp":
        raise click.UsageError("--to is for --format otlp")
    stub = lookup.client().audit
    request = audit_pb2.FollowAuditEntriesRequest(after_sequence=after, follow=follow)
    for response in stub.FollowAuditEntries(request):
        if form == "jsonl":
            lines = [json.dumps(output.to_plain(entry), ensure_ascii=False) for entry in response.entries]
        else:
            lines = [json.dumps(_otlp(list(response.entries)), ensure_ascii=False)]
        if url is not None:
            for line in lines:
                _send(url, line.encode())
            continue
        sys.stdout.write("".join(line + "\n" for line in lines))
        sys.stdout.flush()


def _otlp(entries: list[audit_pb2.AuditEntry]) -> dict[str, Any]:
    return {
        "resourceLogs": [
            {
                "resource": {"attributes": [_attribute("service.name", "headrace")]},
                "scopeLogs": [
                    {
                        "scope": {"name": "headrace.audit", "version": __version__},
                        "logRecords": [_record(entry) for entry in entries],
                    }
                ],
            }
        ]
    }


def _record(entry: audit_pb2.AuditEntry) -> dict[str, Any]:
    is_done = entry.outcome == audit_pb2.AUDIT_OUTCOME_DONE
    plain = output.to_plain(entry)
    return {
        "timeUnixNano": str(entry.occurred_at.ToNanoseconds()),
        "severityNumber": 9 if is_done else 13,
        "severityText": "INFO" if is_done else "WARN",
        "body": {"stringValue": f"{entry.principal_name} {entry.action} {entry.object_id}".strip()},
        "attributes": [_attribute(f"headrace.audit.{name}", value) for name, value in plain.items()],
    }


def _attribute(name: str, value: object) -> dict[str, Any]:
    kind = "intValue" if isinstance(value, int) else "stringValue"
    return {"key": name, "value": {kind: str(value)}}


def _send(url: str, body: bytes) -> None:
    if not url.startswith(("http://", "https://")):
        raise click.UsageError("--to takes an address like http://127.0.0.1:4318/v1/logs")
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=_SEND_SECONDS):  # nosec B310  # the scheme was looked at
            pass
    except urllib.error.HTTPError as error:
        error.close()
        raise errors.Unavailable(f"{url} answers {error.code} {error.reason}") from None
    except OSError as error:
        raise errors.Unavailable(f"{url} cannot be reached: {error}") from None
