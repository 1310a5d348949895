"""The phases of every command, in order: the page to read first.

    compose -> validate -> spec -> compile -> check -> plan -> impact -> cost -> gates -> (an engine applies)

Each phase is a pure function from one artifact to the next. It collects every diagnostic it can and raises
``DiagnosticsError`` if one of them is an error, so a run stops between phases, never inside one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from mlops_iac.compose.composition import ComposeRequest, Composition
from mlops_iac.cost.compare import MonthlyCost
from mlops_iac.diagnostics import Diagnostic, DiagnosticsError, Severity, raise_on_errors, sort_diagnostics
from mlops_iac.graph.nodes import LAYERS, Graph, Layer
from mlops_iac.plan.gates import GateFinding
from mlops_iac.plan.impact import Impact
from mlops_iac.plan.model import Plan
from mlops_iac.policies.policy import Finding, Policy
from mlops_iac.spec.system import System
from mlops_iac.state.snapshot import Snapshot
from mlops_iac.validate.validated import Validated

T = TypeVar("T")

NO_PROJECT_CODE_VARIABLE: Final = "MLOPS_IAC_NO_PROJECT_CODE"
"""Environment variable of CI that judges untrusted changes: nothing of the project is run. Read by entry points."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a plan compares with: the snapshot of each Pulumi project, and how to name it in a sentence.

    ``notes`` say what cannot be known from it. ``system`` is the configuration that it was compiled from, None for a
    state, which knows none.
    """

    text: str = "nothing deployed"
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict)
    notes: tuple[Diagnostic, ...] = ()
    system: System | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """Everything a run depends on: nothing else is read.

    ``today`` (ISO date) decides whether a waiver still holds; it is an input so that a run can be repeated. ``only``
    are the layers that are planned; the others are taken as they are deployed. ``project_code`` allows the check phase
    to run the Python files that ``policies.files`` lists.
    """

    compose: ComposeRequest
    baseline: Baseline = Baseline()
    today: str = ""
    only: tuple[Layer, ...] = LAYERS
    project_code: bool = True


@dataclass(frozen=True, slots=True)
class Run:
    """The artifacts produced so far; a phase fills the next one.

    ``decided`` are verdicts that an engine gave which the check phase had to leave open: see ``take_verdicts``.
    """

    request: Request
    composition: Composition | None = None
    validated: Validated | None = None
    system: System | None = None
    graph: Graph | None = None
    project_rules: tuple[Policy, ...] = ()
    findings: tuple[Finding, ...] = ()
    decided: tuple[Finding, ...] = ()
    plan: Plan | None = None
    impacts: tuple[Impact, ...] = ()
    cost: MonthlyCost | None = None
    gates: tuple[GateFinding, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether a policy, a gate or the engine's own preview stops an apply."""
        stopping = (finding.stops for found in (self.findings, self.gates) for finding in found)
        return any(stopping) or any(item.severity is Severity.ERROR for item in self.diagnostics)


def compose(run: Run) -> dict[str, Any]:
    """Files, groups and overrides to one configuration with origins."""
    from mlops_iac.compose import compose as compose_configuration

    composition = compose_configuration(run.request.compose)
    return {"composition": composition, "diagnostics": composition.diagnostics}


def validate(run: Run) -> dict[str, Any]:
    """Configuration to configuration that fits the JSON Schema and holds no credential."""
    from mlops_iac.validate import validate as validate_shape
    from mlops_iac.validate.secrets import find_secrets

    composition = _made(run.composition)
    secrets = find_secrets(composition, run.request.today)
    try:
        validated = validate_shape(composition)
    except DiagnosticsError as error:
        raise DiagnosticsError((*error.diagnostics, *secrets)) from None
    raise_on_errors(secrets)
    return {"validated": validated}


def spec(run: Run) -> dict[str, Any]:
    """Valid configuration to typed specs whose references resolve."""
    from mlops_iac.spec.load import load

    system = load(_made(run.validated))
    return {"system": system, "diagnostics": system.diagnostics}


def compile_system(run: Run) -> dict[str, Any]:
    """Typed specs to the resource graph, with what the policies themselves put into it."""
    from mlops_iac.compile.driver import compile_graph
    from mlops_iac.delivery.roles import ungranted
    from mlops_iac.policies.govern import govern_graph, level_diagnostics, remediation_diagnostics

    system, composition = _made(run.system), _made(run.composition)
    graph = govern_graph(compile_graph(system, composition), system, run.request.today)
    told = (*remediation_diagnostics(graph), *level_diagnostics(system, composition), *ungranted(graph, system))
    return {"graph": graph, "diagnostics": told}


def check(run: Run) -> dict[str, Any]:
    """Resource graph to policy findings, with warnings of waivers that do not do what they say."""
    from mlops_iac.policies.checker import check_graph, waiver_diagnostics
    from mlops_iac.policies.project import load_project_rules, printing_aside

    system, composition, today = _made(run.system), _made(run.composition), run.request.today
    section = system.core.policies
    allowed, taken = run.request.project_code, section.own
    project = load_project_rules(section.files, composition, allowed=allowed, taken=taken).policies
    with printing_aside():
        findings = check_graph(_made(run.graph), system, composition, today, project)
    return {
        "project_rules": project,
        "findings": findings,
        "diagnostics": waiver_diagnostics(system, findings, composition, today),
    }


