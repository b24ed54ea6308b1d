"""Files of attestations and frameworks are foreign text: any bytes give a value or one error, nothing else."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from seawall.engine.attestations import attest, read_attestations
from seawall.engine.config import ConfigError
from seawall.engine.frameworks import read_framework

TODAY, UNTIL = date(2026, 11, 25), date(2027, 11, 25)
FRAMEWORK = (
    b"schema: seawall.framework/v1\nid: a\ntitle: b\ncontrols:\n- {id: c, title: d, why: e, automation: manual, "
)


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_refused_in_one_line(data: bytes, begun: bool) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "file.yaml"
        file.write_bytes(FRAMEWORK + data if begun else data)
        for read in (lambda: read_attestations(str(file), TODAY), lambda: read_framework(str(file))):
            try:
                read()
            except ConfigError as error:
                assert str(error)


@given(st.text(max_size=200), st.text(min_size=1, max_size=50))
def test_what_is_written_is_read_again_whatever_it_says(text: str, by: str) -> None:
    with TemporaryDirectory() as folder:
        file = str(Path(folder) / "attestations.yaml")
        try:
            made = attest(file, ("a", "b"), (text, ()), by, (TODAY, UNTIL))
        except ConfigError:
            assert not text.strip() or not by.strip()
            return
        assert read_attestations(file, TODAY).get("a", "b") == made
