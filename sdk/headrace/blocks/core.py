"""The base of all blocks: saved to and loaded from the server, in synchronous and asynchronous code."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeVar

import pydantic
from pydantic import ConfigDict, PrivateAttr

from headrace import errors
from headrace.api.v1 import block_pb2
from headrace.blocks.fields import REFERENCE, plain, secret_fields
from headrace.client.values import value_from_proto, value_to_proto
from headrace.engine.connection import get_backend

B = TypeVar("B", bound="Block")

_classes: dict[str, type[Block]] = {}
_REFERENCE_SCHEMA = {
    "type": "object",
    "title": "A saved block",
    "properties": {REFERENCE: {"type": "string"}},
    "required": [REFERENCE],
    "additionalProperties": False,
}


class Block(pydantic.BaseModel):
    """Typed configuration that is kept under a name.

    A subclass is a type of blocks. Its fields may be anything that pydantic and JSON know; fields of the types
    `SecretStr`, `SecretDict` and `SecretValue` are encrypted by the server and shown to nobody who does not ask.
    A field that holds another block which has been saved refers to that block.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    block_type_name: ClassVar[str] = ""
    """What people read; empty is the class's name."""
    block_type_slug: ClassVar[str] = ""
    """Names the type in commands and templates; empty is made of the class's name: `git-credentials`."""
    block_logo_url: ClassVar[str] = ""
    block_documentation_url: ClassVar[str] = ""
    block_capabilities: ClassVar[tuple[str, ...]] = ()
    """What the code can do, to find blocks by."""
    block_version: ClassVar[str] = ""

    _saved_as: str = PrivateAttr("")

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        # What a class inherits belongs to the class above.
        if "block_type_slug" not in cls.__dict__:
            cls.block_type_slug = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", cls.__name__).lower()
        if "block_type_name" not in cls.__dict__:
            cls.block_type_name = cls.__name__
        if not inspect.isabstract(cls):
            _classes[cls.block_type_slug] = cls

    def __eq__(self, other: object) -> bool:
        # Where a block is kept is no part of its value.
        if type(self) is not type(other):
            return NotImplemented
        return self.__dict__ == other.__dict__ and self.__pydantic_extra__ == getattr(other, "__pydantic_extra__", None)

    @property
    def saved_as(self) -> str:
        """`<type>/<name>` under which it was saved or loaded; empty for one that is not kept."""
        return self._saved_as

    @classmethod
    def register(cls) -> None:
        """Tell the server of this type; saving a block does that, too."""
        get_backend().register_block_type(cls.block_registration()).result()

    @classmethod
    async def aregister(cls) -> None:
        """Tell the server of this type; as `register`."""
        await asyncio.wrap_future(get_backend().register_block_type(cls.block_registration()))

    def save(self, name: str, *, overwrite: bool = False) -> str:
        """Keep this block under a name; returns its id.

        Args:
            name: Lower case letters, digits, "_" and "-".
            overwrite: True replaces a block that is there.

        Raises:
            errors.AlreadyExists: There is one, and `overwrite` is False.
            errors.InvalidArgument: The name or a value is not allowed.
            errors.FailedPrecondition: There are secrets, and the server has no key to encrypt them.
        """
        request = self._save_request(name, overwrite)
        self.register()
        block = get_backend().save_block(request).result().block
        self._saved_as = f"{block.type_slug}/{block.name}"
        return block.block_id

    async def asave(self, name: str, *, overwrite: bool = False) -> str:
        """Keep this block under a name; as `save`."""
        request = self._save_request(name, overwrite)
        await self.aregister()
        block = (await asyncio.wrap_future(get_backend().save_block(request))).block
        self._saved_as = f"{block.type_slug}/{block.name}"
        return block.block_id

    @classmethod
    def load(cls: type[B], name: str) -> B:
        """Return the block of this type that is kept under a name, with its secrets.

        Args:
            name: The name; called on `Block` itself, `<type>/<name>`.

        Raises:
            errors.NotFound: There is none.
            errors.PermissionDenied: The caller may not see secrets of blocks.
            errors.InvalidArgument: It was saved by code whose fields this class does not have.
        """
        return cls._built(get_backend().get_block(cls._get_request(name)).result())

    @classmethod
    async def aload(cls: type[B], name: str) -> B:
        """Return the block of this type that is kept under a name; as `load`."""
        return cls._built(await asyncio.wrap_future(get_backend().get_block(cls._get_request(name))))

    @classmethod
    def delete(cls, name: str) -> None:
        """Delete the block of this type that is kept under a name.

        Raises:
            errors.NotFound: There is none.
            errors.FailedPrecondition: Another block refers to it.
        """
        get_backend().delete_block(cls._delete_request(name)).result()

    @classmethod
    async def adelete(cls, name: str) -> None:
        """Delete the block of this type that is kept under a name; as `delete`."""
        await asyncio.wrap_future(get_backend().delete_block(cls._delete_request(name)))

    @classmethod
    def _path(cls, name: str) -> tuple[str, str]:
        if cls is Block:
            return split_path(name)
        return cls.block_type_slug, name

    @classmethod
    def block_registration(cls) -> block_pb2.RegisterBlockTypeRequest:
        """Return what the server is told of this type."""
        doc = cls.__dict__.get("__doc__")
        request = block_pb2.RegisterBlockTypeRequest(
            slug=cls.block_type_slug,
            name=cls.block_type_name,
            description=inspect.cleandoc(doc) if doc else "",
            logo_url=cls.block_logo_url,
            documentation_url=cls.block_documentation_url,
            code_example=(
                f'from {cls.__module__} import {cls.__name__}\n\nblock = {cls.__name__}.load("NAME")'
                if "<locals>" not in cls.__qualname__
                else ""
            ),
            schema=block_pb2.BlockSchema(
                secret_fields=secret_fields(cls),
                capabilities=cls.block_capabilities,
                version=cls.block_version,
            ),
        )
        request.schema.fields.CopyFrom(value_to_proto(_json_schema(cls)).struct_value)
        return request

    def _save_request(self, name: str, overwrite: bool) -> block_pb2.SaveBlockRequest:
        data = {field: plain(getattr(self, field), f"data.{field}") for field in type(self).model_fields}
        request = block_pb2.SaveBlockRequest(type_slug=self.block_type_slug, name=name, overwrite=overwrite)
        request.data.CopyFrom(value_to_proto(data, "data").struct_value)
        return request

    @classmethod
    def _get_request(cls, name: str) -> block_pb2.GetBlockRequest:
        type_slug, block_name = cls._path(name)
        return block_pb2.GetBlockRequest(type_slug=type_slug, name=block_name, include_secrets=True)

    @classmethod
    def _delete_request(cls, name: str) -> block_pb2.DeleteBlockRequest:
        type_slug, block_name = cls._path(name)
        return block_pb2.DeleteBlockRequest(type_slug=type_slug, name=block_name)

    @classmethod
    def _built(cls: type[B], response: block_pb2.GetBlockResponse) -> B:
        referenced = {f"{block.type_slug}/{block.name}": block for block in response.referenced}
        found = _class_of(response.block.type_slug) if cls is Block else cls
        block: B = _build(found, response.block, referenced)
        return block


