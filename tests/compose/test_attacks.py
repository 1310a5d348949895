"""Hostile configurations: refused, with work that is counted and not timed, and without touching anything else."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.core.singleton import Singleton
from hydra.version import VersionBase
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf.basecontainer import BaseContainer

from mlops_iac.compose import ComposeRequest, Limits, codes, compose
from mlops_iac.compose.findings import Findings
from mlops_iac.compose.interpolation import Resolver
from mlops_iac.compose.sources import package_root
from mlops_iac.compose.tree import Source
from mlops_iac.compose.yaml_reader import UnreadableError, _Builder, read_yaml
from mlops_iac.diagnostics import Diagnostic, DiagnosticsError

from .conftest import Tree, brief

_DANGEROUS = (
    "exec",
    "import",
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "os.putenv",
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.chmod",
    "shutil.",
    "socket.",
    "urllib.",
    "ctypes.",
    "pickle.",
    "glob.",
    "open",
    "os.listdir",
    "os.scandir",
)
_recorded: list[tuple[str, str]] | None = None


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _recorded is not None and event.startswith(_DANGEROUS):
        _recorded.append((event, str(arguments[0]) if arguments else ""))


sys.addaudithook(_hook)


@contextmanager
def recording() -> Iterator[list[tuple[str, str]]]:
    """The dangerous events that happen meanwhile; hooks stay for ever, so this one is switched on and off."""
    global _recorded
    _recorded = events = []
    try:
        yield events
    finally:
        _recorded = None


class Variables(dict[str, str]):
    """An environment in which every variable is set, and that knows which were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def get(self, name: str, default: object = None) -> Any:
        self.asked.append(name)
        return "canary"


def attack(root: Path, *overrides: str, config_name: str = "system") -> tuple[Diagnostic, ...]:
    """Compose and return what was found; fails if anything outside was touched or told."""
    shipped = package_root()
    assert shipped is not None
    environment = Variables()
    found: tuple[Diagnostic, ...] = ()
    with recording() as events:
        try:
            composed = compose(ComposeRequest(root, overrides, config_name, environment))
        except DiagnosticsError as error:
            found = error.diagnostics
            told = str(found)
        else:
            told = str((composed.data, composed.diagnostics, dict(composed.sources)))
    allowed = (root, shipped.folder)
    outside = [
        (event, name)
        for event, name in events
        if not event.startswith(("open", "os.listdir", "os.scandir"))
        # A number is a file that was opened before.
        or not (name.isdecimal() or any(Path(os.path.realpath(name)).is_relative_to(f) for f in allowed))
    ]
    assert outside == []
    assert environment.asked == []
    assert "canary" not in told
    assert sorted(path.name for path in root.parent.iterdir()) == ["outside", "system"]
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A system's folder, with a file beside it that nobody may read; everything lazy is imported."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "evil.yaml").write_text("leaked: canary\n")
    (outside / "system.yaml").write_text("leaked: canary\n")
    folder = Tree(tmp_path / "system")
    folder.write(
        {
            "system.yaml": "defaults: [{env: dev}, _self_]\na: x ${oc.select:b,1}\n",
            "env/dev.yaml": "name: dev\n",
            "broken.yaml": "a: [",
        }
    )
    for name, overrides in (("system", ("+x={a: 1}", "q")), ("broken", ()), ("nothing", ())):
        with pytest.raises(DiagnosticsError):
            compose(ComposeRequest(folder.root, overrides, name, {}))
    return folder.root.resolve()


ESCAPES = [
    "../outside/evil",
    "../../outside/evil",
    "../outside/evil.yaml",
    "..",
    ".",
    "./../../outside/evil",
    "dev/../../../outside/evil",
    "/etc/passwd",
    "//etc/passwd",
    "/../outside/evil",
    "~/evil",
    "~root/evil",
    "file://../outside/evil",
    "file:///etc/passwd",
    "pkg://os",
    "pkg://../outside",
    "structured://x",
    "http://127.0.0.1/evil",
    "..\\\\outside\\\\evil",
    "\\\\\\\\server\\\\share\\\\evil",
    "C:/evil",
    "%2e%2e/outside/evil",
    "..%2foutside%2fevil",
    "..%c0%afoutside/evil",
    "....//outside/evil",
    "\\u002e\\u002e/outside/evil",
    "\\u2025/outside/evil",
    "dev\\0",
    "dev\\0.yaml",
    "../outside/evil\\0",
    "dev\\n",
    "dev/",
    "/dev/stdin",
    "/proc/self/environ",
    "$HOME/evil",
    "$(cat x)",
    "`cat x`",
    "*",
    "d?v",
    "-",
    " ",
    "",
    "linked/evil",
    "linked/../linked/evil",
    "filelink",
    "outer/evil",
]


