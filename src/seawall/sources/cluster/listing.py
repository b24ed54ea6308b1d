"""A list in pages: continue tokens, lists that expired half-way, pages that are too large."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from urllib.parse import quote

import msgspec
from msgspec import Struct, field

from seawall.sources.cluster.client import Client
from seawall.sources.cluster.discovery import Listable
from seawall.sources.cluster.errors import GONE, ApiError, ClusterError, Oversized

PAGE = 500
#: A list that expires half-way is begun anew this often, and then asked for in one piece.
_RESTARTS = 2
#: Ten million objects of one kind.
_MOST_PAGES = 20_000


class _ListMeta(Struct, frozen=True):
    continue_: str = field(default="", name="continue")


class _Page(Struct):
    kind: str = ""
    metadata: _ListMeta = _ListMeta()
    items: list[msgspec.Raw] | None = None


def list_items(client: Client, listable: Listable, namespace: str | None = None) -> Iterator[msgspec.Raw]:
    """The JSON text of every object of a kind.

    After a list expired half-way and was begun anew, objects come again: callers drop those that they have seen.

    Raises:
        ApiError: the server refuses.
        ClusterError: the list cannot be had to its end.
    """
    inside = f"/namespaces/{quote(namespace, safe='')}" if namespace and listable.namespaced else ""
    base = f"{listable.path}{inside}/{quote(listable.resource, safe='')}"
    limit, token, restarts = PAGE, "", 0
    for _ in range(_MOST_PAGES):
        query = f"?limit={limit}" if limit else ""
        if token:
            query += f"&continue={quote(token, safe='')}"
        try:
            page = client.get(base + query, partial(_decode, base))
        except Oversized:
            if limit == 1:
                raise
            limit = max((limit or PAGE) // 10, 1)
            continue
        except ApiError as error:
            if error.status != GONE or restarts > _RESTARTS:
                raise
            restarts += 1
            token, limit = "", PAGE if restarts <= _RESTARTS else 0
            continue
        yield from page.items or ()
        if not page.metadata.continue_:
            return
        if page.metadata.continue_ == token:
            raise ClusterError(f"{base}: the server gives the same page again and again")
        token = page.metadata.continue_
    raise ClusterError(f"{base}: more than {_MOST_PAGES * PAGE} objects; something is wrong with the server")


def _decode(path: str, data: bytes) -> _Page:
    page = msgspec.json.decode(data, type=_Page)
    if not page.kind.endswith("List"):
        raise ClusterError(f"{path}: the answer is {page.kind[:60] or 'an object without a kind'}, not a list")
    return page
