"""Inputs of flow runs: forms that pauses ask with, and messages between runs.

    class Order(RunInput):
        item: str
        count: int = 1

    @flow
    def shop() -> None:
        for order in Order.receive(timeout=60):
            order.respond(f"{order.count} {order.item} are on their way")

    send_input(Order(item="tea"), flow_run_id)      # from anywhere

What is sent is kept with the run that gets it. A receiver gets each input at least once: one that starts again, as
that of a resumed run does, gets all of them again, in the order in which they came.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar

import pydantic
from pydantic.fields import FieldInfo

from headrace import errors
from headrace.context import current_run, get_flow_run
from headrace.engine.backend import Backend
from headrace.engine.connection import get_backend
from headrace.engine.patience import Steps, do_here, do_on_loop
from headrace.engine.runs import FlowRun
from headrace.engine.waits import InputRecord
from headrace.outcomes import ParameterError, WaitTimedOut
from headrace.recording.identifiers import new_id

T = TypeVar("T")

FLOW_RUN = "headrace.flow-run."
"""How a sender that is a flow run begins."""

DEFAULT_TIMEOUT_SECONDS = 3600.0
KNOWN_LIMIT = 10_000
"""Keys that a receiver remembers; it has to be started again, or inputs be deleted, where more come."""

_ONLY_FIELD = "value"


@dataclasses.dataclass(frozen=True, slots=True)
class InputMetadata:
    """What is known of an input beside its value."""

    key: str
    sender: str
    """Who sent it, for example `headrace.flow-run.<uuid>`."""
    created_at: datetime.datetime
    """When it came, by the server's clock."""
    receiver: str
    """Id of the flow run that it was sent to."""


@dataclasses.dataclass(frozen=True, slots=True)
class Received(Generic[T]):
    """A received value with its metadata."""

    value: T
    metadata: InputMetadata

    def respond(self, value: Any, *, key_prefix: str | None = None) -> None:
        """Send something to the flow run that sent this; as `RunInput.respond`."""
        do_here(_respond(self.metadata, value, key_prefix))

    async def arespond(self, value: Any, *, key_prefix: str | None = None) -> None:
        """Send something to the flow run that sent this; as `respond`."""
        await do_on_loop(_respond(self.metadata, value, key_prefix))


class RunInput(pydantic.BaseModel):
    """A form, or a message, with fields of its own. Subclass it as any pydantic model."""

    form_description: ClassVar[str] = ""
    """What is shown above the form, in Markdown."""

    _metadata: InputMetadata | None = pydantic.PrivateAttr(default=None)

    def __eq__(self, other: object) -> bool:
        # Where it came from makes no difference to what it says.
        return isinstance(other, RunInput) and type(self) is type(other) and self.__dict__ == other.__dict__

    @property
    def metadata(self) -> InputMetadata | None:
        """Where a received input came from; None for one that was made here."""
        return self._metadata

    @classmethod
    def with_initial_data(cls, description: str | None = None, **values: Any) -> type[Self]:
        """Return the same form with other defaults, and a description of what is asked.

        Args:
            description: In Markdown.
            **values: Defaults by field.
        """
        fields = {name: _with_default(cls.model_fields[name], value) for name, value in values.items()}
        made: Any = pydantic.create_model(cls.__name__, __base__=cls, **fields)  # type: ignore[call-overload]
        made.form_description = description if description is not None else cls.form_description
        form: type[Self] = made
        return form

    @classmethod
    def receive(
        cls,
        *,
        timeout: float | None = DEFAULT_TIMEOUT_SECONDS,
        raise_timeout_error: bool = False,
        exclude_keys: Iterable[str] = (),
        key_prefix: str | None = None,
        flow_run_id: str | None = None,
    ) -> InputReceiver[Self]:
        """Return what iterates over inputs of this kind; arguments as of `receive_input`."""
        return receive_input(
            cls,
            timeout=timeout,
            raise_timeout_error=raise_timeout_error,
            exclude_keys=exclude_keys,
            key_prefix=key_prefix,
            flow_run_id=flow_run_id,
        )

    def send_to(self, flow_run_id: str, *, sender: str | None = None, key_prefix: str | None = None) -> None:
        """Send this to a flow run; as `send_input`."""
        send_input(self, flow_run_id, sender=sender, key_prefix=key_prefix)

    async def asend_to(self, flow_run_id: str, *, sender: str | None = None, key_prefix: str | None = None) -> None:
        """Send this to a flow run; as `send_to`."""
        await asend_input(self, flow_run_id, sender=sender, key_prefix=key_prefix)

    def respond(self, value: Any, *, key_prefix: str | None = None) -> None:
        """Send something to the flow run that sent this.

        Raises:
            errors.FailedPrecondition: This was not received, or not from a flow run.
        """
        do_here(_respond(self._metadata, value, key_prefix))

    async def arespond(self, value: Any, *, key_prefix: str | None = None) -> None:
        """Send something to the flow run that sent this; as `respond`."""
        await do_on_loop(_respond(self._metadata, value, key_prefix))


