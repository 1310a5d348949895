"""The jobs of a delivery, as data that every provider words in its own language.

On a change (a pull or merge request): ``preview`` compares with the branch that the change goes to, and the CI file
with what the configuration says. It needs no account and gets no credentials, so code from a fork can run it.
``comment`` then posts the reports, with a link to their pages; it runs nothing of the change.
On a merge, environment by environment: ``plan`` (read-only role) saves a plan against what is deployed, ``apply`` waits
for the approvers and applies that plan and no other. On a schedule: ``drift`` looks for what was changed by hand, and
opens, updates or closes one issue per environment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
class Report:
    """The report of one environment: what ``--report`` of ``preview`` or ``drift`` writes into ``folder``."""

    environment: str
    folder: str

    @property
    def comment(self) -> str:
        """What is posted, and shown in the run."""
        return f"{self.folder}/comment.md"

    @property
    def page(self) -> str:
        """What people open."""
        return f"{self.folder}/report.html"

    @property
    def findings(self) -> str:
        """Findings at their lines, as SARIF."""
        return f"{self.folder}/findings.sarif"

    @property
    def quality(self) -> str:
        """The same as GitLab reads it."""
        return f"{self.folder}/codequality.json"

    @property
    def tests(self) -> str:
        """Policies as tests, as JUnit's XML."""
        return f"{self.folder}/junit.xml"


@dataclass(frozen=True, slots=True)
class Job:
    """One job. ``keeps`` is the folder of what later jobs and people take from it, kept also when the job fails;
    ``reports`` are those in it, ``shown`` the Markdown files that the run itself shows. ``takes``: the jobs whose
    folders it needs.

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
    keeps: str = ""
    reports: tuple[Report, ...] = ()
    shown: tuple[str, ...] = ()
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

    ``change``: the number of the change, and ``forge`` where it is. ``page``: address of a report's page, as shell text
    between double quotes in the job that comments; ``place`` is what only the job that makes the reports can say, as
    such text, and ``PLACE`` gives it back to ``page``. ``identity``: the variable with a job's identity token, where a
    role is taken by it.
    ``fetches``: the checkout of a change lacks the branch that it goes to. ``after_failure``: a job can follow one that
    failed; without that, ``comment`` fails in place of ``preview``. ``keyless``: jobs can take a role without a stored
    key; without that, nothing can be planned, applied or looked for.
    """

    change: Word
    page: Callable[[Report], str]
    place: str = ""
    identity: str = ""
    forge: str = "github"
    fetches: bool = False
    after_failure: bool = False
    keyless: bool = True


_FETCHED_BASE: Final = Expression('"$(git merge-base FETCH_HEAD HEAD)"')
_PREVIEW: Final = "preview"
_KEPT: Final = "mlops-iac"
PLACE: Final = f"$(cat {_KEPT}/{_PREVIEW}/place)"
"""In the job that comments: what ``Dialect.place`` was in the job that made the reports."""
_ENGINE: Final = ("--engine", "pulumi", "--install-pulumi")


def _base(project: Project, dialect: Dialect) -> Word:
    """A commit that a change is compared with."""
    return _FETCHED_BASE if dialect.fetches else f"origin/{project.branch}"


def _fetch(project: Project, dialect: Dialect) -> tuple[Command, ...]:
    return (Command(("git", "fetch", "--quiet", "--no-tags", "origin", project.branch)),) if dialect.fetches else ()


def whole_script(project: Project, job: Job, dialect: Dialect) -> tuple[str, ...]:
    """Everything that a job runs after its checkout and artifacts, where the provider has no steps for parts of it.

    A job that must not run the change goes to its base first; one that takes a role puts its identity token where the
    AWS SDKs look for it.
    """
    back = (Command(("git", "checkout", "--quiet", "--detach", _base(project, dialect))),)
    trusted = (*_fetch(project, dialect), *back) if job.trusted_code else ()
    identified = job.target is not None and dialect.identity
    known = (f'(umask 077 && printf %s "${dialect.identity}" > {IDENTITY_FILE})',) if identified else ()
    return ("set -eu", *script(trusted), *script(install(project)), *known, *script(job.commands))


def cloud_variables(project: Project, job: Job, dialect: Dialect) -> dict[str, str]:
    """Environment variables of a job that takes a role by an identity token; empty for others.

    Source: https://docs.aws.amazon.com/sdkref/latest/guide/access-assume-role-web.html
    """
    if job.target is None:
        return {}
    return {
        "AWS_ROLE_ARN": role_arn(project.system, job.target, job.access),
        "AWS_REGION": job.target.region,
        **({"AWS_WEB_IDENTITY_TOKEN_FILE": IDENTITY_FILE} if dialect.identity else {}),
        **state_variables(job.target),
    }


