"""Credentials in commands and arguments, told from what only looks like them."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.analysis.posture.rules.environment import credential_in_argument
from seawall.model.kube.pod import Container
from seawall.model.views import to_view


def told(*args: str, command: tuple[str, ...] = ()) -> list[str]:
    view, problems = to_view({"name": "a", "command": list(command), "args": list(args)}, Container)
    assert not problems
    context: Any = None
    return [str(hit.path) for hit in credential_in_argument(view, context)]


@pytest.mark.parametrize(
    "args",
    [
        ("--password=kD83jf0a",),
        ("-password=kD83jf0a",),
        ("--password", "kD83jf0a"),
        ("--db.password=kD83jf0a",),
        ("--requirepass", "kD83jf0a"),
        ("--api-key=kD83jf0a",),
        ("--client-secret=kD83jf0aLq21",),
        ("--url=https://shop:kD83jf0a@example.com/x",),
        ("TOKEN=kD83jf0a exec /app",),
        ("set -e\nexport API_TOKEN='kD83jf0a'\n/app",),
        ("/app --password kD83jf0a --port 80",),
    ],
)
def test_credentials(args: tuple[str, ...]) -> None:
    assert told(*args) == ["args[0]"]


@pytest.mark.parametrize(
    "args",
    [
        ("--password=$(DB_PASSWORD)",),
        ("--password", "$(DB_PASSWORD)"),
        ("--password", "--port=80"),
        ("--password-file=/run/secrets/db", "--token-file", "/run/token"),
        ("--client-secret=/etc/secret", "--token=https://sso.example.com/token"),
        ("--secret=shop-tls", "--default-tls-secret=shop/wildcard", "--pull-secret=registry"),
        ("--max-token=4096", "--enable-token=true", "--api-key="),
        ("--authentication-token-webhook=true", "--service-account-key-file=/pki/sa.pub"),
        ("TOKEN=$(cat /run/token) exec /app",),
        ("TOKEN=`cat /run/token` exec /app",),
        ('/app --password "$PASSWORD" --url https://shop:${PASSWORD}@example.com',),
        ("--url=https://shop:<password>@example.com",),
        ("--owner=team@example.com", "secret", "token"),
        ("echo password required; exit 1",),
    ],
)
def test_no_credentials(args: tuple[str, ...]) -> None:
    assert told(*args) == []


def test_the_command_is_asked_too() -> None:
    assert told(command=("sh", "-c", "PGPASSWORD=kD83jf0a psql -h db")) == ["command[2]"]
