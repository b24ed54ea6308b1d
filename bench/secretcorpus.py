"""Files with secrets in them and files with what only looks like one, always alike for a seed, with the places of both.

The values are made as their issuers make them (random, with the checksums that they document), and put where people
leave them: files of real programs' kinds, written down here by hand. Nothing is made out of Seawall's own patterns.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import json
import random
import string
import uuid
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

LETTERS, DIGITS = string.ascii_letters, string.digits
ALNUM, HEX, LOWER = LETTERS + DIGITS, "0123456789abcdef", string.ascii_lowercase + DIGITS
B64 = ALNUM + "+/"


class Planted(NamedTuple):
    """A secret in a file: the line that holds it (its first), from 1."""

    path: str
    line: int
    kind: str


class Maker:
    """Makes values; one seed, one sequence."""

    def __init__(self, seed: int) -> None:
        self.rnd = random.Random(seed)  # noqa: S311 - not for secrets

    def of(self, letters: str, count: int) -> str:
        return "".join(self.rnd.choices(letters, k=count))

    def raw(self, count: int) -> bytes:
        return self.rnd.randbytes(count)

    def crc62(self, body: str) -> str:
        """The checksum of GitHub's and npm's tokens."""
        left, digits = zlib.crc32(body.encode()), ""
        while left:
            left, digit = divmod(left, 62)
            digits = (DIGITS + string.ascii_uppercase + string.ascii_lowercase)[digit] + digits
        return digits.rjust(6, "0")

    def uuid(self) -> str:
        return str(uuid.UUID(bytes=self.raw(16), version=4))

    def password(self) -> str:
        """As people make them up, and as generators of passwords do."""
        words = ("autumn", "falcon", "Harbor", "kettle", "Velvet", "mango", "Orbit", "pepper", "walnut", "Zephyr")
        sort = self.rnd.randrange(4)
        if sort == 0:
            return self.rnd.choice(words).capitalize() + self.of(DIGITS, 4) + self.rnd.choice("!#%*?@")
        if sort == 1:
            return self.of(ALNUM + "!#%^*-_=+", self.rnd.randint(12, 20)) + self.of(DIGITS, 1)
        if sort == 2:
            return self.rnd.choice(words) + self.rnd.choice("-_.") + self.rnd.choice(words) + self.of(DIGITS, 3)
        return self.of(ALNUM, self.rnd.randint(10, 16)) + self.of(DIGITS, 2)

    def url_password(self) -> str:
        return self.of(ALNUM, self.rnd.randint(10, 18)) + self.of(DIGITS, 2)

    def jwt(self, claims: dict[str, object]) -> str:
        head = {"alg": self.rnd.choice(["HS256", "RS256"]), "typ": "JWT"}
        parts = [json.dumps(each, separators=(",", ":")).encode() for each in (head, claims)]
        made = [base64.urlsafe_b64encode(each).rstrip(b"=").decode() for each in (*parts, self.raw(32))]
        return ".".join(made)

    def der(self, count: int) -> bytes:
        """What begins as a key in DER does."""
        return b"\x30\x82" + count.to_bytes(2, "big") + b"\x02\x01\x00" + self.raw(count - 3)

    def pem(self, kind: str = "RSA PRIVATE KEY", data: bytes | None = None) -> str:
        body = base64.b64encode(self.der(600) if data is None else data).decode()
        lines = [body[start : start + 64] for start in range(0, len(body), 64)]
        return "\n".join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----"])

    def openssh(self) -> str:
        return self.pem("OPENSSH PRIVATE KEY", b"openssh-key-v1\0\0\0\0\x04none\0\0\0\x04none" + self.raw(300))


def _value_makers(m: Maker) -> dict[str, Callable[[], str]]:
    """Tokens by who issues them."""

    def github(prefix: str) -> str:
        body = m.of(ALNUM, 30)
        return f"{prefix}_{body}{m.crc62(body)}"

    return {
        "github": lambda: github(m.rnd.choice(["ghp", "gho", "ghs"])),
        "github-fine": lambda: f"github_pat_{m.of(ALNUM, 22)}_{m.of(ALNUM, 59)}",
        "gitlab": lambda: f"glpat-{m.of(ALNUM + '_-', 20)}",
        "npm": lambda: github("npm"),
        "slack": lambda: f"xoxb-{m.of(DIGITS[1:], 12)}-{m.of(DIGITS[1:], 13)}-{m.of(ALNUM, 24)}",
        "stripe": lambda: f"sk_live_{m.of(ALNUM, 24)}",
        "sendgrid": lambda: f"SG.{m.of(ALNUM + '_-', 22)}.{m.of(ALNUM + '_-', 43)}",
        "google": lambda: f"AIza{m.of(ALNUM + '_-', 35)}",
        "openai": lambda: f"sk-proj-{m.of(ALNUM, 58)}T3BlbkFJ{m.of(ALNUM, 58)}",
        "anthropic": lambda: f"sk-ant-api03-{m.of(ALNUM + '_-', 93)}AA",
        "huggingface": lambda: f"hf_{m.of(LETTERS, 34)}",
        "digitalocean": lambda: f"dop_v1_{m.of(HEX, 64)}",
        "pypi": lambda: "pypi-AgEIcHlwaS5vcmc" + m.of(ALNUM + "_-", 150),
        "vault": lambda: f"hvs.{m.of(ALNUM, 90)}",
        "docker": lambda: f"dckr_pat_{m.of(ALNUM + '_-', 27)}",
        "telegram": lambda: f"{m.of(DIGITS[1:], 10)}:AA{m.of(ALNUM + '_-', 33)}",
        "mailgun": lambda: f"key-{m.of(HEX, 32)}",
        "shopify": lambda: f"shpat_{m.of(HEX, 32)}",
        "newrelic": lambda: f"NRAK-{m.of(string.ascii_uppercase + DIGITS, 27)}",
        "databricks": lambda: f"dapi{m.of(HEX, 32)}",
        "azure-ad": lambda: f"{m.of(ALNUM, 3)}8Q~{m.of(ALNUM + '_~.-', 34)}",
        "atlassian": lambda: f"ATATT3xFfGF0{m.of(ALNUM + '_-', 170)}={m.of('0123456789ABCDEF', 8)}",
        "hex32": lambda: m.of(HEX, 32),
        "hex40": lambda: m.of(HEX, 40),
        "alnum": lambda: m.of(ALNUM, m.rnd.randint(24, 40)),
        "base64": lambda: base64.b64encode(m.raw(32)).decode(),
    }


class Corpus:
    """Writes the files, and remembers what is where."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.m = Maker(seed)
        self.values = _value_makers(self.m)
        self.planted: list[Planted] = []
        self.files = 0

    def write(self, name: str, lines: list[tuple[str, str] | str]) -> None:
        """A file; a line with a kind holds a secret, one without holds none."""
        self.files += 1
        folder, _, last = name.rpartition("/")
        path = f"{folder}/{self.files}/{last}" if folder else f"{self.files}/{last}"
        number = 1
        text: list[str] = []
        for each in lines:
            line, kind = (each, "") if isinstance(each, str) else each
            if kind:
                self.planted.append(Planted(path, number, kind))
            text.append(line)
            number += line.count("\n") + 1
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("\n".join(text) + "\n")

    def token(self, *kinds: str) -> tuple[str, str]:
        kind = self.m.rnd.choice(kinds or tuple(self.values))
        return self.values[kind](), kind


