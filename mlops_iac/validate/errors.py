"""Runs ``jsonschema`` and turns its errors into failures to word.

Imported only once something is known to be wrong: loading ``jsonschema`` takes longer than most validations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from mlops_iac.diagnostics import ConfigPath
from mlops_iac.spec.quantities import QUANTITIES
from mlops_iac.validate.wording import Failure

_QUANTITIES = {quantity.__name__: quantity for quantity in QUANTITIES}


def failures(schema: Mapping[str, Any], data: Any, path: ConfigPath) -> Iterator[Failure]:
    """Every failure of ``data``, which sits at ``path``, to meet ``schema`` (the plain form)."""
    for error in _SpecValidator(schema).iter_errors(data):
        yield _failure(error, path)


def _failure(error: ValidationError, base: ConfigPath) -> Failure:
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    path: ConfigPath = (*base, *error.absolute_path)
    value: Any = error.instance
    wanted: Any = error.validator_value
    keyword = str(error.validator)
    steps = error.relative_schema_path
    if len(steps) > 1 and steps[-2] == "propertyNames":
        return Failure("propertyNames", (*path, value), value, wanted, schema)
    if keyword == "x-quantity":
        return Failure(keyword, path, value, error.message, schema)
    if keyword != "anyOf":
        return Failure(keyword, path, value, wanted, schema)
    inner: dict[int | str, list[Failure]] = {}
    for nested in error.context or ():
        inner.setdefault(nested.relative_schema_path[0], []).append(_failure(nested, base))
    branches = tuple((branch, tuple(inner.get(index, ()))) for index, branch in enumerate(wanted))
    return Failure(keyword, path, value, wanted, schema, branches=branches)


def _quantity(validator: Validator, name: str, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    """What a pattern cannot say, such as the range of a cron field; silent where the pattern speaks."""
    if not isinstance(instance, str) or re.search(schema["pattern"], instance) is None:
        return
    try:
        _QUANTITIES[name].parse(instance)
    except ValueError as error:
        yield ValidationError(str(error))


def _required(
    validator: Validator, required: list[str], instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """All missing keys as one error that the wording splits; the original names them only in its message."""
    if isinstance(instance, dict) and any(key not in instance for key in required):
        yield ValidationError("keys are missing")


def _enum(
    validator: Validator, choices: list[Any], instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """As typed as the spec: ``1.0`` and ``true`` are not the choice ``1``."""
    if not any(type(instance) is type(choice) and instance == choice for choice in choices):
        yield ValidationError("not one of the choices")


def _is_integer(_checker: Any, instance: Any) -> bool:
    """Unlike JSON, YAML has two kinds of number: ``2.0`` is not a whole one."""
    return isinstance(instance, int) and not isinstance(instance, bool)


_SpecValidator: type[Validator] = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {"x-quantity": _quantity, "required": _required, "enum": _enum},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)
