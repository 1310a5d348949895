"""Identities that may do more than before: new actions, new resources, new managed policies, new callers of a role.

A permission is new where no former statement of the same resource covers it, wildcards considered. What a new role may
do is not listed: it comes with what needs it.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from mlops_iac.plan.impact import Impact, ImpactKind, ImpactRule, ImpactSeverity, Scene, Touched, each, listed
from mlops_iac.plan.model import Op
from mlops_iac.policies.documents import allows, principals, statements, texts
from mlops_iac.policies.inputs import Inputs

_MANAGED = "aws:iam/policy:Policy"
_POLICIES = (
    "aws:iam/groupPolicy:GroupPolicy",
    _MANAGED,
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/userPolicy:UserPolicy",
)
_ATTACHMENTS = ("aws:iam/rolePolicyAttachment:RolePolicyAttachment",)
_ROLE = "aws:iam/role:Role"
_EKS_ACCESS = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
_SOURCE: Final = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html"
_LATER: Final = "unknown:"
"""Starts the part of a document that is known only after apply."""
_PLACEHOLDER: Final = re.compile(r"\$\{\S+ ([^}]+)\}")


class _Grant(NamedTuple):
    """One permission: an action on a resource under conditions."""

    action: str
    resource: str
    conditions: str


def _find(scene: Scene) -> Iterator[Impact]:
    yield from each(scene.of_type(*_POLICIES), lambda found: _policy(scene, found))
    yield from each(scene.of_type(*_ATTACHMENTS), lambda found: _attachment(scene, found))
    yield from each(scene.of_type(_ROLE), lambda found: _trust(scene, found))
    yield from each(scene.of_type(_EKS_ACCESS), lambda found: _cluster_access(scene, found))


def _policy(scene: Scene, found: Touched) -> Iterator[Impact]:
    if found.op is Op.DELETE or _of_new_role(scene, found) or _only_for_new_roles(scene, found):
        return
    before, after = _grants(found.old), _grants(_inputs(scene, found, "policy"))
    new = [grant for grant in after if not _covered(grant, before)]
    if not new:
        return
    actions = sorted({grant.action for grant in new})
    known = {grant.action for grant in before}
    broad = [action for action in actions if action == "*" or action.endswith(":*")]
    fresh = [action for action in actions if action not in known]
    resources = sorted({_readable(grant.resource) for grant in new})
    severity = ImpactSeverity.HIGH if broad else ImpactSeverity.MEDIUM if fresh else ImpactSeverity.LOW
    yield _wider(
        found,
        severity,
        f"{_whose(found)} may do more: {listed(actions, 6)} on {listed(resources, 3)}",
        "check that what it works for needs this",
    )


def _attachment(scene: Scene, found: Touched) -> Iterator[Impact]:
    if found.op is Op.DELETE or _of_new_role(scene, found):
        return
    policy = found.new.text("policyArn")
    if policy and policy != (found.old.text("policyArn") if found.change.old else ""):
        name = policy.rpartition("/")[2]
        yield _wider(
            found,
            ImpactSeverity.HIGH if name.endswith(("FullAccess", "AdministratorAccess")) else ImpactSeverity.MEDIUM,
            f"{(found.component or (found.name,))[-1]} gets the managed policy {name}",
            "read what the policy allows; list the few actions that are needed instead where you can",
        )


def _trust(scene: Scene, found: Touched) -> Iterator[Impact]:
    if found.op is not Op.UPDATE:
        return
    before = _trusted(found.old)
    new = sorted(_trusted(_inputs(scene, found, "assumeRolePolicy")) - before)
    if new:
        yield _wider(
            found,
            ImpactSeverity.HIGH,
            f"role {found.name} may from now on be assumed by {listed(map(_readable, new))}",
            "check that these callers need the role's permissions",
        )


def _cluster_access(scene: Scene, found: Touched) -> Iterator[Impact]:
    if found.op is Op.DELETE or not scene.existed(found.component):
        return
    policy = found.new.text("policyArn").rpartition("/")[2]
    former = found.old.text("policyArn").rpartition("/")[2] if found.change.old else ""
    if policy and policy != former:
        spaces = [str(item) for item in found.new.list("accessScope.namespaces")]
        where = f"in namespace {listed(spaces)}" if spaces else "in the whole cluster"
        yield _wider(
            found,
            ImpactSeverity.HIGH if "Admin" in policy and not spaces else ImpactSeverity.MEDIUM,
            f"{found.name.partition('.')[2].removesuffix('-permission')} gets {policy} {where}",
            "check that this principal needs it",
        )


def _inputs(scene: Scene, found: Touched, name: str) -> Inputs:
    """The planned inputs, or where the document is known only after apply what can be read of it already."""
    if found.new.is_known(name):
        return found.new
    declared = scene.declared(found.change.urn)
    return declared.inputs if declared is not None else Inputs({})


def _of_new_role(scene: Scene, found: Touched) -> bool:
    roles = _sources(scene, found, "role")
    return any(each.change.urn in roles and each.op is Op.CREATE for each in scene.of_type(_ROLE))


def _sources(scene: Scene, found: Touched, name: str) -> frozenset[str]:
    """URNs of the resources that an input comes from."""
    declared = scene.declared(found.change.urn)
    return declared.sources.get(name, frozenset()) if declared is not None else frozenset()


def _only_for_new_roles(scene: Scene, found: Touched) -> bool:
    """A managed policy gives nothing by itself: what counts is who gets it."""
    if found.change.type != _MANAGED or found.op is not Op.CREATE:
        return False
    attached = [each for each in scene.of_type(*_ATTACHMENTS) if _attaches(scene, each, found)]
    return bool(attached) and all(_of_new_role(scene, each) for each in attached)


def _attaches(scene: Scene, attachment: Touched, policy: Touched) -> bool:
    """Whether an attachment names the policy, by reference or by an ARN that ends with its name."""
    if policy.change.urn in _sources(scene, attachment, "policyArn"):
        return True
    named = _inputs(scene, attachment, "policyArn").text("policyArn").rpartition("/")[2]
    return bool(named) and named == _inputs(scene, policy, "name").text("name")


def _grants(inputs: Inputs) -> list[_Grant]:
    if not inputs.has("policy"):
        return []
    return [
        _Grant(action, resource, repr(statement.at("Condition")))
        for statement in allows(statements(inputs.at("policy")))
        for action in texts(statement, "Action") or ["*"]
        for resource in texts(statement, "Resource") or ["*"]
    ]


def _covered(grant: _Grant, before: Sequence[_Grant]) -> bool:
    return any(
        fnmatchcase(grant.action.lower(), former.action.lower())
        and (fnmatchcase(grant.resource, former.resource) or _LATER in grant.resource)
        and former.conditions in (grant.conditions, repr(None))
        for former in before
    )


def _trusted(inputs: Inputs) -> set[str]:
    if not inputs.has("assumeRolePolicy"):
        return set()
    return {name for statement in allows(statements(inputs.at("assumeRolePolicy"))) for name in principals(statement)}


def _readable(text: str) -> str:
    """A resource in words: the placeholder of one that was never deployed is its name."""
    text = _PLACEHOLDER.sub(r"\1", text)
    return f"{text.partition(_LATER)[2]} (known after apply)" if _LATER in text else text


def _whose(found: Touched) -> str:
    return f"role {found.name.removesuffix('-policy')}" if "rolePolicy" in found.change.type else found.name


def _wider(found: Touched, severity: ImpactSeverity, message: str, action: str) -> Impact:
    return Impact(ImpactKind.WIDER_PERMISSIONS, severity, found.component, (found.name,), message, action, _SOURCE)


RULE = ImpactRule("wider-permissions", "A role, policy or cluster entry allows more than before.", _find)
