"""Kubeconfigs on a machine, whatever stands in them; and those of other people."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from seawall.model.resource import Resource
from seawall.sources import kubeconfigs
from seawall.sources.kubeconfigs import audit_files, audited_paths, foreign_files

ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, 7, True, "x", "/", "\0", "../..", [], {}, [[1]], [{"name": 7}], {"name": []}]
)
ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(max_size=5) | ODD,
        "user": ODD | st.fixed_dictionaries({}, optional={"exec": ODD, "client-key": ODD, "tokenFile": ODD}),
        "cluster": ODD | st.fixed_dictionaries({}, optional={"certificate-authority": ODD}),
        "context": ODD | st.fixed_dictionaries({}, optional={"cluster": ODD, "user": ODD}),
    },
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "users": st.lists(ENTRY, max_size=4) | ODD,
            "clusters": st.lists(ENTRY, max_size=4) | ODD,
            "contexts": st.lists(ENTRY, max_size=4) | ODD,
            "current-context": ODD,
        },
    )
)
def test_no_contents_break_it(tmp_path_factory: pytest.TempPathFactory, config: dict[str, Any]) -> None:
    file = tmp_path_factory.mktemp("odd") / "config"
    file.write_text(yaml.safe_dump(config))
    (found,) = audit_files([str(file)])
    assert isinstance(found, Resource)
    assert found.problems == []


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    config = tmp_path / "config"
    config.write_text(f"users:\n- name: jane\n  user: {{tokenFile: {pipe}, client-key: {tmp_path}}}\n")
    (found,) = audit_files([str(config)])
    assert isinstance(found, Resource)
    assert [held["state"] for held in found.raw["spec"]["files"]] == ["file", "unreadable", "unreadable"]


def test_files_beside_data_are_not_used(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("users:\n- name: jane\n  user: {client-key: jane.key, client-key-data: LS0t}\n")
    (found,) = audit_files([str(config)])
    assert isinstance(found, Resource)
    assert [held["role"] for held in found.raw["spec"]["files"]] == ["kubeconfig"]


def test_others_kubeconfigs_are_looked_at_by_their_modes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    homes = {"jane": 0o644, "joe": 0o600}
    people = []
    for number, (name, mode) in enumerate(homes.items(), 60_000):
        folder = tmp_path / name / ".kube"
        folder.mkdir(parents=True)
        (folder / "config").write_text("not looked into: {")
        (folder / "config").chmod(mode)
        people.append(pwd.struct_passwd((name, "x", number, number, "", str(tmp_path / name), "/bin/sh")))
    monkeypatch.setattr(pwd, "getpwall", lambda: people)
    monkeypatch.setattr(kubeconfigs, "_WELL_KNOWN", ())
    found = {each.ref.name: each.raw["spec"] for each in foreign_files([], uid=12345)}
    assert {os.path.relpath(name, tmp_path): spec["files"][0]["mode"] for name, spec in found.items()} == {
        "jane/.kube/config": 0o644,
        "joe/.kube/config": 0o600,
    }
    assert all(spec["foreign"] for spec in found.values())
    own = str(tmp_path / "jane" / ".kube" / "config")
    assert own not in {each.ref.name for each in foreign_files([own], uid=12345)}


def test_which_files_are_audited(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    environ = {"KUBECONFIG": f"{tmp_path}/a:{tmp_path}/gone:{tmp_path}/a"}
    assert audited_paths(["x", "x"], environ) == ["x"]
    assert audited_paths([], environ) == [f"{tmp_path}/a"]
    assert audited_paths([], {"KUBECONFIG": "/nowhere"}) == ["/nowhere"]
    assert audited_paths([], {}) == [os.path.expanduser("~/.kube/config")]
