"""What every engine can do, so that a verb is written once: ``local`` on this machine, ``pulumi`` by the real CLI."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.codes import PROTECTED
from mlops_iac.engines.events import OwnPreview, RunResult
from mlops_iac.engines.states import States
from mlops_iac.graph.nodes import LAYERS, Graph, Layer
from mlops_iac.plan.adoption import MOVED, Adoption, Wanted
from mlops_iac.plan.model import Plan
from mlops_iac.plan.reviewed import Reviewed
from mlops_iac.state.checkpoint import parse_urn
from mlops_iac.state.snapshot import Snapshot


class Engine(Protocol):
    """Applies graphs and keeps their state. ``only`` limits a method to some layers; the others are left alone.

    Every method raises ``DiagnosticsError`` when the state cannot be read, is locked or cannot be written, and when
    what the engine needs is not there. What fails while it runs is in the result.
    """

    @property
    def place(self) -> str:
        """Where it applies, for a sentence: ``the local target``."""
        ...

    @property
    def details(self) -> tuple[tuple[str, str], ...]:
        """What somebody must know before agreeing to a change, as (what, value): account, region, backend, stacks."""
        ...

    @property
    def states(self) -> States:
        """What it keeps."""
        ...

    def named(self, graph: Graph) -> Graph:
        """The graph with the names that its stacks have here, which every other method expects."""
        ...

    def snapshots(self, graph: Graph) -> dict[str, Snapshot]:
        """The state of each stack of the system and environment by project, also of layers that ``graph`` lost.

        Stacks that were never deployed are left out. Takes no lock.
        """
        ...

    def own_preview(
        self, plan: Plan, graph: Graph, only: Collection[Layer] = LAYERS, *, binding: bool = False
    ) -> OwnPreview:
        """What the engine would do otherwise than ``plan`` says, and which verdicts it decides; changes nothing.

        ``binding`` asks for its own plans too. Raises ``DiagnosticsError`` then for a layer that it cannot plan yet.
        """
        ...

    def up(self, graph: Graph, only: Collection[Layer] = LAYERS, reviewed: Reviewed | None = None) -> RunResult:
        """Bring the layers in order to what ``graph`` declares; one that reads a layer with a failure is not tried.

        Layers that the state has and the graph does not are deleted last, users first. With ``reviewed`` only what
        that plan has is done: raises ``DiagnosticsError`` before any change where more is known to be needed, and fails
        at a resource where it turns out later.
        """
        ...

    def refresh(self, graph: Graph, only: Collection[Layer] = LAYERS) -> RunResult:
        """Read every resource and take what is found into the state."""
        ...

    def read_existing(self, graph: Graph, wanted: Sequence[Wanted]) -> Adoption:
        """Read what exists by its ids, and say how it differs from what is declared; nothing is recorded.

        What cannot be adopted is among the failures.
        """
        ...

    def adopt(self, graph: Graph, agreed: Adoption) -> RunResult:
        """Take what ``read_existing`` answered into the state, with the components and providers that it belongs to.

        Nothing that exists is changed. Raises ``DiagnosticsError`` where it is no longer as it was read.
        """
        ...

    def look(self, graph: Graph, only: Collection[Layer] = LAYERS, urns: Collection[str] | None = None) -> RunResult:
        """Read every resource and say what is not as the state says; the state stays as it is.

        With ``urns`` only those are read, called as the state calls them.
        """
        ...

    def destroy(self, graph: Graph, only: Collection[Layer] = LAYERS, *, forget: bool = False) -> RunResult:
        """Delete every resource of the environment, users first; with ``forget`` only from the state."""
        ...

    def stop_if_empty(self) -> None:
        """End what runs only to hold resources, once no state has any: the local target's servers."""
        ...

    def cancel(self, graph: Graph, only: Collection[Layer] = LAYERS) -> tuple[str, ...]:
        """Release what a run that died still holds; answers what was released, in words."""
        ...


def refuse_worse(agreed: Adoption, found: Adoption) -> None:
    """Raise ``DiagnosticsError`` where what was agreed to cannot be read any more, or would now be replaced."""
    before = {item.wanted.urn: item.replaced for item in agreed.resources}
    moved = [item.wanted for item in found.resources if set(item.replaced) - set(before.get(item.wanted.urn, ()))]
    hint = "nothing was recorded; run the command again"
    problems = [item.diagnostic(MOVED, "it is not as it was a moment ago", hint) for item in moved]
    if problems or found.failures:
        raise DiagnosticsError([*found.failures, *problems])


def refuse_protected(states: Iterable[Snapshot]) -> None:
    """Raise ``DiagnosticsError`` where a resource is protected: one layer must not leave the others half destroyed."""
    protected = [resource for snapshot in states for resource in snapshot.resources if resource.protect]
    if protected:
        raise DiagnosticsError(
            Diagnostic(
                PROTECTED,
                f"{resource.type} {parse_urn(resource.urn).name} is protected; nothing was deleted",
                "take the protection away first, in a run of its own",
            )
            for resource in protected
        )
