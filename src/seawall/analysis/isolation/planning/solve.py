"""Solving a plan with OR-Tools' CP-SAT: first which nodes make which pool, then where the pods that move go.

The first model chooses pools so that what each needs fits its nodes together and as few pods as possible move. The
second places the pods of each pool node by node, with every constraint; where it finds no way, the first is told that
the pool needs another node, and chooses anew. Source of the scheme: logic-based Benders decomposition (Hooker, 2003).
Both are bounded in deterministic time and run on one thread with a given seed: the same input gives the same plan.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from msgspec import Struct

from seawall.analysis.isolation.nodes import NodeFacts
from seawall.analysis.isolation.planning.problem import REST, Item, Problem

State = Literal["found", "infeasible", "no answer"]
#: So often the pools are chosen anew where pods did not fit.
_ROUNDS = 30


class NoSolver(Exception):
    """OR-Tools is not installed; the message says how to get it."""


class Solution(Struct, frozen=True):
    """``pools`` has the pool of each node, ``places`` how many pods of each item (by number) go to each node."""

    state: State
    reason: str = ""
    pools: dict[str, str] = {}
    places: dict[int, dict[str, int]] = {}


def _solver() -> Any:
    try:
        from ortools.sat.python import cp_model
    except ImportError as error:
        raise NoSolver("a plan needs OR-Tools: pip install 'seawall[plan]'") from error
    return cp_model


def solve(problem: Problem, seconds: float = 20.0, seed: int = 1) -> Solution:
    """A plan with the fewest pods moved, or why there is none.

    Raises:
        NoSolver: OR-Tools is not installed.
    """
    cp = _solver()
    cuts: list[tuple[str, frozenset[str]]] = []
    left = seconds
    for _ in range(_ROUNDS):
        chosen, used, reason = _choose(cp, problem, cuts, left, seed)
        left -= used
        if chosen is None:
            return Solution("infeasible" if reason else "no answer", reason or _out_of_time(seconds))
        places: dict[int, dict[str, int]] = {}
        failed = ""
        for pool in problem.pools:
            nodes = [facts for facts in problem.nodes if chosen[facts.name] == pool]
            found, used = _place(cp, problem, pool, nodes, max(left, 0.1), seed)
            left -= used
            if found is None:
                failed = pool or "the rest"
                cuts.append((pool, frozenset(facts.name for facts in nodes)))
                break
            places.update(found)
        else:
            return Solution("found", "", chosen, places)
        if left <= 0:
            return Solution("no answer", f"{_out_of_time(seconds)}; the pods of {failed} did not fit yet")
    return Solution("no answer", f"no choice of nodes fitted in {_ROUNDS} tries; the pods of {failed} did not")


def _out_of_time(seconds: float) -> str:
    return f"no plan was found within {seconds:g} s; try a longer --seconds"


def _run(cp: Any, model: Any, seconds: float, seed: int) -> tuple[Any, Any]:
    solver = cp.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed
    solver.parameters.max_deterministic_time = max(seconds, 0.1)
    return solver, solver.solve(model)


def _choose(
    cp: Any, problem: Problem, cuts: list[tuple[str, frozenset[str]]], seconds: float, seed: int
) -> tuple[dict[str, str] | None, float, str]:
    """The pool of each node; None with the reason where no choice can be right (no reason: out of time)."""
    model = cp.CpModel()
    member = {
        (facts.name, pool): model.new_bool_var(f"{facts.name}/{pool}")
        for facts in problem.nodes
        for pool in problem.pools
    }
    for facts in problem.nodes:
        model.add_exactly_one(member[facts.name, pool] for pool in problem.pools)
    why = _demand(model, problem, member)
    for pool, nodes in cuts:
        model.add_bool_or(member[facts.name, pool] for facts in problem.nodes if facts.name not in nodes)
    for guard in why:
        model.add(guard == 1)
    moving = {facts.name: dict.fromkeys(problem.pools, 0) for facts in problem.nodes}
    for item in problem.items:
        for name, count in item.now.items():
            for pool in problem.pools:
                moving[name][pool] += count * (pool != item.pool)
    nodes_in_pools = sum(member[facts.name, pool] for facts in problem.nodes for pool in problem.pools if pool != REST)
    model.minimize(
        sum(1000 * cost * member[name, pool] for name, costs in moving.items() for pool, cost in costs.items())
        + nodes_in_pools
    )
    solver, status = _run(cp, model, seconds, seed)
    used = solver.response_proto.deterministic_time
    if status in (cp.OPTIMAL, cp.FEASIBLE):
        chosen = {name: pool for (name, pool), var in member.items() if solver.boolean_value(var)}
        return chosen, used, ""
    if status != cp.INFEASIBLE:
        return None, used, ""
    return None, used, _explain(cp, problem, seed) or "the pods of a pool fit on no choice of nodes"


def _demand(model: Any, problem: Problem, member: dict[tuple[str, str], Any]) -> dict[Any, str]:
    """What each pool needs of its nodes together. Each group of constraints holds under a guard, told by its words."""
    why: dict[Any, str] = {}

    def guard(words: str) -> Any:
        found = model.new_bool_var(words)
        why[found] = words
        return found

    for pool in problem.pools:
        items = [item for item in problem.items if item.pool == pool]
        shown = f"pool {pool}" if pool else "what is in no pool"
        for name in sorted({name for item in items for name in item.needs}):
            # Rounded so that sums stay far from the solver's limits; needs up, room down.
            unit = max(1, max(item.needs.get(name, 0) for item in items) // 10_000)
            need = sum(-(-item.needs.get(name, 0) // unit) * item.count for item in items)
            room = sum(max(0, problem.free[f.name].get(name, 0)) // unit * member[f.name, pool] for f in problem.nodes)
            model.add(room >= need).only_enforce_if(guard(f"{shown} needs {_amount(name, need * unit)} of {name}"))
        for item in items:
            takers = [member[name, pool] for name in sorted(item.eligible)]
            if len(takers) < len(problem.nodes):
                model.add_bool_or(takers).only_enforce_if(guard(f"{item.unit.label} runs on {len(takers)} nodes only"))
    for apart in problem.aparts:
        item = problem.items[apart.item]
        if apart.item in apart.others and apart.key == "kubernetes.io/hostname":
            takers = [member[name, item.pool] for name in sorted(item.eligible)]
            words = f"{item.unit.label} puts each of its {item.count} pods on a node of its own"
            model.add(sum(takers) >= item.count).only_enforce_if(guard(words))
    for name, pools in problem.fixed.items():
        for pool in pools:
            words = f"{name} has a pod of {f'pool {pool}' if pool else 'no pool'} that no controller moves"
            model.add(member[name, pool] == 1).only_enforce_if(guard(words))
    return why


def _amount(name: str, milli: int) -> str:
    if name in ("memory", "ephemeral-storage"):
        return f"{milli / 1000 / 2**30:.1f}Gi"
    return f"{milli / 1000:g}"


def _explain(cp: Any, problem: Problem, seed: int) -> str:
    """The demands that cannot all be met, as the solver's own core tells them."""
    model = cp.CpModel()
    member = {
        (facts.name, pool): model.new_bool_var("") for facts in problem.nodes for pool in problem.pools
    }  # fmt: skip
    for facts in problem.nodes:
        model.add_exactly_one(member[facts.name, pool] for pool in problem.pools)
    why = _demand(model, problem, member)
    model.add_assumptions(list(why))
    solver, status = _run(cp, model, 5, seed)
    if status != cp.INFEASIBLE:
        return ""
    by_index = {var.index: words for var, words in why.items()}
    core = [by_index[index] for index in solver.sufficient_assumptions_for_infeasibility() if index in by_index]
    told = "; ".join(core[:6]) + (f"; and {len(core) - 6} more" if len(core) > 6 else "")
    return f"these cannot all hold on {len(problem.nodes)} nodes: {told}" if core else ""


