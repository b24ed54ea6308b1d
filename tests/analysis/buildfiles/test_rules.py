"""What the rules over build files tell apart, beside their worked examples."""

from __future__ import annotations

import pytest

from seawall.analysis.buildfiles.releases import end_of_life
from seawall.model.kube.buildfile import BuildContext
from tests.buildfiles import found, found_in, read

F = "FROM alpine:3.22\nUSER 1000\n"


def rules(text: str) -> set[str]:
    return {rule for rule, *_ in found(text)}


@pytest.mark.parametrize(
    "line",
    [
        "ENV NODE_AUTH_TOKEN=kD83jf0aLq21",
        "ENV USER_PASSWORD=kD83jf0aLq21",
        "ENV A=1 \\\n  MONGO_PASSWORD='kD83 jf0aLq21'",
        "ARG SECRET_KEY=kD83jf0aLq21",
        "LABEL com.example.api-key=kD83jf0aLq21",
        "ENV API_KEY kD83jf0aLq21",
        "ENV POSTGRES_PASSWORD=changeme",
        "ENV DATABASE_URL=postgres://shop:kD83jf0aLq21@db:5432/shop",
    ],
)
def test_credentials_in_variables(line: str) -> None:
    assert "build-secret-in-variable" in rules(f"{F}{line}\n")


@pytest.mark.parametrize(
    "line",
    [
        "ENV MYSQL_ALLOW_EMPTY_PASSWORD=kD83jf0aLq21",
        "ENV ENABLE_TOKEN=kD83jf0aLq21",
        "ENV TOKEN_FILE=/run/x SECRET_NAME=kD83jf0aLq21",
        "ENV DB_PASSWORD=${DB_PASSWORD}",
        "ENV DB_PASSWORD=/run/secrets/db",
        "ENV DB_PASSWORD=true",
        "ENV DATABASE_URL=postgres://user:pass@localhost/shop",
        "ENV DATABASE_URL=postgres://shop:${PASSWORD}@db:5432/shop",
        "ENV DB_PASSWORD=<yours>",
        "ENV PATH=/a:/b KEYSTONE=kD83jf0aLq21",
    ],
)
def test_no_credentials_in_variables(line: str) -> None:
    assert "build-secret-in-variable" not in rules(f"{F}{line}\n")


@pytest.mark.parametrize(
    "command",
    [
        "curl --user=admin:kD83jf0aLq21 https://x.example/a",
        "curl -u admin:kD83jf0aLq21 https://x.example/a",
        "wget --password=kD83jf0aLq21 https://x.example/a",
        "tool --api-key kD83jf0aLq21",
        "pip install --extra-index-url https://u:kD83jf0aLq21@pypi.example.com/simple a==1",
        "export AWS_SECRET_ACCESS_KEY=kD83jf0aLq21 && aws s3 ls",
        "sshpass -pkD83jf0aLq21 ssh a@b",
        "echo 'machine x.example login me password kD83jf0aLq21' > ~/.netrc",
        "sh -c 'GITHUB_TOKEN=kD83jf0aLq21 npm ci'",
    ],
)
def test_credentials_in_commands(command: str) -> None:
    told = [rule for rule, *_ in found(f"{F}RUN {command}\n")]
    assert told.count("build-secret-in-command") == 1