def plan(run: Run) -> dict[str, Any]:
    """Resource graph and baseline to what an apply would do."""
    from mlops_iac.plan.diff import plan_graph

    baseline, only = run.request.baseline, run.request.only
    planned = plan_graph(_made(run.graph), baseline.snapshots, baseline.text, only=only)
    return {"plan": planned, "diagnostics": baseline.notes}


def impact(run: Run) -> dict[str, Any]:
    """Plan to what it does to the running system."""
    from mlops_iac.plan.impact import impacts_of

    found = impacts_of(
        _made(run.plan), _made(run.graph), _made(run.system), _made(run.composition), run.request.baseline.system
    )
    return {"impacts": found}


def cost(run: Run) -> dict[str, Any]:
    """Resource graph and baseline to what a month costs, with warnings of a budget that is too small."""
    from mlops_iac.cost.budget import budget_diagnostics
    from mlops_iac.cost.estimate import monthly_cost

    system, snapshots = _made(run.system), run.request.baseline.snapshots
    made = monthly_cost(_made(run.graph), system, snapshots, run.request.today)
    return {"cost": made, "diagnostics": budget_diagnostics(system, made.estimate, _made(run.composition))}


def gates(run: Run) -> dict[str, Any]:
    """Plan, impacts and cost to what the configuration refuses, with warnings of approvals that lift nothing."""
    from mlops_iac.plan.gates import approval_diagnostics, judge_gates
    from mlops_iac.plan.impact import scene_of

    system, composition, today = _made(run.system), _made(run.composition), run.request.today
    scene = scene_of(_made(run.plan), _made(run.graph), system)
    found = judge_gates(scene, run.impacts, _made(run.cost), composition, today)
    return {"gates": found, "diagnostics": tuple(approval_diagnostics(found, system, composition, today))}


@dataclass(frozen=True, slots=True)
class Phase:
    """A named step: ``make`` reads the run and returns the artifacts it adds."""

    name: str
    make: Callable[[Run], dict[str, Any]]


PHASES: tuple[Phase, ...] = (
    Phase("compose", compose),
    Phase("validate", validate),
    Phase("spec", spec),
    Phase("compile", compile_system),
    Phase("check", check),
    Phase("plan", plan),
    Phase("impact", impact),
    Phase("cost", cost),
    Phase("gates", gates),
)


def request_at(root: Path, overrides: tuple[str, ...] = (), today: str = "", *, project_code: bool = True) -> Request:
    """A request for the system in the folder ``root``, compared with nothing."""
    return Request(ComposeRequest(root.resolve(), overrides), today=today, project_code=project_code)


def run_phases(request: Request, until: str = "gates") -> Run:
    """Run every phase up to and including ``until``.

    Raises ``DiagnosticsError`` with all findings of the first phase that found an error.
    """
    run = Run(request)
    for phase in PHASES:
        run = _advance(run, phase)
        if phase.name == until:
            return run
    raise ValueError(f"no phase {until!r}")


def baseline_of(snapshots: Mapping[str, Snapshot], text: str) -> Baseline:
    """A baseline of the states by project; nothing deployed when there are none."""
    return Baseline(text, snapshots) if snapshots else Baseline()


def plan_against(run: Run, baseline: Baseline, only: tuple[Layer, ...] = LAYERS) -> Run:
    """Take a checked run through the phases that are left, with a baseline that was chosen after its environment."""
    run = replace(run, request=replace(run.request, baseline=baseline, only=only))
    names = [phase.name for phase in PHASES]
    for phase in PHASES[names.index("plan") :]:
        run = _advance(run, phase)
    return run


def take_verdicts(run: Run, decided: tuple[Finding, ...]) -> Run:
    """A run whose open findings have the verdicts that an engine, which knew more, gave meanwhile."""
    from mlops_iac.policies.checker import worth_telling
    from mlops_iac.policies.settle import take_decided

    return replace(run, decided=decided, findings=worth_telling(take_decided(run.findings, decided)))


def gate_diagnostics(run: Run) -> tuple[Diagnostic, ...]:
    """What gates refuse, and what an approval lifted, as diagnostics."""
    from mlops_iac.plan.gates import gate_diagnostic

    system, composition = _made(run.system), _made(run.composition)
    return tuple(gate_diagnostic(finding, system, composition, run.request.today) for finding in run.gates)


def environment_of(run: Run) -> str:
    """Name of the environment that a compiled run is for."""
    return _made(run.graph).environment


def _advance(run: Run, phase: Phase) -> Run:
    made = phase.make(run)
    diagnostics = sort_diagnostics((*run.diagnostics, *made.get("diagnostics", ())))
    return replace(run, **{**made, "diagnostics": diagnostics})


def _made(artifact: T | None) -> T:
    if artifact is None:
        raise ValueError("a phase ran before the one that makes what it reads")
    return artifact
