"""Bitbucket Pipelines.

A token's subject is repository, deployment environment and step, by id; the step's changes with each run, so it is the
one part that a role cannot pin. Each environment therefore has a second one, ``<name>-plan``, for the jobs that only
read. Pipelines of forks run in the fork. Sources:
https://support.atlassian.com/bitbucket-cloud/docs/bitbucket-pipelines-configuration-reference/ and
https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/
"""

from __future__ import annotations

from typing import Any, Final

from mlops_iac.delivery.document import block, to_yaml
from mlops_iac.delivery.jobs import (
    TOKEN_VARIABLE,
    Dialect,
    Job,
    Trigger,
    cloud_variables,
    jobs,
    whole_script,
)
from mlops_iac.delivery.pins import image
from mlops_iac.delivery.project import Access, Identity, Project, Target
from mlops_iac.delivery.provider import Provider
from mlops_iac.delivery.shell import Expression, quote

_DIALECT: Final = Dialect(
    Expression('"$BITBUCKET_PR_ID"'),
    page=lambda report: "https://bitbucket.org/$BITBUCKET_REPO_FULL_NAME/pipelines/results/$BITBUCKET_BUILD_NUMBER",
    identity="BITBUCKET_STEP_OIDC_TOKEN",
    forge="bitbucket",
    fetches=True,
)
_TESTS: Final = "test-results"
"""Where Bitbucket looks for JUnit files."""
_PLAN: Final = "-plan"


def identity(project: Project, target: Target) -> Identity:
    """Each role trusts one deployment environment of one repository."""
    workspace = project.repository.partition("/")[0]
    ids = project.ids
    plan, apply = (f"{ids.project}:{ids.environments[f'{target.name}{suffix}']}:*" for suffix in (_PLAN, ""))
    issuer = f"https://api.bitbucket.org/2.0/workspaces/{workspace}/pipelines-config/identity/oidc"
    return Identity(issuer, f"ari:cloud:bitbucket::workspace/{ids.organization}", (plan,), (apply,))


def render(project: Project) -> str:
    """The pipelines: of changes, of the protected branch, and the one that a schedule starts."""
    found: dict[Trigger, list[dict[str, Any]]] = {trigger: [] for trigger in Trigger}
    for job in jobs(project, _DIALECT):
        found[job.trigger].append({"step": _step(project, job)})
    document = {
        "image": image("docker.io/library/python"),
        "clone": {"depth": "full"},
        "pipelines": {
            "pull-requests": {"**": found[Trigger.CHANGE]},
            "branches": {project.branch: found[Trigger.MERGE]},
            "custom": {"drift": found[Trigger.SCHEDULE]},
        },
    }
    return to_yaml(document)


def _step(project: Project, job: Job) -> dict[str, Any]:
    found: dict[str, Any] = {"name": job.title, "max-time": 120 if job.access is Access.APPLY else 30}
    exports: list[str] = []
    if job.target is not None:
        found["oidc"] = True
        suffix = "" if job.access is Access.APPLY else _PLAN
        found["deployment"] = f"{job.target.name}{suffix}"
        variables = cloud_variables(project, job, _DIALECT)
        exports = [f"export {name}={quote(value)}" for name, value in variables.items()]
    if job.approvers:
        found["trigger"] = "manual"
    found["script"] = [block((*exports, *whole_script(project, job, _DIALECT)))]
    if job.reports:
        copies = (f"cp {each.tests} {_TESTS}/{each.environment}.xml || true" for each in job.reports)
        found["after-script"] = [f"mkdir -p {_TESTS}", *copies]
    if job.keeps:
        found["artifacts"] = [f"{job.keeps}/**"]
    return found


def setup(project: Project) -> tuple[str, ...]:
    """Environments with their restrictions, the schedule, and the token for comments and issues."""
    guarded = [
        f"Repository settings > Deployments: {target.name} and {target.name}{_PLAN}, branches: {project.branch}"
        + (f"; who may deploy {target.name} (Premium): {', '.join(target.approvers)}" if target.approvers else "")
        for target in project.targets
    ]
    return (
        f"Repository settings > Branch restrictions: {project.branch}, changes by pull request only",
        *guarded,
        f"Pipelines > Schedules: custom pipeline drift on {project.branch} ({project.schedule} UTC)",
        f"Repository settings > Repository variables: {TOKEN_VARIABLE}, a repository access token that may write pull "
        "requests and issues, secured",
        "Repository settings > Issue tracker: on",
    )


PROVIDER = Provider(
    name="bitbucket",
    label="Bitbucket Pipelines",
    file="bitbucket-pipelines.yml",
    render=render,
    identity=identity,
    setup=setup,
    source_url="https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/",
    needs=("organization", "project"),
    needs_environments=("", _PLAN),
)
