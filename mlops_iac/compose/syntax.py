"""Says what is wrong with a malformed YAML text in words that do not require knowing a YAML parser."""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml

from mlops_iac.compose import codes
from mlops_iac.compose.findings import Findings, Related
from mlops_iac.compose.tree import Place, Source


@dataclass(frozen=True, slots=True)
class _Wording:
    """Our words for what the parser says; ``at_start`` if the start of the open construct is to be mended."""

    pattern: str
    message: str
    hint: str
    at_start: bool = False


_WORDINGS = (
    _Wording(
        r"mapping values are not allowed",
        "a `:` stands where no key can be",
        "Quote the value if it contains `: `, and check the indentation of this line against the one above.",
    ),
    _Wording(
        r"could not find expected ':'",
        "a line that is no `key: value`, no list item and does not continue a value",
        "Write `key: value`, or indent the line if it belongs to the value above.",
        at_start=True,
    ),
    _Wording(
        r"unexpected end of stream|unexpected document separator",
        "a quoted text that is never closed",
        "Add the closing quote.",
        at_start=True,
    ),
    _Wording(r"cannot start any token", "a character that cannot start a value", 'Quote the value: "...".'),
    _Wording(
        r"expected ',' or '[\]}]'",
        "a bracket that is not closed, or a comma that is missing",
        "Close the bracket, separate entries with commas, and quote texts that contain brackets or commas.",
        at_start=True,
    ),
    _Wording(
        r"expected '-' indicator|expected <block end>.*'-'",
        "this line does not line up with the list around it",
        "Indent every item of a list by the same number of spaces, each starting with `- `.",
    ),
    _Wording(
        r"expected key|expected <block end>|block sequence entries are not allowed",
        "this does not line up with what stands before it",
        "Indent the keys of one mapping alike, and quote a value as a whole if it holds quotes.",
    ),
    _Wording(
        r"expected the node content|did not find expected node content",
        "a value is missing here, or starts with a character that has a meaning in YAML",
        'Write the value, or quote it: "...".',
    ),
    _Wording(
        r"unknown escape character|expected escape sequence|hexdecimal|hexadecimal",
        "a backslash sequence that YAML does not know, inside double quotes",
        "Double the backslash, or use single quotes, which keep backslashes as they are.",
    ),
    _Wording(
        r"undefined tag handle|expected URI|tag",
        "a `!` starts a YAML tag that cannot be read",
        'Quote the value if it only starts with `!`: "!...".',
    ),
    _Wording(
        r"alphabetic or numeric character|anchor|alias",
        "a `*` or `&` starts a YAML alias or anchor that cannot be read",
        'Quote the value: "*...".',
    ),
    _Wording(
        r"document start",
        "something follows the end of the document",
        "Check the indentation of this line; a file holds one mapping.",
    ),
    _Wording(
        r"chomping or indentation|indentation indicator|comment or line break",
        "a block text (`|` or `>`) starts with something else than a line break",
        "Put the text on the following lines, indented.",
    ),
    _Wording(r"directive|%", "a line that starts with `%` is a YAML directive", 'Quote the value: "%...".'),
)


def report_syntax_error(source: Source, error: yaml.MarkedYAMLError, findings: Findings) -> None:
    """Report what the parser stumbled over, where it can be mended."""
    noticed = _place(source, error.problem_mark or error.context_mark)
    tab = _indenting_tab(source, noticed)
    if tab is not None:
        findings.error(
            codes.TAB_INDENTATION,
            "the line is indented with a tab",
            "Indent with spaces; YAML does not allow tabs there.",
            tab,
        )
        return
    wording = _wording(error.problem or error.context or "it cannot be read")
    begun = _place(source, error.context_mark or error.problem_mark)
    place = noticed
    related: Related = ()
    if wording.at_start:
        place = begun
        if noticed.line != begun.line and noticed.line <= len(source.text.splitlines()):
            related = (("noticed here", noticed.location()),)
    findings.error(codes.BAD_YAML, f"the YAML is broken: {wording.message}", wording.hint, place, related=related)


def _place(source: Source, mark: yaml.Mark | None) -> Place:
    return Place(source, 1, 1) if mark is None else Place(source, mark.line + 1, mark.column + 1)


def _wording(problem: str) -> _Wording:
    for wording in _WORDINGS:
        if re.search(wording.pattern, problem):
            return wording
    return _Wording("", problem, "Correct the line, or quote the value.")


def _indenting_tab(source: Source, place: Place) -> Place | None:
    """The tab that the parser stumbled over; it may notice on the line after."""
    lines = source.text.splitlines()
    for number in (place.line, place.line - 1):
        if 1 <= number <= len(lines):
            line = lines[number - 1]
            indentation = line[: len(line) - len(line.lstrip())]
            if "\t" in indentation and line.strip():
                return Place(source, number, indentation.index("\t") + 1)
    return None
