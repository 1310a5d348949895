"""A provider that creates nothing and takes no time: what the real Pulumi engine is measured with."""

from __future__ import annotations

from mlops_iac.engines.local.provider import (
    CheckFailure,
    Created,
    Found,
    Properties,
    Updated,
)


def make(package: str, config: Properties) -> StandIn:
    """The factory that the plugin server and the local engine call."""
    return StandIn()


class StandIn:
    """Says yes to everything."""

    def check(self, urn: str, type: str, news: Properties, olds: Properties) -> tuple[CheckFailure, ...]:
        """Every input is fine."""
        return ()

    def create(self, urn: str, type: str, inputs: Properties) -> Created:
        """A resource whose outputs are its inputs, and every output that another one may ask for by a usual name."""
        return Created(urn.rpartition("::")[2], {**_USUAL, **inputs})

    def read(self, urn: str, type: str, id: str, inputs: Properties, outputs: Properties) -> Found | None:
        """As it was."""
        return Found(id, inputs, outputs)

    def find(self, urn: str, type: str, inputs: Properties) -> tuple[Found, ...]:
        """Nothing was left behind."""
        return ()

    def update(
        self, urn: str, type: str, id: str, old_inputs: Properties, old_outputs: Properties, news: Properties
    ) -> Updated:
        """As asked."""
        return Updated({**_USUAL, **news})

    def delete(self, urn: str, type: str, id: str, inputs: Properties, outputs: Properties) -> None:
        """Done."""

    def invoke(self, token: str, args: Properties) -> Properties:
        """No answer."""
        return {}


_USUAL = dict.fromkeys(("arn", "name", "id", "url", "endpoint"), "stand-in")
