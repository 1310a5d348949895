"""Azure Pipelines.

Roles are taken through AWS service connections with OIDC, of the AWS Toolkit for Azure DevOps 1.15 or later. Sources:
https://learn.microsoft.com/en-us/azure/devops/pipelines/yaml-schema/,
https://learn.microsoft.com/en-us/azure/devops/pipelines/security/repos (forks) and
https://aws.amazon.com/blogs/modernizing-with-aws/how-to-federate-into-aws-from-azure-devops-using-openid-connect
"""

from __future__ import annotations

from typing import Any, Final

from mlops_iac.delivery.document import block, to_yaml
from mlops_iac.delivery.jobs import (
    PYTHON,
    TOKEN_VARIABLE,
    Dialect,
    Job,
    Trigger,
    jobs,
    kept,
    state_variables,
    whole_script,
)
from mlops_iac.delivery.project import Access, Identity, Project, Target, grant_name
from mlops_iac.delivery.provider import Provider
from mlops_iac.delivery.shell import Expression

ISSUER: Final = "https://vstoken.dev.azure.com"
AUDIENCE: Final = "api://AzureADTokenExchange"

_RUN: Final = "$SYSTEM_COLLECTIONURI$SYSTEM_TEAMPROJECTID/_build/results?buildId=$BUILD_BUILDID"
_DIALECT: Final = Dialect(
    Expression('"$SYSTEM_PULLREQUEST_PULLREQUESTID"'),
    page=lambda report: f"{_RUN}&view=artifacts&pathAsName=false&type=publishedArtifacts",
    forge="azure-devops",
    after_failure=True,
)
_FINDINGS: Final = "CodeAnalysisLogs"
"""Artifact whose SARIF files the tab Scans shows: https://github.com/microsoft/sarif-azuredevops-extension"""
_ALWAYS: Final = "not(canceled())"
_REASONS: Final = {
    Trigger.CHANGE: "eq(variables['Build.Reason'], 'PullRequest')",
    Trigger.SCHEDULE: "eq(variables['Build.Reason'], 'Schedule')",
}


def identity(project: Project, target: Target) -> Identity:
    """Each role trusts the one service connection that is made for it."""
    scope = "/".join(project.repository.split("/")[:2])
    plan, apply = (f"sc://{scope}/{grant_name(project, target, access)}" for access in (Access.PLAN, Access.APPLY))
    return Identity(f"{ISSUER}/{project.ids.organization}", AUDIENCE, (plan,), (apply,))


def render(project: Project) -> str:
    """The pipeline: a stage for each job, because approvals and locks belong to stages."""
    branches = {"branches": {"include": [project.branch]}}
    schedule = {"cron": project.schedule, "displayName": "Drift", **branches, "always": "true"}
    document = {
        "trigger": branches,
        "pr": branches,
        "schedules": [schedule],
        "stages": [_stage(project, job) for job in jobs(project, _DIALECT)],
    }
    return to_yaml(document)


def _stage(project: Project, job: Job) -> dict[str, Any]:
    found: dict[str, Any] = {"stage": _id(job.id), "displayName": job.title, "dependsOn": [_id(n) for n in job.needs]}
    found["condition"] = _condition(project, job)
    if job.access is Access.APPLY:
        found["lockBehavior"] = "sequential"
    found["jobs"] = [_job(project, job)]
    return found


def _condition(project: Project, job: Job) -> str:
    on_branch = f"eq(variables['Build.SourceBranch'], 'refs/heads/{project.branch}')"
    merged = f"notIn(variables['Build.Reason'], 'PullRequest', 'Schedule'), {on_branch}"
    started = _REASONS.get(job.trigger, merged)
    if job.posts and job.trigger is Trigger.CHANGE:
        return f"and(not(canceled()), {started}, ne(variables['System.PullRequest.IsFork'], 'True'))"
    return f"and(succeeded(), {started})"


