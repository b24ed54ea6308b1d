"""Secrets where people leave them: settings of many languages, commands, connections, and what is like them."""

from __future__ import annotations

import base64
import random
import string
import textwrap

import pytest
from bench.secretcorpus import Maker

from seawall.analysis.secrets.making import make_scanner
from seawall.analysis.secrets.naming import is_harmless, judge_name

SCANNER = make_scanner()
PLAIN = make_scanner(fast=False)
VALUE = "Zk39dkkdPq7mQw82"
RND = random.Random(5)
LONG = "".join(RND.choices(string.ascii_letters + string.digits, k=40))


def found(text: str, place: str = "x.conf") -> list[str]:
    hits = SCANNER.scan(text, place)
    assert hits == PLAIN.scan(text, place)
    assert all(VALUE not in repr(hit) and LONG not in repr(hit) for hit in hits)
    return [hit.detector for hit in hits]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f'pub const DB_PASSWORD: &str = "{VALUE}";', "x.rs"),
        (f"const t = process.env.DB_PASSWORD || '{VALUE}';", "x.js"),
        (f'const t = process.env.DB_PASSWORD ?? "{VALUE}";', "x.ts"),
        (f'password = os.getenv("DB_PASSWORD") or "{VALUE}"', "x.py"),
        (f'val p = System.getenv("DB_PASSWORD") ?: "{VALUE}"', "x.kt"),
        (f'#define DB_PASSWORD "{VALUE}"', "x.h"),
        (f"P=${{DB_PASSWORD:-{VALUE}}}", "x.sh"),
        (f': "${{DB_PASSWORD:={VALUE}}}"', "x.sh"),
        (f"password: ${{DB_PASSWORD:{VALUE}}}", "x.yaml"),
        (f"<key>DbPassword</key>\n<string>{VALUE}</string>", "x.plist"),
        (f"<name>db.password</name>\n <value>{VALUE}</value>", "x.xml"),
        (f'{{"name":"DB_PASSWORD","value":"{VALUE}"}}', "x.json"),
        (f"- {{name: DB_PASSWORD, value: {VALUE}}}", "x.yaml"),
        (f'"password" : [ "{VALUE}" ]', "x.json"),
        (f"auth: {{ user: 'mailer', pass: '{VALUE}' }}", "x.js"),
        (f'static NSString *const kDbPassword = @"{VALUE}";', "x.m"),
        (f'buildConfigField("String", "DB_PASSWORD", "\\"{VALUE}\\"")', "build.gradle"),
        (f"set -gx DB_PASSWORD '{VALUE}'", "config.fish"),
        (f"setenv DB_PASSWORD '{VALUE}'", ".cshrc"),
        (f"  DbPassword:\n    Type: String\n    Default: {VALUE}\n", "x.yaml"),
        (f"export DB_PASSWORD={VALUE}", "README.md"),
        (f"REDIS_CACHE_PASSWORD={VALUE}", "x.env"),
        (f"java -Dpassphrase={VALUE} -jar x.jar", "x.sh"),
        ("SMTP_PASSWORD=Orion_Y7rjKAx", "x.env"),
        ('password = "Tr(ub4dor&3x"', "x.py"),
    ],
)
def test_passwords_in_settings_of_many_languages(text: str, place: str) -> None:
    assert found(text, place) == ["password-setting"]


@pytest.mark.parametrize(
    "text",
    [
        f"API_TOKEN_GITHUB={LONG}",
        f"rapidapi_key = {LONG}",
        f"logdna_ingestion_key: {LONG}",
        f'"tokens": ["{LONG}"]',
        f"https://api.shop.internal/v1?access_token={LONG}",
    ],
)
def test_keys_in_settings(text: str) -> None:
    assert len(found(text)) == 1


@pytest.mark.parametrize(
    ("text", "detector"),
    [
        (f"Server=db;Database=x;User ID=sa;Password={VALUE};", "connection-string-password"),
        (f"Driver={{ODBC}};Server=db;UID=sa;PWD={VALUE};", "connection-string-password"),
        (f"host=db user=shop password={VALUE} dbname=shop", "connection-string-password"),
        (f"shop:{VALUE}@tcp(db:3306)/shop", "go-dsn-password"),
        (f"snowflake://shop:{VALUE}@account/db", "database-url"),
        (f"echo 'root:{VALUE}' | chpasswd", "chpasswd-password"),
        (f"echo {VALUE} | docker login -u ci --password-stdin r.example", "password-stdin"),
        (f"aws configure set aws_secret_access_key {LONG}", "aws-configure"),
        (f"keytool -storepass {VALUE} -list", "keystore-password"),
        (f"openssl enc -aes-256-cbc -pass pass:{VALUE}", "openssl-password"),
        (f"mongosh admin -u root -p {VALUE}", "client-password"),
        (f"sqlcmd -S db -U sa -P {VALUE}", "client-password"),
        (f"mc alias set m http://minio:9000 ADMIN {VALUE}", "minio-alias"),
        (f"rabbitmqctl add_user app {VALUE}", "rabbitmq-password"),
        (f"smbclient //h/s -U bob%{VALUE}", "smbclient-password"),
        (f"requirepass {VALUE}", "server-password"),
        (f"sentinel auth-pass mymaster {VALUE}", "server-password"),
        (f"<Pass>{VALUE}</Pass>", "filezilla-password"),
        (f'<Pass encoding="base64">{base64.b64encode(VALUE.encode()).decode()}</Pass>', "filezilla-password"),
        (f'"Authorization": "token {LONG}"', "authorization-token"),
        (f"requests.get(u, auth=('bob', '{VALUE}'))", "basic-auth-call"),
        (f'DriverManager.getConnection(url, "root", "{VALUE}")', "login-call"),
        (f'CREATE USER x IDENTIFIED BY "{VALUE}"', "sql-password"),
    ],
)
def test_passwords_in_connections_and_commands(text: str, detector: str) -> None:
    assert found(text) == [detector]