_FORMED = (
    "github", "github-fine", "gitlab", "npm", "slack", "stripe", "sendgrid", "google", "openai", "anthropic",
    "huggingface",
    "digitalocean", "pypi", "vault", "docker", "telegram", "mailgun", "shopify", "newrelic", "databricks", "azure-ad",
    "atlassian",
)  # fmt: skip
_OPAQUE = ("hex32", "hex40", "alnum", "base64")


def _dotenv(c: Corpus) -> None:
    m = c.m
    token, kind = c.token(*_FORMED)
    opaque, sort = c.token(*_OPAQUE)
    quote = m.rnd.choice(['"', "'", ""])
    password = m.password() if quote else m.password().replace("#", "!")
    c.write(m.rnd.choice([".env", ".env.production", "prod.env"]), [
        "# settings of the shop", "APP_ENV=production", "APP_DEBUG=false", "LOG_LEVEL=info",
        (f"DB_PASSWORD={quote}{password}{quote}", "password"),
        "DB_HOST=db.internal", "DB_USER=shop", "DB_PORT=5432", "DB_PASSWORD_FILE=/run/secrets/db",
        (f"{m.rnd.choice(['API_TOKEN', 'SERVICE_TOKEN', 'export PROVIDER_TOKEN'])}={token}", kind),
        "SESSION_SECRET_NAME=shop-session", "SMTP_PASSWORD=${SMTP_PASSWORD}", "STRIPE_KEY=pk_live_" + m.of(ALNUM, 24),
        (f"{m.rnd.choice(['SESSION_SECRET', 'INTERNAL_API_KEY', 'WEBHOOK_SECRET'])}={opaque}", sort),
        f"BUILD_ID={m.uuid()}", f"GIT_COMMIT={m.of(HEX, 40)}", "REDIS_PASSWORD=changeme", "JWT_SECRET=your-secret-here",
        (f"DATABASE_URL=postgres://shop:{m.url_password()}@db.internal:5432/shop", "url"),
    ])  # fmt: skip


