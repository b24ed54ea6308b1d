"""Keys and tokens that no provider owns: PEM, SSH, PGP, PuTTY, age, JWT, and files of credentials."""

from __future__ import annotations

from seawall.analysis.secrets.detector import CRITICAL, HIGH, LOW, MEDIUM, Detector, form

#: Lines of base64 as they stand in PEM, in JSON (``\\n``), or indented in YAML.
#: Strings that a program joins, references of XML.
_BODY = (
    r"(?:[A-Za-z0-9+/=\s]|\\[nr\n]|[\"'`]\s{0,60}[+.,&]?\s{0,60}[\"'`]|&#(?:1[03]|x[aAdD]);"
    r"|[\w-]{4,20}: [^\r\n\\]{1,100}){32,14000}?"
)

ROWS: tuple[Detector, ...] = (
    form("private-key", "Private key", "-----BEGIN",
         rf"-----BEGIN (?P<kind>(?:[A-Z0-9]{{2,12}} ){{0,3}})PRIVATE KEY-----(?P<v>{_BODY})-----END", HIGH,
         check="pem", end=b"", shown=False),
    form("pgp-private-key", "PGP private key", "-----BEGIN",
         r"-----BEGIN PGP PRIVATE KEY BLOCK-----(?P<v>[^-]{64,14000})-----END", HIGH, check="pgp", end=b"",
         shown=False),
    form("putty-private-key", "PuTTY private key", "PuTTY-User-Key-File-",
         r"PuTTY-User-Key-File-[23]: [^\r\n]{1,60}\r?\nEncryption: (?P<kind>[^\r\n]{1,40})\r?\n"
         r"[\w\W]{10,3000}?Private-Lines: \d{1,3}\r?\n(?P<v>[A-Za-z0-9+/=\r\n]{20,6000})", HIGH, check="putty", end=b"",
         shown=False),
    form("age-secret-key", "age secret key", "AGE-SECRET-KEY-1",
         r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}", CRITICAL, check="bech32"),
    form("jwt", "JSON Web Token", "eyJ", r"eyJ[\w-]{8,2000}+\.eyJ[\w-]{8,8000}+\.[\w-]{0,2000}+", HIGH, check="jwt",
         end=rb"(?![\w-])", shown=False),
    form("jwk-private", "Private JSON Web Key", '"kty"',
         r'"kty"\s{0,4}:\s{0,4}"(?:RSA|EC|OKP)"[^{}]{0,1200}?"d"\s{0,4}:\s{0,4}"(?P<v>[\w-]{40,700})"', HIGH, end=b"",
         shown=False, entropy=4.0),
    form("kubeconfig-client-key", "Client key of a kubeconfig", "client-key-data",
         r"client-key-data[\"']?:\s{0,4}[\"']?(?P<v>LS0tLS1CRUdJTi[A-Za-z0-9+/=]{100,12000})", CRITICAL, check="pem64",
         shown=False),
    form("docker-auth", "Registry login of a Docker configuration", '"auth" \\"auth\\"',
         r'(?P<e>\\?)"auth(?P=e)"\s{0,4}:\s{0,4}\\?"(?P<v>[A-Za-z0-9+/]{8,2000}={0,2})\\?"', HIGH, check="basic",
         end=b"",
         shown=False),
    form("password-hash", "Hash of a password", ":$2a$ :$2b$ :$2y$ :$6$ :$5$ :$y$ :$apr1$",
         r"(?<=[\w$.-]):(?P<v>\$(?:2[aby]\$\d\d\$[./A-Za-z0-9]{53}|[56]\$(?:rounds=\d{1,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43,86}"
         r"|y\$[./A-Za-z0-9]{1,20}\$[./A-Za-z0-9]{1,86}\$[./A-Za-z0-9]{43}|apr1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}))"
         r"(?=:\d{0,6}:|\s|\Z)", LOW, check="hash", end=b"", shown=False),
    form("openshift-token", "OpenShift access token", "sha256~", r"sha256~[\w-]{43}", HIGH, end=rb"(?![\w-])"),
    form("kubernetes-bootstrap-token", "Bootstrap token of a cluster", "--token",
         r"--token[ =](?P<v>[a-z0-9]{6}\.[a-z0-9]{16})", MEDIUM, shown=False, entropy=2.5),
    form("wireguard-private-key", "WireGuard private key", "PrivateKey",
         r"PrivateKey ?= ?(?P<v>[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)", HIGH, end=rb"(?![A-Za-z0-9+/=])", shown=False,
         entropy=4.0),
)  # fmt: skip