def send_input(value: Any, flow_run_id: str, *, sender: str | None = None, key_prefix: str | None = None) -> None:
    """Send something to a flow run.

    Args:
        value: A pydantic model (for example a `RunInput`), or any value that JSON can hold.
        flow_run_id: Who gets it.
        sender: Who sends it; by default the flow run of the caller.
        key_prefix: For receivers that listen to it; by default the name of the value's type.

    Raises:
        errors.NotFound: There is no such flow run.
        errors.InvalidArgument: The value is none that JSON can hold, or too large.
    """
    do_here(_send(get_backend(), value, flow_run_id, sender, key_prefix))


async def asend_input(
    value: Any, flow_run_id: str, *, sender: str | None = None, key_prefix: str | None = None
) -> None:
    """Send something to a flow run; as `send_input`."""
    await do_on_loop(_send(get_backend(), value, flow_run_id, sender, key_prefix))


class InputReceiver(Generic[T]):
    """Iterates over inputs as they come: `for value in receiver` or `async for value in receiver`."""

    def __init__(
        self,
        wanted: Any,
        *,
        timeout: float | None,
        raise_timeout_error: bool,
        exclude_keys: Iterable[str],
        key_prefix: str,
        flow_run_id: str,
        with_metadata: bool,
        backend: Backend,
        run: FlowRun | None,
    ) -> None:
        self._adapter: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(wanted)
        self._timeout = timeout
        self._raises = raise_timeout_error
        self._known = list(exclude_keys)
        self._prefix = key_prefix
        self._flow_run_id = flow_run_id
        self._with_metadata = with_metadata
        self._backend = backend
        self._run = run
        self._waiting: list[InputRecord] = []

    @property
    def known_keys(self) -> tuple[str, ...]:
        """Keys of the inputs that were received; give them as `exclude_keys` to go on elsewhere."""
        waiting = {record.key for record in self._waiting}
        return tuple(key for key in self._known if key not in waiting)

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        try:
            return self.next()
        except WaitTimedOut:
            if self._raises:
                raise
            raise StopIteration from None

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        try:
            return await self.anext()
        except WaitTimedOut:
            if self._raises:
                raise
            raise StopAsyncIteration from None

    def next(self) -> T:
        """Return the next input.

        Raises:
            WaitTimedOut: None came in time.
            headrace.outcomes.ParameterError: One came that is not of the wanted type.
        """
        return self._take(do_here(self._receive(), self._run))

    async def anext(self) -> T:
        """Return the next input; as `next`."""
        return self._take(await do_on_loop(self._receive()))

    def _receive(self) -> Steps[InputRecord]:
        until = time.monotonic() + self._timeout if self._timeout is not None else None
        while not self._waiting:
            left = until - time.monotonic() if until is not None else 3600.0
            if left <= 0:
                raise WaitTimedOut(f"no input came within {self._timeout:g} s")
            if len(self._known) >= KNOWN_LIMIT:
                raise errors.ResourceExhausted(f"a receiver remembers at most {KNOWN_LIMIT} inputs")
            found = yield self._backend.waits.wait_for_inputs(self._flow_run_id, self._prefix, self._known, left)
            self._waiting.extend(found)
            self._known.extend(record.key for record in found)
        return self._waiting.pop(0)

    def _take(self, record: InputRecord) -> T:
        value: Any = _loaded(self._adapter, record.value, f"the input {record.key}")
        metadata = InputMetadata(record.key, record.sender, record.created_at, self._flow_run_id)
        if isinstance(value, RunInput):
            value._metadata = metadata
        taken: T = Received(value, metadata) if self._with_metadata else value  # type: ignore[assignment]
        return taken


def receive_input(
    wanted: type[T],
    *,
    timeout: float | None = DEFAULT_TIMEOUT_SECONDS,
    raise_timeout_error: bool = False,
    exclude_keys: Iterable[str] = (),
    key_prefix: str | None = None,
    flow_run_id: str | None = None,
    with_metadata: bool = False,
) -> InputReceiver[T]:
    """Return what iterates over inputs of a flow run as they come.

    Args:
        wanted: The type: a pydantic model, or any other.
        timeout: Seconds to wait for each; None waits for ever.
        raise_timeout_error: True raises when the time is over; otherwise iterating ends.
        exclude_keys: Keys of inputs that are not wanted again.
        key_prefix: What keys begin with; by default the name of the type, as of `send_input`.
        flow_run_id: The run; by default the caller's own.
        with_metadata: True gives each as `Received`, with who sent it.

    Raises:
        headrace.outcomes.MissingContext: There is no flow run here, and none is named.
    """
    here = current_run.get()
    own = here.flow_run if here is not None else None
    receiver: InputReceiver[T] = InputReceiver(
        wanted,
        timeout=timeout,
        raise_timeout_error=raise_timeout_error,
        exclude_keys=exclude_keys,
        key_prefix=f"{key_prefix or _prefix_of(wanted)}-",
        flow_run_id=flow_run_id or get_flow_run().id,
        with_metadata=with_metadata,
        backend=own.backend if own is not None else get_backend(),
        run=own,
    )
    return receiver


