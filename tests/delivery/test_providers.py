"""Every provider's file for every example: its checkers accept it, it is on record, and it gives nothing away."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from mlops_iac.cli.main import cli
from mlops_iac.delivery.files import GENERATED, delivery_files
from mlops_iac.delivery.jobs import Dialect, Job, Trigger, jobs
from mlops_iac.delivery.pins import pins
from mlops_iac.delivery.project import Access, Project
from mlops_iac.delivery.provider import Provider
from mlops_iac.delivery.registry import providers
from mlops_iac.delivery.shell import Expression

from .conftest import EXAMPLES, NOT_DELIVERED, ROOT, Checker, a_project

Golden = Callable[[str, str], None]

PROVIDERS = [pytest.param(provider, id=name) for name, provider in providers().items()]
EVERY = [pytest.param(name, example, id=f"{name}-{example}") for name in providers() for example in EXAMPLES]
A_DIALECT = Dialect(Expression("1"), page=lambda report: f"https://ci.example/{report.page}")
NASTY = "sys'tems/${{ secrets.A }} $(id) `id` \"x\" << y >> $[z] {{ w }} 'fraud ::set-output name=a::b #é"
"""A folder that wants to be code in every CI system."""


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)


def scripts(provider: Provider, project: Project) -> list[str]:
    """Every script of the file, as the CI system reads it."""
    text = provider.render(project)
    if provider.name == "jenkins":
        found = re.findall(r"sh '''\n(.*?)'''", text, re.DOTALL)
        return [each.replace("\\'", "'").replace("\\\\", "\\") for each in found]
    return [each for each in texts_in(yaml.safe_load(text)) if "mlops-iac" in each and "\n" in each]


def commands(provider: Provider, project: Project) -> list[list[str]]:
    """Every call of the toolkit in the file, as words; what the shell expands is left as it stands."""
    lines = [line for script in scripts(provider, project) for line in script.splitlines()]
    return [shlex.split(line) for line in lines if line.startswith("mlops-iac ")]


def options(words: list[str], name: str) -> list[str]:
    return [words[index + 1] for index, word in enumerate(words) if word == name]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_provider_says_what_it_is(provider: Provider) -> None:
    assert provider.label
    assert provider.source_url.startswith("https://")
    assert provider.setup(a_project())
    assert (provider.identity is None) == (
        "plan-dev" not in provider.render(a_project()).replace("plan_dev", "plan-dev")
    )


def test_every_example_is_delivered_or_says_why_not() -> None:
    assert {*EXAMPLES, *NOT_DELIVERED} - {"starter"} == {path.name for path in (ROOT / "examples").iterdir()}
    for name in NOT_DELIVERED:
        assert not list((ROOT / "examples" / name).rglob("system.yaml"))


@pytest.mark.parametrize(("name", "example"), EVERY)
def test_the_checkers_accept_it(
    name: str,
    example: str,
    example_files: Callable[[str], dict[str, dict[str, str]]],
    checkers: Mapping[str, tuple[Checker, ...]],
    tmp_path: Path,
) -> None:
    ((path, text),) = example_files(example)[name].items()
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    assert checkers[name]
    for checker in checkers[name]:
        if not checker.missing:
            checker.check(file)
    missing = [checker.missing for checker in checkers[name] if checker.missing]
    if missing:
        pytest.skip("; ".join(missing))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_file_is_on_record(provider: Provider, golden: Golden) -> None:
    ((path, text),) = delivery_files(a_project(), provider).items()
    golden(f"delivery/{provider.name}/{path.rpartition('/')[2].lstrip('.')}", text)
    assert GENERATED in text.splitlines()[0]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_command_is_one_that_the_toolkit_takes(provider: Provider) -> None:
    for words in commands(provider, a_project()):
        until = next((index for index, word in enumerate(words) if word in (">", "||")), len(words))
        arguments = ["1" if "$" in word else word for word in words[1:until]]
        command: click.Command = cli
        with click.Context(cli) as context:
            while isinstance(command, click.Group):
                _, found, arguments = command.resolve_command(context, arguments)
                assert found is not None
                command = found
            command.make_context(command.name, list(arguments), parent=context)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_folder_stays_a_folder(provider: Provider) -> None:
    found = commands(provider, a_project(folder=NASTY))
    folders = [words[words.index("-C") + 1] for words in found if "-C" in words]
    assert folders
    assert set(folders) == {NASTY}
    assert not any(
        "${{ secrets" in script or "$(id)" in script for script in scripts(provider, a_project(folder=NASTY))
    )


@pytest.mark.parametrize("provider", PROVIDERS)
def test_everything_that_is_fetched_is_pinned(provider: Provider) -> None:
    document = provider.render(a_project())
    for image in re.findall(r"docker\.io/\S+", document):
        assert re.search(r"@sha256:[0-9a-f]{64}'?$", image)
    for action in re.findall(r"uses: (\S+)", document):
        reference, _, commit = action.partition("@")
        assert pins()[reference].pin == commit
        assert re.fullmatch("[0-9a-f]{40}", commit)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_page_and_what_machines_read_are_kept(provider: Provider) -> None:
    """Every provider keeps the folder of the reports; what shows tests gets them, and the comment has the addresses."""
    text = provider.render(a_project(code_scanning=True))
    assert re.search(r"mlops-iac/preview(/\*\*|/)?['\n]", text)
    assert ("junit.xml" in text or "store_test_results" in text) == (provider.name not in ("github", "travis"))
    comments = [words for words in commands(provider, a_project()) if words[1:3] == ["post", "comment"]]
    assert [page.partition("=")[0] for words in comments for page in options(words, "--page")] == [
        "dev",
        "staging",
        "prod",
    ]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_key_is_stored(provider: Provider) -> None:
    assert not re.search(
        r"AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)|PULUMI_ACCESS_TOKEN", provider.render(a_project())
    )


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_system_that_is_not_deployed_is_only_previewed(provider: Provider) -> None:
    verbs = {
        tuple(words[1:3]) if words[1] == "post" else (words[1],)
        for words in commands(provider, a_project(deploy=False))
    }
    assert verbs == {("delivery",), ("preview",), ("post", "comment")}
    assert "role/" not in provider.render(a_project(deploy=False))


def test_jobs_of_a_change_have_no_credentials() -> None:
    """Code from a fork meets nothing that it could take."""
    found = jobs(a_project(), A_DIALECT)
    for job in found:
        if job.trigger is Trigger.CHANGE:
            assert (job.access, job.target) == (Access.NONE, None)
            assert job.trusted_code or not job.posts
    assert {job.access for job in found if job.trigger is Trigger.SCHEDULE} == {Access.PLAN}


def test_an_apply_takes_the_plan_that_was_made_before_it_and_no_other() -> None:
    found = {job.id: job for job in jobs(a_project(), A_DIALECT)}
    for environment in ("dev", "staging", "prod"):
        plan, apply = found[f"plan-{environment}"], found[f"apply-{environment}"]
        assert apply.needs == apply.takes == (plan.id,)
        assert [command.words[0] for command in apply.commands] == ["sha256sum", "mlops-iac"]
        assert f"{plan.keeps}/plan.json" in apply.commands[1].words
        assert plan.digest == apply.digest
    assert found["plan-staging"].needs == ("apply-dev",)
    assert found["apply-prod"].approvers == ("risk-leads", "sre")
    assert [job.id for job in found.values() if job.approvers] == ["apply-prod"]


class TestGithub:
    """What a workflow must not do (reliability of untrusted changes)."""

    @pytest.fixture(scope="class")
    @staticmethod
    def workflow() -> Any:
        return yaml.safe_load(providers()["github"].render(a_project()))

    def test_it_never_runs_a_fork_with_more_than_a_fork_may(self, workflow: Any) -> None:
        assert set(workflow["on"]) == {"pull_request", "push", "schedule", "workflow_dispatch"}
        assert workflow["permissions"] == {}
        preview = workflow["jobs"]["preview"]
        assert preview["permissions"] == {"contents": "read"}
        assert "secrets." not in yaml.safe_dump(workflow)

    def test_who_may_write_runs_nothing_of_the_change(self, workflow: Any) -> None:
        comment = workflow["jobs"]["comment"]
        assert comment["permissions"] == {"contents": "read", "pull-requests": "write"}
        assert "head.repo.full_name == github.repository" in comment["if"]
        checkout = comment["steps"][0]
        assert checkout["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"

    def test_only_jobs_of_the_branch_get_an_identity(self, workflow: Any) -> None:
        for name, job in workflow["jobs"].items():
            identified = "id-token" in job["permissions"]
            assert identified == name.startswith(("plan-", "apply-", "drift-"))
            assert not identified or "pull_request" not in job["if"]
            assert all(
                step["with"]["persist-credentials"] is False
                for step in job["steps"]
                if "checkout@" in step.get("uses", "")
            )

    def test_code_scanning_is_told_by_jobs_that_run_nothing_of_a_change(self, workflow: Any) -> None:
        assert "security-events" not in yaml.safe_dump(workflow)
        scanning = yaml.safe_load(providers()["github"].render(a_project(code_scanning=True)))
        writers = {name for name, job in scanning["jobs"].items() if "security-events" in job["permissions"]}
        environments = ("dev", "staging", "prod")
        assert writers == {"comment", *(f"{verb}-{name}" for verb in ("plan", "drift") for name in environments)}
        upload = scanning["jobs"]["comment"]["steps"][-1]
        assert upload["with"] == {
            "sarif_file": "mlops-iac/preview", "ref": "${{ github.ref }}", "sha": "${{ github.sha }}"
        }  # fmt: skip

    def test_a_browser_opens_each_page(self, workflow: Any) -> None:
        preview = workflow["jobs"]["preview"]
        pages = {step["id"]: step["with"] for step in preview["steps"] if step.get("id", "").startswith("page-")}
        assert {name: given["archive"] for name, given in pages.items()} == {
            "page-dev": False, "page-staging": False, "page-prod": False
        }  # fmt: skip
        assert len({given["path"] for given in pages.values()}) == 3
        assert preview["outputs"]["page-prod"] == "${{ steps.page-prod.outputs.artifact-url }}"

    def test_the_reviewed_plan_is_the_one_that_is_applied(self, workflow: Any) -> None:
        apply = workflow["jobs"]["apply-prod"]
        assert apply["environment"] == {"name": "prod"}
        run = next(step for step in apply["steps"] if step.get("id") == "run")
        assert run["env"]["REVIEWED"] == "${{ needs.plan-prod.outputs.sha256 }}"
        assert run["run"].splitlines()[0].startswith('[ "$REVIEWED" = ')


def test_jenkins_waits_for_its_submitters() -> None:
    text = providers()["jenkins"].render(a_project())
    assert text.count("submitter 'risk-leads,sre'") == 1


def test_jobs_have_ids_of_their_own() -> None:
    found: tuple[Job, ...] = jobs(a_project(), A_DIALECT)
    assert len({job.id for job in found}) == len(found)
