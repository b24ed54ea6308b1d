"""Passwords at places where only passwords stand: addresses, options of programs, headers, files of logins."""

from __future__ import annotations

from seawall.analysis.secrets.detector import HIGH, MEDIUM, Detector, placed

#: A user in an address, and a password; an at sign in it must be encoded. Marks in snapshots look like both.
_LOGIN = r"(?!scrubbed:[0-9a-f]{32}@)[^\s/:@'\"<>{}$`\\]{0,128}:(?P<v>[^\s/@'\"<>`\\]{3,256})@[A-Za-z0-9\[]"
_SCHEMES = (
    "postgres postgresql mysql mariadb mongodb mongodb+srv redis rediss mssql sqlserver cockroachdb clickhouse oracle "
    "couchdb neo4j bolt cassandra db2 snowflake redshift trino presto vertica hive impala influxdb elasticsearch "
    "opensearch memcached rethinkdb firebird sybase informix hana teradata exasol crate questdb timescaledb surrealdb "
    "edgedb gel databricks cockroach postgis mysql2 jdbc hdb dremio duckdb libsql"
)
_DATABASES = " ".join(f"{scheme}:// {scheme}+" for scheme in _SCHEMES.split())
_DATABASE = rf"(?:{_SCHEMES.replace('+', '[+]').replace(' ', '|')})(?:[+][a-z0-9_]{{2,20}})?"
_WEB = (
    "http https ftp ftps sftp ssh smtp smtps ldap ldaps git svn imap imaps socks5 socks4 socks5h socks ws wss "
    "rtsp rtmp "
    "smb cifs dav davs webdav webdavs "
    "vnc rdp pop3 pop3s xmpp irc ircs telnet scp rsync s3 minio consul etcd vault docker"
)
_BROKERS = "amqp amqps nats mqtt mqtts stomp kafka pulsar tls rabbitmq sqs celery"
_VALUE = r"(?:\"(?P<q>[^\"\r\n]{3,200})\"|'(?P<s>[^'\r\n]{3,200})'|(?P<v>[^\s'\"|&;<>()]{3,200}))"


def _listed(schemes: str) -> str:
    return " ".join(f"{scheme}://" for scheme in schemes.split())


