"""A CI provider is one file, or one entry point of a package: nothing else has to know of it."""

from __future__ import annotations

import ast
import json
from pathlib import Path

from mlops_iac.delivery.forges import forge_names, forges
from mlops_iac.delivery.registry import ENTRY_POINT_GROUP, provider_names, providers
from tests.plugins.installed import ROOT, install, run_with

ACME = """
from mlops_iac.delivery.jobs import Dialect, jobs, whole_script
from mlops_iac.delivery.provider import HEADER, Provider
from mlops_iac.delivery.shell import Expression

DIALECT = Dialect(Expression('"$ACME_CHANGE"'), page=lambda report: f"$ACME_RUN/{report.page}", keyless=False)

def render(project):
    scripts = ("\\n".join(whole_script(project, job, DIALECT)) for job in jobs(project, DIALECT))
    return f"# {HEADER}\\n" + "\\n".join(scripts)

PROVIDER = Provider("acme-ci", "Acme CI", ".acme/{system}.sh", render, None, lambda project: ("Switch it on",), "https://ci.acme.example")
"""
SYSTEM = """\
defaults: [{env: dev}, {security: baseline}, _self_]
system: {name: small, owner: ml@example.com, purpose: scoring, tags: {cost-center: "1"}}
cloud: {region: eu-west-1, account: "111122223333"}
delivery: {provider: acme-ci, repository: acme/small, approve: {staging: [ml], prod: [ml]}}
"""


def test_names_are_known_without_importing_anything() -> None:
    assert provider_names() == tuple(providers())
    assert forge_names() == tuple(forges())


def test_no_code_but_its_own_file_names_a_provider() -> None:
    """Besides those that are forges too, which stand for themselves in examples and defaults."""
    names = set(provider_names()) - set(forge_names())
    package = ROOT / "mlops_iac"
    for file in sorted(package.rglob("*.py")):
        if file.parent.name == "providers" and file.parent.parent.name == "delivery":
            continue
        constants = {
            node.value for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Constant)
        }
        assert not {value for value in constants if isinstance(value, str)} & names, file


def test_one_of_a_package_is_chosen_like_ours(tmp_path: Path) -> None:
    site, folder = tmp_path / "site", tmp_path / "repository" / "small"
    install(site, "acme-ci", "1.0", {ENTRY_POINT_GROUP: {"acme-ci": "acme_ci:PROVIDER"}})
    (site / "acme_ci.py").write_text(ACME, encoding="utf-8")
    folder.mkdir(parents=True)
    (folder / "system.yaml").write_text(SYSTEM, encoding="utf-8")
    done = run_with(site, "-m", "mlops_iac", "delivery", "-C", str(folder), "--root", str(folder.parent))
    assert done.returncode == 0, done.stderr
    text = (folder.parent / ".acme" / "small.sh").read_text(encoding="utf-8")
    assert "mlops-iac preview -C small env=prod" in text
    schema = json.loads(run_with(site, "-m", "mlops_iac", "schema").stdout)
    choices, _interpolated = schema["$defs"]["operations.delivery.DeliverySpec"]["properties"]["provider"]["anyOf"]
    assert "acme-ci" in choices["enum"]
