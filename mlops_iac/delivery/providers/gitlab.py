"""GitLab CI/CD.

Merge requests from forks run in the fork, with its own variables and no identity that a role trusts. Sources:
https://docs.gitlab.com/ci/yaml/, https://docs.gitlab.com/ci/cloud_services/aws/ (the ``sub`` claim),
https://docs.gitlab.com/ci/environments/protected_environments/ and https://docs.gitlab.com/ci/resource_groups/
"""

from __future__ import annotations

from typing import Any, Final

from mlops_iac.delivery.document import block, to_yaml
from mlops_iac.delivery.jobs import (
    IDENTITY_FILE,
    TOKEN_VARIABLE,
    Dialect,
    Job,
    Trigger,
    cloud_variables,
    jobs,
    keep_identity,
    whole_script,
)
from mlops_iac.delivery.pins import image
from mlops_iac.delivery.project import Access, Identity, Project, Target
from mlops_iac.delivery.provider import Provider
from mlops_iac.delivery.shell import Expression

ISSUER: Final = "https://gitlab.com"
AUDIENCE: Final = "sts.amazonaws.com"

_DIALECT: Final = Dialect(Expression('"$CI_MERGE_REQUEST_IID"'), forge="gitlab", fetches=True, after_failure=True)


def identity(project: Project, target: Target) -> Identity:
    """Both roles trust the protected branch: GitLab does not say the environment in ``sub``."""
    branch = f"project_path:{project.repository}:ref_type:branch:ref:{project.branch}"
    return Identity(project.ids.issuer or ISSUER, AUDIENCE, (branch,), (branch,))


def render(project: Project) -> str:
    """The pipeline."""
    found = jobs(project, _DIALECT)
    document = {
        "workflow": {"rules": [{"if": _condition(project, trigger)} for trigger in Trigger]},
        "stages": [job.id for job in found],
        "default": {"image": image("docker.io/library/python"), "interruptible": False},
        "variables": {"GIT_DEPTH": "0"},
        **{job.id: _job(project, job) for job in found},
    }
    return to_yaml(document)


def _condition(project: Project, trigger: Trigger) -> str:
    on_branch = f'$CI_COMMIT_BRANCH == "{project.branch}"'
    return {
        Trigger.CHANGE: f'$CI_PIPELINE_SOURCE == "merge_request_event" && $CI_MERGE_REQUEST_TARGET_BRANCH_NAME == "'
        f'{project.branch}"',
        Trigger.MERGE: f'$CI_PIPELINE_SOURCE == "push" && {on_branch}',
        Trigger.SCHEDULE: f'$CI_PIPELINE_SOURCE == "schedule" && {on_branch}',
    }[trigger]


def _job(project: Project, job: Job) -> dict[str, Any]:
    rule: dict[str, Any] = {"if": _condition(project, job.trigger)}
    if job.approvers:
        rule |= {"when": "manual", "allow_failure": False}
    elif job.posts and job.trigger is Trigger.CHANGE:
        rule["when"] = "always"
    found: dict[str, Any] = {"stage": job.id, "rules": [rule]}
    found["needs"] = [{"job": needed, "artifacts": needed in job.takes} for needed in job.needs]
    before: list[str] = []
    if job.target is not None:
        found["id_tokens"] = {"AWS_IDENTITY": {"aud": AUDIENCE}}
        found["variables"] = {**cloud_variables(project, job), "AWS_WEB_IDENTITY_TOKEN_FILE": IDENTITY_FILE}
        before = [keep_identity("AWS_IDENTITY")]
        found["resource_group"] = f"{project.system}-{job.target.name}"
        action = {} if job.access is Access.APPLY else {"action": "access"}
        found["environment"] = {"name": job.target.name, **action}
    if job.trigger is Trigger.CHANGE:
        found["interruptible"] = True
    found["script"] = [block(whole_script(project, job, _DIALECT, before=before))]
    if job.gives:
        found["artifacts"] = {"when": "always", "paths": list(job.gives), "expire_in": "30 days", "access": "developer"}
    return found


def setup(project: Project) -> tuple[str, ...]:
    """Protection of the branch and environments, the schedule, and the token for comments and issues."""
    guarded = [
        f"Settings > CI/CD > Protected environments: {target.name}"
        + (f", approvals by {', '.join(target.approvers)}" if target.approvers else ", deployed by maintainers")
        for target in project.targets
    ]
    return (
        f"Settings > Repository > Protected branches: {project.branch}, no direct pushes",
        *guarded,
        f"Build > Pipeline schedules: {project.schedule} (UTC) on {project.branch}",
        f"Settings > CI/CD > Variables: {TOKEN_VARIABLE}, a project access token (Reporter, scope api), masked",
    )


PROVIDER = Provider(
    name="gitlab",
    label="GitLab CI/CD",
    file=".gitlab-ci.yml",
    render=render,
    identity=identity,
    setup=setup,
    source_url="https://docs.gitlab.com/ci/yaml/",
)