def _values_yaml(c: Corpus) -> None:
    m = c.m
    token, kind = c.token(*_FORMED)
    c.write("chart/values.yaml", [
        "image:", "  repository: registry.example/shop", f"  digest: sha256:{m.of(HEX, 64)}", "auth:",
        (f"  password: {m.rnd.choice(['', chr(34)])}".rstrip('"') + json.dumps(m.password()), "password"),
        "  existingSecret: shop-auth", "  secretKeyRef: password", "  username: shop", "smtp:",
        ('  apiKey: "' + token + '"', kind),
        '  password: "{{ .Values.global.smtp }}"', "  passwordKey: smtp-password", "  tokenTTL: 3600", "tls:",
        "  secretName: shop-tls", "serviceAccount:", "  automountServiceAccountToken: false", "podAnnotations:",
        f"  checksum/secret: {m.of(HEX, 64)}", 'adminPassword: ""', "rootPassword: null",
    ])  # fmt: skip


def _manifest(c: Corpus) -> None:
    m = c.m
    token, kind = c.token(*_FORMED)
    opaque, sort = c.token("hex32", "alnum")
    c.write("k8s/deployment.yaml", [
        "apiVersion: apps/v1", "kind: Deployment", "metadata:", "  name: api", "spec:", "  template:", "    spec:",
        "      containers:", "        - name: api", f"          image: registry.example/api@sha256:{m.of(HEX, 64)}",
        "          env:", "            - name: LOG_LEVEL", "              value: info",
        "            - name: DB_PASSWORD",
        (f"              value: {json.dumps(m.password())}", "password"),
        "            - name: PROVIDER_TOKEN",
        (f"              value: {token}", kind),
        "            - name: OTHER_TOKEN", "              valueFrom:", "                secretKeyRef:",
        "                  name: other", "                  key: token", "            - name: SIGNING_KEY",
        (f'              value: "{opaque}"', sort),
        "            - name: SECRET_NAME", "              value: shop-secret",
        "          args:", "            - --listen=:8080",
        (f"            - --admin-password={m.url_password()}", "password"),
        "            - --token-file=/var/run/secrets/token", "            - --tls-private-key-file=/tls/tls.key",
    ])  # fmt: skip


