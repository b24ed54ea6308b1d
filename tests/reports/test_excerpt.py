"""Lines of sources that are about secrets: what is shown of them."""

from __future__ import annotations

import pytest

from seawall.reports.excerpt import Excerpts


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  password: hunter2", "  password: ********"),
        ("  - password: hunter2", "  - password: ********"),
        ("  'pass word' : hunter2", "  'pass word' : ********"),
        ('{"password":"hunter2"}', '{"password":********'),
        ("stringData: {user: hunter2}", "stringData: ********"),
        ("- {name: TOKEN, value: hunter2}", "- {name: ********"),
        ("  - --password=hunter2", "  - --password=********"),
        ("  - '--password=hunter2'", "  - '--password=********"),
        ("  password:", "  password:"),
        ("  password: |", "  password: ********"),
        ("  hunter2", "  ********"),
        ("    aHVudGVyMg==", "    ********"),
        ("  - hunter2:admin", "  - ********"),
        ("  - admin:hunter2=", "  - ********"),
        ("  - mysql -phunter2 --host=db", "  - ********"),
        ("  - -phunter2 --host=db", "  - ********"),
        ("hunter2=x: y", "********"),
        ("", ""),
    ],
)
def test_of_a_line_with_a_secret_only_the_key_is_shown(line: str, shown: str) -> None:
    excerpts = Excerpts({"a.yaml": f"first\n{line}\n".encode()}, {("a.yaml", 2)})
    assert excerpts.line("a.yaml", 2) == shown
    assert excerpts.line("a.yaml", 1) == "first"
