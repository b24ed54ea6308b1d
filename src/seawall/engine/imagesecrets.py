"""Secrets in images: in the files of every layer, deleted ones too, and in what the configuration records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from seawall.analysis.images.text import printable
from seawall.analysis.secrets import Scanner, SecretLook, decode_secrets
from seawall.engine.accepting import Accepting
from seawall.engine.imageshown import shown
from seawall.engine.looking import Looked
from seawall.engine.result import ScanResult
from seawall.engine.secrets import IMAGE, SecretJudge, SecretOptions, Told, evidence_of, identity_of
from seawall.engine.vulnerability_evidence import plain
from seawall.model.finding import FileEvidence, Location, ResourceRef, SourceError
from seawall.model.images import ImageConfig, ImageInventory
from seawall.model.secrets import SecretHit
from seawall.model.vulnerabilities import image_ref

_MOST_STEP = 80


class ImageSecretJudge:
    """Takes images one after the other, and has the result at the end. ``look`` sees their files."""

    def __init__(self, options: SecretOptions, accepting: Accepting | None = None) -> None:
        self._judge = SecretJudge(options, accepting)
        self._seen: set[str] = set()
        self.look = SecretLook(self._judge.scanner, printable, self._judge.identity)
        self._judge.searched(IMAGE)

    def add(self, looked: Looked) -> None:
        """Judge an image; one of the same digest adds no findings again."""
        inventory = shown(looked.inventory)
        reference, ref = plain(inventory.reference), image_ref(inventory)
        ref = ResourceRef(ref.api_version, ref.kind, plain(ref.name))
        judge = self._judge
        judge.input(reference, "image")
        judge.errors += (
            SourceError(ref.name, plain(each.where), f"was not looked into: {plain(each.reason)}")
            for each in inventory.not_looked
        )
        identity = inventory.digest or ref.name
        if identity in self._seen:
            return
        self._seen.add(identity)
        if inventory.kind == "sbom":
            judge.errors.append(SourceError(ref.name, "", "is a bill of materials: it has no files to look into"))
            return
        told = [*self._in_files(looked, inventory, ref, reference)]
        told += _in_config(judge.scanner, looked.inventory.config, reference)
        judge.files += 1
        judge.add(ref, told, reference, ResourceRef(ref.api_version, ref.kind, identity))

    def _in_files(self, looked: Looked, inventory: ImageInventory, ref: ResourceRef, reference: str) -> Iterator[Told]:
        overlay = looked.overlay
        there: set[tuple[str, str, int]] = set()
        # From the top: what a lower layer has of a file that was copied up as it is, is the same.
        for layer in range(len(looked.found[self.look.key]) - 1, -1, -1):
            data = looked.found[self.look.key][layer]
            if data is None:
                continue
            secrets = decode_secrets(data)
            self._judge.errors += (
                SourceError(ref.name, plain(each.where), f"was not looked into: {plain(each.reason)}")
                for each in secrets.not_looked
            )
            for each in secrets.secrets:
                key = (each.path, identity_of(each.hit), each.hit.line)
                if key not in there:
                    there.add(key)
                    fate = overlay.fate(each.path, layer)
                    yield _in_file(each.path, each.hit, inventory, layer, fate.state, fate.layer, reference)

    def result(self, errors: Sequence[SourceError] = ()) -> ScanResult:
        """All that was judged."""
        return self._judge.result(errors)


def _in_file(
    path: str, hit: SecretHit, inventory: ImageInventory, layer: int, state: str, by: int, reference: str
) -> Told:
    layers = inventory.layers
    where, evidence = "", FileEvidence(path)
    if 0 <= layer < len(layers):
        step = " ".join(layers[layer].created_by.split())
        evidence = FileEvidence(path, "", "", layer, layers[layer].digest, layers[layer].created_by[:500])
        step = f" ({step[:_MOST_STEP]}{'...' if len(step) > _MOST_STEP else ''})" if step else ""
        where = f"; in layer {layer + 1} of {len(layers)}{step}"
        if state != "there":
            where += f", {state} in layer {by + 1} and still in the image"
            evidence = replace(evidence, gone=state, gone_layer=by)
    kind, _, rest = reference.partition(":")
    file = f"{rest.rstrip('/')}/{path}" if kind == "rootfs" else reference
    place = Location(file, hit.line if kind == "rootfs" else 0, hit.column if kind == "rootfs" else 0, path)
    says = f"{path}:{hit.line}: {hit.told()}{where}"
    return Told(hit, place, says, identity_of(hit, path), (evidence, evidence_of(hit)))


def _in_config(scanner: Scanner, config: ImageConfig | None, reference: str) -> Iterator[Told]:
    """Secrets in variables, labels, commands and the history; one that ENV brings is told once."""
    if config is None:
        return
    texts = [(f"env {each.partition('=')[0]}", each, "x.env") for each in config.env]
    texts += [(f"label {name}", f"{name}={value}", "x.env") for name, value in config.labels.items()]
    texts.append(("entrypoint", " ".join(config.entrypoint), "x.sh"))
    texts.append(("cmd", " ".join(config.cmd), "x.sh"))
    texts.append(("healthcheck", " ".join(config.healthcheck or ()), "x.sh"))
    for index, step in enumerate(config.history):
        texts.append((f"history[{index}]", step.created_by, "Dockerfile"))
        texts.append((f"history[{index}] comment", step.comment, "Dockerfile"))
    known: set[tuple[str, str]] = set()
    for where, text, kind in texts:
        where = plain(printable(where))
        for hit in scanner.scan(text, kind) if text else ():
            key = (hit.detector, hit.shown)
            if where.startswith("history") and key in known:
                continue
            known.add(key)

            place = Location(reference, 0, 0, where)
            yield Told(hit, place, f"{where}: {hit.told()}", identity_of(hit, where), (evidence_of(hit),))