def _job(project: Project, job: Job) -> dict[str, Any]:
    common: dict[str, Any] = {
        "displayName": job.title,
        "pool": {"vmImage": "ubuntu-24.04"},
        "timeoutInMinutes": "120" if job.access is Access.APPLY else "30",
    }
    steps = _steps(project, job)
    if job.target is None or job.access is not Access.APPLY:
        return {"job": _id(job.id), **common, "steps": steps}
    deploy = {"runOnce": {"deploy": {"steps": steps}}}
    return {"deployment": _id(job.id), **common, "environment": job.target.name, "strategy": deploy}


def _steps(project: Project, job: Job) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = [
        {"checkout": "self", "fetchDepth": "0", "persistCredentials": "false"},
        {"task": "UsePythonVersion@0", "inputs": {"versionSpec": PYTHON}},
    ]
    for taken in job.takes:
        inputs = {"artifactName": taken, "targetPath": f"$(System.DefaultWorkingDirectory)/{kept(taken)}"}
        steps.append({"task": "DownloadPipelineArtifact@2", "inputs": inputs})
    steps.append(_run(project, job))
    if job.keeps:
        steps.append(_always("PublishPipelineArtifact@1", targetPath=job.keeps, artifact=job.id))
    if job.reports:
        tests = {"testResultsFormat": "JUnit", "testResultsFiles": f"{job.keeps}/**/junit.xml"}
        steps.append(_always("PublishTestResults@2", **tests, testRunTitle=job.title))
    if job.reports and job.trigger is Trigger.CHANGE:
        copies = (f"cp {each.findings} {_FINDINGS}/{each.environment}.sarif || true" for each in job.reports)
        lines = block((f"mkdir {_FINDINGS}", *copies))
        steps.append({"bash": lines, "displayName": "Findings", "condition": _ALWAYS})
        steps.append(_always("PublishPipelineArtifact@1", targetPath=_FINDINGS, artifact=_FINDINGS))
    return steps


def _always(task: str, **inputs: str) -> dict[str, Any]:
    return {"task": task, "inputs": inputs, "condition": _ALWAYS}


def _run(project: Project, job: Job) -> dict[str, Any]:
    lines = block(whole_script(project, job, _DIALECT))
    environment = {TOKEN_VARIABLE: "$(System.AccessToken)"} if job.posts else {}
    if job.target is None:
        return {"bash": lines, "displayName": job.title, **({"env": environment} if environment else {})}
    inputs = {
        "awsCredentials": grant_name(project, job.target, job.access),
        "regionName": job.target.region,
        "scriptType": "inline",
        "inlineScript": lines,
    }
    environment |= state_variables(job.target)
    return {"task": "AWSShellScript@1", "displayName": job.title, "inputs": inputs, "env": environment}


def _id(text: str) -> str:
    return text.replace("-", "_")


def setup(project: Project) -> tuple[str, ...]:
    """Service connections, environments and their checks, and who may comment."""
    connections = [
        f"Project settings > Service connections > AWS: {grant_name(project, target, access)}, with OIDC, the role "
        f"{access.value} of {target.name}; check Branch control: {project.branch}"
        for target in project.targets
        for access in (Access.PLAN, Access.APPLY)
    ]
    guarded = [
        f"Pipelines > Environments > {target.name}: check Exclusive lock"
        + (f"; check Approvals: {', '.join(target.approvers)}" if target.approvers else "")
        for target in project.targets
    ]
    return (
        f"Repos > Branches > {project.branch}: branch policy with this pipeline as build validation",
        *connections,
        *guarded,
        "Project settings > Pipelines > Settings: limit job authorization scope; no secrets for builds of forks",
        "Repository security: let the build service contribute to pull requests; and edit work items in this project",
    )


PROVIDER = Provider(
    name="azure-devops",
    label="Azure Pipelines",
    file="azure-pipelines.yml",
    render=render,
    identity=identity,
    setup=setup,
    source_url="https://learn.microsoft.com/en-us/azure/devops/pipelines/yaml-schema/",
    needs=("organization",),
)
