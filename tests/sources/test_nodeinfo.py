"""NodeInfo documents become facts, and what they do not tell stays unknown."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from seawall.model.facts import Facts
from seawall.sources.nodeinfo import facts_of, is_nodeinfo

_NAMES = st.sampled_from(
    [
        "kubeletConfFilePermissions",
        "kubePKIKeyFilePermissions",
        "etcdDataDirectoryOwnership",
        "kubeletEventQpsArgumentSet",
    ]
)
_VALUES = st.lists(st.one_of(st.integers(), st.text(max_size=8), st.none(), st.booleans(), st.lists(st.none())))
_ENTRY = st.one_of(st.none(), st.fixed_dictionaries({"values": st.one_of(_VALUES, st.text())}))


def nodeinfo(**info: list[Any]) -> dict[str, Any]:
    values = {name: {"values": given} for name, given in info.items()}
    return {"kind": "NodeInfo", "apiVersion": "v1", "type": "master", "info": values}


def test_modes_and_owners_of_one_file_come_together() -> None:
    facts = facts_of(nodeinfo(kubeletConfFilePermissions=[640], kubeletConfFileOwnership=["root:adm"]))
    file = facts.files["/etc/kubernetes/kubelet.conf"]
    assert (file.mode, file.owner, file.group, file.uid, file.gid) == (0o640, "root", "adm", 0, -1)
    assert facts.paths["kubelet.kubeconfig"] == "/etc/kubernetes/kubelet.conf"


def test_what_is_not_told_is_a_problem_and_an_empty_list_an_absent_file() -> None:
    facts = facts_of(nodeinfo(kubeletConfFilePermissions=[], adminConfFilePermissions=[999]))
    assert facts.absent == ("/etc/kubernetes/kubelet.conf",)
    told = {problem.fact for problem in facts.problems}
    assert {"components.kubelet.flags.anonymous-auth", "info.adminConfFilePermissions"} <= told


def test_several_files_of_a_folder() -> None:
    facts = facts_of(nodeinfo(containerNetworkInterfaceFilePermissions=[600, 644]))
    modes = [file.mode for path, file in facts.files.items() if path.startswith("/etc/cni/net.d/")]
    assert modes == [0o600, 0o644]


@given(st.dictionaries(_NAMES, _ENTRY))
def test_any_document_becomes_facts_that_can_be_written_and_read(info: dict[str, Any]) -> None:
    document = {"kind": "NodeInfo", "info": info}
    assert is_nodeinfo(document)
    facts = facts_of(document)
    assert msgspec.json.decode(msgspec.json.encode(facts), type=Facts) == facts