@pytest.mark.parametrize(
    "command",
    [
        "curl -u admin:$PASSWORD https://x.example/a",
        "wget --password=$(cat /run/secrets/p) https://x.example/a",
        "SECRET_KEY=dummy python manage.py collectstatic",
        "DJANGO_SECRET_KEY='not-a-real-secret' python manage.py collectstatic",
        "git config url.https://x:$(cat /run/secrets/t)@github.com/.insteadOf https://github.com/",
        "mkdir -p /a && cp -p a b && mysql -p",
        "tool --token-file /run/secrets/x --no-password --password",
        "docker run -p 8080:80 x",
    ],
)
def test_no_credentials_in_commands(command: str) -> None:
    assert "build-secret-in-command" not in rules(f"{F}RUN {command}\n")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("curl -sL https://x.example/i | bash -s -- -b /bin v1", True),
        ("curl -sL https://x.example/i | tee /log | sudo bash", True),
        ("wget -qO- https://x.example/i | env A=1 sh", True),
        ('sh -c "$(curl -fsSL https://x.example/i)" "" --unattended', True),
        ('eval "$(curl -fsSL https://x.example/i)"', True),
        (". <(curl -fsSL https://x.example/i)", True),
        ("curl https://x.example/i | perl", True),
        ("curl https://x.example/i | tar xz", False),
        ("curl https://x.example/i | gpg --dearmor", False),
        ("curl https://x.example/i | python3 -c 'import sys'", False),
        ("curl https://x.example/i | python3 -m json.tool", False),
        ("curl https://x.example/i | sh /check.sh", False),
        ('echo "$(curl https://x.example/i)"', False),
        ("V=$(curl -s https://x.example/v) && echo $V | sh", False),
        ("curl -o i https://x.example/i && cat x | sh", False),
        ("echo 'curl https://x.example/i | sh'", False),
        ("curl https://x.example/i -o i && sh i", True),
        ("curl --output=/tmp/i https://x.example/i && bash -x /tmp/i", True),
        ("curl -fsSLO https://x.example/i.sh?v=1 && chmod +x i.sh && sudo ./i.sh", True),
        ("curl https://x.example/i > i; . ./i", True),
        ("wget -qO i https://x.example/i && python3 i", True),
        ("wget -q https://x.example/i.py; python3 -u i.py", True),
        ("curl https://x.example/i -o i && sh other", False),
        ("sh i && curl https://x.example/i -o i", False),
        ("curl -o i https://x.example/i && sha256sum -c i.sum && sh i", False),
        ("curl -o /dev/null https://x.example/i && sh i", False),
        ("curl -so i https://x.example/i && python3 load.py i", False),
    ],
)
def test_downloads_that_are_run(command: str, told: bool) -> None:
    assert ("build-pipes-download" in rules(f'{F}SHELL ["/bin/bash", "-c"]\nRUN {command}\n')) is told


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("-k", True),
        ("-fsSLk", True),
        ("-kfsSL", True),
        ("--insecure", True),
        ("-okernel", False),
        ("-HX-Task:k", False),
        ("-fsSL", False),
        ("--keepalive-time 5", False),
    ],
)
def test_curl_without_verification(option: str, told: bool) -> None:
    assert ("build-tls-off-download" in rules(f"{F}RUN curl {option} https://x.example/a\n")) is told


@pytest.mark.parametrize(
    ("mode", "setuid", "writable"),
    [
        ("4755", True, False),
        ("04755", True, False),
        ("6755", True, False),
        ("2755", False, False),
        ("1777", False, False),
        ("0777", False, True),
        ("777", False, True),
        ("4777", True, True),
        ("666", False, True),
        ("775", False, False),
        ("u+s", True, False),
        ("+s", True, False),
        ("g+s", False, False),
        ("a-s", False, False),
        ("o+w", False, True),
        ("a=rwx", False, True),
        ("u+w,g+w", False, False),
        ("+x", False, False),
        ("ug+rw,o-w", False, False),
    ],
)
def test_modes(mode: str, setuid: bool, writable: bool) -> None:
    told = rules(f"{F}RUN chmod -R {mode} /a\n")
    assert ("build-setuid" in told) is setuid
    assert ("build-world-writable" in told) is writable


@pytest.mark.parametrize(
    ("image", "release"),
    [
        ("debian:stretch-slim", "Debian 9"),
        ("debian:10.13", "Debian 10.13"),
        ("ubuntu:18.04", "Ubuntu 18.04"),
        ("library/centos:7.9.2009", "Centos 7.9"),
        ("python:3.7.17-alpine3.14", "Alpine 3.14"),
        ("python:2", "Python 2"),
        ("node:14.21.3-bullseye@sha256:00", "Node.js 14.21"),
        ("golang:1.26-buster", "Debian 10"),
        ("debian:99", None),
        ("node:lts", None),
        ("node:${V}", None),
        ("quay.io/x/python:2.7", None),
        ("me/node:4", None),
    ],
)
def test_ends_of_releases(image: str, release: str | None) -> None:
    ended = end_of_life(image)
    assert (ended[0] if ended else None) == release


def test_only_what_stays_in_the_image_counts() -> None:
    text = (
        "FROM alpine:3.22 AS build\nRUN chmod 777 /src\nUSER root\nFROM alpine:3.22\nCOPY --from=build /a /a\nUSER 1\n"
    )
    assert rules(text) == set()