def _secret_object(c: Corpus) -> None:
    m = c.m
    token, kind = c.token(*_FORMED)

    def b64(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    c.write("k8s/secret.yaml", [
        "apiVersion: v1", "kind: Secret", "metadata:", "  name: shop", "  labels:", f"    build: {m.of(HEX, 12)}",
        "data:",
        f"  username: {b64('shop')}",
        (f"  password: {b64(m.password())}", "password"),
        (f"  config: {b64('provider: x' + chr(10) + 'key: ' + token + chr(10))}", kind),
        f"  ca.crt: {b64(m.pem('CERTIFICATE'))}",
        (f"  tls.key: {b64(m.pem('PRIVATE KEY'))}", "pem"),
        f"  host: {b64('db.internal.example')}",
    ])  # fmt: skip
    packed = base64.b64encode(gzip.compress(f"values:\n  token: {c.values['github']()}\n".encode(), mtime=0)).decode()
    c.write("k8s/release.yaml", [
        "apiVersion: v1", "kind: Secret", "type: helm.sh/release.v1", "metadata:",
        "  name: sh.helm.release.v1.shop.v1", "data:",
        (f"  release: {b64(packed)}", "helm"),
    ])  # fmt: skip


def _json(c: Corpus) -> None:
    m = c.m
    token, kind = c.token(*_FORMED)
    opaque, sort = c.token(*_OPAQUE)
    c.write("config/settings.json", [
        "{", '  "name": "shop",', f'  "id": "{m.uuid()}",', '  "database": {', '    "user": "shop",',
        (f'    "password": {json.dumps(m.password())},', "password"),
        '    "passwordPolicy": "strong-12-characters"', "  },",
        (f'  "provider": {{"token": "{token}"}},', kind),
        (f'  "clientSecret": "{opaque}",', sort),
        f'  "publicKey": "{base64.b64encode(m.raw(64)).decode()}",', f'  "etag": "{m.of(HEX, 32)}",',
        '  "tokenType": "Bearer",', '  "tokenEndpoint": "https://login.example/oauth2/token",',
        '  "apiKey": "<your-api-key>"', "}",
    ])  # fmt: skip
    key = m.pem("PRIVATE KEY").replace("\n", "\\n")
    c.write("config/service-account.json", [
        "{", '  "type": "service_account",', '  "project_id": "shop-1",',
        (f'  "private_key_id": "{m.of(HEX, 40)}",\n  "private_key": "{key}\\n",', "gcp"),
        '  "client_email": "shop@shop-1.iam.gserviceaccount.com",', f'  "client_id": "{m.of(DIGITS, 21)}"', "}",
    ])  # fmt: skip
    login = base64.b64encode(f"robot:{m.url_password()}".encode()).decode()
    c.write("home/.docker/config.json", [
        "{", '  "auths": {', '    "registry.example": {', (f'      "auth": "{login}"', "docker"), "    }", "  }",
        "}"])  # fmt: skip


def _properties(c: Corpus) -> None:
    m = c.m
    opaque, sort = c.token("hex32", "alnum")
    c.write("src/main/resources/application.properties", [
        "spring.application.name=shop", "spring.datasource.url=jdbc:postgresql://db:5432/shop",
        "spring.datasource.username=shop",
        (f"spring.datasource.password={m.password().replace('#', '!')}", "password"),
        "spring.mail.password=${MAIL_PASSWORD}", "server.ssl.key-store-password=changeit",
        "server.ssl.key-store=classpath:key.p12",
        (f"app.jwt.secret={opaque}", sort),
        "management.endpoint.health.show-details=always", "app.token.validity=86400",
        (f"legacy.url=jdbc:mysql://db/shop?user=shop&password={m.url_password()}", "url"),
    ])  # fmt: skip
    c.write("web.config", [
        "<configuration>", "  <appSettings>", '    <add key="Theme" value="dark" />',
        (f'    <add key="ApiSecret" value="{c.values["alnum"]()}" />', "alnum"),
        "  </appSettings>", "  <connectionStrings>",
        (f'    <add name="Shop" connectionString="Server=db;User Id=sa;Password={m.url_password()};" />', "password"),
        "  </connectionStrings>", "</configuration>",
    ])  # fmt: skip
    c.write("home/.m2/settings.xml", [
        "<settings><servers><server>", "  <id>nexus</id>", "  <username>deploy</username>",
        (f"  <password>{m.url_password()}</password>", "password"), "</server></servers></settings>"])  # fmt: skip


def _programs(c: Corpus) -> None:
    m = c.m
    token, kind = c.token(*_FORMED)
    c.write("src/Main.java", [
        "public class Main {", '    private static final String TOKEN_HEADER = "X-Auth-Token";',
        (f'    private static final String API_KEY = "{token}";', kind),
        "    void run(String password) {", "        this.password = password;",
        "        String token = request.getHeader(TOKEN_HEADER);",
        (f'        props.setProperty("db.password", "{m.url_password()}");', "password"),
        '        log.info("password reset for {}", user);', "    }", "}",
    ])  # fmt: skip
    token, kind = c.token(*_FORMED)
    c.write("app/settings.py", [
        "import os", 'SECRET_NAME = "shop"', 'password = os.environ["DB_PASSWORD"]', "token = get_token(request)",
        (f'API_TOKEN = "{token}"', kind),
        f'DIGEST = "{m.of(HEX, 64)}"',
        (f"DATABASE = {{'user': 'shop', 'password': '{m.url_password()}'}}", "password"),
        "def login(username: str, password: str = '') -> None:", '    """The password is asked for."""',
        "    return check(password)",
        f'UUID = "{m.uuid()}"', 'parser.add_argument("--password", help="password of the database")',
        (f'client = Client(token="{c.values["alnum"]()}")', "alnum"),
    ])  # fmt: skip
    c.write("src/config.ts", [
        "export const tokenKey = 'shop.token';", "const password: string = form.value.password;",
        (f"const clientSecret: string = '{c.values['alnum']()}';", "alnum"),
        'const placeholder = "Enter your password";', "if (!token) { throw new Error('token missing'); }",
    ])  # fmt: skip
    c.write("cmd/main.go", [
        "package main", 'const secretName = "shop-secret"',
        (f'var apiKey = "{c.values["hex32"]()}"', "hex32"),
        'token := os.Getenv("TOKEN")', "func auth(password string) bool { return password == stored }",
    ])  # fmt: skip


def _dockerfile(c: Corpus) -> None:
    m = c.m
    token, kind = c.token("github", "gitlab", "npm", "pypi")
    c.write("Dockerfile", [
        f"FROM debian@sha256:{m.of(HEX, 64)}", "ARG VERSION=1.2.3", "ARG TOKEN",
        (f"ARG NPM_TOKEN={token}", kind),
        (f"ENV ADMIN_PASSWORD {m.url_password()}", "password"),
        "RUN --mount=type=secret,id=token cat /run/secrets/token",
        (f"RUN git clone https://deploy:{m.url_password()}@git.example/shop.git", "url"),
        f"RUN echo {m.of(HEX, 64)}  file | sha256sum -c",
    ])  # fmt: skip


def _shell(c: Corpus) -> None:
    m = c.m
    token, kind = c.token(*_FORMED)
    secret = m.of(B64, 40)
    c.write("home/.bash_history", [
        "ls -la", "cd shop && git status", "kubectl get secret shop -o yaml", "export PATH=$PATH:/opt/bin",
        (f"mysql -u root -p{m.url_password()} shop < dump.sql", "cli"),
        (f"curl -u admin:{m.url_password()} https://api.example/v1/status", "cli"),
        f"git checkout {m.of(HEX, 40)}",
        (f'curl -H "Authorization: Bearer {token}" https://api.example', kind),
        (f"export AWS_SECRET_ACCESS_KEY={secret}", "aws"),
        (f"sshpass -p '{m.url_password()}' ssh deploy@host", "cli"),
        (f"docker login -u robot -p {m.url_password()} registry.example", "cli"),
        "vault login -method=oidc", "passwd", "echo $DB_PASSWORD", "ssh-keygen -t ed25519 -N '' -f key",
        (f"PGPASSWORD={m.url_password()} psql -h db shop", "cli"),
        (f"helm upgrade shop . --set auth.password={m.url_password()}", "password"),
    ])  # fmt: skip
    c.write("home/.netrc", [(f"machine git.example login bob password {m.url_password()}", "netrc")])
    c.write(
        "home/.npmrc", ["registry=https://registry.example/", (f"//registry.example/:_authToken={m.uuid()}", "npmrc")]
    )
    c.write("home/.git-credentials", [(f"https://bob:{m.url_password()}@git.example", "url")])
    c.write("home/.pgpass", [(f"db.internal:5432:shop:shop:{m.url_password()}", "pgpass")])
    c.write("home/.aws/credentials", [
        "[default]", (f"aws_access_key_id = AKIA{m.of('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16)}", "aws"),
        (f"aws_secret_access_key = {m.of(B64, 40)}", "aws"), "region = eu-central-1"])  # fmt: skip


def _logs(c: Corpus) -> None:
    m = c.m
    token, kind = c.token(*_FORMED)
    stamp = "2026-03-01T10:00:00Z"
    login = base64.b64encode(f"bob:{m.url_password()}".encode()).decode()
    c.write("var/app.log", [
        f"{stamp} INFO start version=1.2.3 commit={m.of(HEX, 40)}", f"{stamp} INFO request id={m.uuid()} status=200",
        (f"{stamp} DEBUG connecting with password={m.url_password()} user=shop", "password"),
        f"{stamp} WARN password authentication failed for user shop", f"{stamp} INFO token refreshed expires_in=3600",
        (f'{stamp} DEBUG headers={{"Authorization":"Basic {login}"}}', "basic"),
        (f"{stamp} ERROR upstream refused token {token}", kind),
        f"{stamp} INFO etag={m.of(HEX, 32)} session=closed", f"{stamp} INFO cache key: user:{m.of(DIGITS, 6)}:profile",
        (f"{stamp} DEBUG got jwt {m.jwt({'sub': 'bob', 'exp': 4102444800})}", "jwt"),
        (f'{stamp} DEBUG body={{\\"user\\":\\"bob\\",\\"password\\":\\"{m.url_password()}\\"}}', "password"),
    ])  # fmt: skip


def _kubeconfig(c: Corpus) -> None:
    m = c.m
    subject = "system:serviceaccount:shop:ci"
    c.write("home/.kube/config", [
        "apiVersion: v1", "kind: Config", "clusters:", "- cluster:",
        f"    certificate-authority-data: {base64.b64encode(m.pem('CERTIFICATE').encode()).decode()}",
        "    server: https://k8s.example:6443",
        "  name: prod", "users:", "- name: admin", "  user:",
        f"    client-certificate-data: {base64.b64encode(m.pem('CERTIFICATE').encode()).decode()}",
        (f"    client-key-data: {base64.b64encode(m.pem('EC PRIVATE KEY').encode()).decode()}", "kubeconfig"),
        "- name: ci", "  user:",
        (f"    token: {m.jwt({'iss': 'kubernetes/serviceaccount', 'sub': subject})}", "jwt"),
        "- name: old", "  user:", "    username: admin",
        (f"    password: {m.url_password()}", "password"),
    ])  # fmt: skip


def _terraform(c: Corpus) -> None:
    m = c.m
    c.write("infra/main.tf", [
        'variable "db_password" {', "  type = string",
        (f'  default = "{m.url_password()}"', "password"), "}",
        'variable "api_token" {', "  type      = string", "  sensitive = true", "}",
        'provider "aws" {', '  region = "eu-central-1"',
        (f'  secret_key = "{m.of(B64, 40)}"', "aws"), "}",
        'resource "db" "shop" {', "  password = var.db_password", f'  ami = "ami-{m.of(HEX, 17)}"', "}",
    ])  # fmt: skip
    c.write(
        "infra/prod.tfvars",
        [(f'admin_password = "{m.password().replace(chr(34), "x")}"', "password"), 'token_name = "ci"'],
    )


def _keys(c: Corpus) -> None:
    m = c.m
    c.write("home/.ssh/id_ed25519", [(c.m.openssh(), "pem")])
    c.write("home/.ssh/id_ed25519.pub", [f"ssh-ed25519 {base64.b64encode(m.raw(51)).decode()} bob@host"])
    c.write("tls/server.key", [(m.pem(), "pem")])
    c.write("tls/server.crt", [m.pem("CERTIFICATE"), m.pem("CERTIFICATE")])
    c.write("tls/public.pem", [m.pem("PUBLIC KEY")])
    account = base64.b64encode(m.raw(64)).decode()
    c.write(
        "azure.txt",
        [
            (
                f"DefaultEndpointsProtocol=https;AccountName=shop;AccountKey={account};EndpointSuffix=core.windows.net",
                "azure",
            )
        ],
    )
    c.write("ansible/vars.yml", [
        "db_user: shop", "db_password: !vault |", "  $ANSIBLE_VAULT;1.1;AES256", f"  {m.of(HEX, 80)}",
        f"  {m.of(HEX, 80)}",
        (f"ansible_become_password: {m.url_password()}", "password"),
    ])  # fmt: skip


def _near_misses(c: Corpus) -> None:
    """What looks like a secret and is none."""
    m = c.m
    body = m.of(ALNUM, 30)
    wrong = "000000" if m.crc62(body) != "000000" else "111111"
    c.write("docs/readme.txt", [
        "Set GITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx first.", "aws_access_key_id = AKIAIOSFODNN7EXAMPLE",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "password: <your password>",
        "token: ${TOKEN}",
    ])  # fmt: skip
    c.write("app/near.env", [
        f"GITHUB_SHA={m.of(HEX, 40)}", f"OLD=ghp_{body}{wrong}", f"TRACE_ID={m.of(HEX, 32)}",
        f"CSRF_TOKEN_NAME=csrf_{m.of(LOWER, 4)}",
        "PASSWORD_MIN_LENGTH=12", "SECRET_BACKEND=vault", "TOKEN_URL=https://login.example/token",
        "API_KEY_HEADER=X-Api-Key",
        "DB_PASSWORD=changeme", "API_TOKEN=xxxxxxxxxxxxxxxxxxxxxxxx", "SECRET_KEY=$(cat /run/secret)",
        "AUTH_TOKEN=<token>",
        f"PUBLIC_KEY={base64.b64encode(m.raw(64)).decode()}", "PRIVATE_KEY_PATH=/etc/keys/private.pem",
        "POSTGRES_PASSWORD=",
    ])  # fmt: skip
    c.write("package-lock.json", [
        "{", '  "packages": {', *(
            f'    "node_modules/p{n}": {{"integrity": "sha512-{base64.b64encode(m.raw(64)).decode()}"}},'
            for n in range(20)
        ), f'    "node_modules/token": {{"resolved": "https://registry.example/token-1.0.tgz#{m.of(HEX, 40)}"}}',
        "  }", "}",
    ])  # fmt: skip
    c.write("go.sum", [f"example.org/mod{n} v1.{n}.0 h1:{base64.b64encode(m.raw(32)).decode()}" for n in range(20)])
    c.write("web/messages.json", [
        "{", '  "password": "Password",', '  "passwordHint": "At least 12 characters, one digit",',
        '  "token": "Access token",',
        '  "forgotPassword": "Forgot your password?",', '  "apiKey": "API key of your account",',
        '  "secret": "Shared secret"', "}",
    ])  # fmt: skip
    c.write("src/near.py", [
        "password = getpass.getpass()", "token = tokens[index]", "secret = load_secret('shop')",
        'key = f"{user}:{token}"',
        "def set_password(self, password): self.password = password", "API_KEY = os.environ.get('API_KEY', '')",
        'PASSWORD_FIELD = "password_field"', 'TOKEN_TYPES = ("access_token", "refresh_token")',
        "assert token == 'expected-token'",
        f'COMMIT = "{m.of(HEX, 40)}"', f'SHA = "sha256:{m.of(HEX, 64)}"', f'ID = "{m.uuid()}"',
    ])  # fmt: skip
    words = ("lorem", "ipsum", "dolor", "sit", "amet", "token", "secret", "password", "key", "consectetur", "private")
    c.write("notes.txt", [" ".join(m.rnd.choices(words, k=14)).capitalize() + "." for _ in range(30)])
    c.write("assets/data.js", [f'var image = "data:image/png;base64,{base64.b64encode(m.raw(400)).decode()}";'])
    c.write("hashes.md5", [f"{m.of(HEX, 32)}  file{n}" for n in range(20)])
    c.write("k8s/sealed.yaml", [
        "apiVersion: bitnami.com/v1alpha1", "kind: SealedSecret", "spec:", "  encryptedData:",
        f"    password: Ag{base64.b64encode(m.raw(300)).decode()}",
    ])  # fmt: skip
    crc = binascii.crc32(m.raw(8))
    c.write("k8s/near.yaml", [
        "kind: ConfigMap", "data:", f"  checksum: '{crc}'", "  secretName: shop-tls",
        "  tokenPath: /var/run/secrets/token",
        f"  revision: {hashlib.sha1(m.raw(8), usedforsecurity=False).hexdigest()}",
        "  password: '{{ .Values.password }}'", "  username: admin",
    ])  # fmt: skip


_KINDS = (
    _dotenv, _values_yaml, _manifest, _secret_object, _json, _properties, _programs, _dockerfile, _shell, _logs,
    _kubeconfig,
    _terraform, _keys, _near_misses, _near_misses,
)  # fmt: skip


def make(folder: Path, seed: int, rounds: int = 40) -> list[Planted]:
    """Write the corpus; returns the secrets in it."""
    corpus = Corpus(folder, seed)
    for _ in range(rounds):
        for kind in _KINDS:
            kind(corpus)
    return corpus.planted