@pytest.mark.parametrize(
    "text",
    [
        "cmd, runas=runas, password=password, host=host, port=port, user=user",
        "docker run --link my-mongo:mongo -v x:/y -p 1337:1337 app",
        "keytool -storepass ${PASS} -list",
        "echo $PASSWORD | docker login -u ci --password-stdin r.example",
        "echo 'root:changeme' | chpasswd",
        "requirepass <password>",
        "<Pass></Pass>",
        '"Authorization": "token YOUR_TOKEN_GOES_HERE"',
        "requests.get(u, auth=('user', 'password'))",
        "client.login(user, password)",
        "openssl pkcs12 -passin pass:{1} -passout pass:{1}",
        "https://12927b5f211046b575ee51fd8b1ac34f@o1.ingest.sentry.io/1",
        'url.username="",url.password="",Array.from(url.keys())',
        '["newPassword","ne2Password"]',
        "`password`, `publickey`, `none`",
        '"password": "md5$seasalt$1e9bf2bf5606aa5c39852cc30f0f6f22"',
        'password = "$2b$12$ZzrhjpqXemTHlxrMnYZNZ9S4V2R6nPCgmKljQh3DwY5QSZWVASMDE"',
        "arn:aws:secretsmanager:us-west-2:123456789012:secret:MyTestDatabaseSecret-a1b2c3",
        "DB_PASSWORD=@Microsoft.KeyVault(SecretUri=https://x.vault.azure.net/secrets/db/)",
        "password=${DB_PASSWORD:?is missing}",
        "db_password: パスワード",
        "login.password: Contraseña",
        '"auth.password.invalid": "Das Passwort ist falsch"',
        "_password(('Password (again): '))",
        "docker run -v $(PWD):/mnt:z x",
        'service_account_token: "V1ServiceAccountTokenProjection"',
        "RECAPTCHA_SITE_KEY=6LXNYWF-AMyTSanNkPq8as0Zo79lO16IJqbIfjXF",
        "SPOTIFY_CLIENT_ID=0ea66348fdc10799787f3dc16af629a2",
        "bitbucket-pipelines: 98c0d715a7eb4e41b8231091b83385f325966373f37dc7d6bc10b1febb6f605e",
        "PASSWORD_LAST_CHANGED=2016-09-08T21:47:36Z",
        "private_key='/etc/pki/ssh/myca2.key'",
        "password: P@ssw0rd1",
        "--- PASS: Test☺☹/5 (0.07s)",
        "PASS: tests/orders_2.test",
        "nextgroup=sudoersPASSWD,@sudoersCmndInSpec skipwhite",
        '"secret": "V1SecretVolumeSource"',
        "'[Proxy user and password]':'<user\\:password>'",
    ],
)
def test_what_real_projects_hold_passes(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("kind", ["RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY"])
def test_keys_that_programs_join_from_strings(kind: str) -> None:
    lines = Maker(3).pem(kind).split("\n")
    assert found("k = [\n" + ",\n".join(f"  '{line}'" for line in lines) + "\n].join('\\n');", "x.js") == [
        "private-key"
    ]
    assert found('k = "' + '\\n" +\n  "'.join(lines) + '";', "X.java") == ["private-key"]
    assert found("key: |\n" + textwrap.indent("\n".join(lines), "    "), "x.yaml") == ["private-key"]


def test_tokens_that_are_base64_by_themselves_are_found_in_base64() -> None:
    token = "4b1d" + LONG[:36] + "Q7"
    data = base64.b64encode(token.encode()).decode()
    assert found(f"kind: Secret\ndata:\n  clickhouse: {data}\n", "x.yaml") == ["clickhouse-cloud-key"]


def test_names_say_what_their_values_are() -> None:
    for name in ("DB_PASSWORD", "dbPass", "bindpw", "wpa_psk", "smtpPasswordBase64"):
        named = judge_name(name)
        assert named is not None and named.sort == "password", name
    for name in ("apiKey", "RAPIDAPI_KEY", "primary_access_key", "webhookSecret", "api_keys"):
        named = judge_name(name)
        assert named is not None and named.sort == "key" and named.sure, name
    unsure = judge_name("API_TOKEN_GITHUB")
    assert unsure is not None and not unsure.sure
    for name in ("next_token", "publicKey", "cache_key", "password_policy", "csrfmiddlewaretoken", "token_url"):
        assert judge_name(name) is None, name
    assert is_harmless("SPOTIFY_CLIENT_ID") and not is_harmless("SPOTIFY_CLIENT_SECRET")
