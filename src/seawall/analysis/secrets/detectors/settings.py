"""Settings of frameworks and programs whose values have a form."""

from __future__ import annotations

from seawall.analysis.secrets.detector import HIGH, MEDIUM, Detector, form, named

ROWS: tuple[Detector, ...] = (
    form("laravel-app-key", "Application key of Laravel", "APP_KEY",
          r"APP_KEY ?= ?[\"']?base64:(?P<v>[A-Za-z0-9+/]{43}=)",
         HIGH, end=b"", shown=False, entropy=4.0),
    named("rails-secret", "Secret of Rails", "secret_key_base rails_master_key",
          r"(?:[a-f0-9]{128}|[a-f0-9]{64}|[a-f0-9]{32})",
          HIGH, entropy=3.0),
    form("django-secret-key", "Secret key of Django", "django-insecure-", r"django-insecure-[^\s\"']{40,60}", MEDIUM,
          end=b""),
    named("symfony-secret", "Secret of Symfony", "app_secret", r"[a-f0-9]{32,64}", MEDIUM, entropy=3.0),
    named("wordpress-salt", "Key or salt of WordPress",
          "auth_key logged_in_key nonce_key auth_salt logged_in_salt nonce_salt", r"[\x21-\x26\x28-\x7e ]{60,66}",
          MEDIUM,
          end=rb"(?=['\"])", entropy=4.5),
    named("encryption-key", "Key for encryption",
          "encryption_key encryption-key encryptionkey enc_key cipher_key "
          "crypt_key secretbox fernet_key fernet-key aes_key "
          "aes-key data_key master_key masterkey signing_key signingkey jwt_secret jwt-secret jwtsecret session_secret "
          "cookie_secret hmac_key hmac_secret hmac_key",
          r"(?:[a-fA-F0-9]{32,128}|[A-Za-z0-9+/_-]{42,44}={0,2}|[A-Za-z0-9+/]{86}==)", HIGH,
          end=rb"(?![A-Za-z0-9+/=_-])",
          check="opaque", entropy=3.0),
    form("etcd-encryption-key", "Key of an encryption configuration of Kubernetes", "secret:",
         r"secret:\s{1,4}[\"']?(?P<v>[A-Za-z0-9+/]{43}="
         r"|[A-Za-z0-9+/]{22}==|[A-Za-z0-9+/]{32})[\"']?\s{0,4}(?:\r?\n|\Z)", HIGH,
         end=b"", shown=False, entropy=3.8),
)  # fmt: skip
