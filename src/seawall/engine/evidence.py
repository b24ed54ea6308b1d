"""What is kept of a hit beside its message: the field, how it came to be rendered, and what else it depends on."""

from __future__ import annotations

from seawall.model.finding import Evidence, FieldEvidence, RelatedEvidence, RenderedEvidence
from seawall.model.rule import Hit

#: Values longer than this are cut in evidence.
_MAX_VALUE = 200


def evidence_of(hit: Hit, path: str, value: object, how: RenderedEvidence | None) -> tuple[Evidence, ...]:
    """The field, how it came to be rendered, and what else the finding depends on."""
    evidence: tuple[Evidence, ...] = (FieldEvidence(path, _shown(value)),)
    if how is not None:
        evidence += (how,)
    if hit.related:
        evidence += tuple(RelatedEvidence(other, note) for other, note in hit.related)
    return evidence + hit.evidence


def _shown(value: object) -> str | int | float | bool | None:
    """A plain value as evidence; long text is cut, structures are left out."""
    if isinstance(value, str):
        return value if len(value) <= _MAX_VALUE else f"{value[:_MAX_VALUE]}..."
    return value if isinstance(value, bool | int | float) else None
