"""What the AWS command line says of EKS: clusters, add-ons, identities of pods, node groups, templates, instances.

Source: the outputs of ``aws eks describe-cluster``, ``describe-addon``, ``list-pod-identity-associations`` and
``describe-nodegroup``, ``aws ec2 describe-launch-template-versions`` and ``describe-instances``, which name every
setting.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from seawall.sources.cloud.fields import Made, at, flag, items, known, maybe, text, texts

_CLUSTER_TAGS = ("eks:cluster-name", "aws:eks:cluster-name", "alpha.eksctl.io/cluster-name")


def read(document: dict[str, Any]) -> Iterator[Made]:
    """Everything of EKS in a document; nothing where it is of another shape."""
    cluster = document.get("cluster")
    if isinstance(cluster, dict) and "resourcesVpcConfig" in cluster:
        yield "CloudCluster", text(cluster, "name"), cluster_spec(cluster)
    yield from _addon(document.get("addon"))
    names = {text(each, "clusterName") for _, each in items(document, "associations")}
    for name in sorted(names - {""}):
        yield "CloudCluster", name, {"provider": "eks", "workloadIdentity": True}
    group = document.get("nodegroup")
    if isinstance(group, dict) and "nodegroupName" in group:
        name = f"{text(group, 'clusterName')}/{text(group, 'nodegroupName')}"
        yield "CloudNodePool", name, group_spec(group)
    for _, version in items(document, "LaunchTemplateVersions"):
        name = text(version, "LaunchTemplateName") or text(version, "LaunchTemplateId")
        number = at(version, "VersionNumber")
        name += f":{number}" if isinstance(number, int) else ""
        data = at(version, "LaunchTemplateData")
        yield "CloudNodePool", name, template_spec(data)
    for _, reservation in items(document, "Reservations"):
        for _, instance in items(reservation, "Instances"):
            yield "CloudNodePool", text(instance, "InstanceId"), instance_spec(instance)


def _addon(addon: Any) -> Iterator[Made]:
    """What the VPC CNI's configuration says of network policies; it is JSON (or YAML) in a text."""
    if text(addon, "addonName") != "vpc-cni":
        return
    try:
        values = msgspec.json.decode(text(addon, "configurationValues") or "{}")
    except msgspec.DecodeError:
        return
    on = at(values, "enableNetworkPolicy")
    spec = {"provider": "eks", "networkPolicy": on is True or on == "true"}
    yield "CloudCluster", text(addon, "clusterName"), spec


def cluster_spec(cluster: dict[str, Any]) -> dict[str, Any]:
    """The settings of ``cluster``."""
    network = at(cluster, "resourcesVpcConfig")
    ranges = texts(network, "publicAccessCidrs")
    keys = [
        text(config, "provider", "keyArn")
        for _, config in items(cluster, "encryptionConfig")
        if "secrets" in texts(config, "resources")
    ]
    logs = [
        kind for _, setup in items(cluster, "logging", "clusterLogging") if flag(setup, "enabled")
        for kind in texts(setup, "types")
    ]  # fmt: skip
    mode = text(cluster, "accessConfig", "authenticationMode")
    support = text(cluster, "upgradePolicy", "supportType")
    return known(
        {
            "provider": "eks",
            "version": text(cluster, "version"),
            "location": text(cluster, "arn").split(":")[3] if text(cluster, "arn").count(":") > 3 else "",
            "autopilot": flag(cluster, "computeConfig", "enabled"),
            "publicEndpoint": maybe(network, "endpointPublicAccess"),
            "privateEndpoint": maybe(network, "endpointPrivateAccess"),
            "publicRanges": ranges or None,
            "secretsKey": next(filter(None, keys), ""),
            "logs": logs,
            "identityProvider": None if not mode else mode != "CONFIG_MAP",
            "extendedSupport": support == "EXTENDED" if support else None,
        }
    )


def group_spec(group: dict[str, Any]) -> dict[str, Any]:
    """The settings of ``nodegroup``."""
    access = at(group, "remoteAccess")
    open_ssh = bool(text(access, "ec2SshKey")) and not texts(access, "sourceSecurityGroups")
    return known(
        {
            "provider": "eks",
            "cluster": text(group, "clusterName"),
            "source": "node group",
            "image": text(group, "amiType"),
            "sshOpen": open_ssh if access is not None else False,
            "autoRepair": maybe(group, "nodeRepairConfig", "enabled"),
        }
    )


def template_spec(data: Any) -> dict[str, Any]:
    """The settings of ``LaunchTemplateData``; what is absent is left to the account's defaults."""
    options = at(data, "MetadataOptions")
    disks = [maybe(disk, "Ebs", "Encrypted") for _, disk in items(data, "BlockDeviceMappings") if at(disk, "Ebs")]
    public = [maybe(card, "AssociatePublicIpAddress") for _, card in items(data, "NetworkInterfaces")]
    return known(
        {
            "provider": "eks",
            "source": "launch template",
            **_metadata(options),
            "publicAddresses": True if True in public else False if public and None not in public else None,
            "diskEncrypted": None if not disks else all(disk is True for disk in disks),
        }
    )


def instance_spec(instance: dict[str, Any]) -> dict[str, Any]:
    """The settings of a running instance."""
    tags = {text(tag, "Key"): text(tag, "Value") for _, tag in items(instance, "Tags")}
    return known(
        {
            "provider": "eks",
            "cluster": next((tags[name] for name in _CLUSTER_TAGS if name in tags), ""),
            "source": "instance",
            **_metadata(at(instance, "MetadataOptions")),
            "publicAddresses": bool(text(instance, "PublicIpAddress")),
        }
    )


def _metadata(options: Any) -> dict[str, Any]:
    if not isinstance(options, dict):
        return {}
    if text(options, "HttpEndpoint") == "disabled":
        return {"metadataV1": False, "hopLimit": 1}
    tokens, limit = text(options, "HttpTokens"), at(options, "HttpPutResponseHopLimit")
    found: dict[str, Any] = {"metadataV1": tokens != "required"} if tokens else {}
    return {**found, "hopLimit": limit} if type(limit) is int else found