class InputForm(Generic[T]):
    """A form that a pause asks with.

    Args:
        wanted: A pydantic model, or a type: then the form has one field, `value`.
        key: The pause's key.
    """

    def __init__(self, wanted: Any, key: str) -> None:
        self._is_plain = not (isinstance(wanted, type) and issubclass(wanted, pydantic.BaseModel))
        self._model: type[pydantic.BaseModel] = (
            pydantic.create_model("Answer", value=(wanted, ...)) if self._is_plain else wanted
        )
        self._description = getattr(wanted, "form_description", "")
        self.keyset = {"schema": f"{key}-schema", "description": f"{key}-description", "response": f"{key}-response"}

    def ask(self, run: FlowRun) -> Steps[None]:
        """Keep the form with the run, for whoever resumes it."""
        schema = self._model.model_json_schema()
        sender = FLOW_RUN + run.id
        yield run.backend.waits.send_input(run.id, self.keyset["schema"], schema, sender, replaces=True)
        yield run.backend.waits.send_input(run.id, self.keyset["description"], self._description, sender, replaces=True)

    def answer(self, run: FlowRun) -> Steps[Any]:
        """Return what was filled in.

        Raises:
            errors.FailedPrecondition: The run was resumed past the form.
            headrace.outcomes.ParameterError: It does not fit the model's own checks.
        """
        key = self.keyset["response"]
        found = yield run.backend.waits.wait_for_inputs(run.id, key, [], 0.0)
        record = next((each for each in found if each.key == key), None)
        if record is None:
            raise errors.FailedPrecondition("the run was resumed without the input that it asked for")
        adapter: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(self._model)
        filled = _loaded(adapter, record.value, "the run's input")
        if isinstance(filled, RunInput):
            filled._metadata = InputMetadata(record.key, record.sender, record.created_at, run.id)
        return filled.value if self._is_plain else filled

    @staticmethod
    def fields_of(given: Any) -> dict[str, Any] | None:
        """Return what somebody gives to a form as its fields."""
        if given is None:
            return None
        if isinstance(given, pydantic.BaseModel):
            return given.model_dump(mode="json")
        if isinstance(given, Mapping):
            plain: dict[str, Any] = pydantic.TypeAdapter(dict[str, Any]).dump_python(dict(given), mode="json")
            return plain
        return {_ONLY_FIELD: _dumped(given)}


def form_of(wanted: type[T], key: str) -> InputForm[T]:
    """Return the form that a pause with a key asks with."""
    return InputForm(wanted, key)


def _with_default(field: FieldInfo, value: Any) -> tuple[Any, Any]:
    """Return a field as it is, apart from its default."""
    annotation: Any = field.annotation
    for constraint in field.metadata:
        annotation = Annotated[annotation, constraint]
    return annotation, pydantic.Field(
        default=value,
        alias=field.alias,
        title=field.title,
        description=field.description,
        examples=field.examples,
        json_schema_extra=field.json_schema_extra,
    )


def _send(backend: Backend, value: Any, flow_run_id: str, sender: str | None, key_prefix: str | None) -> Steps[None]:
    here = current_run.get()
    if sender is None and here is not None and here.flow_run is not None:
        sender = FLOW_RUN + here.flow_run.id
    key = f"{key_prefix or _prefix_of(type(value))}-{new_id()}"
    yield backend.waits.send_input(flow_run_id, key, _dumped(value), sender or "")


def _respond(metadata: InputMetadata | None, value: Any, key_prefix: str | None) -> Steps[None]:
    if metadata is None or not metadata.sender.startswith(FLOW_RUN):
        raise errors.FailedPrecondition("there is nobody to respond to: this was not received from a flow run")
    yield from _send(get_backend(), value, metadata.sender.removeprefix(FLOW_RUN), None, key_prefix)


def _dumped(value: Any) -> Any:
    try:
        return pydantic.TypeAdapter(type(value)).dump_python(value, mode="json")
    except (pydantic.PydanticUserError, pydantic.ValidationError, ValueError, TypeError) as error:
        raise errors.InvalidArgument.of_field("value", f"cannot be sent as JSON: {error}") from error


def _loaded(adapter: pydantic.TypeAdapter[Any], value: Any, what: str) -> Any:
    try:
        return adapter.validate_python(value)
    except pydantic.ValidationError as error:
        violations = [
            errors.FieldViolation(".".join(map(str, fault["loc"])) or _ONLY_FIELD, fault["msg"])
            for fault in error.errors(include_url=False, include_context=False)
        ]
        said = "; ".join(f"{violation.field}: {violation.description}" for violation in violations)
        raise ParameterError(f"{what} does not fit: {said}", violations=violations) from error


def _prefix_of(wanted: Any) -> str:
    """Return the name of a type as the beginning of a key."""
    name = wanted.__name__ if isinstance(wanted, type) and not hasattr(wanted, "__args__") else str(wanted)
    return re.sub(r"[^A-Za-z0-9_.]+", "-", name.replace("typing.", "")).strip("-.") or "input"
