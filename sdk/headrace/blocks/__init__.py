"""Blocks: typed configuration with secrets that the server keeps and flows load by name.

class Warehouse(Block):
    url: str
    password: SecretStr

Warehouse(url="...", password="...").save("main")
Warehouse.load("main").password.get_secret_value()
"""

from __future__ import annotations

from headrace.blocks.cloud import (
    AwsCredentials,
    AzureBlobContainer,
    AzureBlobCredentials,
    GcpCredentials,
    GcsBucket,
    S3Bucket,
)
from headrace.blocks.core import Block, aload_block, aload_fields, load_block, load_fields
from headrace.blocks.fields import SecretDict, SecretStr, SecretValue
from headrace.blocks.filesystems import FileSystem, LocalFileSystem, RemoteFileSystem
from headrace.blocks.services import (
    DatabaseCredentials,
    DockerRegistry,
    EmailServer,
    GitCredentials,
    Json,
    Secret,
    Webhook,
)

BUILT_IN: tuple[type[Block], ...] = (
    AwsCredentials,
    AzureBlobContainer,
    AzureBlobCredentials,
    DatabaseCredentials,
    DockerRegistry,
    EmailServer,
    GcpCredentials,
    GcsBucket,
    GitCredentials,
    Json,
    LocalFileSystem,
    RemoteFileSystem,
    S3Bucket,
    Secret,
    Webhook,
)
"""The types that Headrace brings."""

__all__ = [
    "BUILT_IN",
    "AwsCredentials",
    "AzureBlobContainer",
    "AzureBlobCredentials",
    "Block",
    "DatabaseCredentials",
    "DockerRegistry",
    "EmailServer",
    "FileSystem",
    "GcpCredentials",
    "GcsBucket",
    "GitCredentials",
    "Json",
    "LocalFileSystem",
    "RemoteFileSystem",
    "S3Bucket",
    "Secret",
    "SecretDict",
    "SecretStr",
    "SecretValue",
    "Webhook",
    "aload_block",
    "aload_fields",
    "load_block",
    "load_fields",
]
