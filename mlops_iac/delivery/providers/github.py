"""GitHub Actions.

A change from a fork gets a read-only token, no secrets and no identity token, and is never checked out by a job that
has more. Sources: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax,
https://docs.github.com/en/actions/reference/security/oidc (the ``sub`` claim),
https://docs.github.com/en/actions/reference/workflows-and-actions/deployments-and-environments (reviewers) and
https://docs.github.com/en/actions/reference/security/secure-use
"""

from __future__ import annotations

from typing import Any, Final

from mlops_iac.delivery.document import block, to_yaml
from mlops_iac.delivery.jobs import (
    PYTHON,
    TOKEN_VARIABLE,
    Dialect,
    Job,
    Report,
    Trigger,
    install,
    jobs,
    kept,
    state_variables,
)
from mlops_iac.delivery.pins import pins
from mlops_iac.delivery.project import Access, Identity, Project, Target, role_arn
from mlops_iac.delivery.provider import Provider
from mlops_iac.delivery.shell import Expression, script

ISSUER: Final = "https://token.actions.githubusercontent.com"
AUDIENCE: Final = "sts.amazonaws.com"

_CONDITIONS: Final = {
    Trigger.CHANGE: "github.event_name == 'pull_request'",
    Trigger.MERGE: "github.event_name == 'push'",
    Trigger.SCHEDULE: "github.event_name == 'schedule' || github.event_name == 'workflow_dispatch'",
}
_ALWAYS: Final = "!cancelled()"
_OWN: Final = "github.event.pull_request.head.repo.full_name == github.repository"
_KEEP_DAYS: Final = 30
_DIALECT: Final = Dialect(
    Expression('"$CHANGE_NUMBER"'), page=lambda report: f"$PAGE_{report.environment.upper()}", after_failure=True
)


def identity(project: Project, target: Target) -> Identity:
    """Plans come from the protected branch, applies from the environment that its approvers guard."""
    repository = f"repo:{project.repository}"
    branch = f"{repository}:ref:refs/heads/{project.branch}"
    return Identity(ISSUER, AUDIENCE, (branch,), (f"{repository}:environment:{target.name}",))


def render(project: Project) -> str:
    """The workflow."""
    document = {
        "name": f"mlops-iac {project.system}",
        "on": {
            "pull_request": {"branches": [project.branch]},
            "push": {"branches": [project.branch]},
            "schedule": [{"cron": project.schedule}],
            "workflow_dispatch": None,
        },
        "permissions": {},
        "jobs": {job.id: _job(project, job) for job in jobs(project, _DIALECT)},
    }
    text = to_yaml(document)
    for pin in pins().values():
        text = text.replace(f"{pin.reference}@{pin.pin}\n", f"{pin.reference}@{pin.pin} # {pin.version}\n")
    return text


def _job(project: Project, job: Job) -> dict[str, Any]:
    found: dict[str, Any] = {"name": job.title, "if": _condition(job)}
    if job.needs:
        found["needs"] = list(job.needs)
    found |= {"runs-on": "ubuntu-24.04", "timeout-minutes": 120 if job.access is Access.APPLY else 30}
    found["permissions"] = _permissions(project, job)
    found["concurrency"] = _concurrency(project, job)
    if job.target is not None and job.access is Access.APPLY:
        found["environment"] = {"name": job.target.name}
    if job.digest and job.keeps:
        found["outputs"] = {name: f"${{{{ steps.run.outputs.{name} }}}}" for name in ("changes", "sha256")}
    elif job.reports:
        pages = (_page_id(each) for each in job.reports)
        found["outputs"] = {page: f"${{{{ steps.{page}.outputs.artifact-url }}}}" for page in pages}
    found["steps"] = _steps(project, job)
    return found


def _condition(job: Job) -> str:
    condition = _CONDITIONS[job.trigger]
    if job.posts and job.trigger is Trigger.CHANGE:
        return f"!cancelled() && {condition} && {_OWN}"
    if job.access is Access.APPLY:
        return f"{condition} && needs.{job.needs[0]}.outputs.changes == '10'"
    if job.needs:
        # An environment without changes is not applied, which must not stop the next one.
        return f"!failure() && !cancelled() && {condition}"
    return condition


def _permissions(project: Project, job: Job) -> dict[str, str]:
    found = {"contents": "read"}
    if project.code_scanning and _findings(job):
        found["security-events"] = "write"
    if job.access is not Access.NONE:
        found["id-token"] = "write"
    if job.posts:
        found["pull-requests" if job.trigger is Trigger.CHANGE else "issues"] = "write"
    return found


def _concurrency(project: Project, job: Job) -> dict[str, Any]:
    if job.trigger is Trigger.CHANGE:
        group = f"{project.system}-{job.id}-${{{{ github.event.pull_request.number || github.run_id }}}}"
        return {"group": group, "cancel-in-progress": True}
    return {"group": f"{project.system}-{job.id}", "cancel-in-progress": False}


