from __future__ import annotations

import datetime
import uuid

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from headrace_chassis import core
from headrace_chassis.core import compile_core

flow = sa.Table(
    "flow",
    sa.MetaData(),
    sa.Column("flow_id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("tags", ARRAY(sa.Text)),
    sa.Column("labels", JSONB),
    sa.Column("created_at", sa.DateTime(timezone=True)),
)


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_a_statement_becomes_text_and_arguments_in_order() -> None:
    identifier, now = uuid.uuid4(), datetime.datetime.now(datetime.UTC)
    statement = (
        sa.select(flow.c.flow_id)
        .where(flow.c.created_at < now, flow.c.flow_id != identifier, flow.c.tags.contains(["a", "b"]))
        .order_by(flow.c.name)
        .limit(5)
    )
    text, arguments = compile_core(statement)
    assert one_line(text) == (
        "SELECT flow.flow_id FROM flow WHERE flow.created_at < $1::TIMESTAMP WITH TIME ZONE "
        "AND flow.flow_id != $2::UUID AND flow.tags @> $3::TEXT[] ORDER BY flow.name LIMIT $4::INTEGER"
    )
    assert arguments == [now, identifier, ["a", "b"], 5]


def test_the_same_shape_is_compiled_once_and_keeps_its_own_arguments() -> None:
    def named(name: str) -> sa.Select[tuple[str]]:
        return sa.select(flow.c.name).where(flow.c.name == name)

    first = compile_core(named("a"))
    size = len(core._cache)
    second = compile_core(named("b"))
    assert len(core._cache) == size
    assert first[0] == second[0]
    assert (first[1], second[1]) == (["a"], ["b"])


def test_lists_of_different_length_are_different_texts() -> None:
    for names in (["a"], ["a", "b"], []):
        text, arguments = compile_core(sa.select(flow.c.name).where(flow.c.name.in_(names)))
        assert arguments == names
        assert text.count("$") == len(names)


def test_an_array_argument_keeps_the_text() -> None:
    def one_of(names: list[str]) -> sa.Select[tuple[str]]:
        return sa.select(flow.c.name).where(flow.c.name == sa.any_(sa.bindparam("names", names, type_=ARRAY(sa.Text))))

    assert compile_core(one_of(["a"]))[0] == compile_core(one_of(["a", "b"]))[0]
    assert compile_core(one_of(["a", "b"]))[1] == [["a", "b"]]


def test_json_arguments_stay_python_objects() -> None:
    text, arguments = compile_core(flow.insert().values(flow_id=uuid.UUID(int=1), labels={"a": 1}, name="x"))
    assert "$3::JSONB" in text
    assert arguments == [uuid.UUID(int=1), "x", {"a": 1}]


def test_a_value_cannot_become_text() -> None:
    evil = "x'; drop table flow; --"
    text, arguments = compile_core(sa.select(flow.c.name).where(flow.c.name == evil, flow.c.name.like(f"%{evil}%")))
    assert "drop" not in text
    assert arguments == [evil, f"%{evil}%"]


def test_the_cache_is_bounded() -> None:
    for number in range(core._CACHE_LIMIT + 10):
        compile_core(sa.select(flow.c.name.label(f"n{number}")))
    assert len(core._cache) == core._CACHE_LIMIT


def test_a_prepared_statement_takes_its_values_later() -> None:
    prepared = sa.select(flow.c.name).where(flow.c.flow_id == sa.bindparam("wanted", type_=sa.Uuid))
    first, second = uuid.uuid4(), uuid.uuid4()
    assert compile_core(prepared.params(wanted=first))[1] == [first]
    assert compile_core(prepared.params(wanted=second))[1] == [second]
