"""A second fixed point, by brute force: asks the oracle for every request, of every identity held so far.

Written from Kubernetes' documentation on RBAC (good practices, privilege escalation prevention), user impersonation,
Pod Security and the kubelet's authorization; shares no code with the closure.
"""

from __future__ import annotations

from typing import Any

from tests.analysis.access.oracle import allowed

Object = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"
ADMIN, NODE = "ADMIN", "NODE"
AGGREGATOR = "system:serviceaccount:kube-system:clusterrole-aggregation-controller"


_NEW = "new:"


def _bound(role: Object) -> Object:
    """A binding of a Role to a user of its own, and to one who has all Roles of the namespace."""
    name, home = role["metadata"]["name"], role["metadata"]["namespace"]
    users = (f"{_NEW}{home}:{name}", f"{_NEW}{home}:")
    return {
        "kind": "RoleBinding",
        "metadata": {"name": f"new-{name}", "namespace": home},
        "roleRef": {"kind": "Role", "name": name},
        "subjects": [{"kind": "User", "name": user} for user in users],
    }


class Estate:
    """Objects with what is known of namespaces and pods. Identities are user names, and ``group:NAME``."""

    def __init__(self, objects: list[Object]) -> None:
        self.objects = [*objects, *(_bound(role) for role in objects if role["kind"] == "Role")]
        self.namespaces: dict[str, bool] = {}  # -> guarded
        self.accounts: set[str] = set()
        self.running: set[str] = set()
        self.users: set[str] = {"system:kube-controller-manager"}
        self.groups: set[str] = set()
        for each in objects:
            self._learn(each)

    def roles(self, home: str, name: str = "") -> list[str]:
        """Names of the Roles of a namespace."""
        found = [each["metadata"] for each in self.objects if each["kind"] == "Role"]
        return [meta["name"] for meta in found if meta["namespace"] == home and name in ("", meta["name"])]

    def _learn(self, each: Object) -> None:
        meta = each["metadata"]
        if each["kind"] == "Namespace":
            self.namespaces[meta["name"]] = bool(meta["labels"])
            self.accounts.add(f"system:serviceaccount:{meta['name']}:default")
        if each["kind"] == "ServiceAccount":
            self.accounts.add(f"system:serviceaccount:{meta['namespace']}:{meta['name']}")
        if each["kind"] == "Pod":
            self.running.add(f"system:serviceaccount:{meta['namespace']}:{each['spec']['serviceAccountName']}")
        for subject in each.get("subjects", []):
            known = {"Group": self.groups, "User": self.users}.get(subject["kind"])
            if known is not None:
                known.add(subject["name"])

    def may(self, been: set[str], verb: str, what: str, group: str = "", place: str = "", name: str = "") -> bool:
        """Whether one of the identities may."""
        resource, _, sub = what.partition("/")
        request = {
            "verb": verb, "group": group, "resource": resource, "subresource": sub, "namespace": place, "name": name,
            "path": "",
        }  # fmt: skip
        return any(allowed(self.objects, *self.credentials(each), request) for each in been)

    @staticmethod
    def credentials(identity: str) -> tuple[str, list[str]]:
        """User name and groups of an identity."""
        if identity.startswith("group:"):
            return "", [identity.removeprefix("group:"), "system:authenticated"]
        groups = ["system:authenticated"]
        if identity.startswith("system:serviceaccount:"):
            home = identity.split(":")[2]
            groups += ["system:serviceaccounts", f"system:serviceaccounts:{home}"]
        return identity, groups

    def reach(self, start: str) -> set[str]:
        """All identities that can be taken on, with ADMIN and NODE."""
        been = {start}
        while True:
            more = set(been)
            for step in (self._new_roles, self._admin, self._per_namespace, self._identities, self._node):
                more |= step({each for each in been if each not in (ADMIN, NODE)} | {start}, been)
            if more == been:
                return been - {start}
            been = more

    def _new_roles(self, own: set[str], been: set[str]) -> set[str]:
        """Roles that can be bound to oneself, as users who have them and nothing else."""
        found: set[str] = set()
        for home in self.namespaces:
            for one in own:
                if not self.may({one}, "create", "rolebindings", RBAC, home):
                    continue
                roles = [role for role in self.roles(home) if self.may({one}, "bind", "roles", RBAC, home, role)]
                found.update(f"{_NEW}{home}:{role}" for role in roles)
                if self.may({one}, "bind", "roles", RBAC, home):
                    # Who binds all of them holds all of them at once.
                    found.add(f"{_NEW}{home}:")
        return found

    def _admin(self, own: set[str], been: set[str]) -> set[str]:
        if ADMIN in been:
            return {NODE, *self.accounts, *self.users, *(f"group:{name}" for name in self.groups)}
        gained = (
            any(self._rules_all({each}) for each in own)
            or self.may(own, "impersonate", "serviceaccounts", "", "kube-system", AGGREGATOR.rpartition(":")[2])
            or self._owns(own, "kube-system")
            or "system:kube-controller-manager" in been
        )
        return {ADMIN} if gained else set()

    def _rules_all(self, own: set[str]) -> bool:
        """What one identity needs for a single request."""
        may = self.may
        return (
            may(own, "anything", "anything", "any.group")
            or (may(own, "escalate", "clusterroles", RBAC) and may(own, "patch", "clusterroles", RBAC))
            or any(
                may(own, "escalate", "clusterroles", RBAC, "", role)
                and may(own, "patch", "clusterroles", RBAC, "", role)
                and (self._holds_role(own, "", "ClusterRoleBinding", role)
                     or may(own, "create", "clusterrolebindings", RBAC))
                for role in (each["metadata"]["name"] for each in self.objects if each["kind"] == "ClusterRole")
            )
            or (may(own, "bind", "clusterroles", RBAC, "", "cluster-admin")
                and may(own, "create", "clusterrolebindings", RBAC))
            or (may(own, "impersonate", "groups", "", "", "system:masters") and self._is_someone(own))
        )  # fmt: skip

    def _is_someone(self, own: set[str]) -> bool:
        users = any(self.may(own, "impersonate", "users", "", "", name) for name in (*self.users, "bob", "x"))
        # An account need not exist to be impersonated.
        accounts = [(home, name) for home in self.namespaces for name in ("a", "b", "x")]
        return users or any(self.may(own, "impersonate", "serviceaccounts", "", *each) for each in accounts)

    def _per_namespace(self, own: set[str], been: set[str]) -> set[str]:
        found: set[str] = set()
        for each in self.accounts:
            _, _, home, name = each.split(":")
            if (
                self.may(own, "create", "serviceaccounts/token", "", home, name)
                or self.may(own, "impersonate", "serviceaccounts", "", home, name)
                or self._runs_pods(own, home)
                or self._owns(own, home)
                or (self.may(own, "create", "secrets", "", home) and self.may(own, "get", "secrets", "", home))
            ):
                found.add(each)
            if each in self.running and (
                self.may(own, "create", "pods/exec", "", home) or self.may(own, "get", "nodes/proxy") or NODE in been
            ):
                found.add(each)
        return found

    def _runs_pods(self, own: set[str], home: str) -> bool:
        named = self.may(own, "patch", "deployments", "apps", home, "web")
        return (
            self.may(own, "create", "pods", "", home) or named or self.may(own, "create", "deployments", "apps", home)
        )

    def _owns(self, own: set[str], home: str) -> bool:
        """Whether one of the identities can have every right of the namespace."""
        return any(self._owns_alone({each}, home) for each in own)

    def _owns_alone(self, own: set[str], home: str) -> bool:
        may = self.may
        if may(own, "bind", "clusterroles", RBAC, home, "cluster-admin") and may(
            own, "create", "rolebindings", RBAC, home
        ):
            return True
        binds = may(own, "create", "rolebindings", RBAC, home)
        for role in self.roles(home):
            writes = may(own, "escalate", "roles", RBAC, home, role) and may(own, "patch", "roles", RBAC, home, role)
            if writes and (binds or self._holds_role(own, home, "RoleBinding", role)):
                return True
        for role in (each["metadata"]["name"] for each in self.objects if each["kind"] == "ClusterRole"):
            writes = may(own, "escalate", "clusterroles", RBAC, "", role) and may(
                own, "patch", "clusterroles", RBAC, "", role
            )
            if writes and binds:
                return True
        # A Role that may be made can be written to as well.
        return may(own, "escalate", "roles", RBAC, home) and may(own, "patch", "roles", RBAC, home) and binds

    def _holds_role(self, own: set[str], home: str, kind: str, role: str) -> bool:
        for binding in self.objects:
            place = binding["metadata"].get("namespace", "")
            if binding["kind"] == kind and place == home and binding["roleRef"]["name"] == role:
                for each in own:
                    username, groups = self.credentials(each)
                    if any(s["name"] == username or s["name"] in groups or self._named(s) == username
                           for s in binding["subjects"]):  # fmt: skip
                        return True
        return False

    @staticmethod
    def _named(subject: Object) -> str:
        return f"system:serviceaccount:{subject.get('namespace')}:{subject['name']}"

    def _identities(self, own: set[str], been: set[str]) -> set[str]:
        users = {each for each in self.users if self.may(own, "impersonate", "users", "", "", each)}
        groups = {
            f"group:{each}" for each in self.groups for one in own
            if self._is_someone({one}) and self.may({one}, "impersonate", "groups", "", "", each)
        }  # fmt: skip
        member = {
            f"group:{each}" for identity in own for each in self.credentials(identity)[1] if each in self.groups
        }  # fmt: skip
        signs = (
            self.may(own, "create", "certificatesigningrequests", "certificates.k8s.io")
            and self.may(own, "update", "certificatesigningrequests/approval", "certificates.k8s.io")
            and self.may(own, "approve", "signers", "certificates.k8s.io", "", "kubernetes.io/kube-apiserver-client")
        )
        return users | groups | member | ({*self.users, *(f"group:{each}" for each in self.groups)} if signs else set())

    def _node(self, own: set[str], been: set[str]) -> set[str]:
        for home, guarded in self.namespaces.items():
            runs = self._runs_pods(own, home) or self._owns(own, home)
            if runs and (not guarded or self.may(own, "patch", "namespaces", "", home, home) or self._owns(own, home)):
                return {NODE}
        return set()
