"""Serves every AWS resource type of the table through one set of verbs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from mlops_iac.engines.local.aws.row import ALL, Call, Group, Row
from mlops_iac.engines.local.aws.session import (
    ExistsError,
    GoneError,
    NotEmulatedError,
    Session,
)
from mlops_iac.engines.local.aws.shapes import UnmappedError, observed, reported, tags_of, to_parameters
from mlops_iac.engines.local.aws.table import row_of
from mlops_iac.engines.local.aws.templates import MISSING, fill, form_of, parts_of, value_at
from mlops_iac.engines.local.provider import (
    RECORDED,
    CheckFailure,
    Created,
    Found,
    OutcomeUnknownError,
    Properties,
    ProviderError,
    Updated,
    check_by_facts,
)
from mlops_iac.plan.compare import differences
from mlops_iac.providers.facts import facts_of

MARK: Final = "mlops-iac:urn"
"""Tag by which a resource without a name of its own is found again after an interrupted create."""


class AwsProvider:
    """AWS as ``session`` reaches it."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def check(self, urn: str, type: str, news: Properties, olds: Properties) -> tuple[CheckFailure, ...]:
        """The shape check."""
        return check_by_facts(type, news)

    def create(self, urn: str, type: str, inputs: Properties) -> Created:
        """Create a resource, or record it where the emulator has no such call."""
        row = row_of(type)
        if row is None or row.recorded:
            reason = row.recorded if row is not None else f"the local engine has no calls for {type}"
            return self._record(urn, type, inputs, reason)
        context = self._context(urn, row, inputs)
        try:
            answer = self._made(urn, row, context, inputs)
        except NotEmulatedError as error:
            return self._record(urn, type, inputs, str(error))
        if isinstance(answer, Found):
            updated = self.update(urn, type, answer.id, {}, answer.outputs, inputs)
            return Created(answer.id, updated.outputs, updated.recorded)
        context["r"] = answer
        id = fill(row.id, context)
        if not isinstance(id, str):
            raise OutcomeUnknownError(f"the answer to {row.create.operation} has no {row.id}")
        context["id"] = id
        notes = self._finish(row, context, inputs)
        return Created(id, self._outputs(row, context, inputs), "; ".join(notes) or None)

    def read(self, urn: str, type: str, id: str, inputs: Properties, outputs: Properties) -> Found | None:
        """The resource as the emulator has it; None when it says that there is none."""
        row = row_of(type)
        if row is None or row.recorded or id.startswith(RECORDED):
            return Found(id, inputs, outputs)
        context = self._context(urn, row, inputs, outputs, id)
        answer = self._read(row, context)
        if answer is MISSING:
            return None
        context["r"] = answer
        answer = self._with_more(row, context, answer)
        own = {name: value for name, value in self._own(row, inputs).items() if name not in row.unseen}
        actual = {**inputs, **observed(own, answer, row.names)}
        return Found(id, actual, self._with_computed(row, context, actual, outputs))

    def adopt(self, urn: str, type: str, id: str, declared: Properties) -> Found | None:
        """The resource of that id, whatever the inputs call it."""
        row = row_of(type)
        if row is None or row.recorded or row.read is None:
            reason = row.recorded if row is not None and row.recorded else "the local target has no call that reads it"
            raise ProviderError(f"{type} cannot be adopted: {reason}")
        parts = self._named(urn, row, id, declared)
        context = self._context(urn, row, {**declared, **parts}, {}, id)
        facts = facts_of(type)
        named = {name: value for name, value in parts.items() if facts is not None and name in facts.inputs}
        own_id = fill(row.id, context)
        if isinstance(own_id, str):
            context["id"] = own_id
        answer = self._read(row, context)
        if answer is MISSING:
            return None
        if answer == {}:
            raise ProviderError(f"{type} cannot be adopted: the emulator does not tell what it has")
        context["r"] = answer
        answer = self._with_more(row, context, answer)
        told = self._own(row, dict.fromkeys(facts.inputs) if facts is not None else {})
        seen = {name: facts.inputs[name] for name in told if name not in row.unseen} if facts is not None else {}
        actual = {**self._name_in(row, id), **reported(answer, seen, row.names), **named}
        if declared:
            own = {name: value for name, value in self._own(row, declared).items() if name not in row.unseen}
            tags = {"tags": actual["tags"]} if "tags" in actual and "tags" not in declared else {}
            name = {key: value for key, value in self._name_in(row, id).items() if key in declared}
            named = {key: value for key, value in named.items() if key in declared}
            actual = {**declared, **tags, **name, **observed({**own, **name}, answer, row.names), **named}
        canonical = fill(row.id, context)
        found = canonical if isinstance(canonical, str) else id
        return Found(found, actual, self._with_computed(row, {**context, **actual}, actual, {}))

    def find(self, urn: str, type: str, inputs: Properties) -> tuple[Found, ...]:
        """By our mark where the row says how to list, else by the id that the inputs give."""
        row = row_of(type)
        if row is None or row.recorded:
            return ()
        context = self._context(urn, row, inputs)
        context["mark"] = mark_of(urn)
        ids: list[Any]
        if row.find is not None:
            try:
                listed = value_at(self._call(row, row.find, context, {}), row.found)
            except (GoneError, NotEmulatedError):
                return ()
            items = listed if isinstance(listed, list) else [listed] if listed else []
            ids = [fill(row.found_id or row.id, {**context, "r": item}) for item in items]
            ids = [item.rpartition("key/")[2] if row.service == "kms" else item for item in ids]
        else:
            ids = [fill(row.id, context)]
        seen = [id for id in ids if isinstance(id, str) and self._is_seen(urn, row, inputs, id)]
        found = (self.read(urn, type, id, inputs, {}) for id in seen)
        return tuple(item for item in found if item is not None and not (row.alike and _differs(inputs, item.inputs)))

    def update(
        self, urn: str, type: str, id: str, old_inputs: Properties, old_outputs: Properties, news: Properties
    ) -> Updated:
        """Make the call of every group of properties that changed."""
        row = row_of(type)
        if row is None or row.recorded or id.startswith(RECORDED):
            reason = row.recorded if row is not None and row.recorded else "it was only recorded"
            return Updated({**old_outputs, **news}, reason)
        context = self._context(urn, row, news, old_outputs, id)
        changed = {name for name in {*old_inputs, *news} if old_inputs.get(name) != news.get(name)}
        changed -= {"region", *row.skip}
        notes = []
        if row.tags is not None and "tags" in changed:
            notes += self._retag(row, context, old_inputs.get("tags") or {}, news.get("tags") or {})
            changed.discard("tags")
        covered: set[str] = set()
        for group in row.groups:
            own = self._covers(row, group, changed)
            covered |= own
            if own and (old_inputs or self._given(row, group, context)):
                notes += self._apply_group(row, group, context, again=not old_inputs)
        left = changed - covered
        if left and old_inputs:
            notes.append(f"the local engine has no call that changes {', '.join(sorted(left))}")
        return Updated(self._outputs(row, context, news, old_outputs), "; ".join(notes) or None)

    def delete(self, urn: str, type: str, id: str, inputs: Properties, outputs: Properties) -> None:
        """Make the row's delete calls; what is gone already is fine."""
        row = row_of(type)
        if row is None or row.recorded or id.startswith(RECORDED):
            return
        context = self._context(urn, row, inputs, outputs, id)
        if row.clear is not None:
            row.clear(self._session, context)
        for call in row.delete:
            if call.when and fill(call.when, context) in (MISSING, None, False, ""):
                continue
            try:
                self._call(row, call, context, {})
            except GoneError:
                continue
            except NotEmulatedError as error:
                if "moto itself" in str(error) and self._read(row, context) is not MISSING:
                    raise
            except ProviderError as error:
                if not _means_gone(row, error):
                    raise

    def invoke(self, token: str, args: Properties) -> Properties:
        """The few functions that programs ask at start. Raises ``ProviderError`` for others."""
        session = self._session
        answers: dict[str, dict[str, Any]] = {
            "aws:index/getCallerIdentity:getCallerIdentity": {
                "id": session.account,
                "accountId": session.account,
                "arn": f"arn:aws:iam::{session.account}:root",
                "userId": session.account,
            },
            "aws:index/getRegion:getRegion": {
                "id": session.region,
                "name": session.region,
                "region": session.region,
            },
            "aws:index/getPartition:getPartition": {
                "id": partition_of(session.region),
                "partition": partition_of(session.region),
                "dnsSuffix": "amazonaws.com",
            },
            "aws:index/getAvailabilityZones:getAvailabilityZones": {
                "id": session.region,
                "names": [f"{session.region}{zone}" for zone in "abc"],
            },
        }
        if token not in answers:
            raise ProviderError(f"the local target has no function {token}")
        return answers[token]

    def _made(self, urn: str, row: Row, context: Mapping[str, Any], inputs: Properties) -> dict[str, Any] | Found:
        """The answer to the create; or, where an answer was lost, what is found to have been made by that try."""
        # What is found already is the copy that a replacement is about to succeed; names are given once only.
        former = {item.id for item in self.find(urn, row.type, inputs)} if row.find is not None else set()
        lost = False

        def attempt() -> dict[str, Any] | Found:
            nonlocal lost
            try:
                return self._call(row, row.create, context, self._for_create(row, context), mark=urn, once=True)
            except OutcomeUnknownError:
                lost = True
                made = found()
                if made is None:
                    raise
                return made
            except ExistsError as error:
                made = found() if lost else None
                if made is None:
                    hint = "it is not in the state: delete it, or give the resource another name"
                    raise ProviderError(f"{error} ({hint})") from error
                return made

        def found() -> Found | None:
            return next((item for item in self.find(urn, row.type, inputs) if item.id not in former), None)

        return self._session.patience.call(attempt, repeatable=True)

    def _context(
        self, urn: str, row: Row, inputs: Properties, outputs: Properties | None = None, id: str | None = None
    ) -> dict[str, Any]:
        context = dict(inputs)
        facts = facts_of(row.type)
        name = facts.physical_name if facts is not None else None
        if facts is not None and name is not None and len(name) == 1 and facts.autonamed:
            kept = (outputs or {}).get(str(name[0]))
            context.setdefault(str(name[0]), kept or auto_name(urn, inputs))
        session = self._session
        context.update(
            account=session.account,
            region=session.region,
            partition=partition_of(session.region),
            o=dict(outputs or {}),
            logical=urn.rpartition("::")[2],
        )
        if id is not None:
            context["id"] = id
        return row.hook(context) if row.hook is not None else context

    def _named(self, urn: str, row: Row, id: str, declared: Properties) -> dict[str, Any]:
        """The inputs that an id tells. Raises ``ProviderError`` where it has another form than the row's."""
        if declared and fill(row.id, self._context(urn, row, declared)) == id:
            return {}
        found = re.fullmatch(row.adopt, id) if row.adopt else None
        parts = found.groupdict() if found is not None else None if row.adopt else parts_of(row.id, id)
        if not parts and (parts is None or not id):
            form = ", ".join(re.findall(r"\?P<(\w+)>", row.adopt)) if row.adopt else form_of(row.id)
            raise ProviderError(f"an id of {row.type} tells {form}; {id!r} does not")
        facts = facts_of(row.type)
        known = facts.inputs if facts is not None else {}
        numbers = {name for name, about in known.items() if about.shape == "integer"}
        return {name: int(text) if name in numbers else text for name, text in parts.items() if text is not None}

    def _name_in(self, row: Row, id: str) -> dict[str, str]:
        """The name at the end of an id that is an ARN or a URL, for services that do not repeat it."""
        facts = facts_of(row.type)
        name = facts.physical_name if facts is not None else None
        if name is None or len(name) != 1 or not id.startswith(("arn:", "http://", "https://")):
            return {}
        return {str(name[0]): re.split("[:/]", id)[-1]}

    def _for_create(self, row: Row, context: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs that the create call takes."""
        later = {name for group in row.groups if group.after for name in group.properties}
        if row.tags is not None and row.tags.after:
            later.add("tags")
        if row.create.take != ALL:
            return {name: context[name] for name in row.create.take if name in context}
        inputs = self._own(row, context)
        return {name: value for name, value in inputs.items() if name not in later}

    def _own(self, row: Row, context: Mapping[str, Any]) -> dict[str, Any]:
        facts = facts_of(row.type)
        known = set(facts.inputs) if facts is not None and not facts.open else set(context)
        left_out = {"region", *row.skip, "o", "r", "account", "partition", "logical", "id", "mark"}
        return {name: context[name] for name in context if name in known and name not in left_out}

    def _call(
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
            return self._plain_call(row, call, context, inputs, mark, once)
        except ProviderError as error:
            reason = next((why for text, why in row.refusals.items() if text in str(error)), None)
            if reason is None:
                raise
            raise NotEmulatedError(reason) from error

    def _plain_call(
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

    def _read(self, row: Row, context: Mapping[str, Any]) -> Any:
        """The resource in the answer of the row's read, or ``MISSING``."""
        if row.read is None:
            return {}
        try:
            answer = value_at(self._call(row, row.read, context, {}), row.at)
        except GoneError:
            return MISSING
        except NotEmulatedError:
            return {}
        except ProviderError as error:
            if _means_gone(row, error):
                return MISSING
            raise
        if row.pick is not None and answer is not None:
            answer = row.pick(answer, context)
        if any(value_at(answer, path) in values for path, values in row.gone_in.items()):
            return MISSING
        return MISSING if answer in (None, []) else answer

    def _is_seen(self, urn: str, row: Row, inputs: Properties, id: str) -> bool:
        """Whether a read tells that it is there, and not only that the emulator cannot say."""
        return row.read is None or self._read(row, self._context(urn, row, inputs, {}, id)) != {}

    def _with_more(self, row: Row, context: Mapping[str, Any], answer: Any) -> Any:
        """``answer`` with what the row's further reads tell."""
        told = {}
        for name, (call, path) in row.more.items():
            try:
                told[name] = value_at(self._call(row, call, context, {}), path)
            except GoneError:
                told[name] = None
            except NotEmulatedError:
                continue
        return {**answer, **told} if told else answer

    def _finish(self, row: Row, context: dict[str, Any], inputs: Properties) -> list[str]:
        """The calls after a create. When one fails, what was created is deleted again."""
        notes: list[str] = []
        try:
            context["o"] = self._outputs(row, context, inputs)
            if row.tags is not None and row.tags.after and inputs.get("tags"):
                notes += self._retag(row, context, {}, inputs["tags"])
            for group in row.groups:
                if group.after and any(inputs.get(name) is not None for name in group.properties):
                    notes += self._apply_group(row, group, context)
        except ProviderError as error:
            try:
                for call in row.delete:
                    self._call(row, call, context, {})
            except ProviderError as second:
                raise OutcomeUnknownError(f"{error}; and undoing the create failed: {second}") from error
            raise
        return notes

    def _apply_group(self, row: Row, group: Group, context: Mapping[str, Any], *, again: bool = False) -> list[str]:
        """Make the group's call; ``again``: it may have been made already."""
        names = self._own(row, context) if group.properties == ALL else group.properties
        given = any(context.get(name) is not None for name in names)
        call = group.call if given or group.unset is None else group.unset
        if call.when and fill(call.when, context) in (MISSING, None, False, ""):
            return []
        taken = self._own(row, context) if call.take == ALL else {n: context[n] for n in call.take if n in context}
        if row.tags is not None:
            taken.pop("tags", None)
        try:
            for before in group.first:
                self._call(row, before, context, {})
            self._call(row, call, context, taken)
        except NotEmulatedError as error:
            return [str(error)]
        except ExistsError as error:
            if not (error.retried or again):
                raise
        return []

    def _given(self, row: Row, group: Group, context: Mapping[str, Any]) -> bool:
        """Whether the group's call has anything to set."""
        names = group.call.take or group.properties
        return any(context.get(name) is not None for name in (self._own(row, context) if names == ALL else names))

    def _covers(self, row: Row, group: Group, changed: set[str]) -> set[str]:
        if group.properties != ALL:
            return changed & set(group.properties)
        others = {name for other in row.groups if other is not group for name in other.properties}
        return changed - others

    def _retag(self, row: Row, context: Mapping[str, Any], old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
        tagging = row.tags
        assert tagging is not None
        removed = sorted(set(old) - set(new))
        put = {key: value for key, value in new.items() if old.get(key) != value}
        try:
            if put:
                self._tag_call(row, tagging.operation, tagging.target, context, put)
            for key in removed:
                self._tag_call(row, tagging.undo, tagging.target, context, [key])
        except (GoneError, NotEmulatedError) as error:
            return [f"the tags were not set: {error}"]
        return []

    def _tag_call(self, row: Row, operation: str, target: Any, context: Mapping[str, Any], tags: Any) -> None:
        shape = self._session.shape(row.service, operation)
        fixed = fill(target, context)
        member = next(name for name in shape.members if "tag" in name.lower() and name not in fixed)
        if isinstance(tags, list) and shape.members[member].member.type_name == "structure":
            value: Any = [{"Key": key} for key in tags]
        else:
            value = to_parameters(tags, shape.members[member], {})
        self._session.call(row.service, operation, {**fixed, member: value})

    def _outputs(
        self, row: Row, context: dict[str, Any], inputs: Properties, old: Properties | None = None
    ) -> dict[str, Any]:
        answer = self._read(row, context)
        if answer is not MISSING and answer != {}:
            context["r"] = answer
        return self._with_computed(row, context, inputs, old or {})

    def _with_computed(
        self, row: Row, context: Mapping[str, Any], inputs: Properties, old: Properties
    ) -> dict[str, Any]:
        computed = {name: fill(template, context) for name, template in row.outputs.items()}
        facts = facts_of(row.type)
        named = {}
        if facts is not None and facts.physical_name is not None and len(facts.physical_name) == 1:
            name = str(facts.physical_name[0])
            named = {name: context[name]} if name in context else {}
        outputs = {**old, **named, **inputs}
        outputs.update({name: value for name, value in computed.items() if value is not MISSING})
        if row.enrich is not None:
            outputs.update(row.enrich(self._session, context))
        if facts is not None and "tagsAll" in facts.outputs:
            outputs["tagsAll"] = tags_of(inputs.get("tags") or {})
        return outputs

    def _record(self, urn: str, type: str, inputs: Properties, reason: str) -> Created:
        name = urn.rpartition("::")[2]
        id = f"{RECORDED}{name}"
        facts = facts_of(type)
        outputs: dict[str, Any] = {}
        for output in facts.outputs if facts is not None else ():
            if facts is not None and facts.outputs[output].shape == "string":
                outputs[output] = f"{id}.{output}"
        package, _, kind = type.rpartition(":")
        service = package.partition(":")[2].partition("/")[0]
        session = self._session
        outputs["arn"] = (
            f"arn:{partition_of(session.region)}:{service}:{session.region}:{session.account}:"
            f"{kind[:1].lower()}{kind[1:]}/{inputs.get('name', name)}"
        )
        return Created(id, {**outputs, **inputs}, reason)


def partition_of(region: str) -> str:
    """AWS partition of a region."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


def mark_of(urn: str) -> str:
    """What ``MARK`` holds for a resource."""
    return hashlib.sha256(urn.encode()).hexdigest()[:32]


def auto_name(urn: str, inputs: Properties) -> str:
    """A name for a resource that has none: the same for the same inputs, another for a replacement."""
    base = re.sub(r"[^A-Za-z0-9-]+", "-", urn.rpartition("::")[2]).strip("-").lower()
    digest = hashlib.sha256(f"{urn} {sorted(inputs.items(), key=str)}".encode()).hexdigest()[:7]
    return f"{base[:50]}-{digest}"


def _differs(wanted: Properties, actual: Properties) -> bool:
    return any(item.path[0] != "tags" for item in differences(wanted, actual))


def _means_gone(row: Row, error: ProviderError) -> bool:
    return any(text in str(error) for text in row.gone_when)


def _merge(fixed: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    merged = dict(given)
    for name, value in fixed.items():
        if isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = _merge(value, merged[name])
        else:
            merged[name] = value
    return merged
