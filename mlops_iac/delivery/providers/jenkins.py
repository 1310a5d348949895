"""Jenkins, as a declarative pipeline of a multibranch project.

Identity tokens come from the OpenID Connect Provider plugin as file credentials. A change from a fork is built with the
Jenkinsfile of the target branch unless its author is trusted. Sources:
https://www.jenkins.io/doc/book/pipeline/syntax/, https://plugins.jenkins.io/oidc-provider/ (issuer and ``sub``) and
https://plugins.jenkins.io/github-branch-source/ (trust of forks)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from mlops_iac.delivery.groovy import Block, Item, script, source, text
from mlops_iac.delivery.jobs import TOKEN_VARIABLE, Dialect, Job, Trigger, cloud_variables, jobs, whole_script
from mlops_iac.delivery.pins import image
from mlops_iac.delivery.project import Access, Identity, Project, Target, grant_name
from mlops_iac.delivery.provider import HEADER, Provider
from mlops_iac.delivery.shell import Expression

AUDIENCE: Final = "sts.amazonaws.com"

_DIALECT: Final = Dialect(Expression('"$CHANGE_ID"'), page=lambda report: f"${{BUILD_URL}}artifact/{report.page}")
_FORGE_TOKEN: Final = "mlops-iac-forge-token"


def identity(project: Project, target: Target) -> Identity:
    """Both roles trust the job of the protected branch, whose address is the subject of its tokens."""
    root = project.ids.issuer.removesuffix("/oidc")
    job = f"{root}/{project.ids.project.strip('/')}/job/{quote(quote(project.branch, safe=''), safe='')}/"
    return Identity(project.ids.issuer, AUDIENCE, (job,), (job,))


def render(project: Project) -> str:
    """The pipeline: a stage for each job."""
    cron = f"cron(env.BRANCH_NAME == {text(project.branch)} ? {text(project.schedule)} : '')"
    pipeline = Block(
        "pipeline",
        (
            "agent none",
            Block(
                "options", ("disableConcurrentBuilds()", "skipStagesAfterUnstable()", "timeout(time: 1, unit: 'DAYS')")
            ),
            Block("triggers", (cron,)),
            Block("stages", tuple(_stage(project, job) for job in jobs(project, _DIALECT))),
        ),
    )
    return f"// {HEADER}\n{source(pipeline)}"


def _stage(project: Project, job: Job) -> Block:
    items: list[Item] = [Block("when", ("beforeAgent true", "beforeInput true", *_when(project, job)))]
    if job.approvers:
        question = f"Apply the plan of {project.system} {job.target.name if job.target else ''}?"
        items.append(Block("input", (f"message {text(question)}", f"submitter {text(','.join(job.approvers))}")))
    items.append(
        Block("agent", (Block("docker", (f"image {text(image('docker.io/library/python'))}", "args '-u root'")),))
    )
    items.append(Block("steps", tuple(_steps(project, job))))
    if job.keeps:
        kept = [f"archiveArtifacts artifacts: {text(f'{job.keeps}/**')}, allowEmptyArchive: true"]
        if job.reports:
            tests = ", ".join(each.tests for each in job.reports)
            # A build that is unstable would skip the comment.
            kept.append(f"junit testResults: {text(tests)}, allowEmptyResults: true, skipMarkingBuildUnstable: true")
        items.append(Block("post", (Block("always", tuple(kept)),)))
    return Block(f"stage({text(job.title)})", tuple(items))


def _when(project: Project, job: Job) -> Iterator[Item]:
    on_branch, timed = f"branch {text(project.branch)}", "triggeredBy 'TimerTrigger'"
    if job.trigger is Trigger.CHANGE:
        yield f"changeRequest target: {text(project.branch)}"
    elif job.trigger is Trigger.MERGE:
        yield Block("allOf", (on_branch, Block("not", (timed,))))
    else:
        yield Block("allOf", (on_branch, timed))


def _steps(project: Project, job: Job) -> Iterator[Item]:
    yield from (f"unstash {text(taken)}" for taken in job.takes)
    run: Item = f"sh {script(whole_script(project, job, _DIALECT))}"
    credentials = []
    if job.posts:
        credentials.append(f"string(credentialsId: {text(_FORGE_TOKEN)}, variable: {text(TOKEN_VARIABLE)})")
    if job.target is not None:
        name = grant_name(project, job.target, job.access)
        credentials.append(f"file(credentialsId: {text(name)}, variable: 'AWS_WEB_IDENTITY_TOKEN_FILE')")
        values = ", ".join(text(f"{key}={value}") for key, value in cloud_variables(project, job, _DIALECT).items())
        run = Block(f"withEnv([{values}])", (run,))
    yield Block(f"withCredentials([{', '.join(credentials)}])", (run,)) if credentials else run
    if job.keeps:
        yield f"stash name: {text(job.id)}, includes: {text(f'{job.keeps}/**')}"


def setup(project: Project) -> tuple[str, ...]:
    """Credentials, and what forks may do."""
    tokens = [
        f"Credentials: OpenID Connect id token as file, id {grant_name(project, target, access)}, audience {AUDIENCE}"
        for target in project.targets
        for access in (Access.PLAN, Access.APPLY)
    ]
    return (
        f"On the forge: protect {project.branch}",
        *tokens,
        f"Credentials: secret text {_FORGE_TOKEN}, a token that may write pull requests and issues of the repository",
        "Multibranch project > Discover pull requests from forks: trust nobody, or users with write permission",
    )


PROVIDER = Provider(
    name="jenkins",
    label="Jenkins",
    file="Jenkinsfile",
    render=render,
    identity=identity,
    setup=setup,
    source_url="https://plugins.jenkins.io/oidc-provider/",
    needs=("issuer", "project"),
)
