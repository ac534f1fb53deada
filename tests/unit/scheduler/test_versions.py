"""Versions: the digest of content, and what differs."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from headrace_scheduler.rules.deployment import Content, PullStep, RetryPolicy, content_of, document
from headrace_scheduler.rules.versions import Difference, VersionChange, compare, differs, digest

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
_CONTENTS = st.builds(
    Content,
    version=st.text(max_size=2),
    tags=st.lists(st.sampled_from("abc"), max_size=3, unique=True).map(tuple),
    parameters=st.dictionaries(st.text(max_size=3), _VALUES, max_size=3),
    pull_steps=st.lists(st.builds(PullStep, step=st.sampled_from(["clone", "script"])), max_size=2).map(tuple),
    retry_policy=st.none() | st.builds(RetryPolicy, retries=st.integers(0, 3)),
)


@given(_CONTENTS, _CONTENTS)
def test_contents_differ_where_their_digests_do_and_then_the_changes_say_how(first: Content, second: Content) -> None:
    assert differs(first, second) == (digest(first) != digest(second)) == bool(compare(first, second))


@given(_CONTENTS)
def test_content_that_was_stored_keeps_its_digest(content: Content) -> None:
    assert digest(content_of(document(content))) == digest(content)


def test_the_order_of_tags_and_whole_floats_make_no_difference() -> None:
    first = Content(tags=("a", "b"), parameters={"n": 1})
    assert digest(first) == digest(Content(tags=("b", "a"), parameters={"n": 1.0}))


def test_changes_name_the_innermost_path() -> None:
    before = Content(
        parameters={"day": "monday", "gone": 1},
        pull_steps=(PullStep("git_clone", inputs={"branch": "main"}),),
        tags=("a",),
    )
    after = dataclasses.replace(
        before,
        parameters={"day": "friday", "flag": True},
        pull_steps=(PullStep("git_clone", inputs={"branch": "fix"}), PullStep("run_shell_script")),
        tags=("a", "b"),
    )
    assert compare(before, after) == (
        VersionChange("parameters.day", Difference.CHANGED, "monday", "friday"),
        VersionChange("parameters.flag", Difference.ADDED, after=True),
        VersionChange("parameters.gone", Difference.REMOVED, before=1),
        VersionChange("pull_steps[0].inputs.branch", Difference.CHANGED, "main", "fix"),
        VersionChange(
            "pull_steps[1]", Difference.ADDED, after={"step": "run_shell_script", "step_id": "", "inputs": {}}
        ),
        VersionChange("tags", Difference.CHANGED, ["a"], ["a", "b"]),
    )
