"""What is wrong with something that a user gave."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """One field and what is wrong with it."""

    field: str
    """Path of the field, for example `rule.cron.expression` or `parameters.rows[2]`."""
    description: str
    """A sentence that says what is expected."""

    def under(self, prefix: str) -> Fault:
        """Return the fault with its field seen from further out."""
        if not prefix:
            return self
        return Fault(f"{prefix}.{self.field}" if self.field else prefix, self.description)


class Invalid(Exception):
    """Something that a user gave is wrong; `faults` say what and where."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{fault.field}: {fault.description}" for fault in self.faults))

    @classmethod
    def of_field(cls, field: str, description: str) -> Invalid:
        """Return the exception for one wrong field."""
        return cls([Fault(field, description)])

    def under(self, prefix: str) -> Invalid:
        """Return the exception with its fields seen from further out."""
        return Invalid(fault.under(prefix) for fault in self.faults)
