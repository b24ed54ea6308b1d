"""Environment variables that rules look for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.posture.picks import Picker

if TYPE_CHECKING:
    from seawall.model.kube.pod import EnvVar

YES = frozenset(("1", "true", "yes", "on", "y", "t"))
NO = frozenset(("0", "false", "no", "off", "n", "f"))
_OFF_WORDS = frozenset(("none", "ignore", "off", "disabled", "skip"))

#: Variables that switch the verification of certificates off, and the values that do.
UNVERIFIED = {
    "NODE_TLS_REJECT_UNAUTHORIZED": NO,
    "PYTHONHTTPSVERIFY": NO,
    "GIT_SSL_NO_VERIFY": YES,
    "VAULT_SKIP_VERIFY": YES,
    "CONSUL_HTTP_SSL_VERIFY": NO,
    "VERIFY_SSL": NO,
    "SSL_VERIFY": NO,
    "TLS_VERIFY": NO,
    "TLS_SKIP_VERIFY": YES,
    "SSL_NO_VERIFY": YES,
    "SKIP_TLS_VERIFY": YES,
    "INSECURE_SKIP_VERIFY": YES,
    "INSECURE_SKIP_TLS_VERIFY": YES,
    "NPM_CONFIG_STRICT_SSL": NO,
    "ANSIBLE_HOST_KEY_CHECKING": NO,
    "OTEL_EXPORTER_OTLP_INSECURE_SKIP_VERIFY": YES,
    "ELASTICSEARCH_SSL_VERIFICATIONMODE": _OFF_WORDS,
}
#: Variables of well-known images that let everyone in, and the values that do.
OPEN = {
    "ALLOW_ANONYMOUS_LOGIN": YES,
    "ALLOW_EMPTY_PASSWORD": YES,
    "AUTH_ANONYMOUS_ENABLED": YES,
    "DISABLE_SECURITY_PLUGIN": YES,
    "GF_AUTH_ANONYMOUS_ENABLED": YES,
    "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD": YES,
    "MYSQL_ALLOW_EMPTY_PASSWORD": YES,
    "MONGODB_DISABLE_AUTH": YES,
    "NEO4J_AUTH": frozenset(("none",)),
    "POSTGRES_HOST_AUTH_METHOD": frozenset(("trust",)),
    "REDIS_DISABLE_AUTH": YES,
    "xpack.security.enabled": NO,
    "xpack_security_enabled": NO,
    "DISABLE_AUTH": YES,
    "AUTH_DISABLED": YES,
    "SKIP_AUTH": YES,
}
#: Variables that put a web framework into its debug mode, and the values that do.
DEBUG = {
    "APP_DEBUG": YES,
    "ASPNETCORE_ENVIRONMENT": frozenset(("development",)),
    "DJANGO_DEBUG": YES,
    "FLASK_DEBUG": YES,
    "FLASK_ENV": frozenset(("development",)),
    "RAILS_ENV": frozenset(("development",)),
    "WERKZEUG_DEBUG_PIN": frozenset(("off",)),
}
LOADER = frozenset(("LD_PRELOAD", "LD_AUDIT", "BASH_ENV", "GCONV_PATH", "PERL5OPT", "PYTHONSTARTUP", "RUBYOPT"))
#: Variables from which Java and Node.js read options.
OPTIONS = frozenset(
    [
        "CATALINA_OPTS",
        "ES_JAVA_OPTS",
        "JAVA_OPTIONS",
        "JAVA_OPTS",
        "JAVA_TOOL_OPTIONS",
        "JDK_JAVA_OPTIONS",
        "JVM_OPTS",
        "KAFKA_JMX_OPTS",
        "KAFKA_OPTS",
        "NODE_OPTIONS",
        "_JAVA_OPTIONS",
    ]
)
_NAMES = frozenset(("GODEBUG", *UNVERIFIED, *OPEN, *DEBUG, *LOADER, *OPTIONS))
_SKIP_VERIFY = ("SKIP_VERIFY", "SKIP_TLS_VERIFY")


def skips_verification(name: str) -> bool:
    """Whether a variable's name says that certificates are not verified (LOKI_TLS_SKIP_VERIFY)."""
    return name.endswith(_SKIP_VERIFY)


def _is_wanted(variable: EnvVar) -> bool:
    return variable.name in _NAMES or "@" in variable.value or skips_verification(variable.name)


#: Variables with a name of the tables above, of a form that switches verification off, or with an @ in them.
odd_variables: Picker[EnvVar] = Picker(_is_wanted)
