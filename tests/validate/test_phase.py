"""What the validate phase says about each way of being wrong, as whole diagnostics."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from mlops_iac.components.registry import Registry
from mlops_iac.compose.composition import Composition, Origin
from mlops_iac.diagnostics import Diagnostic, DiagnosticsError, Location
from mlops_iac.validate import validate

Compose = Callable[[str], Composition]


def found(composition: Composition, registry: Registry) -> tuple[Diagnostic, ...]:
    with pytest.raises(DiagnosticsError) as caught:
        validate(composition, registry)
    return caught.value.diagnostics


@pytest.mark.parametrize(
    ("text", "code", "column", "path", "message", "hint"),
    [
        pytest.param(
            "shelves: {a: {clasification: public}}",
            "MI2001",
            15,
            ("shelves", "a", "clasification"),
            "`shelves.a` has no key `clasification`",
            "did you mean `classification`? How sensitive it is.",
            id="misspelt key",
        ),
        pytest.param(
            "tasks: {a: {steps: {one: {kind: read, book: x, speed: 3}}}}",
            "MI2001",
            48,
            ("tasks", "a", "steps", "one", "speed"),
            "`tasks.a.steps.one` has no key `speed`",
            "remove it; keys here are `book`, `kind`, `share`.",
            id="unknown key",
        ),
        pytest.param(
            "shelvs: {}",
            "MI2001",
            1,
            ("shelvs",),
            "the system has no section `shelvs`",
            "did you mean `shelves`?",
            id="misspelt section",
        ),
        pytest.param(
            "desks: {d: {backend: remote, url: https://x, places: 3}}",
            "MI2001",
            46,
            ("desks", "d", "places"),
            "`desks.d` has no key `places`",
            "back end `local` has it; this is `remote`. Change `backend` or remove the key.",
            id="key of another back end",
        ),
        pytest.param(
            "shelves: {a: {lamp: {}}}",
            "MI2002",
            15,
            ("shelves", "a", "lamp", "bulbs"),
            "`shelves.a.lamp` needs `bulbs`",
            "add `bulbs`, a whole number. How many bulbs.",
            id="missing key",
        ),
        pytest.param(
            "tasks: {t: {steps: {one: {book: x}}}}",
            "MI2002",
            21,
            ("tasks", "t", "steps", "one", "kind"),
            "`tasks.t.steps.one` needs `kind`",
            "add `kind`, `read` or `copy`. read: Read a book; copy: Copy a book.",
            id="missing tag",
        ),
        pytest.param(
            'shelves: {a: {width: "80"}}',
            "MI2003",
            22,
            ("shelves", "a", "width"),
            "`shelves.a.width` must be a whole number; it is the text `80`",
            "write it without quotes: `width: 80`. Its width.",
            id="number in quotes",
        ),
        pytest.param(
            "shelves: {a: {width: 80.0}}",
            "MI2003",
            22,
            ("shelves", "a", "width"),
            "`shelves.a.width` must be a whole number; it is `80.0`",
            "Its width.",
            id="fraction for a whole number",
        ),
        pytest.param(
            "shelves: {a: {width: 2.5}}",
            "MI2003",
            22,
            ("shelves", "a", "width"),
            "`shelves.a.width` must be a whole number; it is `2.5`",
            "Its width.",
            id="wrong type hides wrong range",
        ),
        pytest.param(
            "shelves: {a: {title: 4711}}",
            "MI2003",
            22,
            ("shelves", "a", "title"),
            "`shelves.a.title` must be text; it is `4711`",
            'put it in quotes: `title: "4711"`. What is written on it.',
            id="number for text",
        ),
        pytest.param(
            "shelves: {a: {versioning: maybe}}",
            "MI2003",
            27,
            ("shelves", "a", "versioning"),
            "`shelves.a.versioning` must be true or false; it is the text `maybe`",
            "write `versioning: true` or `versioning: false`. Whether old books stay.",
            id="text for a boolean",
        ),
        pytest.param(
            "shelves: {a: {books: Emma}}",
            "MI2003",
            22,
            ("shelves", "a", "books"),
            "`shelves.a.books` must be a list; it is the text `Emma`",
            "write it as a list: `books: [Emma]`. Titles on it.",
            id="text for a list",
        ),
        pytest.param(
            "shelves: {a: }",
            "MI2003",
            13,
            ("shelves", "a"),
            "`shelves.a` must be a mapping; it is empty",
            "write `a: {}` for the defaults, or remove the key. A shelf.",
            id="empty component",
        ),
        pytest.param(
            "shelves: [a]",
            "MI2003",
            10,
            ("shelves",),
            "`shelves` must be a mapping; it is a list",
            "By name: A shelf.",
            id="list for a section",
        ),
        pytest.param(
            "shelves: {a: {keep: 400}}",
            "MI2003",
            21,
            ("shelves", "a", "keep"),
            "`shelves.a.keep` must be a duration such as 10m, 24h or 400d; it is `400`",
            "for example `keep: 10m`. How long books are kept.",
            id="number for a quantity",
        ),
        pytest.param(
            "shelves: {a: {owner: 3}}",
            "MI2003",
            22,
            ("shelves", "a", "owner"),
            "`shelves.a.owner` must be text or a list; it is `3`",
            "Who looks after it.",
            id="no alternative fits",
        ),
        pytest.param(
            "shelves: {a: {owner: [3]}}",
            "MI2003",
            23,
            ("shelves", "a", "owner", 0),
            "`shelves.a.owner[0]` must be text; it is `3`",
            'put it in quotes: `"3"`. Who looks after it.',
            id="inside the alternative that fits",
        ),
        pytest.param(
            "shelves: {a: {size: autp}}",
            "MI2004",
            21,
            ("shelves", "a", "size"),
            "`shelves.a.size` must be `auto` or a whole number; it is `autp`",
            "did you mean `auto`? Rows, or auto.",
            id="alternatives of a scalar",
        ),
        pytest.param(
            "shelves: {a: {classification: internl}}",
            "MI2004",
            31,
            ("shelves", "a", "classification"),
            "`shelves.a.classification` must be `internal` or `public`; it is `internl`",
            "did you mean `internal`? How sensitive it is.",
            id="misspelt choice",
        ),
        pytest.param(
            "tasks: {t: {steps: {one: {kind: raed, book: x}}}}",
            "MI2004",
            33,
            ("tasks", "t", "steps", "one", "kind"),
            "`tasks.t.steps.one.kind` must be `read` or `copy`; it is `raed`",
            "did you mean `read`? read: Read a book; copy: Copy a book.",
            id="misspelt tag",
        ),
        pytest.param(
            "desks: {d: {backend: remot, places: x}}",
            "MI2004",
            22,
            ("desks", "d", "backend"),
            "`desks.d.backend` must be `local` or `remote`; it is `remot`",
            "did you mean `remote`? What it is built with.",
            id="misspelt back end",
        ),
        pytest.param(
            "shelves: {a: {room: b12}}",
            "MI2005",
            21,
            ("shelves", "a", "room"),
            "`shelves.a.room` must be a room such as B12; it is `b12`",
            "Room it stands in.",
            id="pattern",
        ),
        pytest.param(
            'shelves: {a: {code: "12"}}',
            "MI2005",
            21,
            ("shelves", "a", "code"),
            "`shelves.a.code` must be four digits; it is something else (not shown: it is a secret)",
            "Code of its lock.",
            id="secret is not shown",
        ),
        pytest.param(
            "tasks: {t: {steps: {}, schedule: 61 * * * *}}",
            "MI2005",
            34,
            ("tasks", "t", "schedule"),
            "`tasks.t.schedule`: '61 * * * *': minute '61' is outside 0-59",
            "for example `schedule: daily`. When it runs.",
            id="quantity beyond its pattern",
        ),
        pytest.param(
            "shelves: {a: {width: 5}}",
            "MI2006",
            22,
            ("shelves", "a", "width"),
            "`shelves.a.width` must be at least 10 cm; it is `5`",
            "Its width.",
            id="too small",
        ),
        pytest.param(
            "shelves: {a: {width: 301}}",
            "MI2006",
            22,
            ("shelves", "a", "width"),
            "`shelves.a.width` must be at most 300 cm; it is `301`",
            "Its width.",
            id="too large",
        ),
        pytest.param(
            "tasks: {t: {steps: {one: {kind: copy, pages: []}}}}",
            "MI2007",
            46,
            ("tasks", "t", "steps", "one", "pages"),
            "`tasks.t.steps.one.pages` must have at least 1 item; it has 0",
            "Which pages.",
            id="too few",
        ),
        pytest.param(
            "shelves: {a: {title: abcdefghijklm}}",
            "MI2007",
            22,
            ("shelves", "a", "title"),
            "`shelves.a.title` must have at most 12 characters; it has 13",
            "What is written on it.",
            id="too long",
        ),
        pytest.param(
            "shelves: {Big_One: {}}",
            "MI2008",
            11,
            ("shelves", "Big_One"),
            "`shelves` cannot have the key `Big_One`: a name there is lower-case letters, digits and "
            "hyphens, starting with a letter, 40 at most",
            "write `big-one`.",
            id="component name",
        ),
        pytest.param(
            "shelves: {a: {limits: {chld: 1}}}",
            "MI2008",
            24,
            ("shelves", "a", "limits", "chld"),
            "`shelves.a.limits` cannot have the key `chld`: keys there are `adult` or `child`",
            "did you mean `child`?",
            id="key of a mapping",
        ),
        pytest.param(
            "delivery: {provider: github}",
            "MI4001",
            1,
            ("delivery",),
            "section `delivery` is not built yet: this version has no component for it",
            "remove it; sections that can be built are `desks`, `door`, `shelves`, `tasks`.",
            id="planned section",
        ),
    ],
)
def test_one_error(
    text: str,
    code: str,
    column: int,
    path: tuple[str | int, ...],
    message: str,
    hint: str,
    compose_text: Compose,
    library: Registry,
) -> None:
    expected = Diagnostic(code, message, hint, Location("system.yaml", 1, column), path)
    assert found(compose_text(text), library) == (expected,)


def test_all_errors_at_once_in_the_order_of_the_file(compose_text: Compose, library: Registry) -> None:
    composition = compose_text(
        """\
        shelves:
          a: {width: 5, keep: long}
          b: {colour: red}
        tasks: {t: {}}
        clusters: {}
        policies: {waivers: [{rule: x}]}
        """
    )
    summary = [(each.code, str(each.location), each.path[-1]) for each in found(composition, library)]
    assert summary == [
        ("MI2006", "system.yaml:2:14", "width"),
        ("MI2005", "system.yaml:2:23", "keep"),
        ("MI2001", "system.yaml:3:7", "colour"),
        ("MI2002", "system.yaml:4:9", "steps"),
        ("MI4001", "system.yaml:5:1", "clusters"),
        ("MI2002", "system.yaml:6:22", "expires"),
        ("MI2002", "system.yaml:6:22", "owner"),
        ("MI2002", "system.yaml:6:22", "reason"),
        ("MI2002", "system.yaml:6:22", "resource"),
    ]


def test_missing_section_is_reported_at_the_start_of_the_file(compose_text: Compose, library: Registry) -> None:
    composition = compose_text("shelves: {}")
    data = {key: value for key, value in composition.data.items() if key != "cloud"}
    origins = {path: origin for path, origin in composition.origins.items() if path[0] == "shelves"}
    (only,) = found(replace(composition, data=data, origins=origins), library)
    assert only == Diagnostic(
        "MI2002",
        "the system needs `cloud`",
        "add `cloud`. Account and region.",
        Location("system.yaml", 1, 1),
        ("cloud",),
    )


def test_misspelt_required_key_is_one_error(compose_text: Compose, library: Registry) -> None:
    text = 'cloud: {regoin: eu-west-1, account: "111122223333"}'
    (only,) = found(compose_text(text), library)
    assert (only.code, only.hint) == ("MI2001", "did you mean `region`? AWS region.")


def test_interpolated_value_names_its_source(compose_text: Compose, library: Registry) -> None:
    composition = compose_text("shelves: {a: {width: 5}}")
    path = ("shelves", "a", "width")
    origin = replace(composition.origins[path], interpolation="${system.width}")
    origins: dict[tuple[str | int, ...], Origin] = {**composition.origins, path: origin}
    (only,) = found(replace(composition, origins=origins), library)
    assert only.hint == "Its width. The value comes from `${system.width}`."


def test_planned_section_with_a_component_is_a_section(compose_text: Compose, library: Registry) -> None:
    registry = Registry({**library.kinds, "delivery": library.kinds["shelves"]})
    composition = compose_text("delivery: {a: {width: 20}}")
    assert validate(composition, registry).data == composition.data


def test_keys_that_are_not_text_are_refused_even_where_the_schema_is_silent(
    compose_text: Compose, library: Registry
) -> None:
    composition = compose_text("shelves: {}")
    data = {**composition.data, "system": {**composition.data["system"], "tags": {4711: "x"}}}
    (only,) = found(replace(composition, data=data), library)
    assert only.code == "MI2099"


def test_a_valid_system_does_not_load_jsonschema() -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from mlops_iac.compose.composition import Composition\n"
        "from mlops_iac.components.registry import Registry\n"
        "from mlops_iac.diagnostics import DiagnosticsError\n"
        "from mlops_iac.validate import validate\n"
        "heavy = ('jsonschema', 'pulumi', 'boto3', 'pandas', 'sagemaker', 'hydra')\n"
        "assert not [name for name in heavy if name in sys.modules], sorted(sys.modules)\n"
        "try: validate(Composition(Path(), {}, {}, {}, {}), Registry({}))\n"
        "except DiagnosticsError: assert 'jsonschema' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
