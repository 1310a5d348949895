"""The generated files at work, from a change to production and to drift, by the shells that the CI system would start.

One repository and one deployed system for all providers: each goes on where the one before ended.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

from mlops_iac.cli.main import cli
from mlops_iac.delivery.jobs import IDENTITY_FILE
from mlops_iac.delivery.registry import providers

from .ci import IDENTITY, Asked, Ci, Circleci, Event, Github, Gitlab
from .forge_server import Forge, listening
from .world import FOLDER, SYSTEM, Outcome, World, a_world

YAML = f"{FOLDER}/system.yaml"
BUCKET = "small-dev-raw-111122223333"
SYSTEMS = {"github": Github, "gitlab": Gitlab, "circleci": Circleci}


@dataclass
class Place:
    """A provider, its forge and the world around them."""

    ci: Ci
    forge: Forge
    world: World

    def changed(self, branch: str, keep: str, *, fork: bool = False) -> dict[str, Outcome]:
        """A commit to a change that sets how long the bucket keeps its objects, and what CI makes of it."""
        base = self.world.git("rev-parse", "main", cwd=self.world.origin)
        commit = self.world.commit(branch, {YAML: SYSTEM.replace("keep: 30d", f"keep: {keep}")})
        return self.ci.run(Event("change", commit, base, fork), Asked())

    def merged(self, branch: str, asked: Asked) -> dict[str, Outcome]:
        return self.ci.run(Event("merge", self.world.merge(branch)), asked)

    def scheduled(self) -> dict[str, Outcome]:
        return self.ci.run(Event("schedule", self.world.git("rev-parse", "main", cwd=self.world.origin)), Asked())

    def deployed(self) -> int:
        """For how many days the deployed bucket keeps its objects."""
        rules = self.s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
        return next(int(rule["Expiration"]["Days"]) for rule in rules if "Days" in rule.get("Expiration", {}))

    @property
    def s3(self) -> Any:
        port = json.loads((self.world.folder / "state" / "moto.json").read_text())["port"]
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-west-1"}
        return boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", **keys)


def expect(outcomes: dict[str, Outcome], **statuses: int) -> None:
    """Those jobs ran, and ended so."""
    wanted = {name.replace("_", "-"): status for name, status in statuses.items()}
    said = "\n".join(f"--- {name}: {each.status}\n{each.output}" for name, each in outcomes.items())
    assert {name: each.status for name, each in outcomes.items()} == wanted, said


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Place]]:
    """Each provider with a forge of its own, over one repository."""
    texts: dict[str, dict[str, str]] = {}
    for name in SYSTEMS:
        repository = tmp_path_factory.mktemp(name)
        (repository / FOLDER).mkdir(parents=True)
        (repository / YAML).write_text(SYSTEM, encoding="utf-8")
        words = ["delivery", "-C", str(repository / FOLDER), "--root", str(repository), f"delivery.provider={name}"]
        assert CliRunner().invoke(cli, words).exit_code == 0
        path = providers()[name].file.format(system="small")
        texts[name] = {path: (repository / path).read_text(encoding="utf-8")}
    files = {path: text for each in texts.values() for path, text in each.items()}
    with ExitStack() as stack:
        forges = {name: stack.enter_context(listening(kind.forge)) for name, kind in SYSTEMS.items()}
        world = stack.enter_context(a_world(tmp_path_factory.mktemp("world"), forges["github"][1], files))
        made = {
            name: Place(kind(world, *texts[name].values()), forges[name][0], world) for name, kind in SYSTEMS.items()
        }

        def chosen(name: str) -> Place:
            world.environment["FORGE_API"] = forges[name][1]
            return made[name]

        yield chosen
    Path(IDENTITY_FILE).unlink(missing_ok=True)


@pytest.mark.parametrize("name", SYSTEMS)
def test_from_a_change_to_production_and_to_drift(name: str, places: Callable[[str], Place]) -> None:
    place, days = places(name), 100 * [*SYSTEMS].index(name) + 60
    _a_change_is_previewed(place, f"{name}-first", days)
    _a_fork_is_previewed_and_posts_nothing(place, f"{name}-fork")
    _a_merge_is_planned_approved_and_applied(place, f"{name}-first", days)
    _a_plan_that_no_longer_fits_is_refused(place, f"{name}-second", days + 20, days + 10)
    _drift_opens_updates_and_closes_one_issue(place)


def _a_change_is_previewed(place: Place, branch: str, days: int) -> None:
    outcomes = place.changed(branch, f"{days}d")
    expect(outcomes, preview=0, comment=0)
    assert not any(each.identity for each in outcomes.values()), "a change meets no credentials"
    (comment,) = place.forge.of("comment")
    assert "### Preview of `small` in `dev`" in comment["body"]
    assert f"]({place.ci.page}" in comment["body"]
    assert str(days) in comment["body"]

    # The next commit does not hold: the same comment says so, and the run is red.
    outcomes = place.changed(branch, "often")
    assert 1 in [each.status for each in outcomes.values()]
    (comment,) = place.forge.of("comment")
    assert "Cannot be previewed: 1 error" in comment["body"]
    assert "`buckets.raw.keep`" in comment["body"]

    # Who changes what the files are made from, and not the files, is told.
    stale = place.world.commit(branch, {YAML: SYSTEM.replace("==1.2.3", "==1.2.4")})
    base = place.world.git("rev-parse", "main", cwd=place.world.origin)
    outcomes = place.ci.run(Event("change", stale, base), Asked())
    assert 1 in [each.status for each in outcomes.values()]
    assert "is not what system.yaml says" in outcomes["preview"].output

    expect(place.changed(branch, f"{days}d"), preview=0, comment=0)
    assert "### Preview of `small` in `dev`" in place.forge.of("comment")[0]["body"]


def _a_fork_is_previewed_and_posts_nothing(place: Place, branch: str) -> None:
    before = len(place.forge.asked)
    outcomes = place.changed(branch, "31d", fork=True)
    assert outcomes["preview"].status == 0
    assert len(place.forge.asked) == before


def _a_merge_is_planned_approved_and_applied(place: Place, branch: str, days: int) -> None:
    refusing = Asked(answer=False)
    outcomes = place.merged(branch, refusing)
    expect(outcomes, plan_dev=0)
    assert refusing.jobs == ["apply-dev"]

    asked = Asked()
    outcomes = place.ci.run(Event("merge", place.world.git("rev-parse", "main", cwd=place.world.origin)), asked)
    expect(outcomes, plan_dev=0, apply_dev=0)
    assert asked.jobs == ["apply-dev"]
    assert outcomes["plan-dev"].identity.endswith(":role/mlops-iac/small-dev-ci-plan")
    assert outcomes["apply-dev"].identity.endswith(":role/mlops-iac/small-dev-ci-apply")
    assert place.deployed() == days
    if not isinstance(place.ci, Github):
        assert Path(IDENTITY_FILE).read_text() == IDENTITY


def _a_plan_that_no_longer_fits_is_refused(place: Place, branch: str, days: int, meanwhile: int) -> None:
    place.changed(branch, f"{days}d")

    def moved() -> None:
        place.world.by_hand("up", "--yes", f"buckets.raw.keep={meanwhile}d")

    outcomes = place.merged(branch, Asked(meanwhile=moved))
    expect(outcomes, plan_dev=0, apply_dev=3)
    assert place.deployed() == meanwhile, "nothing was changed"

    def tampered() -> None:
        for kept in place.world.artifacts.values():
            for plan in [kept, *kept.rglob("plan.json")]:
                if plan.name == "plan.json":
                    plan.write_text(
                        plan.read_text(encoding="utf-8").replace(str(days), str(days + 1)), encoding="utf-8"
                    )

    event = Event("merge", place.world.git("rev-parse", "main", cwd=place.world.origin))
    expect(place.ci.run(event, Asked(meanwhile=tampered)), plan_dev=0, apply_dev=1)
    assert place.deployed() == meanwhile
    expect(place.ci.run(event, Asked()), plan_dev=0, apply_dev=0)
    assert place.deployed() == days


def _drift_opens_updates_and_closes_one_issue(place: Place) -> None:
    expect(place.scheduled(), drift_dev=0)
    assert place.forge.of("issue") == []
    place.s3.delete_bucket_lifecycle(Bucket=BUCKET)
    outcomes = place.scheduled()
    assert outcomes["drift-dev"].status in (2, 10), outcomes["drift-dev"].output
    assert outcomes["drift-dev"].identity.endswith("-ci-plan")
    (issue,) = place.forge.of("issue")
    assert issue["title"] == "Drift in small dev"
    assert "lifecycle" in issue["body"]
    place.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    place.scheduled()
    (issue,) = place.forge.of("issue")
    assert "versioning" in issue["body"]
    assert "`mlops-iac refresh` and then `mlops-iac up`" in issue["body"]
    place.world.by_hand("refresh", "--yes")
    place.world.by_hand("up", "--yes")
    expect(place.scheduled(), drift_dev=0)
    assert place.forge.of("issue") == []
    assert [each["open"] for each in place.forge.texts if each["kind"] == "issue"] == [False]