def load_block(path: str) -> Block:
    """Return a block by `<type>/<name>`, as an instance of its class.

    Raises:
        errors.NotFound: There is none.
        errors.InvalidArgument: No class of that type has been imported.
    """
    return Block.load(path)


async def aload_block(path: str) -> Block:
    """Return a block by `<type>/<name>`; as `load_block`."""
    return await Block.aload(path)


def load_fields(path: str) -> dict[str, Any]:
    """Return the values of a block by `<type>/<name>`, with its secrets in the open; no class of it is needed.

    Raises:
        errors.NotFound: There is none.
        errors.PermissionDenied: The caller may not see secrets of blocks.
    """
    return _fields_of(get_backend().get_block(Block._get_request(path)).result())


async def aload_fields(path: str) -> dict[str, Any]:
    """Return the values of a block by `<type>/<name>`; as `load_fields`."""
    return _fields_of(await asyncio.wrap_future(get_backend().get_block(Block._get_request(path))))


def block_types() -> list[type[Block]]:
    """Return the types of blocks that have been imported, by slug."""
    return [_classes[slug] for slug in sorted(_classes)]


def split_path(path: str) -> tuple[str, str]:
    """Return type and name of `<type>/<name>`.

    Raises:
        errors.InvalidArgument: The text has another form.
    """
    type_slug, separator, name = path.partition("/")
    if not separator or not type_slug or not name or "/" in name:
        raise errors.InvalidArgument.of_field("name", f"must be <type>/<name>, not {path!r}")
    return type_slug, name


def _fields_of(response: block_pb2.GetBlockResponse) -> dict[str, Any]:
    referenced = {f"{block.type_slug}/{block.name}": block for block in response.referenced}

    def replace(path: str) -> Any:
        return _with_references(_data_of(referenced[path]), replace)

    fields: dict[str, Any] = _with_references(_data_of(response.block), replace)
    return fields


def _build(cls: type[Any], message: block_pb2.Block, referenced: Mapping[str, block_pb2.Block]) -> Any:
    def replace(path: str) -> Any:
        inner = referenced[path]
        return _build(_class_of(inner.type_slug), inner, referenced)

    path = f"{message.type_slug}/{message.name}"
    try:
        block = cls.model_validate(_with_references(_data_of(message), replace))
    except pydantic.ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        raise errors.InvalidArgument(
            f"the block {path} does not fit the class {cls.__qualname__}; save it again with this one",
            violations=[errors.FieldViolation(".".join(map(str, fault["loc"])), fault["msg"]) for fault in faults],
        ) from None
    block._saved_as = path
    return block


def _data_of(message: block_pb2.Block) -> dict[str, Any]:
    data: dict[str, Any] = {key: value_from_proto(value) for key, value in message.data.fields.items()}
    return data


def _with_references(value: Any, replace: Callable[[str], Any]) -> Any:
    if isinstance(value, dict):
        if set(value) == {REFERENCE}:
            return replace(value[REFERENCE])
        return {key: _with_references(item, replace) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_references(item, replace) for item in value]
    return value


def _class_of(slug: str) -> type[Block]:
    try:
        return _classes[slug]
    except KeyError:
        raise errors.InvalidArgument(
            f"no class of the block type {slug!r} has been imported; import the module that defines it first"
        ) from None


def _json_schema(cls: type[Block]) -> dict[str, Any]:
    schema = cls.model_json_schema(by_alias=False)
    definitions = schema.get("$defs", {})
    for name in _definitions_of_blocks(cls, definitions):
        definitions[name] = {"anyOf": [definitions[name], _REFERENCE_SCHEMA]}
    return schema


def _definitions_of_blocks(cls: type[Block], definitions: Mapping[str, Any]) -> Iterable[str]:
    known: list[type[Block]] = [Block, *_classes.values()]
    names = {each.__name__ for each in known if each is not cls}
    return [name for name, definition in definitions.items() if definition.get("title") in names]
