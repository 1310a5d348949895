"""Serves every AWS resource type of the table through one set of verbs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops_iac.engines.local.aws.calls import Calls, mark_of, means_gone
from mlops_iac.engines.local.aws.context import context_of, inputs_told, name_in, own_inputs, partition_of
from mlops_iac.engines.local.aws.functions import invoke
from mlops_iac.engines.local.aws.row import ALL, Group, Row
from mlops_iac.engines.local.aws.session import (
    ExistsError,
    GoneError,
    NotEmulatedError,
    Session,
)
from mlops_iac.engines.local.aws.shapes import observed, reported, tags_of
from mlops_iac.engines.local.aws.table import row_of
from mlops_iac.engines.local.aws.templates import MISSING, fill, value_at
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


class AwsProvider:
    """AWS as ``session`` reaches it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._calls = Calls(session)

    def check(self, urn: str, type: str, news: Properties, olds: Properties) -> tuple[CheckFailure, ...]:
        """The shape check."""
        return check_by_facts(type, news)

    def create(self, urn: str, type: str, inputs: Properties) -> Created:
        """Create a resource, or record it where the emulator has no such call."""
        row = row_of(type)
        if row is None or row.recorded:
            reason = row.recorded if row is not None else f"the local engine has no calls for {type}"
            return self._record(urn, type, inputs, reason)
        context = context_of(self._session, urn, row, inputs)
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
        context = context_of(self._session, urn, row, inputs, outputs, id)
        answer = self._calls.read(row, context)
        if answer is MISSING:
            return None
        context["r"] = answer
        answer = self._calls.with_more(row, context, answer)
        own = {name: value for name, value in own_inputs(row, inputs).items() if name not in row.unseen}
        actual = {**inputs, **observed(own, answer, row.names)}
        return Found(id, actual, self._with_computed(row, context, actual, outputs))

    def adopt(self, urn: str, type: str, id: str, declared: Properties) -> Found | None:
        """The resource of that id, whatever the inputs call it."""
        row = row_of(type)
        if row is None or row.recorded or row.read is None:
            reason = row.recorded if row is not None and row.recorded else "the local target has no call that reads it"
            raise ProviderError(f"{type} cannot be adopted: {reason}")
        told = inputs_told(self._session, urn, row, id, declared)
        context = context_of(self._session, urn, row, {**declared, **told}, {}, id)
        own_id = fill(row.id, context)
        if isinstance(own_id, str):
            context["id"] = own_id
        answer = self._calls.read(row, context)
        if answer is MISSING:
            return None
        if answer == {}:
            raise ProviderError(f"{type} cannot be adopted: the emulator does not tell what it has")
        context["r"] = answer
        answer = self._calls.with_more(row, context, answer)
        actual = _adopted(row, id, told, declared, answer)
        canonical = fill(row.id, context)
        found = canonical if isinstance(canonical, str) else id
        return Found(found, actual, self._with_computed(row, {**context, **actual}, actual, {}))

    def find(self, urn: str, type: str, inputs: Properties) -> tuple[Found, ...]:
        """By our mark where the row says how to list, else by the id that the inputs give."""
        row = row_of(type)
        if row is None or row.recorded:
            return ()
        context = context_of(self._session, urn, row, inputs)
        context["mark"] = mark_of(urn)
        ids: list[Any]
        if row.find is not None:
            try:
                listed = value_at(self._calls.make(row, row.find, context, {}), row.found)
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
        context = context_of(self._session, urn, row, news, old_outputs, id)
        changed = {name for name in {*old_inputs, *news} if old_inputs.get(name) != news.get(name)}
        changed -= {"region", *row.skip}
        notes = []
        if row.tags is not None and "tags" in changed:
            notes += self._calls.retag(row, context, old_inputs.get("tags") or {}, news.get("tags") or {})
            changed.discard("tags")
        covered: set[str] = set()
        for group in row.groups:
            own = self._covers(row, group, changed)
            covered |= own
            if own and (old_inputs or self._calls.gives(row, group, context)):
                notes += self._calls.apply(row, group, context, again=not old_inputs)
        left = changed - covered
        if left and old_inputs:
            notes.append(f"the local engine has no call that changes {', '.join(sorted(left))}")
        return Updated(self._outputs(row, context, news, old_outputs), "; ".join(notes) or None)

    def delete(self, urn: str, type: str, id: str, inputs: Properties, outputs: Properties) -> None:
        """Make the row's delete calls; what is gone already is fine."""
        row = row_of(type)
        if row is None or row.recorded or id.startswith(RECORDED):
            return
        context = context_of(self._session, urn, row, inputs, outputs, id)
        if row.clear is not None:
            row.clear(self._session, context)
        for call in row.delete:
            if call.when and fill(call.when, context) in (MISSING, None, False, ""):
                continue
            try:
                self._calls.make(row, call, context, {})
            except GoneError:
                continue
            except NotEmulatedError as error:
                if "moto itself" in str(error) and self._calls.read(row, context) is not MISSING:
                    raise
            except ProviderError as error:
                if not means_gone(row, error):
                    raise

    def invoke(self, token: str, args: Properties) -> Properties:
        """The few functions that programs ask at start. Raises ``ProviderError`` for others."""
        return invoke(self._session, token)

    def _made(self, urn: str, row: Row, context: Mapping[str, Any], inputs: Properties) -> dict[str, Any] | Found:
        """The answer to the create; or, where an answer was lost, what is found to have been made by that try."""
        # What is found already is the copy that a replacement is about to succeed; names are given once only.
        former = {item.id for item in self.find(urn, row.type, inputs)} if row.find is not None else set()
        lost = False

        def attempt() -> dict[str, Any] | Found:
            nonlocal lost
            try:
                return self._calls.make(row, row.create, context, self._for_create(row, context), mark=urn, once=True)
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

    def _for_create(self, row: Row, context: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs that the create call takes."""
        later = {name for group in row.groups if group.after for name in group.properties}
        if row.tags is not None and row.tags.after:
            later.add("tags")
        if row.create.take != ALL:
            return {name: context[name] for name in row.create.take if name in context}
        inputs = own_inputs(row, context)
        return {name: value for name, value in inputs.items() if name not in later}

    def _is_seen(self, urn: str, row: Row, inputs: Properties, id: str) -> bool:
        """Whether a read tells that it is there, and not only that the emulator cannot say."""
        return row.read is None or self._calls.read(row, context_of(self._session, urn, row, inputs, {}, id)) != {}

    def _finish(self, row: Row, context: dict[str, Any], inputs: Properties) -> list[str]:
        """The calls after a create. When one fails, what was created is deleted again."""
        notes: list[str] = []
        try:
            context["o"] = self._outputs(row, context, inputs)
            if row.tags is not None and row.tags.after and inputs.get("tags"):
                notes += self._calls.retag(row, context, {}, inputs["tags"])
            for group in row.groups:
                if group.after and any(inputs.get(name) is not None for name in group.properties):
                    notes += self._calls.apply(row, group, context)
        except ProviderError as error:
            try:
                for call in row.delete:
                    self._calls.make(row, call, context, {})
            except ProviderError as second:
                raise OutcomeUnknownError(f"{error}; and undoing the create failed: {second}") from error
            raise
        return notes

    def _covers(self, row: Row, group: Group, changed: set[str]) -> set[str]:
        if group.properties != ALL:
            return changed & set(group.properties)
        others = {name for other in row.groups if other is not group for name in other.properties}
        return changed - others

    def _outputs(
        self, row: Row, context: dict[str, Any], inputs: Properties, old: Properties | None = None
    ) -> dict[str, Any]:
        answer = self._calls.read(row, context)
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


def _adopted(row: Row, id: str, told: Properties, declared: Properties, answer: Any) -> dict[str, Any]:
    """The inputs of what is adopted, from what its id has ``told`` and a read answers.

    In the form that is declared, where something is: then only what is declared is looked at, and tags.
    """
    facts = facts_of(row.type)
    inputs = facts.inputs if facts is not None else {}
    told = {name: value for name, value in told.items() if name in inputs}
    seen = {name: inputs[name] for name in own_inputs(row, dict.fromkeys(inputs)) if name not in row.unseen}
    name = name_in(row, id)
    actual = {**name, **reported(answer, seen, row.names), **told}
    if not declared:
        return actual
    tags = {"tags": actual["tags"]} if "tags" in actual and "tags" not in declared else {}
    name, told = ({key: value for key, value in some.items() if key in declared} for some in (name, told))
    own = {key: value for key, value in own_inputs(row, declared).items() if key not in row.unseen}
    return {**declared, **tags, **name, **observed({**own, **name}, answer, row.names), **told}


def _differs(wanted: Properties, actual: Properties) -> bool:
    return any(item.path[0] != "tags" for item in differences(wanted, actual))
