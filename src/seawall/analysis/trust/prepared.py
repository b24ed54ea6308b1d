"""A trust policy, checked and ready: files read, keys and roots loaded, conditions compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from seawall.analysis.trust.errors import BadPolicy
from seawall.analysis.trust.form import Bases, Condition, Requirement, TrustPolicy
from seawall.analysis.trust.keys import need_libraries
from seawall.analysis.trust.names import check_names, matches
from seawall.analysis.trust.notation.policy import ReadFolder
from seawall.analysis.trust.notation.verify import NotationVerifier
from seawall.analysis.trust.signers import Read, Verifier, prepare_signer

#: Judges conditions over values (``predicate``, ``statement``, ``image``, ``now``): a problem each, empty for none.
Judge = Callable[[tuple[Condition, ...], Mapping[str, Any]], list[str]]


class Prepared(Struct, frozen=True):
    """A policy with what it needs to verify. ``chains`` are chain IDs of approved bases, each with what to call it."""

    form: TrustPolicy
    signers: dict[str, Verifier | NotationVerifier]
    legacy: dict[str, bool]
    judge: Judge
    chains: dict[str, str] = {}

    def requirements(self, repository: str) -> list[Requirement]:
        """What images of a repository must carry."""
        return [
            each
            for each in self.form.requirements
            if matches(each.images, repository) and not matches(each.excluding, repository)
        ]


def prepare(form: TrustPolicy, read: Read, read_folder: ReadFolder, judge: Judge) -> Prepared:
    """Make a policy ready; ``read`` and ``read_folder`` get the files that it names, ``judge`` runs conditions.

    Raises:
        BadPolicy: it cannot be used; ``part`` says where.
    """
    if not (form.registries or form.repositories or form.maximum_age_days or form.bases or form.requirements):
        raise BadPolicy("the policy asks for nothing: give registries, bases, maximumAgeDays or requirements")
    check_names(form)
    signers: dict[str, Verifier | NotationVerifier] = {}
    for index, each in enumerate(form.signers):
        part = ("signers", index)
        if each.name in signers:
            raise BadPolicy(f"the signer {each.name!r} stands there twice", part)
        need_libraries()
        try:
            made = prepare_signer(each, read, form.trust_root)
            if made is None and each.notation is not None:
                signers[each.name] = NotationVerifier(each.notation, read, read_folder)
            elif made is not None:
                signers[each.name] = made
        except BadPolicy as error:
            raise BadPolicy(f"signer {each.name}: {error}", part) from error
    for index, requirement in enumerate(form.requirements):
        _check(requirement, signers, ("requirements", index))
    _check_bases(form.bases)
    chains = {each: each for each in (form.bases.layers if form.bases is not None else ())}
    return Prepared(form, signers, {each.name: each.legacy for each in form.signers}, judge, chains)


def _check(requirement: Requirement, signers: Mapping[str, object], part: tuple[str | int, ...]) -> None:
    if not requirement.signed_by and not requirement.attestations:
        raise BadPolicy("it asks for nothing: name who must sign (signedBy), or attestations", part)
    if requirement.at_least > len(requirement.signed_by):
        raise BadPolicy(f"atLeast is {requirement.at_least}, and signedBy names {len(requirement.signed_by)}", part)
    named = [*requirement.signed_by, *(name for each in requirement.attestations for name in each.signed_by)]
    for name in named:
        if name not in signers:
            known = ", ".join(signers) or "none"
            raise BadPolicy(f"there is no signer {name!r}; there are: {known}", part)
    for each in requirement.attestations:
        if not each.signed_by:
            raise BadPolicy(f"say who must have signed the attestation {each.predicate} (signedBy)", part)
        if any(isinstance(signers[name], NotationVerifier) for name in each.signed_by):
            raise BadPolicy(f"Notation signs no attestations: name another signer for {each.predicate}", part)


def _check_bases(bases: Bases | None) -> None:
    if bases is None:
        return
    if not bases.images and not bases.layers and not bases.named:
        raise BadPolicy("it approves no base image: give images, layers or named", ("bases",))
    for each in bases.layers:
        if not each.startswith("sha256:") or len(each) != 71:
            raise BadPolicy(f"{each[:80]!r} is no chain ID of layers, such as sha256:...", ("bases", "layers"))
