"""The base class of every typed spec, and the metadata a field carries.

A spec is a frozen ``msgspec.Struct``; a field's help, unit, bounds, reference and lifecycle are data in its
annotation, and everything else (JSON Schema, reference pages, plan guards, masking) is derived from them.
"""

from __future__ import annotations

from typing import Annotated, Any, dataclass_transform

import msgspec


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Spec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A typed part of the configuration. Subclass with ``kw_only=True`` and annotate fields with ``doc``."""


def whole(pattern: str) -> str:
    """``pattern`` so that its closing ``$`` is the end of the text in Python as it is in ECMA-262's expressions.

    In Python it matches before a last newline too, which YAML's block scalars end with.
    """
    return f"{pattern}(?!\\n)" if pattern.endswith("$") else pattern


def doc(
    help: str,
    *,
    unit: str | None = None,
    ref: str | None = None,
    replaces: bool = False,
    loses_data: bool = False,
    immutable: bool = False,
    secret: bool = False,
    ge: float | None = None,
    le: float | None = None,
    pattern: str | None = None,
    expects: str | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    examples: list[Any] | None = None,
) -> msgspec.Meta:
    """Metadata for one field.

    ``help``: what the field is for, one or two sentences. ``unit``: unit of a bare number.
    ``ref``: the component kind whose instance this string names (``buckets``; ``a|b`` for one of several).
    ``replaces``: a change replaces a cloud resource. ``loses_data``: that replacement loses data.
    ``immutable``: cannot be changed after creation. ``secret``: the value is masked everywhere.
    ``expects``: how an error message describes a good value, for ``pattern``.
    """
    lifecycle = {
        "replaces": replaces,
        "loses-data": loses_data,
        "immutable": immutable,
        "secret": secret,
    }
    texts = {"unit": unit, "reference": ref, "expects": expects}
    extra: dict[str, Any] = {
        **{name: True for name, on in lifecycle.items() if on},
        **{name: value for name, value in texts.items() if value is not None},
    }
    schema = {f"x-{name}": value for name, value in extra.items()}
    bounds: dict[str, Any] = {
        "ge": ge,
        "le": le,
        "pattern": None if pattern is None else whole(pattern),
        "min_length": min_length,
        "max_length": max_length,
    }
    return msgspec.Meta(description=help, examples=examples, extra=extra, extra_json_schema=schema, **bounds)


Name = Annotated[
    str,
    msgspec.Meta(
        pattern=whole("^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$"),
        extra_json_schema={"x-expects": "lower-case letters, digits and hyphens, starting with a letter, 40 at most"},
    ),
]
"""The name of a component or one of its parts, as the owner writes it."""

_DAYS = "|".join(
    (
        "[0-9]{4}-(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])",
        "[0-9]{4}-(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)",
        "[0-9]{4}-02-(?:0[1-9]|1[0-9]|2[0-8])",
        "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29",
    )
)
Date = Annotated[str, doc("A day.", pattern=f"^(?:{_DAYS})$", expects="a day of the calendar such as 2027-03-31")]
"""An ISO date that the calendar has: dates are compared as texts, so a day that never comes must not be written."""
