"""examples/own-component: a package with a kind, a back end, a policy and a pack, as an installed one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .installed import ROOT, install, install_project, run_with

EXAMPLE = ROOT / "examples" / "own-component"
PREVIEW = ("-m", "mlops_iac", "preview", "-C", str(EXAMPLE / "system"))
LOADED = """\
import sys
from mlops_iac.pipeline import request_at, run_phases
from pathlib import Path
run_phases(request_at(Path(sys.argv[1])), "spec")
print(sorted(name for name in sys.modules if name.startswith("acme_mlops")))
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder where the example's package is installed."""
    folder = tmp_path / "site"
    install_project(folder, EXAMPLE / "acme-mlops")
    return folder


def test_the_package_keeps_to_its_own_tests(site: Path) -> None:
    done = run_with(site, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE / "acme-mlops" / "tests"))
    assert done.returncode == 0, done.stdout


def test_the_system_previews_with_its_kind_back_end_and_pack(site: Path) -> None:
    done = run_with(site, *PREVIEW, "--format", "json")
    assert done.returncode == 0, done.stderr + done.stdout
    changes = [change for stack in json.loads(done.stdout)["stacks"] for change in stack["changes"]]
    made = {(change["name"], change["type"]) for change in changes}
    assert ("customers.table", "aws:dynamodb/table:Table") in made
    assert ("claims.unscored", "aws:sqs/queue:Queue") in made


def test_without_the_package_the_section_and_the_back_end_are_unknown(tmp_path: Path) -> None:
    done = run_with(tmp_path, *PREVIEW)
    assert done.returncode == 1
    assert "no section `scoring_queues`" in done.stderr
    assert "dynamodb" in done.stderr


def test_its_policy_judges(site: Path, tmp_path: Path) -> None:
    folder = tmp_path / "system"
    folder.mkdir()
    text = (EXAMPLE / "system" / "system.yaml").read_text(encoding="utf-8")
    (folder / "system.yaml").write_text(text.replace("packs: [acme-baseline]", "packs: [acme-basline]"), "utf-8")
    done = run_with(site, "-m", "mlops_iac", "policy", "check", "-C", str(folder))
    assert done.returncode == 1
    assert "did you mean 'acme-baseline'" in done.stderr
    explained = run_with(site, "-m", "mlops_iac", "policy", "explain", "acme-queue-keeps-two-weeks")
    assert "acme-baseline (mandatory)" in explained.stdout


def test_no_policy_finds_anything_in_its_system_but_what_is_waived(site: Path) -> None:
    done = run_with(site, "-m", "mlops_iac", "policy", "check", "-C", str(EXAMPLE / "system"), "--format", "json")
    assert done.returncode == 0, done.stderr
    told = [item["message"] for item in json.loads(done.stdout)]
    assert told and all("(waived: claims-ml@acme.example" in message for message in told)


def test_only_the_modules_of_used_sections_are_imported(site: Path, tmp_path: Path) -> None:
    used = run_with(site, "-c", LOADED, str(EXAMPLE / "system"))
    assert "acme_mlops.scoring_queues" in used.stdout, used.stderr
    assert "acme_mlops.policies" not in used.stdout
    other = run_with(site, "-c", LOADED, str(ROOT / "examples" / "fraud-detection"))
    assert other.stdout == "[]\n", other.stderr


def test_the_printed_schema_knows_it_and_the_committed_one_does_not(site: Path) -> None:
    printed = json.loads(run_with(site, "-m", "mlops_iac", "schema").stdout)
    assert "scoring_queues" in printed["properties"]
    assert run_with(site, "-m", "mlops_iac", "schema", "--check", "schemas").returncode == 0


def test_kinds_and_doctor_name_what_is_installed_and_what_is_broken(site: Path) -> None:
    install(site, "acme-broken", "2.0", {"mlops_iac.components": {"gone": "acme_gone:X"}})
    listed = run_with(site, "-m", "mlops_iac", "kinds")
    assert "scoring_queues" in listed.stdout
    assert "left out: acme-broken 2.0 (acme_gone:X) cannot be imported" in listed.stderr
    described = run_with(site, "-m", "mlops_iac", "kinds", "scoring_queues").stdout
    assert "How long a request waits before it is dropped." in described
    checked = run_with(site, "-m", "mlops_iac", "doctor").stdout
    assert "ok       components scoring_queues: acme-mlops 1.0" in checked
    assert "missing  components gone: acme-broken 2.0" in checked
