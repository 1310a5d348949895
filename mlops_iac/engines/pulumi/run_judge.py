"""The pack that ``run_pack`` writes: one system's rules, for what its offline check could not judge.

A resource of the system is judged only where its verdict waited for a value, by the rule that waited; that it turned
out well is told as advice. Any other resource is judged by every rule of the system, with the enforcement that it has
there. A rule about one resource stops it before it is made; one that looks at neighbours speaks when the whole stack is
known.

The SDK prepares every resource anew for each policy of a pack, so the rules share one policy for each enforcement.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy import (
    Policy as PackPolicy,
)

from mlops_iac.compose.composition import ComposeRequest
from mlops_iac.engines.pulumi.policy_pack import (
    BLIND,
    NAME,
    argument_view,
    checked,
    message_of,
    needs_neighbours,
    plain_data,
    registered_view,
)
from mlops_iac.engines.pulumi.program import OVERRIDES_VARIABLE
from mlops_iac.engines.pulumi.run_pack import FIX, HOLDS
from mlops_iac.engines.pulumi.update_log import nodes_by_urn
from mlops_iac.pipeline import Request, Run, run_phases
from mlops_iac.policies.checker import covers, diagnostic_of, rules_of, waivers_in_force
from mlops_iac.policies.policy import Policy, ResourceView, StackView, Verdict
from mlops_iac.policies.settle import decide
from mlops_iac.policies.views import view_graph, view_system
from mlops_iac.state.checkpoint import without_stack

MANDATORY: Final = EnforcementLevel.MANDATORY
ADVISORY: Final = EnforcementLevel.ADVISORY


def serve(root: str, environment: str, today: str, project_code: bool) -> None:
    """Serve the pack of the system in the folder ``root`` to the engine; returns when the engine is done."""
    given = json.loads(os.environ.get(OVERRIDES_VARIABLE) or "[]")
    request = Request(
        ComposeRequest(Path(root), (f"env={environment}", *given)), today=today, project_code=project_code
    )
    PolicyPack(NAME, RunJudge(run_phases(request, until="check")).policies())


class RunJudge:
    """Judges what a checked run left open, and resources that it never saw."""

    def __init__(self, run: Run) -> None:
        if run.graph is None or run.system is None:
            raise ValueError("the check phase ran without a system")
        graph, system, today = run.graph, run.system, run.request.today
        self._urns = {without_stack(urn): urn for stack in graph.stacks for urn in nodes_by_urn(stack)}
        # The SDK hands secrets over as plain values, so what has to tell them from text stays as it was judged.
        findings = [found for found in run.findings if found.policy.id not in BLIND]
        self._decide = decide(findings, lambda: view_graph(graph, system, today))
        self._system = view_system(system, today)
        self._waivers = waivers_in_force(system, today)
        self._levels: dict[EnforcementLevel, list[Policy]] = {MANDATORY: [], ADVISORY: []}
        for policy, enforcement in rules_of(system, run.project_rules).items():
            stops = enforcement.stops and not policy.spans and policy.id not in BLIND
            self._levels[MANDATORY if stops else ADVISORY].append(policy)

    def policies(self) -> list[PackPolicy]:
        """What the pack serves: for each enforcement, one policy of single resources and one of whole stacks."""
        return [policy for level in self._levels for policy in self._serving(level)]

    def _serving(self, level: EnforcementLevel) -> Iterator[PackPolicy]:
        alone = [policy for policy in self._levels[level] if not needs_neighbours(policy)]
        together = [policy for policy in self._levels[level] if policy not in alone]

        def on_resource(args: ResourceValidationArgs, report: ReportViolation) -> None:
            known = self._urns.get(without_stack(args.urn))
            if known is None:
                judged = argument_view(args)
                self._judge(alone, [judged], StackView((judged,), self._system, whole=False), report)
            elif level is MANDATORY:
                for found in self._decide(known, plain_data(args.props)):
                    if found.result.verdict is Verdict.FAIL:
                        told = diagnostic_of(found)
                        report(f"{told.message}{FIX}{told.hint}", args.urn)
            else:
                for found in self._decide(known, plain_data(args.props)):
                    if found.result.verdict not in (Verdict.FAIL, Verdict.UNKNOWN):
                        report(f"{found.policy.id}: {HOLDS}", args.urn)

        def on_stack(args: StackValidationArgs, report: ReportViolation) -> None:
            if any(self._is_foreign(resource.urn) for resource in args.resources):
                views = tuple(map(registered_view, args.resources))
                foreign = [resource for resource in views if self._is_foreign(resource.urn)]
                self._judge(together, foreign, StackView(views, self._system, whole=False), report)

        yield ResourceValidationPolicy(f"{level.value}-rules", "Rules about one resource", on_resource, level)
        yield StackValidationPolicy(f"{level.value}-rules-of-stacks", "Rules about neighbours", on_stack, level)

    def _judge(
        self, policies: Sequence[Policy], resources: Sequence[ResourceView], stack: StackView, report: ReportViolation
    ) -> None:
        for resource in resources:
            for policy in policies:
                if self._is_foreign(resource.urn) and not any(covers(w, policy, ()) for w in self._waivers):
                    result = checked(policy, resource, stack)
                    if result.verdict is Verdict.FAIL:
                        report(f"{policy.id}: {message_of(policy, resource, result)}", resource.urn)

    def _is_foreign(self, urn: str) -> bool:
        """Whether the user's program registered it beside the system's; providers and such judge themselves."""
        return without_stack(urn) not in self._urns and "pulumi:" not in urn.split("::")[2].rpartition("$")[2]
