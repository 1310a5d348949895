"""CircleCI.

A build of a fork gets neither contexts nor identity tokens, unless a project is told to pass them on. Sources:
https://circleci.com/docs/reference/configuration-reference/,
https://circleci.com/docs/guides/permissions-authentication/openid-connect-tokens/ (``CIRCLE_OIDC_TOKEN_V2``),
https://circleci.com/docs/guides/security/contexts/; address of an artifact:
https://support.circleci.com/hc/en-us/articles/5034956515355-How-to-Programmatically-Construct-the-URLs-for-Artifacts
"""

from __future__ import annotations

from typing import Any, Final

from mlops_iac.delivery.document import block, to_yaml
from mlops_iac.delivery.jobs import (
    PLACE,
    TOKEN_VARIABLE,
    Dialect,
    Job,
    Trigger,
    cloud_variables,
    jobs,
    whole_script,
)
from mlops_iac.delivery.pins import image
from mlops_iac.delivery.project import Access, Identity, Project, Target, grant_name
from mlops_iac.delivery.provider import Provider
from mlops_iac.delivery.shell import Expression

_DIALECT: Final = Dialect(
    Expression('"${CIRCLE_PULL_REQUEST##*/}"'),
    page=lambda report: f"https://output.circle-artifacts.com/output/job/{PLACE}/artifacts/0/{report.page}",
    place="$CIRCLE_WORKFLOW_JOB_ID",
    identity="CIRCLE_OIDC_TOKEN_V2",
    fetches=True,
)
_HOSTS: Final = {"bitbucket": "bitbucket.org", "github": "github.com", "gitlab": "gitlab.com"}
_FORGE_CONTEXT: Final = "mlops-iac-forge"


def identity(project: Project, target: Target) -> Identity:
    """Both roles trust the protected branch of one project; the user in the subject is whoever started the run."""
    ids = project.ids
    origin = f"{_HOSTS.get(project.forge, _HOSTS['github'])}/{project.repository}"
    subject = (
        f"org/{ids.organization}/project/{ids.project}/user/*/vcs-origin/{origin}/vcs-ref/refs/heads/{project.branch}"
    )
    return Identity(f"https://oidc.circleci.com/org/{ids.organization}", ids.organization, (subject,), (subject,))


def render(project: Project) -> str:
    """Jobs, and a workflow for each thing that starts some of them."""
    found = jobs(project, _DIALECT)
    document = {
        "version": 2.1,
        "jobs": {job.id: _job(project, job) for job in found},
        "workflows": {
            trigger.value: {
                "when": _started(project, trigger),
                "jobs": [entry for job in found if job.trigger is trigger for entry in _entries(project, job)],
            }
            for trigger in Trigger
        },
    }
    return to_yaml(document)


def _started(project: Project, trigger: Trigger) -> dict[str, Any]:
    on_branch: dict[str, Any] = {"equal": [project.branch, "<< pipeline.git.branch >>"]}
    scheduled = {"equal": ["scheduled_pipeline", "<< pipeline.trigger_source >>"]}
    conditions: dict[Trigger, dict[str, Any]] = {
        Trigger.CHANGE: {"not": on_branch},
        Trigger.MERGE: {"and": [on_branch, {"not": scheduled}]},
        Trigger.SCHEDULE: {"and": [on_branch, scheduled]},
    }
    return conditions[trigger]


def _entries(project: Project, job: Job) -> list[Any]:
    """A job in its workflow, after the approval that it waits for."""
    needs, before = list(job.needs), []
    if job.approvers:
        held = f"approve-{job.id}"
        before = [{held: {"type": "approval", "requires": needs}}]
        needs = [held]
    settings: dict[str, Any] = {"requires": needs} if needs else {}
    contexts = [_FORGE_CONTEXT] if job.posts else []
    if job.target is not None:
        contexts.append(grant_name(project, job.target, job.access))
        settings["serial-group"] = f"<< pipeline.project.slug >>/{project.system}-{job.target.name}"
    if contexts:
        settings["context"] = contexts
    return [*before, {job.id: settings} if settings else job.id]


def _job(project: Project, job: Job) -> dict[str, Any]:
    environment = cloud_variables(project, job, _DIALECT)
    steps: list[Any] = ["checkout"]
    if job.takes:
        steps.append({"attach_workspace": {"at": "."}})
    steps.append({"run": {"name": job.title, "command": block(whole_script(project, job, _DIALECT))}})
    if job.keeps:
        steps.append({"persist_to_workspace": {"root": ".", "paths": [job.keeps]}})
        steps.append({"store_artifacts": {"path": job.keeps, "destination": job.keeps}})
    if job.reports:
        steps.append({"store_test_results": {"path": job.keeps}})
    found: dict[str, Any] = {"docker": [{"image": image("docker.io/library/python")}]}
    if environment:
        found["environment"] = environment
    return {**found, "steps": steps}


def setup(project: Project) -> tuple[str, ...]:
    """Contexts that guard the roles, the schedule, and what forks get."""
    contexts = [
        f"Organization settings > Contexts: {grant_name(project, target, access)}; restrict it to this project and to "
        f"pipeline.git.branch == {project.branch}"
        + (f", and to the groups {', '.join(target.approvers)}" if access is Access.APPLY and target.approvers else "")
        for target in project.targets
        for access in (Access.PLAN, Access.APPLY)
    ]
    return (
        f"On the forge: protect {project.branch}",
        *contexts,
        f"Organization settings > Contexts: {_FORGE_CONTEXT} with {TOKEN_VARIABLE}, a token that may write pull "
        "requests and issues of the repository",
        f"Project settings > Triggers: a schedule on {project.branch} ({project.schedule} UTC)",
        "Project settings > Advanced: build forked pull requests, without passing secrets to them",
    )


PROVIDER = Provider(
    name="circleci",
    label="CircleCI",
    file=".circleci/config.yml",
    render=render,
    identity=identity,
    setup=setup,
    source_url="https://circleci.com/docs/guides/permissions-authentication/openid-connect-tokens/",
    needs=("organization", "project"),
)
