"""Files of assertions are what people write: any text is read, or refused in one line."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.engine.netcheck import BadAssertions, read_assertions

WORDS = """assertions:|- deny: |- allow: |{from: a, to: b}|{from: ns=a, to: 10.0.0.0/8, ports: [udp/53]}|name: x|
ports: |from: |to: |&a |*a|---|!!binary |{|}|[|]|'|"|0| |- """
PIECES = st.sampled_from([*WORDS.split("|"), "\n", "\t"])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES | st.text(max_size=4), max_size=12).map("".join))
def test_any_text_is_read_or_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        found = read_assertions(str(file))
    except BadAssertions as error:
        assert str(error).startswith(str(file))
        assert "\n" not in str(error).strip()
    else:
        assert found
