"""What the fuzz tests once found, kept: each input and the code that it has been answered with since."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_iac.diagnostics import DiagnosticsError, Severity
from mlops_iac.pipeline import request_at, run_phases

CORE = """\
defaults: [env: dev, security: baseline, _self_]
system: {name: fuzz, owner: ml@example.com, purpose: fuzz, tags: {cost-center: "1"}}
cloud: {region: REGION, account: "111122223333"}
"""

CASES = [
    pytest.param(
        "qv-d-p-1",
        """\
buckets: {raw: {classification: confidential}}
models: {scorer: {stages: [prod], released: {prod: 1}}}
endpoints:
  api: {model: {registry: scorer, artifacts: raw, image: own}, instance_type: ml.m5.xlarge,
        capture: {bucket: raw, prefix: captured/, sample: 20%}}
images: {own: {}}
alerts: {oncall: {email: [oncall@example.com]}}
monitors: {drift: {endpoint: api, kind: data_quality, schedule: hourly, features: [a], alert: oncall}}
""",
        {"MI3605"},
        id="a monitor in a region without images was a LookupError",
    ),
    pytest.param(
        "eu-west-1",
        "monitors: {drift: {endpoint: api, kind: model_quality, threshold: {f1: high}}}\n",
        {"MI2003"},
        id="a number without help of its own had no hint",
    ),
    pytest.param(
        "eu-west-1",
        """\
models: {scorer: {stages: [prod], released: {prod: 1}}}
endpoints:
  api:
    model: {registry: scorer, image: own}
    instance_type: ml.m5.xlarge
    slo:
      latency_p99: |
        120ms
images: {own: {}}
""",
        {"MI2005"},
        id="a text that ends in a new line fitted its pattern",
    ),
    pytest.param("eu-west-1", "budget: null\n", {"MI2003"}, id="an empty section had no hint"),
]


def test_a_system_of_nothing_but_defaults_is_located(tmp_path: Path) -> None:
    (tmp_path / "system.yaml").write_text("defaults: [env: dev, security: baseline]\n", encoding="utf-8")
    with pytest.raises(DiagnosticsError) as caught:
        run_phases(request_at(tmp_path))
    assert {str(found.location) for found in caught.value.diagnostics} == {"system.yaml:1:1"}


@pytest.mark.parametrize(("region", "text", "codes"), CASES)
def test_a_found_input_is_answered_with_help(region: str, text: str, codes: set[str], tmp_path: Path) -> None:
    (tmp_path / "system.yaml").write_text(CORE.replace("REGION", region) + text, encoding="utf-8")
    with pytest.raises(DiagnosticsError) as caught:
        run_phases(request_at(tmp_path))
    errors = [found for found in caught.value.diagnostics if found.severity is Severity.ERROR]
    assert codes <= {found.code for found in errors}
    assert all(found.message and found.hint and found.location for found in errors)
