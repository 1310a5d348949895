"""Reads other layers' stack outputs, also when such a stack has never been deployed.

A ``StackReference`` to a stack that is not there fails the whole program, so that nobody could preview one layer
before the layers below it exist. The stack is therefore asked for its outputs first: what is missing is unknown in
a preview, and an error, found before anything is registered, in an update.
Source: https://www.pulumi.com/docs/iac/concepts/stacks/#stackreferences
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pulumi

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.pulumi.codes import MISSING_OUTPUT
from mlops_iac.graph.values import StackOutput

READ_OUTPUTS = "pulumi:pulumi:readStackOutputs"
_NO_SUCH_STACK = ("unknown stack", "no stack named", "not found")


class StackOutputs:
    """The outputs of the other layers' stacks that one program needs.

    ``address`` gives the full name (organization/project/stack) of a layer's stack. With ``foreseen``, outputs by layer
    and name that a stack is about to export, nothing is required: what is missing is unknown in an update, too.
    """

    def __init__(
        self,
        wanted: Iterable[StackOutput],
        address: Callable[[str], str],
        foreseen: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._address = address
        self._foreseen = foreseen or {}
        self._references: dict[str, pulumi.StackReference] = {}
        self._exported: dict[str, frozenset[str]] = {}
        outputs = sorted(set(wanted), key=lambda output: (output.layer, output.name))
        for layer in dict.fromkeys(output.layer for output in outputs):
            found = _outputs_of(address(layer))
            self._exported[layer] = frozenset(found or ())
            if found is not None:
                self._references[layer] = pulumi.StackReference(address(layer))
        self.missing = tuple(
            output
            for output in outputs
            if output.name not in self._exported[output.layer] and output.name not in self._foreseen_of(output.layer)
        )
        if self.missing and foreseen is None and not pulumi.runtime.is_dry_run():
            raise DiagnosticsError(self._not_deployed(output) for output in self.missing)
        for layer in dict.fromkeys(output.layer for output in self.missing):
            names = [output.name for output in self.missing if output.layer == layer]
            pulumi.log.info(self._unknown_yet(layer, names))

    def of(self, output: StackOutput) -> pulumi.Output[Any]:
        """The value of ``output``; unknown where it is not exported yet."""
        foreseen = self._foreseen_of(output.layer)
        if output.name in foreseen:
            return pulumi.Output.from_input(foreseen[output.name])
        if output.name not in self._exported[output.layer]:
            return unknown()
        return self._references[output.layer].get_output(output.name)

    def _foreseen_of(self, layer: str) -> Mapping[str, Any]:
        return self._foreseen.get(layer, {})

    def _unknown_yet(self, layer: str, names: Sequence[str]) -> str:
        if layer in self._references and self._exported[layer]:
            return f"unknown here, since {self._address(layer)} does not export it yet: {', '.join(names)}"
        return f"{self._address(layer)} is not deployed yet: what is read from it ({len(names)}) is unknown here"

    def _not_deployed(self, output: StackOutput) -> Diagnostic:
        address = self._address(output.layer)
        return Diagnostic(
            MISSING_OUTPUT,
            f"stack {address} does not export {output.name!r} yet",
            f"deploy the {output.layer} layer first: `pulumi up` in its project",
        )


def unknown() -> pulumi.Output[Any]:
    """An output whose value is known only after another stack was deployed."""

    def resolved(value: Any) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_event_loop().create_future()
        future.set_result(value)
        return future

    return pulumi.Output(set(), resolved(pulumi.UNKNOWN), resolved(False), resolved(False))


def _outputs_of(address: str) -> Iterable[str] | None:
    """Names of what a stack exports; None where it does not exist. Other failures are the caller's to show."""
    try:
        answer = pulumi.runtime.invoke(READ_OUTPUTS, {"name": address}).value
    except Exception as error:
        # The SDK raises a bare Exception with the engine's text: no narrower type exists.
        if any(text in str(error) for text in _NO_SUCH_STACK):
            return None
        raise
    return tuple((answer or {}).get("outputs") or ())
