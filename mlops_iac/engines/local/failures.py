"""What can go wrong with one resource, in words and with its place in the configuration."""

from __future__ import annotations

from collections.abc import Mapping

from mlops_iac.diagnostics import Diagnostic
from mlops_iac.engines.codes import PROTECTED
from mlops_iac.engines.local.codes import (
    MISSING_OUTPUT,
    OUTCOME_UNKNOWN,
    REFUSED_INPUTS,
    RESOURCE_FAILED,
)
from mlops_iac.graph.nodes import Node
from mlops_iac.graph.values import Ref, StackOutput
from mlops_iac.plan.reviewed import NOT_PLANNED
from mlops_iac.state.checkpoint import parse_urn


class Failed(Exception):  # noqa: N818
    """One resource failed; carries its diagnostic."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__(diagnostic.message)


class Wording:
    """Words failures; ``nodes`` are the declared ones by URN, for their place in the configuration."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self._nodes = nodes

    def protected(self, urn: str) -> Diagnostic:
        """A resource would go although it is protected."""
        parsed = parse_urn(urn)
        text = f"{parsed.type} {parsed.name} is protected, and this run would delete or replace it"
        return self._located(PROTECTED, urn, text, "take the protection away first, in a run of its own")

    def not_planned(self, urn: str, objection: str) -> Diagnostic:
        """An operation is not in the reviewed plan."""
        hint = "nothing was done to it; preview again, have it reviewed, and apply the new plan"
        return self._located(NOT_PLANNED, urn, f"{_named(urn)}: {objection}", hint)

    def missing(self, urn: str, name: str, ref: Ref | StackOutput) -> Diagnostic:
        """The input ``name`` needs an output that does not exist."""
        if isinstance(ref, StackOutput):
            source = f"output {ref.name!r} of the {ref.layer} layer"
            hint = f"deploy the {ref.layer} layer first"
        else:
            source = f"output {'.'.join(map(str, ref.path))!r} of {ref.node.type} {ref.node.name}"
            hint = "the resource does not have it on the local target; please report it with the configuration"
        parsed = parse_urn(urn)
        text = f"{parsed.type} {parsed.name}: input {name!r} needs {source}, which is not there"
        return self._located(MISSING_OUTPUT, urn, text, hint)

    def refused(self, urn: str, reasons: str) -> Diagnostic:
        """The provider would not take the inputs."""
        parsed = parse_urn(urn)
        hint = "correct the configuration of the component"
        return self._located(REFUSED_INPUTS, urn, f"{parsed.type} {parsed.name}: {reasons}", hint)

    def failed(self, urn: str, verb: str, error: Exception) -> Diagnostic:
        """The provider refused a call, which had no effect."""
        hint = "correct the cause and run the command again; finished resources are kept"
        return self._located(RESOURCE_FAILED, urn, f"{_named(urn)}: {verb} failed: {error}", hint)

    def unanswered(self, urn: str, verb: str, error: Exception) -> Diagnostic:
        """A call may have taken effect."""
        hint = "run the command again: it first finds out what happened"
        return self._located(OUTCOME_UNKNOWN, urn, f"{_named(urn)}: the {verb} ended without an answer: {error}", hint)

    def broken(self, urn: str, verb: str, error: Exception) -> Diagnostic:
        """A call ended in a way that no provider should."""
        hint = "this is a fault of the local engine; please report it with the configuration"
        text = f"{_named(urn)}: {verb} broke off: {type(error).__name__}: {error}"
        return self._located(OUTCOME_UNKNOWN, urn, text, hint)

    def _located(self, code: str, urn: str, message: str, hint: str) -> Diagnostic:
        node = self._nodes.get(urn)
        if node is None:
            return Diagnostic(code, message, hint)
        return Diagnostic(code, message, hint, node.source, node.component)


def _named(urn: str) -> str:
    parsed = parse_urn(urn)
    return f"{parsed.type} {parsed.name}"
