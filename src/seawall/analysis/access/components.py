"""Strongly connected components, and what every node gathers from all that it reaches.

Source: Tarjan, "Depth-first search and linear graph algorithms" (1972), made iterative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def components(edges: Sequence[Sequence[int]]) -> list[list[int]]:
    """The components, each before those that lead to it."""
    count = len(edges)
    order, low = [-1] * count, [0] * count
    on_stack = bytearray(count)
    stack: list[int] = []
    found: list[list[int]] = []
    clock = 0
    for root in range(count):
        if order[root] >= 0:
            continue
        work = [(root, 0)]
        while work:
            node, at = work.pop()
            if at == 0:
                order[node] = low[node] = clock
                clock += 1
                stack.append(node)
                on_stack[node] = 1
            else:
                low[node] = min(low[node], low[edges[node][at - 1]])
            for position in range(at, len(edges[node])):
                other = edges[node][position]
                if order[other] < 0:
                    work.append((node, position + 1))
                    work.append((other, 0))
                    break
                if on_stack[other]:
                    low[node] = min(low[node], order[other])
            else:
                if low[node] == order[node]:
                    found.append(_pop(stack, on_stack, node))
    return found


def _pop(stack: list[int], on_stack: bytearray, root: int) -> list[int]:
    members: list[int] = []
    while True:
        node = stack.pop()
        on_stack[node] = 0
        members.append(node)
        if node == root:
            return members


def gather(
    edges: Sequence[Sequence[int]], masks: Sequence[Mapping[str, int]]
) -> tuple[list[dict[str, int]], list[tuple[str, ...]]]:
    """For each node the union, by key, of the masks of everything that it reaches, itself included.

    The second list has the keys under which the union is more than what any single neighbour gathers (with the empty
    key, which goes with every other): there alone can something new come of it.
    """
    merged: list[dict[str, int]] = [{} for _ in edges]
    fresh: list[tuple[str, ...]] = [() for _ in edges]
    for members in components(edges):
        inside = set(members)
        others = {other for node in members for other in edges[node] if other not in inside}
        widest = max(others, key=lambda other: len(merged[other]), default=-1)
        union = dict(merged[widest]) if widest >= 0 else {}
        changed: dict[str, None] = {}
        for source in (*(masks[node] for node in members), *(merged[other] for other in others if other != widest)):
            for key, mask in source.items():
                known = union.get(key, 0)
                if mask | known != known:
                    union[key] = known | mask
                    changed[key] = None
        keys = tuple(union) if "" in changed else tuple(changed)
        for node in members:
            merged[node] = union
            fresh[node] = keys
    return merged, fresh
