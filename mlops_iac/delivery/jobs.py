"""The jobs of a delivery, as data that every provider words in its own language.

On a change (a pull or merge request): ``preview`` compares with the branch that the change goes to. It needs no
account and gets no credentials, so code from a fork can run it. ``comment`` then posts the reports; it runs nothing of
the change.
On a merge, environment by environment: ``plan`` (read-only role) saves a plan against what is deployed, ``apply`` waits
for the approvers and applies that plan and no other. On a schedule: ``drift`` looks for what was changed by hand, and
opens, updates or closes one issue per environment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mlops_iac.delivery.project import Access, Project, Target, backend, role_arn
from mlops_iac.delivery.shell import Command, Expression, Word, script

PROGRAM: Final = "mlops-iac"
TOKEN_VARIABLE: Final = "MLOPS_IAC_FORGE_TOKEN"
"""Where jobs that post find the forge's token."""
PYTHON: Final = "3.12"
IDENTITY_FILE: Final = "/tmp/mlops-iac-identity"  # noqa: S108 - in a container that is the job's own
"""Where a job keeps its identity token."""


class Trigger(StrEnum):
    """What starts a job."""

    CHANGE = "change"
    MERGE = "merge"
    SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True)
class Job:
    """One job. ``gives`` are files that later jobs take, kept also when the job fails; ``takes`` are jobs to take from.

    ``posts`` says that it talks to the forge with a token. ``trusted_code``: it must not run anything of the change
    that started it. ``digest`` is the file with the SHA-256 of the saved plan that the job makes, or applies.
    """

    id: str
    title: str
    trigger: Trigger
    commands: tuple[Command, ...]
    target: Target | None = None
    access: Access = Access.NONE
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    digest: str = ""
    posts: bool = False
    trusted_code: bool = False

    @property
    def approvers(self) -> tuple[str, ...]:
        """Who must agree before it starts."""
        return self.target.approvers if self.target is not None and self.access is Access.APPLY else ()


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a provider's jobs need said in its own words.

    ``change``: the number of the change, and ``forge`` where it is. ``fetches``: the checkout of a change lacks the
    branch that it goes to. ``after_failure``: a job can follow one that failed; without that, ``comment`` fails in
    place of ``preview``. ``keyless``: jobs can take a role without a stored key; without that, nothing can be planned,
    applied or looked for.
    """

    change: Word
    forge: str = "github"
    fetches: bool = False
    after_failure: bool = False
    keyless: bool = True


_FETCHED_BASE: Final = Expression('"$(git merge-base FETCH_HEAD HEAD)"')
_STATUS: Final = "preview.status"
_ENGINE: Final = ("--engine", "pulumi", "--install-pulumi")


def _base(project: Project, dialect: Dialect) -> Word:
    """A commit that a change is compared with."""
    return _FETCHED_BASE if dialect.fetches else f"origin/{project.branch}"


def _fetch(project: Project, dialect: Dialect) -> tuple[Command, ...]:
    return (Command(("git", "fetch", "--quiet", "--no-tags", "origin", project.branch)),) if dialect.fetches else ()


def whole_script(project: Project, job: Job, dialect: Dialect, *, before: Iterable[str] = ()) -> tuple[str, ...]:
    """Everything that a job runs after its checkout and artifacts, where the provider has no steps for parts of it.

    A job that must not run the change goes to its base first. ``before`` are lines of the provider's own.
    """
    back = (Command(("git", "checkout", "--quiet", "--detach", _base(project, dialect))),)
    trusted = (*_fetch(project, dialect), *back) if job.trusted_code else ()
    return ("set -eu", *script(trusted), *script(install(project)), *before, *script(job.commands))


def cloud_variables(project: Project, job: Job) -> dict[str, str]:
    """Environment variables of a job that takes a role by an identity token in ``IDENTITY_FILE``; empty for others.

    Source: https://docs.aws.amazon.com/sdkref/latest/guide/access-assume-role-web.html
    """
    if job.target is None:
        return {}
    return {
        "AWS_ROLE_ARN": role_arn(project.system, job.target, job.access),
        "AWS_REGION": job.target.region,
        "PULUMI_BACKEND_URL": backend(job.target),
    }


def keep_identity(variable: str) -> str:
    """Shell that writes the identity token in ``variable`` where the AWS SDKs look for it."""
    return f'(umask 077 && printf %s "${variable}" > {IDENTITY_FILE})'


def install(project: Project) -> tuple[Command, ...]:
    """Install the toolkit."""
    return (Command(("python", "-m", "pip", "install", "--quiet", *project.install)),)


def jobs(project: Project, dialect: Dialect) -> tuple[Job, ...]:
    """Every job, in the order in which they run."""
    change = (_preview(project, dialect), _comment(project, dialect))
    return (
        change
        if not (dialect.keyless and project.deploy)
        else (*change, *_delivery(project), *_drift(project, dialect))
    )


def _shell(text: str) -> Command:
    return Command((Expression(text),))


def _verb(project: Project, verb: str, *words: Word, out: str = "", status: str = "") -> Command:
    return Command((PROGRAM, verb, "-C", project.folder, *words), out, status)


def _preview(project: Project, dialect: Dialect) -> Job:
    reports = {target.name: f"preview-{target.name}.md" for target in project.targets}
    shown = ("--format", "markdown")
    previews = (
        _verb(
            project,
            "preview",
            f"env={name}",
            "--against",
            _base(project, dialect),
            *shown,
            out=report,
            status="refused",
        )
        for name, report in reports.items()
    )
    refused = 'exit "$refused"' if dialect.after_failure else f'echo "$refused" > {_STATUS}'
    return Job(
        "preview",
        "Preview and policies",
        Trigger.CHANGE,
        (*_fetch(project, dialect), *previews, _shell(refused)),
        gives=(*reports.values(), *(() if dialect.after_failure else (_STATUS,))),
    )


def _comment(project: Project, dialect: Dialect) -> Job:
    files: list[Word] = [word for target in project.targets for word in ("--file", f"preview-{target.name}.md")]
    forge = (*_forge(project, dialect), "--if-token")
    posted: tuple[Word, ...] = ("post", "comment", *forge, "--key", project.system, "--number", dialect.change)
    ending = () if dialect.after_failure else (_shell(f'exit "$(cat {_STATUS})"'),)
    return Job(
        "comment",
        "Comment",
        Trigger.CHANGE,
        (Command((PROGRAM, *posted, *files)), *ending),
        needs=("preview",),
        takes=("preview",),
        posts=True,
        trusted_code=True,
    )


def _delivery(project: Project) -> Iterator[Job]:
    before: tuple[str, ...] = ()
    for target in project.targets:
        plan, digest, report = (f"plan-{target.name}.{end}" for end in ("json", "sha256", "md"))
        saved = ("--save-plan", plan, *_ENGINE, "--exit-code", "--format", "markdown")
        yield Job(
            f"plan-{target.name}",
            f"Plan {target.name}",
            Trigger.MERGE,
            (
                _verb(project, "preview", f"env={target.name}", *saved, out=report, status="changes"),
                _shell('[ "$changes" = 0 ] || [ "$changes" = 10 ] || exit "$changes"'),
                Command(("sha256sum", plan), out=digest),
            ),
            target,
            Access.PLAN,
            needs=before,
            gives=(plan, digest, report),
            digest=digest,
        )
        applied = ("--plan", plan, *_ENGINE, "--yes")
        yield Job(
            f"apply-{target.name}",
            f"Apply {target.name}",
            Trigger.MERGE,
            (
                Command(("sha256sum", "--check", "--strict", digest)),
                _verb(project, "up", f"env={target.name}", *applied),
            ),
            target,
            Access.APPLY,
            needs=(f"plan-{target.name}",),
            takes=(f"plan-{target.name}",),
            digest=digest,
        )
        before = (f"apply-{target.name}",)


def _drift(project: Project, dialect: Dialect) -> Iterator[Job]:
    for target in project.targets:
        report = f"drift-{target.name}.md"
        asked = (f"env={target.name}", *_ENGINE, "--exit-code", "--format", "markdown")
        key = f"{project.system}-{target.name}"
        title = f"Drift in {project.system} {target.name}"
        posted: tuple[Word, ...] = ("post", "issue", *_forge(project, dialect), "--key", key, "--title", title)
        status = Expression('"$drift"')
        yield Job(
            f"drift-{target.name}",
            title,
            Trigger.SCHEDULE,
            (
                _verb(project, "drift", *asked, out=report, status="drift"),
                Command((PROGRAM, *posted, "--drift-status", status, "--file", report)),
                _shell('exit "$drift"'),
            ),
            target,
            Access.PLAN,
            gives=(report,),
            posts=True,
        )


def _forge(project: Project, dialect: Dialect) -> tuple[Word, ...]:
    return ("--forge", project.forge or dialect.forge, "--repository", project.repository)
