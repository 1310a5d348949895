from __future__ import annotations

import pytest

from mlops_iac.components.models import database_login_source as program

LOGIN = {"username": "mlflow", "password": "a:b\\c"}


def test_the_file_is_one_line_that_only_its_owner_reads(tmp_path):
    target = tmp_path / "pgpass"
    program.write(target, LOGIN)
    assert target.read_text() == "*:*:*:mlflow:a\\:b\\\\c\n"
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_new_password_replaces_the_file_in_one_step(tmp_path):
    target = tmp_path / "pgpass"
    (tmp_path / "pgpass.new").write_text("left behind by a crash")
    program.write(target, LOGIN)
    program.write(target, {**LOGIN, "password": "new"})
    assert target.read_text() == "*:*:*:mlflow:new\n"
    assert list(tmp_path.iterdir()) == [target]


class Stop(Exception):
    """Ends the endless loop."""


def run(monkeypatch, target, answers):
    """Runs the loop until the answers are used up."""
    remaining = iter(answers)

    def read_login(arn):
        answer = next(remaining)
        if isinstance(answer, Exception):
            raise answer
        return answer

    naps = []

    def sleep(seconds):
        naps.append(seconds)
        if len(naps) == len(answers):
            raise Stop

    monkeypatch.setattr(program, "read_login", read_login)
    monkeypatch.setattr(program.time, "sleep", sleep)
    monkeypatch.setenv("LOGIN_FILE", str(target))
    monkeypatch.setenv("LOGIN_ARN", "arn")
    program.main()


def test_a_failed_read_keeps_the_last_password(tmp_path, monkeypatch, capsys):
    target = tmp_path / "pgpass"
    with pytest.raises(Stop):
        run(monkeypatch, target, [LOGIN, RuntimeError("no network")])
    assert target.read_text().startswith("*:*:*:mlflow:")
    assert "a:b" not in capsys.readouterr().out


def test_without_any_password_it_fails_so_that_the_pod_restarts(tmp_path, monkeypatch):
    with pytest.raises(RuntimeError, match="no network"):
        run(monkeypatch, tmp_path / "pgpass", [RuntimeError("no network")])