def _steps(project: Project, job: Job) -> list[dict[str, Any]]:
    checkout: dict[str, Any] = {"persist-credentials": False}
    if job.trusted_code:
        checkout["ref"] = "${{ github.event.pull_request.base.sha }}"
    elif job.trigger is Trigger.CHANGE:
        checkout["fetch-depth"] = 0
    steps: list[dict[str, Any]] = [
        _uses("actions/checkout", checkout),
        _uses("actions/setup-python", {"python-version": PYTHON}),
        {"name": "Install mlops-iac", "run": block(script(install(project)))},
    ]
    steps += [
        _uses("actions/download-artifact", {"name": f"{project.system}-{taken}", "path": kept(taken)})
        for taken in job.takes
    ]
    if job.target is not None and job.access is not Access.NONE:
        role = role_arn(project.system, job.target, job.access)
        credentials = {
            "role-to-assume": role,
            "aws-region": job.target.region,
            "allowed-account-ids": job.target.account,
            "mask-aws-account-id": True,
        }
        steps.append(_uses("aws-actions/configure-aws-credentials", credentials))
    steps.append(_run(project, job))
    if job.keeps:
        shown = f'cat {" ".join(job.shown)} >> "$GITHUB_STEP_SUMMARY" || true'
        copies = (f"cp {each.page} {_page_file(project, job, each)} || true" for each in job.reports)
        steps.append({"name": "Show", "if": _ALWAYS, "run": block((shown, *copies))})
        steps.append(_uploaded(job.keeps, name=f"{project.system}-{job.id}"))
        # Of their own and not in an archive, so that a browser opens them.
        steps += [
            {"id": _page_id(each), **_uploaded(_page_file(project, job, each), archive=False)} for each in job.reports
        ]
    if project.code_scanning and (findings := _findings(job)):
        # What is checked out here may be the base: the findings are of what started the run.
        given = {"sarif_file": findings, "ref": "${{ github.ref }}", "sha": "${{ github.sha }}"}
        steps.append(_uses("github/codeql-action/upload-sarif", given, condition=_ALWAYS))
    return steps


def _findings(job: Job) -> str:
    """The folder with findings that a job tells code scanning of; those of a change are told by what is trusted."""
    if job.trigger is Trigger.CHANGE:
        return kept(job.takes[0]) if job.posts else ""
    return job.keeps if job.reports else ""


def _page_id(report: Report) -> str:
    return f"page-{report.environment}"


def _page_file(project: Project, job: Job, report: Report) -> str:
    """A page by itself is named after its file."""
    environment = "" if job.target is not None else f"-{report.environment}"
    return f"{project.system}-{job.id}{environment}.html"


def _uploaded(path: str, **given: Any) -> dict[str, Any]:
    kept_as = {**given, "path": path, "if-no-files-found": "ignore", "retention-days": _KEEP_DAYS}
    return _uses("actions/upload-artifact", kept_as, condition=_ALWAYS)


def _run(project: Project, job: Job) -> dict[str, Any]:
    lines = list(script(job.commands))
    environment: dict[str, str] = {}
    if job.posts:
        environment[TOKEN_VARIABLE] = "${{ github.token }}"
    if job.posts and job.trigger is Trigger.CHANGE:
        environment["CHANGE_NUMBER"] = "${{ github.event.pull_request.number }}"
        for target in project.targets:
            page = f"needs.{job.needs[0]}.outputs.page-{target.name}"
            environment[f"PAGE_{target.name.upper()}"] = f"${{{{ {page} }}}}"
    if job.target is not None:
        environment |= state_variables(job.target)
    # The digest goes from plan to apply by an output too, which nothing but the plan's own job can set.
    if job.digest and job.keeps:
        lines += [f'echo "sha256=$(cut -d " " -f 1 {job.digest})" >> "$GITHUB_OUTPUT"']
        lines += ['echo "changes=$changes" >> "$GITHUB_OUTPUT"']
    elif job.digest:
        environment["REVIEWED"] = f"${{{{ needs.{job.needs[0]}.outputs.sha256 }}}}"
        lines.insert(0, f'[ "$REVIEWED" = "$(cut -d " " -f 1 {job.digest})" ]')
    step: dict[str, Any] = {"name": job.title, "id": "run", "run": block(lines)}
    if environment:
        step["env"] = environment
    return step


def _uses(action: str, given: dict[str, Any], condition: str = "") -> dict[str, Any]:
    found = pins()[action]
    step: dict[str, Any] = {"uses": f"{found.reference}@{found.pin}", "with": given}
    return {"if": condition, **step} if condition else step


def setup(project: Project) -> tuple[str, ...]:
    """Branch protection and environments, which a workflow cannot make for itself."""
    guarded = [
        f"Settings > Environments > {target.name}: allow deployments from {project.branch} only"
        + (f"; required reviewers {', '.join(target.approvers)}; prevent self-review" if target.approvers else "")
        for target in project.targets
    ]
    approved = any(target.approvers for target in project.targets)
    plan = "In a private repository, required reviewers need GitHub Enterprise: without them nobody is asked"
    return (
        f"Settings > Rules: protect {project.branch}; require a pull request, an approval and the check "
        '"Preview and policies"',
        *guarded,
        *((plan,) if approved else ()),
        "Settings > Actions: read-only default token; require approval for first-time contributors",
    )


PROVIDER = Provider(
    name="github",
    label="GitHub Actions",
    file=".github/workflows/mlops-iac-{system}.yml",
    render=render,
    identity=identity,
    setup=setup,
    source_url="https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax",
)
