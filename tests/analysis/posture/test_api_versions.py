"""The table of API versions is sound."""

from __future__ import annotations

from seawall.analysis.posture.rules.api_versions import lives


def test_versions_are_deprecated_before_they_are_removed() -> None:
    table = lives()
    assert table["extensions/v1beta1"]["Ingress"].removed == (1, 22)
    for version, kinds in table.items():
        for kind, life in kinds.items():
            assert life.deprecated < life.removed, (version, kind)


def test_what_takes_their_place_is_served() -> None:
    table = lives()
    for version, kinds in table.items():
        for kind, life in kinds.items():
            assert kind not in table.get(life.replacement, {}), (version, kind)
            assert version != life.replacement