def state_variables(target: Target) -> dict[str, str]:
    """Environment variables by which Pulumi finds an environment's state."""
    return {"PULUMI_BACKEND_URL": backend(target)}


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


def kept(job: str) -> str:
    """The folder of what a job keeps, from the repository's root."""
    return f"{_KEPT}/{job}"


def _keeping(job: str) -> tuple[str, Command]:
    """The folder of what a job keeps, and what makes it."""
    folder = kept(job)
    return folder, Command(("mkdir", "-p", folder))


def _preview(project: Project, dialect: Dialect) -> Job:
    folder, made = _keeping(_PREVIEW)
    reports = tuple(Report(target.name, f"{folder}/{target.name}") for target in project.targets)
    against = ("--against", _base(project, dialect))
    previews = (
        _verb(project, "preview", f"env={each.environment}", *against, "--report", each.folder, status="refused")
        for each in reports
    )
    current = _verb(project, "delivery", *project.overrides, "--check", status="refused")
    place = (Command(("echo", Expression(f'"{dialect.place}"')), out=f"{folder}/place"),) if dialect.place else ()
    ending = (
        _shell('exit "$refused"')
        if dialect.after_failure
        else Command(("echo", Expression('"$refused"')), out=f"{folder}/status")
    )
    return Job(
        _PREVIEW,
        "Preview and policies",
        Trigger.CHANGE,
        (made, *place, *_fetch(project, dialect), current, *previews, ending),
        keeps=folder,
        reports=reports,
        shown=tuple(each.comment for each in reports),
    )


def _comment(project: Project, dialect: Dialect) -> Job:
    preview = _preview(project, dialect)
    files: list[Word] = []
    for each in preview.reports:
        files += ["--file", each.comment, "--page", Expression(f'"{each.environment}={dialect.page(each)}"')]
    forge = (*_forge(project, dialect), "--if-token")
    posted: tuple[Word, ...] = ("post", "comment", *forge, "--key", project.system, "--number", dialect.change)
    ending = () if dialect.after_failure else (_shell(f'exit "$(cat {preview.keeps}/status)"'),)
    return Job(
        "comment",
        "Comment",
        Trigger.CHANGE,
        (Command((PROGRAM, *posted, *files)), *ending),
        needs=(preview.id,),
        takes=(preview.id,),
        posts=True,
        trusted_code=True,
    )


def _delivery(project: Project) -> Iterator[Job]:
    before: tuple[str, ...] = ()
    for target in project.targets:
        name = f"plan-{target.name}"
        folder, made = _keeping(name)
        plan, digest, report = f"{folder}/plan.json", f"{folder}/plan.sha256", Report(target.name, f"{folder}/report")
        saved = ("--save-plan", plan, *_ENGINE, "--exit-code", "--report", report.folder)
        yield Job(
            name,
            f"Plan {target.name}",
            Trigger.MERGE,
            (
                made,
                _verb(project, "preview", f"env={target.name}", *saved, status="changes"),
                _shell('[ "$changes" = 0 ] || [ "$changes" = 10 ] || exit "$changes"'),
                Command(("sha256sum", plan), out=digest),
            ),
            target,
            Access.PLAN,
            needs=before,
            keeps=folder,
            reports=(report,),
            shown=(report.comment,),
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
            needs=(name,),
            takes=(name,),
            digest=digest,
        )
        before = (f"apply-{target.name}",)


def _drift(project: Project, dialect: Dialect) -> Iterator[Job]:
    for target in project.targets:
        name = f"drift-{target.name}"
        folder, made = _keeping(name)
        report = Report(target.name, f"{folder}/report")
        asked = (f"env={target.name}", *_ENGINE, "--exit-code", "--report", report.folder)
        key = f"{project.system}-{target.name}"
        title = f"Drift in {project.system} {target.name}"
        posted: tuple[Word, ...] = ("post", "issue", *_forge(project, dialect), "--key", key, "--title", title)
        status = Expression('"$drift"')
        yield Job(
            name,
            title,
            Trigger.SCHEDULE,
            (
                made,
                _verb(project, "drift", *asked, status="drift"),
                Command((PROGRAM, *posted, "--drift-status", status, "--file", report.comment)),
                _shell('exit "$drift"'),
            ),
            target,
            Access.PLAN,
            keeps=folder,
            reports=(report,),
            shown=(report.comment,),
            posts=True,
        )


def _forge(project: Project, dialect: Dialect) -> tuple[Word, ...]:
    return ("--forge", project.forge or dialect.forge, "--repository", project.repository)