@pytest.mark.parametrize("name", ESCAPES)
@pytest.mark.parametrize(
    "defaults",
    ['{{env: "{}"}}', '{{"{}": dev}}', '"{}"', '{{env: ["{}"]}}', '{{optional env: "{}"}}', '{{"env@{}": dev}}'],
)
def test_path_escape_in_defaults(root: Path, name: str, defaults: str) -> None:
    add_links(root)
    (root / "system.yaml").write_text(f"defaults: [{defaults.format(name)}]\n")
    attack(root)


@pytest.mark.parametrize("name", ESCAPES)
@pytest.mark.parametrize(
    "form", ['env="{}"', "env={}", '+other="{}"', "+{}=dev", "env@{}=dev", 'env=["{}"]', '+a="{}"']
)
def test_path_escape_in_overrides(root: Path, name: str, form: str) -> None:
    add_links(root)
    attack(root, form.format(name.encode().decode("unicode_escape")))


@pytest.mark.parametrize("name", ESCAPES)
def test_path_escape_in_the_config_name(root: Path, name: str) -> None:
    add_links(root)
    assert attack(root, config_name=name.encode().decode("unicode_escape")) != ()


@pytest.mark.parametrize("name", ESCAPES)
def test_path_escape_in_a_package_comment(root: Path, name: str) -> None:
    (root / "env/dev.yaml").write_text(f"# @package {name}\na: 1\n")
    attack(root)


def add_links(root: Path) -> None:
    (root / "env" / "linked").symlink_to(root.parent / "outside")
    (root / "linked").symlink_to(root.parent / "outside")
    (root / "filelink.yaml").symlink_to(root.parent / "outside" / "evil.yaml")
    (root / "env" / "filelink.yaml").symlink_to(root.parent / "outside" / "evil.yaml")
    (root / "outer").symlink_to("..")


def test_a_link_to_outside_is_refused_where_it_is_named(root: Path) -> None:
    add_links(root)
    [found] = attack(root, "env=filelink")
    assert (found.code, found.message, str(found.location)) == (
        codes.OUTSIDE_ROOT,
        "env/filelink.yaml is a symbolic link to a place outside its folder",
        "override:1:5",
    )


def test_a_link_within_the_folder_is_fine(root: Path) -> None:
    (root / "env" / "same.yaml").symlink_to("dev.yaml")
    assert attack(root, "env=same") == ()


def test_a_linked_primary_file_is_refused(root: Path) -> None:
    (root / "system.yaml").unlink()
    (root / "system.yaml").symlink_to(root.parent / "outside" / "system.yaml")
    assert [found.code for found in attack(root)] == [codes.OUTSIDE_ROOT]


EXECUTION = [
    "_target_: os.system",
    "a: {_target_: io.open, file: pwned, mode: w}",
    "a: [{_target_: builtins.eval}]",
    "a: {_partial_: true}",
    "a: {_recursive_: false}",
    "a: {_convert_: all}",
    "a: {_args_: [touch pwned]}",
    "a: {'_target_': os.system}",
    "k: &k _target_\na: {*k : os.system}",
    "b: &b {_target_: os.system}\na: {<<: *b}",
    "hydra: {run: {dir: /tmp/pwned}}",
    "hydra: {callbacks: {x: {_target_: io.open}}}",
    "hydra: {searchpath: [file://../outside]}",
    "hydra: {job: {env_set: {PATH: x}}}",
    "hydra: null",
    "a: !!python/object/apply:os.system [touch pwned]",
    "a: !!python/object/new:os.system [touch pwned]",
    "a: !!python/object:os.system {}",
    "a: !!python/name:os.system",
    "a: !!python/module:os",
    "a: !!python/tuple [1]",
    "a: !!python/object/apply:pathlib.Path [x]",
    "a: !!python/object/apply:pathlib.PosixPath [x]",
    "? !!python/name:os.system\n: 1",
    "!!python/name:os.system : 1",
    "!!python/object/apply:os.system [x]",
    "a: !os.system x",
    "a: !<tag:yaml.org,2002:python/name:os.system> x",
    "%TAG ! tag:yaml.org,2002:python/\n---\na: !name:os.system x",
    "a: !!binary aGk=",
    "a: !!timestamp 2027-03-31",
    "a: !!set {x}",
    "a: ${oc.env:HOME}",
    "a: ${oc.env:HOME,x}",
    "a: ${oc.decode:${oc.env:HOME}}",
    "a: ${oc.create:{x: 1}}",
    "a: ${oc.dict.keys:a}",
    "a: ${oc.deprecated:b}",
    "a: ${hydra:runtime.cwd}",
    "a: ${eval:'1+1'}",
    "a: ${env:HOME}",
    "a: ${env:HOME,x}",
    "a: ${oc.select:b,${oc.env:HOME}}",
    "a: ${${x}:HOME}\nx: oc.env",
    "a: ${oc.${x}:HOME}\nx: env",
    "a: ${b}\nb: 'x ${oc.env:HOME}'",
    "a: [{b: ['${oc.env:HOME}']}]",
    "environment_variables: [AWS_SECRET_ACCESS_KEY]\na: ${env:AWS_SECRET_ACCESS_KEY}",
    "environment_variables: [GITHUB_TOKEN]\na: ${env:GITHUB_TOKEN}",
    "environment_variables: [DB_PASSWORD]\na: ${env:DB_PASSWORD}",
    "environment_variables: ['*']\na: ${env:HOME}",
    "environment_variables: HOME\na: ${env:HOME}",
    "environment_variables: {HOME: 1}\na: ${env:HOME}",
    "environment_variables: ${x}\nx: [HOME]\na: ${env:HOME}",
    "environment_variables: ['${x}']\nx: HOME\na: ${env:HOME}",
]