ROWS: tuple[Detector, ...] = (
    placed("database-url", "Address of a database with its password", _DATABASES, rf"{_DATABASE}://{_LOGIN}",
          nocase=True),
    placed("message-broker-url", "Address of a message broker with its password", _listed(_BROKERS),
           rf"(?:{_BROKERS.replace(' ', '|')})://{_LOGIN}", nocase=True),
    placed("url-password", "Address with a password", _listed(_WEB), rf"(?:{_WEB.replace(' ', '|')})://{_LOGIN}",
          nocase=True),
    placed("url-token", "Address with a token in place of the user", "https://",
          r"https://(?P<v>[A-Za-z0-9_-]{30,255})@(?![\w.-]{0,60}(?:sentry|ingest))[A-Za-z0-9]",
           check="opaque", thought_up=False),
    placed("jdbc-password", "JDBC address with a password", "jdbc:",
           r"jdbc:[a-z:0-9]{3,40}(?:/|@|:)[^\s\"']{1,300}?[?;&](?i:password|pwd)=(?P<v>[^\s;&\"'<>]{3,200})"),
    placed("jdbc-oracle-password", "JDBC address of Oracle with a password", "jdbc:oracle:",
           r"jdbc:oracle:(?:thin|oci):[^\s/@:'\"]{1,64}/(?P<v>[^\s@'\"$<{]{3,128})@"),
    placed("authorization-basic", "Basic login in a header", "basic_SPACE_",
          r"basic (?P<v>[A-Za-z0-9+/]{12,1000}={0,2})",
           nocase=True, check="basic"),
    placed("authorization-bearer", "Bearer token in a header", "bearer_SPACE_",
          r"bearer (?P<v>[\w.~+/-]{20,2000}={0,2})", MEDIUM,
           nocase=True, check="opaque", thought_up=False),
    placed("authorization-token", "Token in a header", "authorization",
           r"authorization[\"'`]{0,2}\s{0,3}[:=,]\s{0,3}[\"'`]?"
           r"(?:(?:api-?)?token|(?:api|genie|sso)-?key|key|splunk|ssws) "
           r"(?P<v>[\w.~+/-]{16,500}={0,2})", MEDIUM, nocase=True, check="opaque", thought_up=False),
    placed("basic-auth-call", "Login given to a client of HTTP", "auth=( BasicAuth( basicAuth( DigestAuth( basic_auth(",
           r"(?:auth=|BasicAuth|basicAuth|DigestAuth|basic_auth)\(\s{0,4}[\"'][^\"'\r\n]{1,64}[\"'],\s{0,4}"
           r"[\"'](?P<v>[^\"'\r\n]{3,128})[\"']"),
    placed("login-call", "Login given to a server", ".login( getConnection( mysqli_connect( mysqli( PDO(",
           r"(?:\.login|getConnection|mysqli_connect|mysqli|PDO)\((?:[\"'][^\"'\r\n]{0,100}[\"']|[\w.$]{1,40})\s?,\s?"
           r"(?:(?:[\"'][^\"'\r\n]{0,64}[\"']|[\w.$]{1,40})\s?,\s?)?[\"'](?P<v>[^\"'\r\n]{5,128})[\"']"),
    placed("curl-user", "Login given to curl", "curl",
          r"curl\b[^\r\n|;]{0,400}?\s(?:-u|--user|--proxy-user)[ =]?\s{0,3}[\"']?"
           r"[^\s:'\"$]{1,100}:(?P<v>[^\s'\"]{3,200})"),
    placed("connection-string-password", "Password in the settings of a connection",
           "password= pwd= password_SPACE_= pwd_SPACE_=",
           r"(?:password|pwd) ?= ?\\?[\"']?(?P<v>[^\s;&\"'<>\\]{3,200})", nocase=True, check="connection"),
    placed("go-dsn-password", "Address of a database with its password", "@tcp( @unix( @tcp6(",
           r"(?<![\w.-])[\w.-]{1,32}:(?P<v>[^\s@\"'`]{3,64})@(?:tcp6?|unix)\(", at=tuple(range(5, 99))),
    placed("chpasswd-password", "Password given to chpasswd", "chpasswd",
           r"(?:echo|printf)(?:\s-[neE]{1,3})?\s[\"']?[\w.-]{1,32}:(?P<v>[^\s\"'|\\]{3,64})(?:\\n)?[\"']?\s{0,3}\|\s{0,3}"
           r"(?:sudo\s)?(?:/usr/sbin/)?chpasswd", at=tuple(range(10, 120))),
    placed("password-stdin", "Password given to a login", "--password-stdin",
           r"(?:echo|printf)(?:\s-[neE]{1,3})?\s(?:[\"'](?P<q>[^\"'\r\n|]{3,200})[\"']|(?P<v>[^\s\"'|]{3,200}))\s{0,3}\|\s{0,3}"
           r"[^\r\n|;]{6,140}--password-stdin", at=tuple(range(16, 250))),
    placed("aws-configure", "AWS secret access key given to aws", "aws_secret_access_key_SPACE_",
           r"aws_secret_access_key [\"']?(?P<v>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])", check="opaque", thought_up=False),
    placed("keystore-password", "Password of a keystore", "-storepass -keypass -srcstorepass -deststorepass",
           rf"-(?:(?:src|dest)?storepass|keypass)[ =]{_VALUE}"),
    placed("openssl-password", "Password given to openssl", "openssl",
           rf"openssl\s[^\r\n|;]{{0,300}}?\s(?:-pass(?:in|out)?\s{{1,3}}[\"']?pass:|-k\s{{1,3}}){_VALUE}"),
    placed("client-password", "Password given to a client", "mongo cqlsh twine influx sqlcmd bcp ipmitool plink rclone",
           rf"(?<![\w:/.-])(?:(?:mongo(?:sh|dump|restore|import|export|stat)?|cqlsh|twine|influx)\s[^\r\n|;]{{0,300}}?\s-p\s{{1,3}}"
           rf"|(?:sqlcmd|bcp|ipmitool)\s[^\r\n|;]{{0,300}}?\s-P\s{{0,3}}|plink\s[^\r\n|;]{{0,300}}?\s-pw\s{{1,3}}){_VALUE}"),
    placed("minio-alias", "Secret key given to mc", "mc_SPACE_alias_SPACE_set mc_SPACE_config_SPACE_host",
           rf"mc (?:alias set|config host add) \S{{1,64}} \S{{1,200}} \S{{1,128}} {_VALUE}"),
    placed("rabbitmq-password", "Password given to rabbitmqctl", "rabbitmqctl",
           rf"rabbitmqctl\s[^\r\n|;]{{0,60}}?(?:add_user|change_password|authenticate_user)\s{{1,3}}\S{{1,64}}\s{{1,3}}{_VALUE}"),
    placed("smbclient-password", "Password for a share", "smbclient rpcclient net_SPACE_use",
           r"(?:(?:smbclient|rpcclient)\s[^\r\n|;]{0,200}?\s(?:-U|--user)[ =]?[\"']?[^\s%\"']{1,64}%"
           r"|net use [^\r\n|;]{1,200}?/user:\S{1,64} )(?P<v>[^\s\"']{3,128})"),
    placed("server-password", "Password of a server", "requirepass masterauth bindpw rootpw auth-pass",
           rf"(?:(?:requirepass|masterauth|bindpw|rootpw)\s{{1,8}}|auth-pass\s{{1,4}}\S{{1,64}}\s{{1,4}}){_VALUE}"),
    placed("filezilla-password", "Password in a file of FileZilla", "<Pass",
           r"<Pass(?: encoding=\"base64\")?>(?P<v>[^<\s]{4,400})</Pass>", check="password_or_base64"),
    placed("sshpass-password", "Password given to sshpass", "sshpass", rf"sshpass\s{{1,4}}-p\s{{0,4}}{_VALUE}"),
    placed("mysql-password", "Password given to a client of MySQL", "mysql mariadb",
           rf"(?:mysql|mariadb)(?:dump|admin|import|show|check)?\b[^\r\n|;]{{0,300}}?\s-p(?=[^\s-]){_VALUE}"),
    placed("pgpassword", "Password given to a client of PostgreSQL", "PGPASSWORD",
          rf"PGPASSWORD\s{{0,2}}[=:]\s{{0,2}}{_VALUE}"),
    placed("redis-cli-password", "Password given to redis-cli", "redis-cli REDISCLI_AUTH",
           rf"(?:redis-cli\b[^\r\n|;]{{0,200}}?\s(?:-a|--pass)[ =]|REDISCLI_AUTH=){_VALUE}"),
    placed("ldap-password", "Password given to a client of LDAP", "ldapsearch ldapmodify ldapadd ldapwhoami ldapdelete",
           rf"ldap(?:search|modify|add|whoami|delete)\b[^\r\n|;]{{0,300}}?\s-w\s{{1,3}}{_VALUE}"),
    placed("registry-login", "Password given to a login",
           "docker_SPACE_login podman_SPACE_login registry_SPACE_login skopeo_SPACE_login buildah_SPACE_login "
           "nerdctl_SPACE_login auth_SPACE_login oras_SPACE_login az_SPACE_login oc_SPACE_login "
           "cf_SPACE_login vault_SPACE_login",
           rf"(?:docker|podman|registry|skopeo|buildah|nerdctl|auth|oras|az|oc|cf|vault) login\b[^\r\n|;]{{0,300}}?"
           rf"\s(?:-p|--password|--token|-t)[ =]{_VALUE}"),
    placed("user-password-option", "Password given to a program", "useradd usermod chpasswd htpasswd net_SPACE_user",
           r"(?:useradd|usermod)\b[^\r\n|;]{0,200}?\s-p\s{1,3}(?P<u>[^\s(]\S{2,200})\s|htpasswd\s(?:-[a-zA-Z]{1,6}\s){1,4}"
           r"(?:[^\s-]\S{0,100}\s)?\S{1,64}\s(?P<v>[^\s-]\S{3,100})", MEDIUM),
    placed("netrc-password", "Password in a netrc file", "machine",
           r"machine\s{1,9}\S{1,255}\s{1,9}login\s{1,9}\S{1,255}\s{1,9}password\s{1,9}\"?(?P<v>[^\s\"]{3,255})"),
    placed("sql-password", "Password in SQL", "identified password_SPACE_'",
           r"(?<![\w-])(?:(?:identified\s{1,4}(?:with\s{1,4}\w{3,40}\s{1,4})?by\s{1,4}|password )"
           r"'(?P<v>[^'\r\n]{3,200})'"
           r"|identified\s{1,4}by\s{1,4}\"(?P<q>[^\"\r\n]{3,200})\")", nocase=True),
    placed("pgpass-line", "Line of a pgpass file", ":5432: :5433: :6432:",
           r"(?<=[\w.*-]):\d{4}:[\w*-]{1,64}:[\w*.-]{1,64}:(?P<v>[^\s:]{3,200})(?=\r?\n|\Z)"),
    placed("git-credentials", "Login for Git", "url.https:// url.http:// insteadOf",
          r"url\.https?://(?:[^\s:@/\"]{0,64}:)?(?P<v>[^\s@/\"]{8,255})@",
           HIGH, check="password"),
    placed("smb-password", "Password for a share", "username=",
          r"username=[^\s,;]{1,64}[,;]password=(?P<v>[^\s,;'\"]{3,128})", MEDIUM),
)  # fmt: skip