def test_secret_mounts_are_good_and_copies_of_them_are_not() -> None:
    mount = f"{F}RUN --mount=type=secret,id=npm,target=/run/npm "
    assert rules(f"{mount}cat /run/npm > /root/.npmrc && npm ci\n") == {"build-secret-mount-copied"}
    assert rules(f"{mount}cat /run/npm > /root/.npmrc && npm ci && rm -f /root/.npmrc\n") == set()
    assert rules(f"{mount}NPM_TOKEN=$(cat /run/npm) npm ci\n") == set()
    assert rules(f"{mount}cp /run/npm /usr/local/share/ca-certificates/own.crt\n") == set()


def test_git_alone_in_the_context_is_mild() -> None:
    text = f"{F}COPY . /app\n"
    only_git = read(text, BuildContext(True, ".dockerignore", (".git",)))
    assert [rule for rule, *_ in found_in(only_git)] == ["build-context-secrets"]
    assert found_in(read(text, BuildContext(True, ".dockerignore", ()))) == []


def test_here_documents_are_judged_line_by_line() -> None:
    text = f"{F}RUN <<EOF\nset -e\nsudo make\nchmod 777 /x\nEOF\n"
    assert found(text) == [("build-sudo", 5, 1), ("build-world-writable", 6, 1)]


@pytest.mark.parametrize(
    "text", ["FROM", "FROM a AS", "FROM a\nENV", "FROM a\nCOPY", "FROM a\nONBUILD", "FROM a\nUSER"]
)
def test_what_is_missing_makes_no_rule_fail(text: str) -> None:
    found(text)


CAREFUL = r"""# syntax=docker/dockerfile:1.7
ARG NODE_MAJOR=24
FROM debian:trixie-slim@sha256:60eac759739651111db372c07be67863818726f754804b8707c90979bda511df AS build
ENV NODE_VERSION=24.1.0 \
    # where the key is
    KEY_FILE=/run/secrets/key
RUN ARCH= && dpkgArch="$(dpkg --print-architecture | awk -F- '{ print $NF }')" \
  && case "${dpkgArch##*-}" in \
    amd64) ARCH='x64' OPENSSL_ARCH='linux-x86_64';; \
    *) echo "unsupported architecture"; exit 1 ;; \
  esac \
  && export GNUPGHOME="$(mktemp -d)" \
  && for key in \
    C0D6248439F1D5604AAFFB4021D900FFDB233756 \
  ; do \
      { gpg --batch --keyserver hkps://keys.example.org --recv-keys "$key" && gpg --batch --fingerprint "$key"; } || \
      { gpg --batch --keyserver keyserver.example.com --recv-keys "$key"; } ; \
  done \
  && curl -fsSLO "https://nodejs.org/dist/v$NODE_VERSION/node-v$NODE_VERSION-linux-$ARCH.tar.xz" \
  && grep " node-v$NODE_VERSION-linux-$ARCH.tar.xz\$" SHASUMS256.txt | sha256sum -c - \
  && find /usr/local -mindepth 1 ! -name "$OPENSSL_ARCH" -exec rm -rf {} \;
RUN --mount=type=secret,id=token \
    git config --global url."https://x:$(cat /run/secrets/token)@github.com/".insteadOf https://github.com/ \
    && make && git config --global --unset url."https://x:$(cat /run/secrets/token)@github.com/".insteadOf
RUN SECRET_KEY=build-only DATABASE_URL=postgres://user:pass@localhost/db ./manage.py collectstatic
RUN value="$(echo 'System.out.println("a && b")' | jshell -s -)"; [ "$value" = 'curl x | sh' ]
RUN install --directory --mode 3777 /run/shop && _f() { dpkg-scanpackages . > Packages; }; _f
FROM gcr.io/distroless/base-debian13:nonroot
COPY --from=build --chown=0:0 --chmod=755 /out /app
EXPOSE 8080
HEALTHCHECK CMD ["/app/shop", "--check"]
ENTRYPOINT ["/app/shop"]
"""


def test_a_careful_file_is_left_alone() -> None:
    assert found(CAREFUL) == []


def test_a_download_in_a_substitution_of_a_script_is_told_once() -> None:
    told = [rule for rule, *_ in found(f'{F}RUN bash -c "$(curl -fsSL https://x.example/i)"\n')]
    assert told.count("build-pipes-download") == 1
