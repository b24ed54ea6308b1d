"""What to change so that findings about permissions go away, as far as one object tells it, by the rule's id."""

from __future__ import annotations

from seawall.analysis.access.rules.rbac_escalation import NOT_IDENTITIES
from seawall.model.remedy import Edit, Proposal, Remedy, Site


def _token_out(site: Site) -> Proposal:
    """The account holds no rights: its token opens nothing that a request without one does not."""
    return Proposal((Edit("set", site.path, False),))


def _verb_without_effect(site: Site) -> Proposal | None:
    """Take ``impersonate`` out of a rule that names no identity; one that would say nothing any more goes whole."""
    rule, verbs = site.at(site.path[:-1]), site.value
    if not isinstance(rule, dict) or not isinstance(verbs, list):
        return None
    if not NOT_IDENTITIES.issuperset(map(str, rule.get("resources") or ())):
        return None
    if set(verbs) == {"impersonate"}:
        return Proposal((Edit("remove", site.path[:-1]),))
    return Proposal(tuple(Edit("remove", (*site.path, i)) for i, verb in enumerate(verbs) if verb == "impersonate"))


REMEDIES: dict[str, Remedy] = {
    "token-without-need": _token_out,
    "rbac-impersonate-misplaced": _verb_without_effect,
}
