"""Managed clusters in Terraform's JSON (``terraform show -json`` of a state or plan), put into the providers' own form.

Source: the resource types ``aws_eks_cluster``, ``aws_eks_node_group``, ``aws_launch_template``,
``google_container_cluster``, ``google_container_node_pool``, ``azurerm_kubernetes_cluster`` and
``azurerm_kubernetes_cluster_node_pool``. Blocks are lists of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from seawall.sources.cloud import aks, eks, gke
from seawall.sources.cloud.fields import Made, at, items, text, texts

_MAX_DEPTH = 50
_UNKNOWN = "known after apply"


def read(document: dict[str, Any]) -> Iterator[Made]:
    """Everything of managed clusters in a state or plan; nothing where it is of another shape."""
    if "format_version" not in document:
        return
    unknown = {
        text(change, "address"): at(change, "change", "after_unknown")
        for _, change in items(document, "resource_changes")
    }
    for top in ("planned_values", "values"):
        root = at(document, top, "root_module")
        if isinstance(root, dict):
            yield from _module(root, unknown, 0)
            return


def is_terraform(document: dict[str, Any]) -> bool:
    """Whether it is a state or a plan at all."""
    return "format_version" in document and ("planned_values" in document or "values" in document)


def _module(module: dict[str, Any], unknown: dict[str, Any], depth: int) -> Iterator[Made]:
    for _, resource in items(module, "resources"):
        values = resource.get("values")
        reader = _READERS.get(text(resource, "type"))
        if reader is not None and isinstance(values, dict):
            address = text(resource, "address")
            values = _filled(values, unknown.get(address), 0)
            yield from ((kind, name or address, spec) for kind, name, spec in reader(values))
    if depth < _MAX_DEPTH:
        for _, child in items(module, "child_modules"):
            yield from _module(child, unknown, depth + 1)


def _filled(values: Any, unknown: Any, depth: int) -> Any:
    """Planned values with a word in place of what is known only after the plan was applied, and is left out."""
    if unknown is True:
        return _UNKNOWN if values is None else values
    if depth >= _MAX_DEPTH:
        return values
    if isinstance(unknown, dict) and (values is None or isinstance(values, dict)):
        filled = dict(values or {})
        for key, each in unknown.items():
            value = _filled(filled.get(key), each, depth + 1)
            if value is not None:
                filled[key] = value
        return filled if values is not None or filled else None
    if isinstance(unknown, list) and isinstance(values, list):
        pairs = zip(values, [*unknown, *([None] * len(values))], strict=False)
        return [_filled(value, each, depth + 1) for value, each in pairs]
    return values


def _ranges(value: Any) -> list[str]:
    """Ranges of addresses; those that are not known yet stand for themselves, and are not "every address"."""
    return [_UNKNOWN] if value == _UNKNOWN else texts({"it": value}, "it")


def _block(values: Any, *names: str) -> Any:
    """The only item of a block in a block."""
    for name in names:
        values = at(values, name)
        if isinstance(values, list):
            values = values[0] if values else None
    return values


def _eks_cluster(values: dict[str, Any]) -> Iterator[Made]:
    network = _block(values, "vpc_config")
    keys = _block(values, "encryption_config")
    support = text(_block(values, "upgrade_policy"), "support_type")
    cluster = {
        "name": text(values, "name"),
        "version": text(values, "version"),
        "arn": text(values, "arn"),
        "resourcesVpcConfig": {
            "endpointPublicAccess": at(network, "endpoint_public_access"),
            "endpointPrivateAccess": at(network, "endpoint_private_access"),
            "publicAccessCidrs": _ranges(at(network, "public_access_cidrs")),
        },
        "encryptionConfig": [
            {"resources": texts(keys, "resources"), "provider": {"keyArn": _key_of(_block(keys, "provider"))}}
        ],
        "logging": {"clusterLogging": [{"types": texts(values, "enabled_cluster_log_types"), "enabled": True}]},
        "accessConfig": {"authenticationMode": text(_block(values, "access_config"), "authentication_mode")},
        "upgradePolicy": {"supportType": support},
    }
    yield "CloudCluster", text(values, "name"), eks.cluster_spec(cluster)


def _key_of(provider: Any) -> str:
    """The key; one that is known after the plan is applied only has no text, and the block stands for it."""
    return text(provider, "key_arn") or (_UNKNOWN if isinstance(provider, dict) else "")


def _eks_group(values: dict[str, Any]) -> Iterator[Made]:
    access = _block(values, "remote_access")
    group: dict[str, Any] = {"clusterName": text(values, "cluster_name"), "amiType": text(values, "ami_type")}
    if isinstance(access, dict):
        groups = texts(access, "source_security_group_ids")
        group["remoteAccess"] = {"ec2SshKey": text(access, "ec2_ssh_key"), "sourceSecurityGroups": groups}
    yield "CloudNodePool", _under(group["clusterName"], text(values, "node_group_name")), eks.group_spec(group)


def _launch_template(values: dict[str, Any]) -> Iterator[Made]:
    options = _block(values, "metadata_options")
    data: dict[str, Any] = {"NetworkInterfaces": [], "BlockDeviceMappings": []}
    if isinstance(options, dict):
        data["MetadataOptions"] = {
            "HttpTokens": text(options, "http_tokens"),
            "HttpEndpoint": text(options, "http_endpoint"),
            "HttpPutResponseHopLimit": at(options, "http_put_response_hop_limit"),
        }
    for _, card in items(values, "network_interfaces"):
        data["NetworkInterfaces"].append({"AssociatePublicIpAddress": _truth(at(card, "associate_public_ip_address"))})
    for _, disk in items(values, "block_device_mappings"):
        block = _block(disk, "ebs")
        if isinstance(block, dict):
            data["BlockDeviceMappings"].append({"Ebs": {"Encrypted": _truth(block.get("encrypted"))}})
    yield "CloudNodePool", text(values, "name"), eks.template_spec(data)


def _truth(value: Any) -> Any:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _gke_cluster(values: dict[str, Any]) -> Iterator[Made]:
    networks = _block(values, "master_authorized_networks_config")
    private = _block(values, "private_cluster_config")
    provider = text(values, "datapath_provider")
    cluster: dict[str, Any] = {
        "name": text(values, "name"),
        "currentMasterVersion": text(values, "master_version") or text(values, "min_master_version"),
        "location": text(values, "location"),
        "autopilot": {"enabled": at(values, "enable_autopilot")},
        "masterAuthorizedNetworksConfig": {
            "enabled": isinstance(networks, dict),
            "cidrBlocks": [{"cidrBlock": text(block, "cidr_block")} for _, block in items(networks, "cidr_blocks")],
            "gcpPublicCidrsAccessEnabled": at(networks, "gcp_public_cidrs_access_enabled"),
        },
        "privateClusterConfig": {
            "enablePrivateNodes": at(private, "enable_private_nodes"),
            "enablePrivateEndpoint": at(private, "enable_private_endpoint"),
        },
        "databaseEncryption": {
            "state": text(_block(values, "database_encryption"), "state"),
            "keyName": text(_block(values, "database_encryption"), "key_name") or _UNKNOWN,
        },
        "loggingService": text(values, "logging_service") or "logging.googleapis.com/kubernetes",
        "monitoringService": text(values, "monitoring_service") or "monitoring.googleapis.com/kubernetes",
        "networkPolicy": {"enabled": at(_block(values, "network_policy"), "enabled")},
        "networkConfig": {
            "datapathProvider": provider,
            "enableIntraNodeVisibility": at(values, "enable_intranode_visibility"),
        },
        "workloadIdentityConfig": {
            "workloadPool": "set" if isinstance(_block(values, "workload_identity_config"), dict) else ""
        },
        "legacyAbac": {"enabled": at(values, "enable_legacy_abac")},
        "masterAuth": {
            "clientCertificateConfig": {
                "issueClientCertificate": at(
                    _block(values, "master_auth", "client_certificate_config"), "issue_client_certificate"
                )
            }
        },
        "authenticatorGroupsConfig": {"enabled": isinstance(_block(values, "authenticator_groups_config"), dict)},
        "releaseChannel": {"channel": text(_block(values, "release_channel"), "channel")},
        "enableKubernetesAlpha": at(values, "enable_kubernetes_alpha"),
        "shieldedNodes": {"enabled": at(values, "enable_shielded_nodes") is not False},
        "binaryAuthorization": {"evaluationMode": text(_block(values, "binary_authorization"), "evaluation_mode")},
        "ipAllocationPolicy": {
            "useIpAliases": text(values, "networking_mode") != "ROUTES"
        },
        "securityPostureConfig": {"mode": text(_block(values, "security_posture_config"), "mode")},
    }  # fmt: skip
    for kind in ("logging", "monitoring"):
        components = _block(values, f"{kind}_config")
        if isinstance(components, dict):
            listed = texts(components, "enable_components")
            cluster[f"{kind}Config"] = {"componentConfig": {"enableComponents": listed}}
    yield "CloudCluster", cluster["name"], gke.cluster_spec(cluster)
    if not at(values, "remove_default_node_pool"):
        for _, pool in items(values, "node_pool"):
            yield from _gke_pool({**pool, "cluster": cluster["name"]})


def _gke_pool(values: dict[str, Any]) -> Iterator[Made]:
    config = _block(values, "node_config")
    shield = _block(config, "shielded_instance_config")
    management = _block(values, "management")
    pool = {
        "config": {
            "imageType": text(config, "image_type"),
            "serviceAccount": text(config, "service_account"),
            "oauthScopes": texts(config, "oauth_scopes"),
            "workloadMetadataConfig": {"mode": text(_block(config, "workload_metadata_config"), "mode")},
            "metadata": at(config, "metadata"),
            "shieldedInstanceConfig": {
                "enableSecureBoot": at(shield, "enable_secure_boot"),
                "enableIntegrityMonitoring": at(shield, "enable_integrity_monitoring") is not False,
            },
        },
        "management": {
            "autoUpgrade": at(management, "auto_upgrade") is not False,
            "autoRepair": at(management, "auto_repair") is not False,
        },
        "networkConfig": {"enablePrivateNodes": at(_block(values, "network_config"), "enable_private_nodes")},
    }
    cluster = text(values, "cluster").rpartition("/")[2]
    yield "CloudNodePool", _under(cluster, text(values, "name")), gke.pool_spec(pool, {"name": cluster})


def _aks_cluster(values: dict[str, Any]) -> Iterator[Made]:
    access = _block(values, "api_server_access_profile")
    kms = _block(values, "key_management_service")
    provider = _block(values, "key_vault_secrets_provider")
    cluster: dict[str, Any] = {
        "name": text(values, "name"),
        "kubernetesVersion": text(values, "kubernetes_version"),
        "location": text(values, "location"),
        "apiServerAccessProfile": {
            "enablePrivateCluster": at(values, "private_cluster_enabled"),
            "authorizedIpRanges": _ranges(at(access, "authorized_ip_ranges"))
            or _ranges(at(values, "api_server_authorized_ip_ranges")),
            "disableRunCommand": at(values, "run_command_enabled") is False,
        },
        "securityProfile": {
            "azureKeyVaultKms": {"enabled": isinstance(kms, dict), "keyId": text(kms, "key_vault_key_id")},
            "workloadIdentity": {"enabled": at(values, "workload_identity_enabled")},
            "defender": {"securityMonitoring": {"enabled": isinstance(_block(values, "microsoft_defender"), dict)}},
        },
        "networkProfile": {"networkPolicy": text(_block(values, "network_profile"), "network_policy")},
        "autoUpgradeProfile": {"upgradeChannel": text(values, "automatic_upgrade_channel")},
        "disableLocalAccounts": at(values, "local_account_disabled"),
        "enableRbac": at(values, "role_based_access_control_enabled") is not False,
        "aadProfile": _block(values, "azure_active_directory_role_based_access_control"),
        "addonProfiles": {
            "omsagent": {"enabled": isinstance(_block(values, "oms_agent"), dict)},
            "azurepolicy": {"enabled": at(values, "azure_policy_enabled")},
            "azureKeyvaultSecretsProvider": {
                "enabled": isinstance(provider, dict),
                "config": {"enableSecretRotation": str(at(provider, "secret_rotation_enabled")).lower()},
            },
        },
    }
    yield "CloudCluster", cluster["name"], aks.cluster_spec(cluster)
    default = _block(values, "default_node_pool")
    if isinstance(default, dict):
        yield from _aks_pool({**default, "cluster": cluster["name"]})


def _aks_pool(values: dict[str, Any]) -> Iterator[Made]:
    cluster = text(values, "cluster") or text(values, "kubernetes_cluster_id").rpartition("/")[2]
    pool = {
        "enableNodePublicIp": at(values, "node_public_ip_enabled"),
        "osSku": text(values, "os_sku"),
        "enableEncryptionAtHost": at(values, "host_encryption_enabled"),
    }
    yield "CloudNodePool", _under(cluster, text(values, "name")), aks.pool_spec(pool, cluster)


def _under(cluster: str, name: str) -> str:
    return f"{cluster}/{name}" if cluster and name else name


_READERS: dict[str, Callable[[dict[str, Any]], Iterator[Made]]] = {
    "aws_eks_cluster": _eks_cluster,
    "aws_eks_node_group": _eks_group,
    "aws_launch_template": _launch_template,
    "google_container_cluster": _gke_cluster,
    "google_container_node_pool": _gke_pool,
    "azurerm_kubernetes_cluster": _aks_cluster,
    "azurerm_kubernetes_cluster_node_pool": _aks_pool,
}
