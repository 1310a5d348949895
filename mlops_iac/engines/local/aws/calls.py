"""Makes the calls that a row of the table names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from mlops_iac.engines.local.aws.context import own_inputs
from mlops_iac.engines.local.aws.row import ALL, Call, Group, Row
from mlops_iac.engines.local.aws.session import ExistsError, GoneError, NotEmulatedError, Session
from mlops_iac.engines.local.aws.shapes import UnmappedError, to_parameters
from mlops_iac.engines.local.aws.templates import MISSING, fill, value_at
from mlops_iac.engines.local.provider import ProviderError

MARK: Final = "mlops-iac:urn"
"""Tag by which a resource without a name of its own is found again after an interrupted create."""


class Calls:
    """The calls of rows, made in ``session``. ``context`` is everywhere what templates may name (``context_of``)."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def make(
        self,
        row: Row,
        call: Call,
        context: Mapping[str, Any],
        inputs: Mapping[str, Any],
        mark: str = "",
        *,
        once: bool = False,
    ) -> dict[str, Any]:
        """Make a call of the row. Raises ``NotEmulatedError`` also for a refusal that is the emulator's own."""
        try:
            return self._make(row, call, context, inputs, mark, once)
        except ProviderError as error:
            reason = next((why for text, why in row.refusals.items() if text in str(error)), None)
            if reason is None:
                raise
            raise NotEmulatedError(reason) from error

    def read(self, row: Row, context: Mapping[str, Any]) -> Any:
        """The resource in the answer of the row's read, or ``MISSING``."""
        if row.read is None:
            return {}
        try:
            answer = value_at(self.make(row, row.read, context, {}), row.at)
        except GoneError:
            return MISSING
        except NotEmulatedError:
            return {}
        except ProviderError as error:
            if means_gone(row, error):
                return MISSING
            raise
        if row.pick is not None and answer is not None:
            answer = row.pick(answer, context)
        if any(value_at(answer, path) in values for path, values in row.gone_in.items()):
            return MISSING
        return MISSING if answer in (None, []) else answer

    def with_more(self, row: Row, context: Mapping[str, Any], answer: Any) -> Any:
        """``answer`` with what the row's further reads tell."""
        told = {}
        for name, (call, path) in row.more.items():
            try:
                told[name] = value_at(self.make(row, call, context, {}), path)
            except GoneError:
                told[name] = None
            except NotEmulatedError:
                continue
        return {**answer, **told} if told else answer

    def apply(self, row: Row, group: Group, context: Mapping[str, Any], *, again: bool = False) -> list[str]:
        """Make the group's call; ``again``: it may have been made already."""
        names = own_inputs(row, context) if group.properties == ALL else group.properties
        given = any(context.get(name) is not None for name in names)
        call = group.call if given or group.unset is None else group.unset
        if call.when and fill(call.when, context) in (MISSING, None, False, ""):
            return []
        taken = own_inputs(row, context) if call.take == ALL else {n: context[n] for n in call.take if n in context}
        if row.tags is not None:
            taken.pop("tags", None)
        try:
            for before in group.first:
                self.make(row, before, context, {})
            self.make(row, call, context, taken)
        except NotEmulatedError as error:
            return [str(error)]
        except ExistsError as error:
            if not (error.retried or again):
                raise
        return []

    def gives(self, row: Row, group: Group, context: Mapping[str, Any]) -> bool:
        """Whether the group's call has anything to set."""
        names = group.call.take or group.properties
        return any(context.get(name) is not None for name in (own_inputs(row, context) if names == ALL else names))

    def retag(self, row: Row, context: Mapping[str, Any], old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
        """Change the tags from ``old`` to ``new``; nothing for a type without a call for that."""
        tagging = row.tags
        if tagging is None:
            return []
        removed = sorted(set(old) - set(new))
        put = {key: value for key, value in new.items() if old.get(key) != value}
        try:
            if put:
                self._tag(row, tagging.operation, tagging.target, context, put)
            for key in removed:
                self._tag(row, tagging.undo, tagging.target, context, [key])
        except (GoneError, NotEmulatedError) as error:
            return [f"the tags were not set: {error}"]
        return []

    def _make(
        self, row: Row, call: Call, context: Mapping[str, Any], inputs: Mapping[str, Any], mark: str, once: bool
    ) -> dict[str, Any]:
        service = call.service or row.service
        shape = self._session.shape(service, call.operation)
        names = {**row.names, **call.names}
        parameters: dict[str, Any] = fill(call.fixed, context)
        inputs = {name: value for name, value in inputs.items() if value is not None}
        if row.mark and mark:
            inputs["tags"] = {**(inputs.get("tags") or {}), MARK: mark_of(mark)}
        if row.mark not in ("", "tags") and mark:
            listed = [{"Key": key, "Value": value} for key, value in inputs.pop("tags").items()]
            parameters["TagSpecifications"] = [{"ResourceType": row.mark, "Tags": listed}]
        target = shape
        for part in call.into.split(".") if call.into else ():
            target = target.members[part]
        try:
            given = to_parameters(inputs, target, names)
        except UnmappedError as error:
            raise ProviderError(f"{row.type}: {error}") from error
        for part in reversed(call.into.split(".") if call.into else ()):
            given = {part: given}
        making = self._session.once if once else self._session.call
        return making(service, call.operation, _merge(parameters, given))

    def _tag(self, row: Row, operation: str, target: Any, context: Mapping[str, Any], tags: Any) -> None:
        shape = self._session.shape(row.service, operation)
        fixed = fill(target, context)
        member = next(name for name in shape.members if "tag" in name.lower() and name not in fixed)
        if isinstance(tags, list) and shape.members[member].member.type_name == "structure":
            value: Any = [{"Key": key} for key in tags]
        else:
            value = to_parameters(tags, shape.members[member], {})
        self._session.call(row.service, operation, {**fixed, member: value})


def mark_of(urn: str) -> str:
    """What ``MARK`` holds for a resource."""
    return hashlib.sha256(urn.encode()).hexdigest()[:32]


def means_gone(row: Row, error: ProviderError) -> bool:
    """Whether a refusal says that the resource does not exist."""
    return any(text in str(error) for text in row.gone_when)


def _merge(fixed: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    merged = dict(given)
    for name, value in fixed.items():
        if isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = _merge(value, merged[name])
        else:
            merged[name] = value
    return merged
