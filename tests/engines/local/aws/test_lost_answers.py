"""A create whose answer is lost: what it made is found and finished, for every type, and nothing is made twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from mlops_iac.engines.local.aws.provider import AwsProvider
from mlops_iac.engines.local.aws.session import Session
from mlops_iac.engines.local.aws.table import row_of
from mlops_iac.engines.local.patience import Patience
from mlops_iac.engines.local.provider import OutcomeUnknownError
from mlops_iac.plan.compare import differences

from .samples import RECORDED, SAMPLES
from .test_table import World, session, urn, world  # noqa: F401 - fixtures

SETTINGS = ("put_", "set_", "describe_", "register_scalable_target", "start_configuration_recorder", "update_detector")
"""Beginnings of creates that set a property of what is there, or only look: to do it twice is to do it once."""


def makes(type: str) -> bool:
    row = row_of(type)
    return row is not None and not row.recorded and not row.create.operation.startswith(SETTINGS)


class Losing(Session):
    """Loses the first answer to each operation; ``effects`` counts what took effect."""

    def __init__(self, real: Session) -> None:
        super().__init__(real.endpoint, real.region, real.account, Patience(lambda seconds: None))
        self._clients = real._clients
        self.effects: Counter[str] = Counter()

    def once(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        answer = super().once(service, operation, parameters)
        self.effects[operation] += 1
        if self.effects[operation] == 1:
            raise OutcomeUnknownError(f"the answer to {operation} was lost")
        return answer


@pytest.mark.parametrize("type", [type for type in sorted(SAMPLES) if type not in RECORDED and makes(type)])
def test_it_is_made_once(world: World, session: Session, type: str) -> None:  # noqa: F811
    row = row_of(type)
    assert row is not None
    inputs, _ = (world.resolve(part) for part in SAMPLES[type])
    losing = Losing(session)
    created = AwsProvider(losing).create(urn(type, "subject"), type, inputs)
    assert losing.effects[row.create.operation] == 1, "a second create"
    found = AwsProvider(session).read(urn(type, "subject"), type, created.id, inputs, created.outputs)
    assert found is not None
    assert list(differences(inputs, found.inputs)) == [], "not everything was set on what was found"
