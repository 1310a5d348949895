"""Travis CI.

Travis CI documents no identity tokens and no approvals, so a change is previewed and commented on, and nothing is
applied. Builds of forks get no secure variables. Sources:
https://docs.travis-ci.com/user/conditions-v1, https://docs.travis-ci.com/user/using-workspaces/ and
https://docs.travis-ci.com/user/pull-requests#pull-requests-and-security-restrictions
"""

from __future__ import annotations

from typing import Any, Final

from mlops_iac.delivery.document import block, to_yaml
from mlops_iac.delivery.jobs import PYTHON, TOKEN_VARIABLE, Dialect, Job, jobs, whole_script
from mlops_iac.delivery.project import Project
from mlops_iac.delivery.provider import Provider
from mlops_iac.delivery.shell import Expression

_DIALECT: Final = Dialect(
    Expression('"$TRAVIS_PULL_REQUEST"'), page=lambda report: "$TRAVIS_BUILD_WEB_URL", fetches=True, keyless=False
)


def render(project: Project) -> str:
    """A stage for each job of a change."""
    document = {
        "version": "~> 1.0",
        "os": "linux",
        "dist": "jammy",
        "language": "python",
        "python": PYTHON,
        "git": {"depth": False},
        "if": f"type = pull_request AND branch = {project.branch}",
        "install": "true",
        "jobs": {"include": [_job(project, job) for job in jobs(project, _DIALECT)]},
    }
    return to_yaml(document)


def _job(project: Project, job: Job) -> dict[str, Any]:
    workspaces: dict[str, Any] = {}
    if job.keeps:
        workspaces["create"] = {"name": job.id, "paths": [job.keeps]}
    if job.takes:
        workspaces["use"] = list(job.takes)
    # In a shell of its own: `set -e` in the build's own shell would end it without a result.
    script = f"bash <<'SCRIPT'\n{block(whole_script(project, job, _DIALECT))}SCRIPT\n"
    return {"stage": job.title, "name": job.title, "workspaces": workspaces, "script": script}


def setup(project: Project) -> tuple[str, ...]:
    """The token for comments."""
    return (
        f"On the forge: protect {project.branch}; require the check of Travis CI",
        f"Settings > Environment Variables: {TOKEN_VARIABLE}, a token that may write pull requests, not displayed",
        "Nothing is applied from Travis CI: apply with `mlops-iac up`, or from a CI system with identity tokens",
    )


PROVIDER = Provider(
    name="travis",
    label="Travis CI",
    file=".travis.yml",
    render=render,
    identity=None,
    setup=setup,
    source_url="https://docs.travis-ci.com/user/build-config-yaml",
)
