"""A high-risk system says what it is for, whose it is and how risky.

Source: https://eur-lex.europa.eu/eli/reg/2024/1689/oj#art_11
"""

from __future__ import annotations

import json
from typing import Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.policy import (
    NOT_APPLICABLE,
    PASS,
    Enforcement,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    SystemView,
    fail,
    fails,
    neighbour,
    passes,
    skips,
    text_of,
    waits,
)
from mlops_iac.policies.serving import ENDPOINT, MODEL_CARD

CARD_PARTS: Final = ("intended_uses", "business_details")


def check(resource: ResourceView, stack: StackView) -> Result:
    """A high-risk system has an owner and a purpose, and its endpoints' model a card that says use and risk."""
    system = stack.system
    if not system.high_risk:
        return NOT_APPLICABLE
    if resource.type == MODEL_CARD:
        content = resource.inputs.text("content")
        absent = [part for part in CARD_PARTS if f'"{part}"' not in content]
        return fail(f"says nothing of {text_of(absent)}", "content") if absent else PASS
    purpose = system.purpose or any(stack.of_type(MODEL_CARD))
    unset = [name for name, value in (("purpose", purpose), ("owner", system.owner)) if not value]
    if unset:
        return fail(f"belongs to a high-risk system without {text_of(unset)}")
    documented = _card_declared(resource, system) if system.declared else any(stack.of_type(MODEL_CARD))
    return PASS if documented else fail("serves a model without a model card")


def _card_declared(endpoint: ResourceView, system: SystemView) -> bool:
    names = {name for name, data in system.components("endpoints") if endpoint.component[:2] == ("endpoints", name)}
    served = {
        data.text("model.registry") for name, data in system.components("endpoints") if not names or name in names
    }
    return all(data.flag("card") for name, data in system.components("models") if name in served)


_HIGH = SystemView(risk_class="high", purpose="scoring", owner="ml@example.com")
_CARD = {"content": json.dumps({part: {} for part in CARD_PARTS})}


POLICY = Policy(
    id="gov-high-risk-documented",
    title="High-risk systems are documented",
    why="Nobody can judge whether a model is used rightly without knowing what it was made for.",
    fix="set system.purpose and system.owner, and card: true on the model that the endpoint serves",
    settings=("models.*.card", "endpoints.*.model.registry"),
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(ENDPOINT, MODEL_CARD),
    controls={"eu-ai-act": ("9", "11", "13"), "nist-ai-rmf": ("MEASURE-2.9",)},
    source_url="https://eur-lex.europa.eu/eli/reg/2024/1689/oj#art_11",
    check=check,
    samples=(
        passes(ENDPOINT, {}, neighbour(MODEL_CARD, _CARD), system=_HIGH),
        fails(ENDPOINT, {}, system=_HIGH),
        fails(ENDPOINT, {}, neighbour(MODEL_CARD, _CARD), system=SystemView(risk_class="high", purpose="scoring")),
        passes(MODEL_CARD, _CARD, system=_HIGH),
        fails(MODEL_CARD, {"content": "{}"}, system=_HIGH),
        waits(MODEL_CARD, {"content": UNKNOWN}, system=_HIGH),
        skips(ENDPOINT, {}),
    ),
    spans=True,
)
