"""GitLab CI/CD.

Merge requests from forks run in the fork, with its own variables and no identity that a role trusts. Sources:
https://docs.gitlab.com/ci/yaml/, https://docs.gitlab.com/ci/cloud_services/aws/ (the ``sub`` claim),
https://docs.gitlab.com/ci/environments/protected_environments/ and https://docs.gitlab.com/ci/resource_groups/
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
from mlops_iac.delivery.project import Access, Identity, Project, Target
from mlops_iac.delivery.provider import Provider
from mlops_iac.delivery.shell import Expression

ISSUER: Final = "https://gitlab.com"
AUDIENCE: Final = "sts.amazonaws.com"

_IDENTITY: Final = "AWS_IDENTITY"
_DIALECT: Final = Dialect(
    Expression('"$CI_MERGE_REQUEST_IID"'),
    page=lambda report: f"{PLACE}/artifacts/file/{report.page}",
    place="$CI_JOB_URL",
    identity=_IDENTITY,
    forge="gitlab",
    fetches=True,
    after_failure=True,
)


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
    if job.target is not None:
        found["id_tokens"] = {_IDENTITY: {"aud": AUDIENCE}}
        found["variables"] = cloud_variables(project, job, _DIALECT)
        found["resource_group"] = f"{project.system}-{job.target.name}"
        action = {} if job.access is Access.APPLY else {"action": "access"}
        found["environment"] = {"name": job.target.name, **action}
    if job.trigger is Trigger.CHANGE:
        found["interruptible"] = True
    found["script"] = [block(whole_script(project, job, _DIALECT))]
    if job.keeps:
        found["artifacts"] = _artifacts(project, job)
    return found


def _artifacts(project: Project, job: Job) -> dict[str, Any]:
    """What is kept, and what of it the merge request shows: the pages, policies as tests, findings at their lines."""
    found: dict[str, Any] = {"when": "always", "expire_in": "30 days", "access": "developer"}
    if job.trigger is Trigger.CHANGE:
        found["expose_as"] = f"Reports of {project.system}"
    found["paths"] = [f"{job.keeps}/"]  # without the slash, nothing is exposed
    if job.reports:
        found["reports"] = {
            "junit": [each.tests for each in job.reports],
            "codequality": [each.quality for each in job.reports],
        }
    return found


def setup(project: Project) -> tuple[str, ...]:
    """Protection of the branch and environments, the schedule, and the token for comments and issues."""
    guarded = [
        f"Settings > CI/CD > Protected environments (Premium): {target.name}"
        + (f", approvals by {', '.join(target.approvers)}" if target.approvers else ", deployed by maintainers")
        for target in project.targets
    ]
    return (
        f"Settings > Repository > Protected branches: {project.branch}, no direct pushes",
        *guarded,
        f"Build > Pipeline schedules: {project.schedule} (UTC) on {project.branch}",
        f"Settings > CI/CD > Variables: {TOKEN_VARIABLE}, a project access token (Reporter, scope api), masked "
        "and not protected, since merge requests do not see protected ones",
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
