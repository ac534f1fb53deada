"""Blocks for the object storages of clouds, and the credentials for these."""

from __future__ import annotations

from typing import Any

import pydantic

from headrace.blocks.core import Block
from headrace.blocks.fields import SecretDict, SecretStr
from headrace.blocks.filesystems import FileSystem


class AwsCredentials(Block):
    """Credentials for AWS, or for a storage that speaks its S3. What is left out comes from the environment."""

    block_type_slug = "aws-credentials"
    block_type_name = "AWS credentials"

    access_key_id: str | None = None
    secret_access_key: SecretStr | None = None
    session_token: SecretStr | None = None
    region_name: str | None = None
    profile: str | None = pydantic.Field(default=None, description="A profile of the machine, in place of keys.")
    endpoint_url: str | None = pydantic.Field(default=None, description="Of a storage that is not AWS's.")

    def storage_options(self) -> dict[str, Any]:
        """Return what fsspec's `s3://` (the package s3fs) needs."""
        options: dict[str, Any] = {}
        if self.access_key_id is not None:
            options["key"] = self.access_key_id
        if self.secret_access_key is not None:
            options["secret"] = self.secret_access_key.get_secret_value()
        if self.session_token is not None:
            options["token"] = self.session_token.get_secret_value()
        if self.profile is not None:
            options["profile"] = self.profile
        client = {"region_name": self.region_name, "endpoint_url": self.endpoint_url}
        if any(client.values()):
            options["client_kwargs"] = {name: value for name, value in client.items() if value}
        return options


class S3Bucket(FileSystem):
    """Files in a bucket of S3."""

    block_type_slug = "s3-bucket"
    block_type_name = "S3 bucket"

    bucket: str = pydantic.Field(min_length=1)
    folder: str = ""
    credentials: AwsCredentials | None = None

    def storage_url(self) -> str:
        """Return `s3://bucket/folder`."""
        return f"s3://{self.bucket}/{self.folder.strip('/')}".rstrip("/")

    def storage_options(self) -> dict[str, Any]:
        """Return the credentials."""
        return self.credentials.storage_options() if self.credentials is not None else {}


class GcpCredentials(Block):
    """Credentials for Google Cloud. Without any, those of the environment are taken."""

    block_type_slug = "gcp-credentials"
    block_type_name = "GCP credentials"

    service_account_info: SecretDict | None = pydantic.Field(
        default=None, description="The service account's key, as the JSON file has it."
    )
    service_account_file: str | None = pydantic.Field(default=None, description="Where the machine has that file.")
    project: str | None = None

    def storage_options(self) -> dict[str, Any]:
        """Return what fsspec's `gs://` (the package gcsfs) needs."""
        options: dict[str, Any] = {}
        if self.service_account_info is not None:
            options["token"] = dict(self.service_account_info.get_secret_value())
        elif self.service_account_file is not None:
            options["token"] = self.service_account_file
        if self.project is not None:
            options["project"] = self.project
        return options


class GcsBucket(FileSystem):
    """Files in a bucket of Google Cloud Storage."""

    block_type_slug = "gcs-bucket"
    block_type_name = "GCS bucket"

    bucket: str = pydantic.Field(min_length=1)
    folder: str = ""
    credentials: GcpCredentials | None = None

    def storage_url(self) -> str:
        """Return `gs://bucket/folder`."""
        return f"gs://{self.bucket}/{self.folder.strip('/')}".rstrip("/")

    def storage_options(self) -> dict[str, Any]:
        """Return the credentials."""
        return self.credentials.storage_options() if self.credentials is not None else {}


class AzureBlobCredentials(Block):
    """Credentials for Azure Blob Storage: a connection string, or an account with or without its key."""

    block_type_slug = "azure-blob-credentials"
    block_type_name = "Azure Blob credentials"

    connection_string: SecretStr | None = None
    account_name: str | None = None
    account_key: SecretStr | None = None

    @pydantic.model_validator(mode="after")
    def _check_either(self) -> AzureBlobCredentials:
        if (self.connection_string is None) == (self.account_name is None):
            raise ValueError("needs either connection_string or account_name")
        return self

    def storage_options(self) -> dict[str, Any]:
        """Return what fsspec's `abfs://` (the package adlfs) needs."""
        if self.connection_string is not None:
            return {"connection_string": self.connection_string.get_secret_value()}
        options: dict[str, Any] = {"account_name": self.account_name}
        if self.account_key is not None:
            options["account_key"] = self.account_key.get_secret_value()
        return options


class AzureBlobContainer(FileSystem):
    """Files in a container of Azure Blob Storage."""

    block_type_slug = "azure-blob-container"
    block_type_name = "Azure Blob container"

    container: str = pydantic.Field(min_length=1)
    folder: str = ""
    credentials: AzureBlobCredentials

    def storage_url(self) -> str:
        """Return `abfs://container/folder`."""
        return f"abfs://{self.container}/{self.folder.strip('/')}".rstrip("/")

    def storage_options(self) -> dict[str, Any]:
        """Return the credentials."""
        return self.credentials.storage_options()