def _place(
    cp: Any, problem: Problem, pool: str, nodes: list[NodeFacts], seconds: float, seed: int
) -> tuple[dict[int, dict[str, int]] | None, float]:
    """Where each pod of a pool goes: those that are on its nodes stay, unless that leaves no way."""
    items = {number: item for number, item in enumerate(problem.items) if item.pool == pool}
    spent = 0.0
    for staying in (True, False):
        placing = _Placing(cp, problem, items, nodes, staying)
        found, used = placing.solve(max(seconds - spent, 0.1), seed)
        spent += used
        if found is not None:
            return found, spent
    return None, spent


class _Placing:
    """The second model, of one pool."""

    def __init__(
        self, cp: Any, problem: Problem, items: dict[int, Item], nodes: list[NodeFacts], staying: bool
    ) -> None:
        self.cp, self.problem, self.items = cp, problem, items
        self.nodes = {facts.name: facts for facts in nodes}
        self.model = cp.CpModel()
        self.put: dict[tuple[int, str], Any] = {}
        for number, item in items.items():
            here = {name: count if staying else 0 for name, count in item.now.items() if name in self.nodes}
            moving = item.count - sum(here.values())
            for name in sorted(item.eligible & self.nodes.keys()):
                least = here.get(name, 0)
                # Pods that need not move anywhere are constants: they cost the solver nothing.
                if least or moving:
                    self.put[number, name] = self.model.new_int_var(least, least + moving, "") if moving else least
            own = [
                self.put[number, name]
                for name in sorted(item.eligible & self.nodes.keys())
                if (number, name) in self.put
            ]
            self._hold(sum(own) == item.count)
        self._capacity()
        self._keep_spread()
        self._keep_apart()
        self._keep_together()

    def _hold(self, constraint: Any) -> None:
        """Add a constraint; one between constants is a bool already."""
        if isinstance(constraint, bool):
            if not constraint:
                self.model.add_bool_or([])
            return
        self.model.add(constraint)

    def _count(self, numbers: Iterable[int], names: Iterable[str]) -> Any:
        wanted = list(names)
        return sum(self.put[n, name] for n in dict.fromkeys(numbers) for name in wanted if (n, name) in self.put)

    def _capacity(self) -> None:
        by_node: dict[str, list[int]] = {}
        for number, name in self.put:
            by_node.setdefault(name, []).append(number)
        for name, numbers in by_node.items():
            for what in sorted({what for number in numbers for what in self.items[number].needs}):
                unit = max(1, max(self.items[number].needs.get(what, 0) for number in numbers) // 10_000)
                load = sum(-(-self.items[n].needs.get(what, 0) // unit) * self.put[n, name] for n in numbers)
                self._hold(load <= max(0, self.problem.free[name].get(what, 0)) // unit)

    def _domains(self, key: str, numbers: Iterable[int]) -> dict[str, list[str]]:
        """The nodes by domain, of those that take any of the items."""
        eligible = frozenset[str]().union(*(self.items[number].eligible for number in numbers))
        found: dict[str, list[str]] = {}
        for name, facts in self.nodes.items():
            domain = self.problem.domain(facts, key)
            if domain and name in eligible:
                found.setdefault(domain, []).append(name)
        return found

    def _keep_spread(self) -> None:
        for spread in self.problem.spreads:
            if spread.items[0] not in self.items:
                continue
            domains = self._domains(spread.key, spread.items)
            if spread.everywhere:
                for facts in self.problem.nodes:
                    domains.setdefault(self.problem.domain(facts, spread.key), [])
                domains.pop("", None)
            counts = [self._count(spread.items, names) for names in domains.values()]
            without = [name for name, facts in self.nodes.items() if not self.problem.domain(facts, spread.key)]
            self._hold(self._count(spread.items, without) == 0)
            if len(counts) < 2:
                continue
            total = sum(self.items[number].count for number in spread.items)
            low = self.model.new_int_var(0, total, "")
            for count in counts:
                self._hold(count >= low)
                self._hold(count <= low + spread.skew)

    def _keep_apart(self) -> None:
        for apart in self.problem.aparts:
            if apart.item not in self.items:
                continue
            for names in self._domains(apart.key, (apart.item, *apart.others)).values():
                own = self._count((apart.item,), names)
                rest = self._count((other for other in apart.others if other != apart.item), names)
                if apart.item in apart.others:
                    self._hold(own <= 1)
                if isinstance(own, int) and own == 0:
                    continue
                there = self._present(own)
                bound = sum(self.items[other].count for other in apart.others)
                self._hold(rest <= bound * (1 - there))

    def _keep_together(self) -> None:
        for each in self.problem.togethers:
            if each.item not in self.items:
                continue
            for names in self._domains(each.key, (each.item,)).values():
                own = self._count((each.item,), names)
                if not (isinstance(own, int) and own == 0):
                    self._hold(self._count(each.others, names) >= self._present(own))

    def _present(self, count: Any) -> Any:
        """Whether a count is above zero."""
        if isinstance(count, int):
            return int(count > 0)
        there = self.model.new_bool_var("")
        self.model.add(count == 0).only_enforce_if(there.negated())
        self.model.add(count >= 1).only_enforce_if(there)
        return there

    def solve(self, seconds: float, seed: int) -> tuple[dict[int, dict[str, int]] | None, float]:
        """How many pods of each item go to each node, or None."""
        solver, status = _run(self.cp, self.model, seconds, seed)
        used = float(solver.response_proto.deterministic_time)
        if status not in (self.cp.OPTIMAL, self.cp.FEASIBLE):
            return None, used
        found: dict[int, dict[str, int]] = {number: {} for number in self.items}
        for (number, name), var in self.put.items():
            count = var if isinstance(var, int) else solver.value(var)
            if count:
                found[number][name] = count
        return found, used
