"""What the templates of a row may name: a resource's inputs and outputs, its id, and where it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mlops_iac.engines.local.autonaming import auto_name
from mlops_iac.engines.local.aws.row import Row
from mlops_iac.engines.local.aws.session import Session
from mlops_iac.engines.local.aws.templates import fill, form_of, parts_of
from mlops_iac.engines.local.provider import Properties, ProviderError
from mlops_iac.providers.facts import facts_of


def context_of(
    session: Session,
    urn: str,
    row: Row,
    inputs: Properties,
    outputs: Properties | None = None,
    id: str | None = None,
) -> dict[str, Any]:
    """What the templates of ``row`` may name for the resource ``urn``; its hook has seen it."""
    context = dict(inputs)
    facts = facts_of(row.type)
    name = facts.physical_name if facts is not None else None
    if facts is not None and name is not None and len(name) == 1 and facts.autonamed:
        kept = (outputs or {}).get(str(name[0]))
        context.setdefault(str(name[0]), kept or auto_name(urn, inputs))
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


def own_inputs(row: Row, context: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of the resource among what its templates may name, but for those that no call takes."""
    facts = facts_of(row.type)
    known = set(facts.inputs) if facts is not None and not facts.open else set(context)
    left_out = {"region", *row.skip, "o", "r", "account", "partition", "logical", "id", "mark"}
    return {name: context[name] for name in context if name in known and name not in left_out}


def inputs_told(session: Session, urn: str, row: Row, id: str, declared: Properties) -> dict[str, Any]:
    """The inputs that an id tells. Raises ``ProviderError`` where it has another form than the row's."""
    if declared and fill(row.id, context_of(session, urn, row, declared)) == id:
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


def name_in(row: Row, id: str) -> dict[str, str]:
    """The name at the end of an id that is an ARN or a URL, for services that do not repeat it."""
    facts = facts_of(row.type)
    name = facts.physical_name if facts is not None else None
    if name is None or len(name) != 1 or not id.startswith(("arn:", "http://", "https://")):
        return {}
    return {str(name[0]): re.split("[:/]", id)[-1]}


def partition_of(region: str) -> str:
    """AWS partition of a region."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
