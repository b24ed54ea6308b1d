"""What every typed view is made of: the struct base and object metadata."""

from collections.abc import Iterable, Iterator
from typing import Any, Self, TypeVar

from msgspec import Struct

from seawall.model.paths import Path

T = TypeVar("T")


class InvalidField(Exception):
    """A rule read a field that could not be read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path


class Partial(tuple[Any, ...]):
    """A list of which items could not be read: yields the others, then raises, so that no rule passes it."""

    holes: frozenset[int]
    path: Path

    @classmethod
    def of(cls, items: Iterable[Any], holes: frozenset[int], path: Path) -> Self:
        """A partial list; ``holes`` are the indices that could not be read, ``path`` leads to one of them."""
        partial = cls(tuple.__iter__(items) if isinstance(items, tuple) else items)
        partial.holes, partial.path = holes, path
        return partial

    def __iter__(self) -> Iterator[Any]:
        for _, item in self.numbered():
            yield item

    def numbered(self) -> Iterator[tuple[int, Any]]:
        """As enumerate, with the indices of the source."""
        for index, item in enumerate(tuple.__iter__(self)):
            if index not in self.holes:
                yield index, item
        raise InvalidField(self.path)


def numbered(items: tuple[T, ...]) -> Iterator[tuple[int, T]]:
    """Items with their index in the source, also where some of them could not be read."""
    return items.numbered() if isinstance(items, Partial) else enumerate(items)


IntOrString = int | str
#: Kubernetes quantities are written as text or as bare numbers.
Quantity = str | int | float


class View(Struct, frozen=True, rename="camel", gc=False):
    """Base of the typed views. Absent fields have Kubernetes' zero value, or None where absence has a meaning."""


class OwnerReference(View, frozen=True):
    """Who made an object; ``controller`` marks the one that manages it."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None
    block_owner_deletion: bool | None = None


class ObjectMeta(View, frozen=True):
    """Metadata of an object or of a pod template."""

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: tuple[OwnerReference, ...] = ()


NO_METADATA = ObjectMeta()


class LabelSelector(View, frozen=True):
    """A label selector; None in a field of this type selects nothing, an empty one everything."""

    match_labels: dict[str, str] = {}
    match_expressions: tuple[dict[str, Any], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it selects everything."""
        return not self.match_labels and not self.match_expressions

    def matches(self, labels: dict[str, str]) -> bool:
        """Whether these labels are selected (the API's LabelSelectorAsSelector; an unknown operator selects none)."""
        if any(labels.get(key) != value for key, value in self.match_labels.items()):
            return False
        return all(_matches(expression, labels) for expression in self.match_expressions)


def _matches(expression: dict[str, Any], labels: dict[str, str]) -> bool:
    key, operator = expression.get("key"), expression.get("operator")
    values = expression.get("values")
    values = values if isinstance(values, list) else []
    if operator == "In":
        return labels.get(str(key)) in values
    if operator == "NotIn":
        return labels.get(str(key)) not in values
    if operator == "Exists":
        return key in labels
    return operator == "DoesNotExist" and key not in labels


class KubeObject(View, frozen=True):
    """Base of the views of whole objects."""

    metadata: ObjectMeta = NO_METADATA
