"""Roots of hosts for tests: files from a mapping, and processes as /proc shows them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from seawall.model.facts import Facts
from seawall.sources.host import Root, collect

PASSWD = "root:x:0:0:root:/root:/bin/bash\netcd:x:990:990::/var/lib/etcd:/usr/sbin/nologin\n"
GROUP = "root:x:0:\netcd:x:990:\ndocker:x:998:alice\n"


def plant(root: Path, files: Mapping[str, str]) -> Path:
    """Write files below a root, with a /proc in which only init runs."""
    for path, content in {"/etc/passwd": PASSWD, "/etc/group": GROUP, **files}.items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)
    if not (root / "proc").exists():
        run(root, 1, ["/sbin/init"])
        (root / "proc/1/mounts").write_text("/dev/sda1 / ext4 rw,relatime 0 0\n")
    return root


def run(root: Path, pid: int, argv: Sequence[str], exe: str = "", cgroup: str = "0::/system.slice/x.service") -> None:
    """Let a process appear in the root's /proc."""
    folder = root / "proc" / str(pid)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in argv))
    (folder / "comm").write_text(os.path.basename(argv[0])[:15] + "\n")
    (folder / "status").write_text("Name:\tx\nUid:\t0\t0\t0\t0\nSeccomp:\t0\n")
    (folder / "cgroup").write_text(cgroup + "\n")
    (folder / "environ").write_bytes(b"")
    (folder / "fd").mkdir(exist_ok=True)
    if exe:
        os.symlink(exe, folder / "exe")


def facts_of(root: Path) -> Facts:
    """What is collected from a root."""
    with Root(str(root)) as opened:
        return collect(opened, "2026-11-25T08:00:00+00:00", "test")


def reasons(facts: Facts) -> dict[str, str]:
    """The problems of facts, by the place of the fact."""
    return {problem.fact: problem.reason for problem in facts.problems}


KUBEADM = {
    "/etc/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\n',
    "/etc/hostname": "cp-1\n",
    "/usr/lib/systemd/system/kubelet.service": "[Unit]\nDescription=kubelet\n[Service]\nExecStart=/usr/bin/kubelet\n",
    "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf": """\
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \
--kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
# written by kubeadm init and join
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
""",
    "/var/lib/kubelet/kubeadm-flags.env": 'KUBELET_KUBEADM_ARGS="--container-runtime-endpoint=unix:///run/x.sock"\n',
    "/etc/default/kubelet": "KUBELET_EXTRA_ARGS=--v=2 --node-ip 10.0.0.1\n",
    "/var/lib/kubelet/config.yaml": """\
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}}
staticPodPath: /etc/kubernetes/manifests
staticPodURLHeader: {Authorization: [Bearer hunter2hunter2]}
""",
    "/etc/kubernetes/kubelet.conf": "apiVersion: v1\nkind: Config\n",
    "/etc/kubernetes/admin.conf": "apiVersion: v1\nkind: Config\n",
    "/etc/kubernetes/pki/ca.crt": "x",
    "/etc/kubernetes/pki/etcd/server.key": "x",
    "/etc/kubernetes/enc.yaml": """\
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - aescbc: {keys: [{name: key1, secret: c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0}]}
  - identity: {}
""",
    "/etc/kubernetes/manifests/kube-apiserver.yaml": """\
apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, namespace: kube-system}
spec:
  containers:
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.31.2
    command:
    - kube-apiserver
    - --anonymous-auth=false
    - --encryption-provider-config=/etc/kubernetes/enc.yaml
    - --audit-log-path=/var/log/audit/audit.log
    volumeMounts:
    - {name: logs, mountPath: /var/log/audit}
  volumes:
  - name: logs
    hostPath: {path: /data/audit}
""",
    "/etc/kubernetes/manifests/etcd.yaml": """\
apiVersion: v1
kind: Pod
metadata: {name: etcd, namespace: kube-system}
spec:
  containers:
  - name: etcd
    image: registry.k8s.io/etcd:3.5.15-0
    command: [etcd, --data-dir=/var/lib/etcd, --client-cert-auth=true]
    env: [{name: ETCD_AUTO_TLS, value: "false"}, {name: AWS_SECRET_ACCESS_KEY, value: hunter2hunter2}]
""",
}