@pytest.mark.parametrize("text", EXECUTION)
def test_no_code_runs_and_no_variable_is_told(root: Path, text: str) -> None:
    (root / "system.yaml").write_text(f"{text}\n")
    assert attack(root) != ()


@pytest.mark.parametrize("text", EXECUTION)
def test_the_same_in_a_file_of_a_group(root: Path, text: str) -> None:
    (root / "system.yaml").write_text("defaults: [_self_, {env: dev}]\n")
    (root / "env" / "dev.yaml").write_text(f"# @package _global_\n{text}\n")
    assert attack(root) != ()


OVERRIDES = [
    "hydra.run.dir=/tmp/pwned",
    "+hydra.callbacks.x._target_=io.open",
    "++hydra={run: {dir: x}}",
    "hydra/launcher=basic",
    "+hydra/launcher@hydra.launcher=basic",
    "hydra.searchpath=[file://../outside]",
    "~hydra",
    "+env@hydra.run=dev",
    "+a._target_=os.system",
    "a={_target_: os.system}",
    "a=[{b: {_target_: os.system}}]",
    "a=${oc.env:HOME}",
    "env=${oc.env:HOME}",
    "env='${oc.env:HOME}'",
    "env=[dev,'${oc.env:HOME}']",
    "+env='x${oc.env:HOME}'",
    "a=${hydra:runtime.cwd}",
    "a=eval(1)",
    "a=shuffle([1,2])",
    "+environment_variables=[AWS_SECRET_ACCESS_KEY]",
]


@pytest.mark.parametrize("override", OVERRIDES)
def test_no_override_reaches_hydra_or_python(root: Path, override: str) -> None:
    assert attack(root, override) != ()


@pytest.mark.parametrize(
    "reference",
    ["${oc.env:HOME}", "x${oc.env:HOME}", "${oc.select:env}", "${${env}}", "${env:HOME}", "${..env}x${oc.env:HOME}"],
)
def test_no_resolver_in_defaults(root: Path, reference: str) -> None:
    (root / "system.yaml").write_text(f"defaults: [{{env: dev}}, {{other: '{reference}'}}]\n")
    assert attack(root) != ()


@pytest.mark.parametrize(
    "text",
    ["$(touch pwned)", "`touch pwned`", "%(x)s %s", "{{ 7*7 }}", "{%x%}", "<%= x %>", "$HOME", "~", "#{x}", "${{ x }"],
)
def test_what_other_tools_would_expand_is_text_or_refused(root: Path, text: str) -> None:
    (root / "system.yaml").write_text(f"a: '{text}'\n")
    try:
        assert compose(ComposeRequest(root)).data["a"] == text
    except DiagnosticsError:
        assert "${" in text
    attack(root)


