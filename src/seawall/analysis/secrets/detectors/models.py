"""Models, and what is built on them."""

from __future__ import annotations

from seawall.analysis.secrets.detector import HIGH, MEDIUM, UUID, Detector, form, named

_U = UUID.decode()
_W = rb"(?![\w-])"

ROWS: tuple[Detector, ...] = (
    form("nvidia-api-key", "NVIDIA API key", "nvapi-", r"nvapi-[\w-]{60,70}", HIGH, end=_W, entropy=3.8),
    form("tavily-api-key", "Tavily API key", "tvly-", r"tvly-(?:dev-|prod-)?[A-Za-z0-9]{32}", HIGH, entropy=3.5),
    form("firecrawl-api-key", "Firecrawl API key", "fc-", r"fc-[a-f0-9]{32}", MEDIUM, entropy=3.0,
         ahead=(rb"[a-f0-9]{32}", 32)),
    form("jina-api-key", "Jina API key", "jina_", r"jina_[a-f0-9]{32}[\w-]{28}", HIGH, end=_W),
    form("voyage-api-key", "Voyage AI API key", "pa-", r"pa-[\w-]{43}", HIGH, end=_W, entropy=4.5,
         ahead=(rb"[\w-]{43}", 43)),
    form("together-api-key", "Together AI API key", "tgp_v1_", r"tgp_v1_[\w-]{43}", HIGH, end=_W),
    form("fireworks-api-key", "Fireworks API key", "fw_", r"fw_[A-Za-z0-9]{22,24}", HIGH, entropy=3.8,
         ahead=(rb"[A-Za-z0-9]{22}", 22)),
    form("cerebras-api-key", "Cerebras API key", "csk-", r"csk-[a-z0-9]{48}", HIGH, entropy=3.8),
    form("elevenlabs-api-key", "ElevenLabs API key", "sk_", r"sk_[a-f0-9]{48}", HIGH, entropy=3.0,
         ahead=(rb"[a-f0-9]{48}", 48)),
    form("e2b-api-key", "E2B API key", "e2b_", r"e2b_[a-f0-9]{40}", HIGH, entropy=3.0),
    form("browserbase-api-key", "Browserbase API key", "bb_live_", r"bb_live_[\w-]{27,40}", HIGH, end=_W, entropy=3.5),
    form("helicone-api-key", "Helicone API key", "sk-helicone-", r"sk-helicone-[a-z0-9-]{30,60}", HIGH, end=_W),
    form("model-api-key", "API key of a model", "sk-", r"sk-(?:[A-Za-z0-9]{40,64}|[a-f0-9]{32})", HIGH, entropy=3.2,
         ahead=(rb"[A-Za-z0-9]{32}", 32)),
    form("posthog-personal-key", "PostHog personal API key", "phx_", r"phx_[A-Za-z0-9]{43,60}", HIGH, entropy=3.8),
    form("unkey-key", "Unkey root key", "unkey_", r"unkey_[A-Za-z0-9]{20,40}", HIGH, entropy=3.8),
    form("inngest-signing-key", "Inngest signing key", "signkey-", r"signkey-(?:prod|test|branch)-[a-f0-9]{64}", HIGH),
    form("trigger-dev-key", "Trigger.dev secret key", "tr_prod_ tr_dev_ tr_pat_",
         r"tr_(?:prod|dev|pat)_[A-Za-z0-9]{20,40}",
         HIGH, entropy=3.5),
    form("logfire-token", "Logfire write token", "pylf_v1_", r"pylf_v1_[a-z]{2}_[A-Za-z0-9]{40,60}", MEDIUM),
    form("axiom-token", "Axiom token", "xaat- xapt-", rf"xa[ap]t-{_U}", HIGH),
    form("cursor-api-key", "Cursor API key", "key_", r"key_[a-f0-9]{64}", HIGH, ahead=(rb"[a-f0-9]{64}", 64)),
    named("privateai-key", "Private AI key", "privateai private_ai private-ai", r"[a-z0-9]{32}", HIGH, entropy=3.0),
)  # fmt: skip
