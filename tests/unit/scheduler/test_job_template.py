"""Base job templates and the values in them."""

from __future__ import annotations

from typing import Any

import pytest

from headrace_scheduler.rules import job_template
from headrace_scheduler.rules.default_templates import default_template
from headrace_scheduler.rules.faults import Invalid

TEMPLATE: dict[str, Any] = {
    "job_configuration": {
        "image": "{{ registry }}/{{ image }}:{{tag}}",
        "cpu": "{{ cpu }}",
        "env": "{{ env }}",
        "command": "{{ command }}",
        "nested": [{"debug": "{{ debug }}"}, "{{ command }}", "fixed", 5],
        "fixed": True,
    },
    "variables": {
        "type": "object",
        "properties": {
            "registry": {"type": "string", "default": "local"},
            "image": {"type": "string", "default": "flow"},
            "tag": {"type": "string", "default": "1"},
            "cpu": {"type": "number", "default": 0.5},
            "env": {"type": "object", "default": {"A": "pool", "B": "pool"}},
            "command": {"type": "string"},
            "debug": {"type": "boolean", "default": False},
        },
    },
}


def test_values_keep_their_types_and_absent_ones_leave_no_key() -> None:
    filled = job_template.fill(TEMPLATE, {"cpu": 2, "image": "other", "debug": True})
    assert filled == {
        "image": "local/other:1",
        "cpu": 2,
        "env": {"A": "pool", "B": "pool"},
        "nested": [{"debug": True}, "fixed", 5],
        "fixed": True,
    }


def test_the_run_goes_before_the_deployment_and_that_before_the_pool() -> None:
    deployment = {"cpu": 1, "tag": "2", "env": {"B": "deployment", "C": "deployment"}}
    run = {"tag": "3", "env": {"C": "run"}}
    filled = job_template.fill(TEMPLATE, job_template.merged(deployment, run))
    assert (filled["cpu"], filled["image"]) == (1, "local/flow:3")
    assert filled["env"] == {"A": "pool", "B": "deployment", "C": "run"}


@pytest.mark.parametrize("type_", ["process", "docker", "kubernetes", "other"])
def test_default_templates_are_right_and_fill_without_values(type_: str) -> None:
    template = default_template(type_)
    job_template.check_template(template)
    job_template.check_variables(template, {}, "job_variables", is_complete=True)
    assert job_template.fill(template, {})["env"] == {}


def test_the_process_template_has_what_the_process_worker_honours() -> None:
    filled = job_template.fill(default_template("process"), {"working_dir": "/x"})
    assert filled == {"env": {}, "command": None, "working_dir": "/x", "stream_output": True}


def test_the_kubernetes_template_makes_a_job() -> None:
    values = {"image": "local/flow:3", "namespace": "runs", "labels": {"team": "data"}, "grace_seconds": 5}
    filled = job_template.fill(default_template("kubernetes"), values)
    manifest = filled["job_manifest"]
    assert (filled["namespace"], manifest["metadata"]["namespace"]) == ("runs", "runs")
    pod = manifest["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "local/flow:3"
    assert pod["terminationGracePeriodSeconds"] == 5
    assert manifest["spec"]["template"]["metadata"]["labels"] == {"team": "data"}


@pytest.mark.parametrize(
    ("template", "field"),
    [
        ({}, "base_job_template.job_configuration"),
        ({"job_configuration": {}, "variables": []}, "base_job_template.variables"),
        ({"job_configuration": {}, "variables": {}, "more": 1}, "base_job_template.more"),
        ({"job_configuration": {"x": ["{{ y }}"]}, "variables": {}}, "base_job_template.job_configuration"),
        (
            {"job_configuration": {}, "variables": {"properties": {"x": {"type": "strin"}}}},
            "base_job_template.variables.properties.x.type",
        ),
    ],
)
def test_a_wrong_template_is_refused(template: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        job_template.check_template(template)
    assert caught.value.faults[0].field == field


def test_job_variables_are_checked_against_the_template() -> None:
    with pytest.raises(Invalid) as caught:
        job_template.check_variables(TEMPLATE, {"cpu": "much", "gpu": 1}, "job_variables", is_complete=False)
    assert {fault.field for fault in caught.value.faults} == {"job_variables.cpu", "job_variables.gpu"}


def test_variables_that_a_template_requires_must_be_there_when_a_run_is_made() -> None:
    template = {
        "job_configuration": {"image": "{{ image }}"},
        "variables": {"properties": {"image": {"type": "string"}}, "required": ["image"]},
    }
    job_template.check_variables(template, {}, "job_variables", is_complete=False)
    with pytest.raises(Invalid) as caught:
        job_template.check_variables(template, {}, "job_variables", is_complete=True)
    assert caught.value.faults[0].field == "job_variables.image"