def test_no_global_state_is_left(root: Path) -> None:
    resolvers = dict(BaseContainer._resolvers)
    singletons = dict(Singleton._instances)
    version = VersionBase.instance().version_base
    for text in ("a: ${b}\nb: 1\n", "a: ${oc.env:HOME}\n", "a: [\n"):
        (root / "system.yaml").write_text(text)
        attack(root)
    assert BaseContainer._resolvers == resolvers
    assert Singleton._instances == singletons
    assert VersionBase.instance().version_base is version
    assert GlobalHydra not in Singleton._instances or not GlobalHydra.instance().is_initialized()


SMALL = Limits(values=1_000, characters=20_000, resolved_characters=5_000)


def alias_bomb(levels: int, leaf: str) -> str:
    lines = [f"l0: &l0 {leaf}"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


READ_BOMBS = {
    "aliases": alias_bomb(9, "[x, x]"),
    "aliased mappings": alias_bomb(9, "{a: 1}"),
    "long aliased text": alias_bomb(4, "y" * 100),
    "wide alias": "a: &a x\nb: [" + "*a, " * 5_000 + "]\n",
    "merged aliases": "a: &a {"
    + ", ".join(f"k{n}: 1" for n in range(500))
    + "}\n"
    + "".join(f"m{n}: {{<<: *a}}\n" for n in range(100)),
    "many keys": "".join(f"k{n}: 1\n" for n in range(5_000)),
    "many items": "a: [" + "1, " * 5_000 + "]\n",
    "nested lists": "a: " + "[" * 5_000 + "]" * 5_000 + "\n",
    "nested mappings": "a: " + "{a: " * 5_000 + "1" + "}" * 5_000 + "\n",
    "nested block": "".join(" " * n + "a:\n" for n in range(500)),
    "nested items": "a:\n " + "- " * 500 + "x\n",
    "nested keys": "? " * 500 + "a\n",
    "one long text": "a: " + "x" * 50_000 + "\n",
}


@pytest.mark.parametrize("name", READ_BOMBS)
def test_reading_stops_at_the_bound(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    events = 0
    take = _Builder.take

    def counted(builder: _Builder, event: Any) -> None:
        nonlocal events
        events += 1
        take(builder, event)

    monkeypatch.setattr(_Builder, "take", counted)
    findings = Findings()
    with pytest.raises(UnreadableError):
        read_yaml(Source("system.yaml", READ_BOMBS[name]), SMALL, findings)
    assert {found.code for found in findings.diagnostics()} <= {codes.TOO_LARGE, codes.NON_STRING_KEY}
    assert events <= 3 * SMALL.values + 10


RESOLVE_BOMBS = {
    "doubling text": "a0: abcdefghij\n" + "".join(f"a{n}: ${{a{n - 1}}}${{a{n - 1}}}\n" for n in range(1, 20)),
    "doubling lists": "a0: [0]\n" + "".join(f"a{n}: ['${{a{n - 1}}}', '${{a{n - 1}}}']\n" for n in range(1, 20)),
    "doubling mappings": "a0: {x: 1}\n"
    + "".join(f"a{n}: {{x: '${{a{n - 1}}}', y: '${{a{n - 1}}}'}}\n" for n in range(1, 20)),
    "repeated text": f"a: {'x' * 900}\n" + "".join(f"b{n}: ${{a}}\n" for n in range(100)),
    "repeated text below a mapping": f"m: {{a: {'x' * 900}}}\n" + "".join(f"b{n}: ${{m}}\n" for n in range(100)),
    "text with many references": "a: abcdefghij\nb: " + "${a}" * 1_000 + "\n",
    "chain": "a0: 1\n" + "".join(f"a{n}: ${{a{n - 1}}}\n" for n in range(199, 0, -1)),
    "nested references": "a: " + "${" * 1_000 + "a" + "}" * 1_000 + "\n",
    "nested brackets": "a: ${oc.select:b," + "[" * 1_000 + "]" * 1_000 + "}\n",
    "hidden brackets": "a: ${oc.select:b," + "[']', " * 600 + "}\n",
    "long expression": "a: ${oc.select:" + "b" * 5_000 + "}\n",
    "deep through references": "a0: 1\n"
    + "".join(f"a{n}: {{x: {{y: {{z: '${{a{n - 1}}}'}}}}}}\n" for n in range(1, 40)),
}


@pytest.mark.parametrize("name", RESOLVE_BOMBS)
def test_resolving_stops_at_the_bound(tree: Tree, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    walked = 0
    count = Resolver._count

    def counted(resolver: Resolver, *arguments: Any) -> None:
        nonlocal walked
        walked += 1
        count(resolver, *arguments)

    monkeypatch.setattr(Resolver, "_count", counted)
    found = tree.write({"system.yaml": RESOLVE_BOMBS[name]}).refusal(limits=SMALL)
    allowed = {codes.INTERPOLATION_TOO_LARGE, codes.TOO_LARGE, codes.BAD_INTERPOLATION, codes.INTERPOLATION_CYCLE}
    assert {d.code for d in found} <= allowed
    assert walked <= SMALL.values + 1
    assert all(d.location is not None and d.hint for d in found)


def test_a_large_file_is_not_even_read(tree: Tree) -> None:
    with (tree.root / "system.yaml").open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    [found] = tree.refusal()
    assert (found.code, found.message) == (codes.TOO_LARGE, "system.yaml is larger than 4,194,304 bytes")


def test_files_count_together(tree: Tree) -> None:
    items = "".join(f"k{n}: 1\n" for n in range(600))
    tree.write({"system.yaml": "defaults: [{g: a}, {h: b}]\n", "g/a.yaml": items, "h/b.yaml": items})
    assert brief(tree.refusal(limits=SMALL)) == ["MI1009 h/b.yaml:1:1: the files together hold more than 1,000 values"]


def test_the_default_bounds_allow_a_large_system(tree: Tree) -> None:
    bucket = "{classification: internal, keep: 400d, versioning: true, tags: {a: x, b: '${name}'}, rules: [a, b]}"
    tree.write({"system.yaml": "name: big\nbuckets:\n" + "".join(f"  b{n}: {bucket}\n" for n in range(2_000))})
    composed = tree.compose()
    assert len(composed.data["buckets"]) == 2_000
    assert composed.data["buckets"]["b1999"]["tags"]["b"] == "big"


def test_work_grows_in_proportion(monkeypatch: pytest.MonkeyPatch, tree: Tree) -> None:
    """Counted in steps of the interpreter's calls into our code, so that a busy machine does not matter."""

    def calls(components: int) -> int:
        tree.write(
            {"system.yaml": "name: x\nbuckets:\n" + "".join(f"  b{n}: {{t: '${{name}}'}}\n" for n in range(components))}
        )
        count = 0

        def profile(frame: Any, event: str, argument: Any) -> None:
            nonlocal count
            count += event == "call"

        sys.setprofile(profile)
        try:
            tree.compose("buckets.b3.t=y")
        finally:
            sys.setprofile(None)
        return count

    calls(10)
    small, large = calls(200), calls(2_000)
    assert large < 11 * small


REFERENCE = """\
defaults:
  - env: dev
  - _self_
system: {name: fraud, tags: {cost-center: "4711"}}
buckets: &b
  raw: {keep: 400d, version: "1.10"}
copy: {<<: *b, more: [1, ${system.name}, "x ${buckets.raw.keep}"]}
retraining:
  on:
    - {drift: ???x}
text: |
  first
  ${oc.select:nothing,second}
"""


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.integers(0, len(REFERENCE)), st.integers(0, 4), st.binary(max_size=3)), max_size=4))
def test_mutated_bytes(mutations: list[tuple[int, int, bytes]]) -> None:
    content = REFERENCE.encode()
    for position, deleted, inserted in mutations:
        content = content[:position] + inserted + content[position + deleted :]
    check(content)


