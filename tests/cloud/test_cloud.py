"""Managed clusters out of what the providers' command lines print; the documents follow their published shapes."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.sources.cloud import recognise
from tests.conftest import Run

EKS: dict[str, Any] = {
    "cluster": {
        "name": "prod",
        "arn": "arn:aws:eks:eu-central-1:111122223333:cluster/prod",
        "version": "1.99",
        "endpoint": "https://ABC.gr7.eu-central-1.eks.amazonaws.com",
        "resourcesVpcConfig": {
            "subnetIds": ["subnet-1"],
            "endpointPublicAccess": True,
            "endpointPrivateAccess": False,
            "publicAccessCidrs": ["0.0.0.0/0"],
        },
        "logging": {
            "clusterLogging": [
                {"types": ["api", "audit"], "enabled": True},
                {"types": ["authenticator", "controllerManager", "scheduler"], "enabled": False},
            ]
        },
        "accessConfig": {"authenticationMode": "CONFIG_MAP"},
        "upgradePolicy": {"supportType": "STANDARD"},
    }
}
NODE_GROUP = {
    "nodegroup": {
        "nodegroupName": "workers",
        "clusterName": "prod",
        "amiType": "AL2023_x86_64_STANDARD",
        "remoteAccess": {"ec2SshKey": "ops"},
    }
}
TEMPLATE = {
    "LaunchTemplateVersions": [
        {
            "LaunchTemplateId": "lt-1",
            "LaunchTemplateName": "workers",
            "VersionNumber": 3,
            "LaunchTemplateData": {
                "MetadataOptions": {"HttpTokens": "optional", "HttpPutResponseHopLimit": 2, "HttpEndpoint": "enabled"},
                "NetworkInterfaces": [{"AssociatePublicIpAddress": True, "DeviceIndex": 0}],
                "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": False, "VolumeSize": 80}}],
            },
        }
    ]
}
INSTANCES = {
    "Reservations": [
        {
            "Instances": [
                {
                    "InstanceId": "i-1",
                    "PublicIpAddress": "198.51.100.7",
                    "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
                    "Tags": [{"Key": "eks:cluster-name", "Value": "prod"}],
                }
            ]
        }
    ]
}
GKE: dict[str, Any] = {
    "name": "shop",
    "location": "europe-west1",
    "currentMasterVersion": "1.99.1-gke.100",
    "masterAuth": {"clusterCaCertificate": "LS0t", "clientCertificateConfig": {}},
    "networkConfig": {"network": "default", "datapathProvider": "LEGACY_DATAPATH"},
    "loggingService": "logging.googleapis.com/kubernetes",
    "loggingConfig": {"componentConfig": {"enableComponents": ["SYSTEM_COMPONENTS"]}},
    "monitoringService": "none",
    "releaseChannel": {"channel": "REGULAR"},
    "shieldedNodes": {"enabled": True},
    "databaseEncryption": {"state": "DECRYPTED"},
    "ipAllocationPolicy": {"useIpAliases": True},
    "addonsConfig": {"kubernetesDashboard": {"disabled": True}},
    "nodePools": [
        {
            "name": "default-pool",
            "config": {
                "machineType": "e2-medium",
                "imageType": "COS_CONTAINERD",
                "serviceAccount": "default",
                "oauthScopes": ["https://www.googleapis.com/auth/cloud-platform"],
                "metadata": {"disable-legacy-endpoints": "true"},
                "shieldedInstanceConfig": {"enableIntegrityMonitoring": True},
            },
            "management": {"autoRepair": True},
        }
    ],
}
AKS: dict[str, Any] = {
    "name": "web",
    "type": "Microsoft.ContainerService/ManagedClusters",
    "location": "westeurope",
    "kubernetesVersion": "1.99",
    "currentKubernetesVersion": "1.99.4",
    "enableRbac": True,
    "disableLocalAccounts": False,
    "aadProfile": None,
    "addonProfiles": {"azurepolicy": {"enabled": True}, "omsAgent": {"enabled": True, "config": None}},
    "apiServerAccessProfile": {"authorizedIpRanges": ["203.0.113.0/24"], "enablePrivateCluster": None},
    "autoUpgradeProfile": {"upgradeChannel": "none"},
    "networkProfile": {"networkPlugin": "azure", "networkPolicy": None},
    "securityProfile": {"workloadIdentity": None, "azureKeyVaultKms": None, "defender": None},
    "agentPoolProfiles": [
        {"name": "sys", "enableNodePublicIp": True, "enableEncryptionAtHost": None, "osSku": "Ubuntu"}
    ],
}
TERRAFORM: dict[str, Any] = {
    "format_version": "1.2",
    "terraform_version": "1.9.0",
    "planned_values": {
        "root_module": {
            "resources": [
                {"type": "aws_s3_bucket", "address": "aws_s3_bucket.x", "values": {"bucket": "x"}},
                {
                    "type": "google_container_cluster",
                    "address": "google_container_cluster.shop",
                    "values": {
                        "name": "shop",
                        "enable_legacy_abac": True,
                        "release_channel": [{"channel": "STABLE"}],
                        "master_authorized_networks_config": [{"cidr_blocks": [{"cidr_block": "203.0.113.0/24"}]}],
                        "workload_identity_config": [{}],
                    },
                },
            ],
            "child_modules": [
                {
                    "resources": [
                        {
                            "type": "aws_eks_cluster",
                            "address": "module.eks.aws_eks_cluster.this",
                            "values": {
                                "name": "prod",
                                "version": "1.99",
                                "vpc_config": [
                                    {
                                        "endpoint_public_access": True,
                                        "endpoint_private_access": True,
                                        "public_access_cidrs": ["203.0.113.0/24"],
                                    }
                                ],
                                "enabled_cluster_log_types": ["audit"],
                                "encryption_config": [{"resources": ["secrets"], "provider": [{}]}],
                            },
                        },
                        {
                            "type": "aws_launch_template",
                            "address": "module.eks.aws_launch_template.this",
                            "values": {
                                "name": "workers",
                                "metadata_options": [{"http_tokens": "required", "http_put_response_hop_limit": 1}],
                                "block_device_mappings": [{"ebs": [{"encrypted": "true"}]}],
                            },
                        },
                        {
                            "type": "azurerm_kubernetes_cluster",
                            "address": "module.aks.azurerm_kubernetes_cluster.this",
                            "values": {
                                "name": "web",
                                "private_cluster_enabled": True,
                                "local_account_disabled": True,
                                "default_node_pool": [{"name": "sys", "node_public_ip_enabled": True}],
                            },
                        },
                    ]
                }
            ],
        }
    },
}
TERRAFORM["resource_changes"] = [
    {
        "address": "google_container_cluster.shop",
        "change": {"after_unknown": {"id": True, "node_pool": [{"name": True}]}},
    }
]
DOCUMENTS = [EKS, NODE_GROUP, TEMPLATE, INSTANCES, GKE, AKS, TERRAFORM]


def spec(document: Any, name: str) -> dict[str, Any]:
    """The spec of the only resource of that name."""
    found: dict[str, Any] = {each[1]: each[2] for each in recognise(document)}[name]
    return found


def rules(run: Run, folder: Path, document: Any, *args: str) -> tuple[int, set[str]]:
    """Exit code, and the rules that fired."""
    file = folder / "facts.json"
    file.write_text(json.dumps(document))
    done = run("cloud", str(file), "--format", "json", "--profile", "all", *args)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert found["summary"]["complete"] is (done.returncode != 2)
    return done.returncode, {each["rule"] for each in found["findings"]}


def test_an_open_eks_cluster(run: Run, tmp_path: Path) -> None:
    code, found = rules(run, tmp_path, EKS)
    assert code == 1
    assert found == {
        "cloud-endpoint-open",
        "cloud-endpoint-public",
        "cloud-secrets-key",
        "cloud-control-plane-logs",
        "cloud-no-identity-provider",
    }


def test_a_closed_eks_cluster(run: Run, tmp_path: Path) -> None:
    document = copy.deepcopy(EKS)
    cluster = document["cluster"]
    cluster["resourcesVpcConfig"] |= {"endpointPublicAccess": False, "endpointPrivateAccess": True}
    cluster["encryptionConfig"] = [{"resources": ["secrets"], "provider": {"keyArn": "arn:aws:kms:x:1:key/1"}}]
    cluster["logging"]["clusterLogging"][1]["enabled"] = True
    cluster["accessConfig"]["authenticationMode"] = "API"
    assert rules(run, tmp_path, document) == (0, set())


def test_nodes_of_eks(run: Run, tmp_path: Path) -> None:
    assert spec(NODE_GROUP, "prod/workers")["sshOpen"] is True
    assert spec(TEMPLATE, "workers:3") == {
        "provider": "eks",
        "source": "launch template",
        "metadataV1": True,
        "hopLimit": 2,
        "publicAddresses": True,
        "diskEncrypted": False,
    }
    assert spec(INSTANCES, "i-1")["cluster"] == "prod"
    _, found = rules(run, tmp_path, [NODE_GROUP, TEMPLATE, INSTANCES])
    assert found >= {"cloud-metadata-v1", "cloud-metadata-hops", "cloud-node-ssh-open", "cloud-node-disk-plain"}
    assert "cloud-node-public-address" in found


def test_a_switched_off_metadata_service_is_closed() -> None:
    document = copy.deepcopy(TEMPLATE)
    document["LaunchTemplateVersions"][0]["LaunchTemplateData"]["MetadataOptions"]["HttpEndpoint"] = "disabled"  # type: ignore[index]
    found = spec(document, "workers:3")
    assert (found["metadataV1"], found["hopLimit"]) == (False, 1)


def test_what_a_launch_template_leaves_to_the_account_is_not_judged() -> None:
    document = {"LaunchTemplateVersions": [{"LaunchTemplateId": "lt-2", "LaunchTemplateData": {}}]}
    assert spec(document, "lt-2") == {"provider": "eks", "source": "launch template"}


def test_an_ordinary_gke_cluster(run: Run, tmp_path: Path) -> None:
    code, found = rules(run, tmp_path, GKE)
    assert code == 1
    assert found == {
        "cloud-endpoint-open",
        "cloud-endpoint-public",
        "cloud-secrets-key",
        "cloud-monitoring-off",
        "cloud-network-policy-off",
        "cloud-workload-identity-off",
        "cloud-public-nodes",
        "cloud-no-identity-provider",
        "cloud-image-policy-off",
        "cloud-pod-traffic-unseen",
        "cloud-threat-detection-off",
        "cloud-metadata-open",
        "cloud-node-public-address",
        "cloud-node-default-account",
        "cloud-node-auto-upgrade-off",
        "cloud-node-secure-boot-off",
    }


@pytest.mark.parametrize(
    ("settings", "public", "ranges"),
    [
        ({"masterAuthorizedNetworksConfig": {"enabled": True}}, True, []),
        (
            {"masterAuthorizedNetworksConfig": {"enabled": True, "cidrBlocks": [{"cidrBlock": "203.0.113.0/24"}]}},
            True,
            ["203.0.113.0/24"],
        ),
        ({"privateClusterConfig": {"enablePrivateEndpoint": True}}, False, None),
        ({"controlPlaneEndpointsConfig": {"ipEndpointsConfig": {"enabled": False}}}, False, None),
        (
            {
                "controlPlaneEndpointsConfig": {
                    "ipEndpointsConfig": {"enabled": False},
                    "dnsEndpointConfig": {"allowExternalTraffic": True},
                }
            },
            True,
            ["0.0.0.0/0"],
        ),
    ],
)
def test_endpoints_of_gke(settings: dict[str, Any], public: bool, ranges: list[str] | None) -> None:
    found = spec({**GKE, **settings}, "shop")
    assert (found["publicEndpoint"], found.get("publicRanges")) == (public, ranges)


def test_pools_of_gke_alone() -> None:
    link = "https://container.googleapis.com/v1/projects/p/zones/z/clusters/shop/nodePools/default-pool"
    pool = {**GKE["nodePools"][0], "selfLink": link, "version": "1.99"}
    found = spec([pool], "shop/default-pool")
    assert found["account"] == "default"
    assert "publicAddresses" not in found


def test_an_ordinary_aks_cluster(run: Run, tmp_path: Path) -> None:
    _, found = rules(run, tmp_path, AKS)
    assert found == {
        "cloud-endpoint-public",
        "cloud-secrets-key",
        "cloud-network-policy-off",
        "cloud-workload-identity-off",
        "cloud-local-accounts",
        "cloud-no-identity-provider",
        "cloud-run-command",
        "cloud-upgrade-channel",
        "cloud-threat-detection-off",
        "cloud-node-public-address",
        "cloud-node-image",
        "cloud-node-secure-boot-off",
        "cloud-node-host-encryption-off",
    }


def test_pools_of_aks_alone() -> None:
    pool = {
        "type": "Microsoft.ContainerService/managedClusters/agentPools",
        "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/web/agentPools/a",
        "name": "a",
        "enableNodePublicIp": False,
    }
    assert spec([pool], "web/a")["publicAddresses"] is False


def test_terraform_is_read_through_its_modules(run: Run, tmp_path: Path) -> None:
    assert spec(TERRAFORM, "prod")["secretsKey"] == "known after apply"
    assert spec(TERRAFORM, "prod")["publicRanges"] == ["203.0.113.0/24"]
    assert spec(TERRAFORM, "workers")["diskEncrypted"] is True
    assert spec(TERRAFORM, "shop")["workloadIdentity"] is True
    assert spec(TERRAFORM, "web")["privateEndpoint"] is True
    assert spec(TERRAFORM, "web/sys")["publicAddresses"] is True
    _, found = rules(run, tmp_path, TERRAFORM)
    assert "cloud-legacy-abac" in found
    assert "cloud-local-accounts" not in found
    assert "cloud-endpoint-open" not in found


def test_network_policies_and_identities_of_eks() -> None:
    addon = {"addonName": "vpc-cni", "clusterName": "prod", "configurationValues": '{"enableNetworkPolicy":"true"}'}
    assert spec({"addon": addon}, "prod")["networkPolicy"] is True
    assert spec({"addon": {**addon, "configurationValues": None}}, "prod")["networkPolicy"] is False
    assert list(recognise({"addon": {**addon, "configurationValues": "not: json"}})) == []
    assert list(recognise({"addon": {**addon, "addonName": "coredns"}})) == []
    associations = {"associations": [{"clusterName": "prod", "namespace": "shop", "serviceAccount": "web"}]}
    assert spec(associations, "prod")["workloadIdentity"] is True


def test_diagnostic_settings_of_aks_count_together(run: Run, tmp_path: Path) -> None:
    def setting(name: str, *logs: dict[str, Any]) -> dict[str, Any]:
        cluster = "/subscriptions/s/resourcegroups/g/providers/microsoft.containerservice/managedclusters/web"
        return {"id": f"{cluster}/providers/microsoft.insights/diagnosticSettings/{name}", "logs": list(logs)}

    off = setting("a", {"category": "kube-audit", "enabled": False}, {"category": "kube-scheduler", "enabled": True})
    on = setting("b", {"categoryGroup": "audit", "enabled": True, "category": None})
    assert spec([off, on], "web")["logs"] == ["kube-scheduler", "audit"]
    assert "cloud-audit-log-off" in rules(run, tmp_path, off)[1]
    assert "cloud-audit-log-off" not in rules(run, tmp_path, {"value": [off, on]})[1]


def test_what_a_plan_does_not_know_yet_is_not_taken_for_open(run: Run, tmp_path: Path) -> None:
    address = "aws_eks_cluster.prod"
    values = {"name": "prod", "vpc_config": [{"endpoint_public_access": True}], "encryption_config": [{}]}
    unknown = {
        "arn": True,
        "vpc_config": [{"public_access_cidrs": True}],
        "encryption_config": [{"provider": [{"key_arn": True}]}],
    }
    plan = {
        "format_version": "1.2",
        "planned_values": {
            "root_module": {"resources": [{"type": "aws_eks_cluster", "address": address, "values": values}]}
        },
        "resource_changes": [{"address": address, "change": {"after_unknown": unknown}}],
    }
    assert spec(plan, "prod")["publicRanges"] == ["known after apply"]
    assert "cloud-endpoint-open" not in rules(run, tmp_path, plan)[1]
    known: dict[str, Any] = {**plan, "resource_changes": []}
    assert "cloud-endpoint-open" in rules(run, tmp_path, known)[1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is no JSON"),
        ("", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("{}", "holds no cluster or node pool"),
        ('{"items": []}', "holds no cluster or node pool"),
        ("[1, null]", "holds no cluster or node pool"),
    ],
)
def test_what_is_nothing_of_the_kind_is_told(run: Run, tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "facts.json").write_text(text)
    done = run("cloud", str(tmp_path / "facts.json"))
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_baseline_leaves_what_was_known(run: Run, tmp_path: Path) -> None:
    (tmp_path / "facts.json").write_text(json.dumps(EKS))
    before = tmp_path / "before.json"
    assert run("cloud", str(tmp_path / "facts.json"), "--format", f"json={before}").returncode == 1
    done = run("cloud", str(tmp_path / "facts.json"), "--baseline", str(before), "--offline")
    assert done.returncode == 0, done.stdout


def test_standard_input_and_a_file_that_is_absent(run: Run, tmp_path: Path) -> None:
    done = run("cloud", "-", str(tmp_path / "none.json"), "--format", "json", stdin=json.dumps(EKS).encode())
    document = json.loads(done.stdout)
    assert done.returncode == 2
    assert [each["source"] for each in document["errors"]] == [str(tmp_path / "none.json")]
    assert {each["locations"][0]["file"] for each in document["findings"]} == {"<stdin>"}


@given(
    st.sampled_from(DOCUMENTS), st.lists(st.integers(0, 40), max_size=6), st.sampled_from([None, 7, "x", [], {}, [[1]]])
)
def test_odd_values_break_no_reader(document: dict[str, Any], steps: list[int], odd: Any) -> None:
    mutant = copy.deepcopy(document)
    value: Any = mutant
    for step in steps:
        keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
        if not keys:
            break
        key = keys[step % len(keys)]
        if isinstance(value[key], dict | list) and value[key]:
            value = value[key]
        else:
            value[key] = odd
            break
    for kind, name, made in recognise(mutant):
        assert kind in ("CloudCluster", "CloudNodePool")
        assert isinstance(name, str)
        json.dumps(made)
