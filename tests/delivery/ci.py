"""Runs delivery files as their CI systems do: conditions, order, checkouts, artifacts, approvals, shells.

Only what the files use is understood; anything else is an error of the test, so that nothing is passed over.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .world import Between, Outcome, World

TOKEN = "a-token-of-the-forge"
IDENTITY = "an.identity.token"
NUMBER = "7"


@dataclass
class Event:
    """What starts a run. ``kind``: change, merge or schedule. ``base`` and ``commit`` are what a change is between."""

    kind: str
    commit: str
    base: str = ""
    fork: bool = False


class Ci(ABC):
    """A CI system that reads one file."""

    forge: str
    page: str
    """How the address of a page begins."""

    def __init__(self, world: World, text: str) -> None:
        self.world = world
        self.document: dict[str, Any] = yaml.safe_load(text)
        self.summary = ""

    @abstractmethod
    def run(self, event: Event, between: Between) -> dict[str, Outcome]:
        """Every job that the event reaches, in the order in which they ran."""


class Github(Ci):
    """https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax"""

    forge = "github"
    page = "https://github.example/artifacts/"
    events = {"change": "pull_request", "merge": "push", "schedule": "schedule"}

    def run(self, event: Event, between: Between) -> dict[str, Outcome]:
        assert self.events[event.kind] in self.document["on"]
        self.world.artifacts.clear()
        owner = "a-stranger" if event.fork else "acme"
        change = {"number": NUMBER, "base": {"sha": event.base}, "head": {"repo": {"full_name": f"{owner}/small"}}}
        github = {
            "event_name": self.events[event.kind], "repository": "acme/small", "run_id": "1", "sha": event.commit,
            "ref": "refs/pull/7/merge", "event": {"pull_request": change}, "token": "" if event.fork else TOKEN,
        }  # fmt: skip
        found: dict[str, Outcome] = {}
        needs: dict[str, Any] = {}
        for name, job in self.document["jobs"].items():
            before = [*job.get("needs", ())]
            ancestors = set(self._ancestors(name))
            context = {"github": github, "needs": {each: needs[each] for each in before}}
            failed = any(found[each].status for each in ancestors if each in found)
            passed = all(each in found and found[each].status == 0 for each in before)
            outcome = Outcome(name)
            needs[name] = {"outputs": {}}
            if not self._holds(job["if"], context, passed=passed, failed=failed):
                continue
            found[name] = outcome
            if "environment" in job and not between(name):
                outcome.status = None
                continue
            outcome.status = 0
            needs[name]["outputs"] = self._job(job, context, outcome)
        return {name: each for name, each in found.items() if each.status is not None}

    def _ancestors(self, name: str) -> Iterator[str]:
        for each in self.document["jobs"][name].get("needs", ()):
            yield each
            yield from self._ancestors(each)

    def _job(self, job: Mapping[str, Any], context: dict[str, Any], outcome: Outcome) -> dict[str, str]:
        files = self.world.folder / "github"
        files.mkdir(exist_ok=True)
        github = context["github"]
        copy: Path | None = None
        context = {**context, "steps": {}}
        for step in job["steps"]:
            condition = step.get("if", "success()")
            if not self._holds(condition, context, passed=outcome.status == 0, failed=bool(outcome.status)):
                continue
            given = {name: self._text(value, context) for name, value in step.get("with", {}).items()}
            outputs: dict[str, str] = {}
            if "run" in step:
                assert copy is not None
                out, summary = files / "output", files / "summary"
                out.write_text("")
                summary.write_text("")
                environment = {name: self._text(value, context) for name, value in step.get("env", {}).items()}
                environment |= {"GITHUB_OUTPUT": str(out), "GITHUB_STEP_SUMMARY": str(summary)}
                self.world.shell(step["run"], copy, environment, outcome, "-e")
                outputs = dict(line.split("=", 1) for line in out.read_text().splitlines())
                self.summary += summary.read_text()
            else:
                action = step["uses"].partition("@")[0]
                if action == "actions/checkout":
                    depth = 0 if given.get("fetch-depth") == "0" else 1
                    commit = given.get("ref", github["sha"])
                    copy = self.world.checkout(commit, depth=depth, branches=not depth)
                elif action == "actions/upload-artifact":
                    assert copy is not None
                    name = given.get("name", Path(given["path"]).name)
                    if self.world.keep(name, copy / given["path"]):
                        outputs = {"artifact-url": f"{self.page}{name}"}
                elif action == "actions/download-artifact":
                    assert copy is not None
                    self.world.give(given["name"], copy / given["path"])
                elif action == "aws-actions/configure-aws-credentials":
                    assert job["permissions"]["id-token"] == "write"
                    outcome.identity = given["role-to-assume"]
                else:
                    assert action == "actions/setup-python", action
            if "id" in step:
                context["steps"][step["id"]] = {"outputs": outputs}
        return {name: self._text(value, context) for name, value in job.get("outputs", {}).items()}

    def _text(self, value: Any, context: dict[str, Any]) -> str:
        def said(match: re.Match[str]) -> str:
            return str(self._value(match[1], context) or "")

        return re.sub(r"\$\{\{(.*?)\}\}", said, str(value))

    def _holds(self, condition: str, context: dict[str, Any], *, passed: bool, failed: bool) -> bool:
        states = {"success": lambda: passed, "failure": lambda: failed, "cancelled": lambda: False}
        asked = any(f"{name}()" in condition for name in states)
        return bool(self._value(condition, {**context, **states})) and (asked or passed)

    def _value(self, expression: str, context: dict[str, Any]) -> Any:
        """An expression, as Python: names are looked up, a missing one is empty."""

        def looked_up(path: str) -> Any:
            found: Any = context
            for key in path.split("."):
                found = found.get(key, "") if isinstance(found, dict) else ""
            return found

        tokens = re.findall(r"'[^']*'|&&|\|\||==|!=|!|[()]|[A-Za-z_][\w.-]*", expression)
        assert "".join(tokens) == re.sub(r"\s(?=(?:[^']*'[^']*')*[^']*$)", "", expression), expression
        words = {"&&": "and", "||": "or", "!": "not"}
        python = [
            words.get(token, token) if not re.match(r"[A-Za-z_]", token) else f"look({token!r})" for token in tokens
        ]
        return eval(" ".join(python), {"look": looked_up})


class Gitlab(Ci):
    """https://docs.gitlab.com/ci/yaml/"""

    forge = "gitlab"
    page = "https://gitlab.example/acme/small/-/jobs/1/artifacts/file/"
    events = {"change": "merge_request_event", "merge": "push", "schedule": "schedule"}

    def run(self, event: Event, between: Between) -> dict[str, Outcome]:
        self.world.artifacts.clear()
        variables = {
            "CI_PIPELINE_SOURCE": self.events[event.kind],
            "CI_JOB_URL": "https://gitlab.example/acme/small/-/jobs/1",
        }
        if event.kind == "change":
            variables |= {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI_MERGE_REQUEST_IID": NUMBER}
        else:
            variables |= {"CI_COMMIT_BRANCH": "main"}
        if not event.fork:
            variables["MLOPS_IAC_FORGE_TOKEN"] = TOKEN
        assert any(self._holds(rule["if"], variables) for rule in self.document["workflow"]["rules"])
        found: dict[str, Outcome] = {}
        for name in self.document["stages"]:
            job = self.document[name]
            (rule,) = job["rules"]
            if not self._holds(rule["if"], variables):
                continue
            before = [each["job"] for each in job.get("needs", ())]
            when = rule.get("when", "on_success")
            if when != "always" and any(each not in found or found[each].status != 0 for each in before):
                continue
            if when == "manual" and not between(name):
                continue
            found[name] = self._job(job, name, event, {**self.document["variables"], **variables})
        return found

    def _job(self, job: Mapping[str, Any], name: str, event: Event, variables: dict[str, str]) -> Outcome:
        outcome = Outcome(name, 0)
        copy = self.world.checkout(event.commit)
        for needed in job.get("needs", ()):
            if needed["artifacts"]:
                self.world.give(needed["job"], copy)
        environment = {**variables, **job.get("variables", {}), **dict.fromkeys(job.get("id_tokens", ()), IDENTITY)}
        outcome.identity = environment.get("AWS_ROLE_ARN", "")
        self.world.shell("\n".join(job["script"]), copy, environment, outcome, "-eo", "pipefail")
        kept = job.get("artifacts")
        if kept:
            assert kept["when"] == "always"
            bundle = copy / ".bundle"
            for path in kept["paths"]:
                assert path.endswith("/"), "a folder without it is not exposed"
                if (copy / path).exists():
                    (bundle / path).parent.mkdir(parents=True, exist_ok=True)
                    (copy / path).rename(bundle / path)
            for reports in kept.get("reports", {}).values():
                assert outcome.status or all((bundle / each).is_file() for each in reports), reports
            self.world.keep(name, bundle)
        return outcome

    def _holds(self, condition: str, variables: Mapping[str, str]) -> bool:
        parts = re.fullmatch(r'\$\w+ == "[^"]*"(?: && \$\w+ == "[^"]*")*', condition)
        assert parts, condition
        return all(variables.get(name) == value for name, value in re.findall(r'\$(\w+) == "([^"]*)"', condition))


class Circleci(Ci):
    """https://circleci.com/docs/reference/configuration-reference/"""

    forge = "github"
    page = "https://output.circle-artifacts.com/output/job/the-job/artifacts/0/"

    def run(self, event: Event, between: Between) -> dict[str, Outcome]:
        self.world.artifacts.clear()
        values = {
            "pipeline.git.branch": "a-change" if event.kind == "change" else "main",
            "pipeline.trigger_source": "scheduled_pipeline" if event.kind == "schedule" else "webhook",
            "pipeline.project.slug": "gh/acme/small",
        }
        found: dict[str, Outcome] = {}
        chosen = [each for each in self.document["workflows"].values() if self._holds(each["when"], values)]
        assert len(chosen) == 1
        for entry in chosen[0]["jobs"]:
            (name, settings) = next(iter(entry.items())) if isinstance(entry, dict) else (entry, {})
            if any(each not in found or found[each].status != 0 for each in settings.get("requires", ())):
                continue
            if settings.get("type") == "approval":
                if between(name.removeprefix("approve-")):
                    found[name] = Outcome(name, 0)
                continue
            found[name] = self._job(name, settings, event)
        return {name: each for name, each in found.items() if not name.startswith("approve-")}

    def _job(self, name: str, settings: Mapping[str, Any], event: Event) -> Outcome:
        job = self.document["jobs"][name]
        outcome = Outcome(name, 0)
        environment = {"CIRCLE_WORKFLOW_JOB_ID": "the-job", **job.get("environment", {})}
        if event.kind == "change":
            environment["CIRCLE_PULL_REQUEST"] = f"https://github.com/acme/small/pull/{NUMBER}"
        if not event.fork:
            environment["CIRCLE_OIDC_TOKEN_V2"] = IDENTITY
            if "mlops-iac-forge" in settings.get("context", ()):
                environment["MLOPS_IAC_FORGE_TOKEN"] = TOKEN
        outcome.identity = environment.get("AWS_ROLE_ARN", "")
        copy: Path | None = None
        for step in job["steps"]:
            kind, given = next(iter(step.items())) if isinstance(step, dict) else (step, {})
            if kind == "checkout":
                copy = self.world.checkout(event.commit)
                continue
            assert copy is not None
            if kind == "attach_workspace":
                for kept in [*self.world.artifacts]:
                    self.world.give(kept, copy / kept)
            elif kind == "run":
                if self.world.shell(given["command"], copy, environment, outcome, "-eo", "pipefail"):
                    break
            elif kind == "persist_to_workspace":
                assert all(self.world.keep(path, copy / path) for path in given["paths"])
            else:
                assert kind in ("store_artifacts", "store_test_results"), kind
                assert (copy / given["path"]).is_dir()
        return outcome

    def _holds(self, condition: Any, values: Mapping[str, str]) -> bool:
        ((kind, given),) = condition.items()
        if kind == "equal":
            said = [re.sub(r"<< ([\w.]+) >>", lambda match: values[match[1]], each) for each in given]
            return len(set(said)) == 1
        if kind == "not":
            return not self._holds(given, values)
        assert kind == "and", kind
        return all(self._holds(each, values) for each in given)


@dataclass
class Asked:
    """Notes who was asked for approval, does ``meanwhile`` once, and answers."""

    answer: bool = True
    meanwhile: Any = None
    jobs: list[str] = field(default_factory=list)

    def __call__(self, job: str) -> bool:
        self.jobs.append(job)
        if self.meanwhile is not None:
            self.meanwhile()
        return self.answer