FRAGMENTS = st.sampled_from(
    [
        *("a", "b", ": ", "\n", "\n  ", "- ", "[", "]", "{", "}", ", ", "&x ", "*x", "<<: *x", "${a}", "${", "'", '"'),
        *("|\n", "? ", "!!str ", "!x ", "#", "%", "@", "\t", "---\n", "...\n", "???", "\\", "on", "1.10", "~"),
        *("defaults:\n  - ", "env: dev", "_self_"),
    ]
)


@settings(deadline=None, max_examples=200)
@given(st.lists(FRAGMENTS, max_size=14))
def test_texts_from_yaml_fragments(fragments: list[str]) -> None:
    check("".join(fragments).encode())


def check(content: bytes) -> None:
    """Every text is composed, or refused with a code, a place and a hint for each error."""
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "system.yaml").write_bytes(content)
        try:
            found = compose(ComposeRequest(Path(name), environment={})).diagnostics
        except DiagnosticsError as error:
            found = error.diagnostics
    lines = content.decode("utf-8", "replace").splitlines()
    for diagnostic in found:
        assert diagnostic.code.startswith("MI1")
        assert diagnostic.message
        assert diagnostic.hint
        assert diagnostic.location is not None
        if diagnostic.location.file == "system.yaml":
            assert 1 <= diagnostic.location.line <= len(lines) + 1
