"""Units are read as systemd reads them."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from seawall.sources.host import Problems, Root
from seawall.sources.host.units import Unit, command, find_unit, parse_environment, parse_unit, split_words
from tests.sources.host.trees import KUBEADM, facts_of, plant, reasons


def unit(root: Path, name: str = "kubelet.service") -> Unit | None:
    with Root(str(root)) as opened:
        return find_unit(opened, name, Problems())


def test_kubeadms_drop_in_with_its_variables(tmp_path: Path) -> None:
    found = unit(plant(tmp_path, KUBEADM))
    assert found is not None
    assert found.path == "/usr/lib/systemd/system/kubelet.service"
    assert found.dropins == ("/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",)
    assert found.argv == (
        "/usr/bin/kubelet",
        "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf",
        "--kubeconfig=/etc/kubernetes/kubelet.conf",
        "--config=/var/lib/kubelet/config.yaml",
        "--container-runtime-endpoint=unix:///run/x.sock",
        "--v=2",
        "--node-ip",
        "10.0.0.1",
    )
    assert found.files == ("/var/lib/kubelet/kubeadm-flags.env", "/etc/default/kubelet")


def test_etc_wins_and_drop_ins_of_one_name_count_once(tmp_path: Path) -> None:
    drop = "[Service]\nEnvironment=A={}\n"
    plant(
        tmp_path,
        {
            "/lib/systemd/system/x.service": "[Service]\nExecStart=/lib/x\n",
            "/etc/systemd/system/x.service": "[Service]\nExecStart=/etc/x ${A} $$B\n",
            "/lib/systemd/system/x.service.d/10-a.conf": drop.format("lib"),
            "/etc/systemd/system/x.service.d/10-a.conf": drop.format("etc"),
            "/run/systemd/system/service.d/05-all.conf": drop.format("all"),
        },
    )
    found = unit(tmp_path, "x.service")
    assert found is not None and found.argv == ("/etc/x", "etc", "$B")
    assert [path.split("/")[1] for path in found.dropins] == ["run", "etc"]


def test_a_masked_unit_is_none(tmp_path: Path) -> None:
    plant(tmp_path, {"/lib/systemd/system/x.service": "[Service]\nExecStart=/x\n"})
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    (tmp_path / "etc/systemd/system/x.service").symlink_to("/dev/null")
    assert unit(tmp_path, "x.service") is None


def test_a_missing_environment_file_is_told(tmp_path: Path) -> None:
    plant(tmp_path, {"/etc/systemd/system/x.service": "[Service]\nEnvironmentFile=/etc/none\nExecStart=/x $A\n"})
    found = unit(tmp_path, "x.service")
    assert found is not None and "/etc/none is not there" in found.problem


def test_a_command_that_its_variables_blow_up_is_told(tmp_path: Path) -> None:
    files = {
        "/etc/default/k": "A=" + "x" * 100_000 + "\n",
        "/etc/systemd/system/kubelet.service": "[Service]\nEnvironmentFile=/etc/default/k\n"
        f"ExecStart=/k {'$A ' * 9999}\n",
    }
    found = unit(plant(tmp_path, files))
    assert found is not None and found.argv == ()
    facts = facts_of(tmp_path)
    assert "longer than 256 KiB" in reasons(facts)["components.kubelet.flags"]


def test_continued_lines_comments_and_prefixes() -> None:
    lines = list(parse_unit(b"# c\n[Service]\nExecStart=-/a \\\n# within\n  --b \\\n  --c\n; c\nUser = x\n"))
    assert lines == [("Service", "ExecStart", "-/a    --b    --c"), ("Service", "User", "x")]
    assert command("-@/a 'b c' \"d $X\" $Y", {"X": "1 2", "Y": "3 '4 5'"}) == ("/a", "b c", "d 1 2", "3", "4 5")


def test_quotes_and_escapes() -> None:
    assert split_words(r'a "b c" d\ e "" f\"g') == ["a", "b c", "d e", "", 'f"g']
    assert parse_environment(b"A=1\n# B=2\nC='x y'\nD=a\\\nb\nnot a line\n1X=3\n") == {"A": "1", "C": "x y", "D": "ab"}


@given(st.binary(max_size=300))
def test_any_bytes_are_read(data: bytes) -> None:
    for _, key, value in parse_unit(data):
        assert "\n" not in key
        command(value, {key: value})
    parse_environment(data)
