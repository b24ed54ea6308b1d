"""The kinds of steps as text. An entry has four lines: ``ID: title``; what it needs; the source; then likelihood,
severity, the rule whose finding mends it, KubeHound's name, and what can be removed."""

from __future__ import annotations

_K8S = "https://kubernetes.io/docs"
_HOUND = "https://kubehound.io/reference/attacks"

#: Ways in, what a container holds, what a node holds.
BODIES = f"""
endpoint-expose: a service, ingress, route or gateway leads to it
A LoadBalancer, NodePort, externalIPs, Ingress, Route or Gateway in front of the pods that no policy closes.
{_K8S}/concepts/services-networking/service/#publishing-services-service-types
1 | info | | ENDPOINT_EXPOSE |

endpoint-exploit: the program behind the endpoint is broken into
Assumed of every exposed workload; with --assume cve a vulnerability of its image that is known to be exploited.
https://attack.mitre.org/techniques/T1190/
0.5 | high | | ENDPOINT_EXPLOIT |

host-port: a port of the node leads to it
A container with a hostPort, on an address that is not the loopback.
{_K8S}/concepts/configuration/overview/#services
1 | medium | host-port | | the hostPort

workload-node: the workload runs on the node
A pod of the workload is bound to the node; where no pods were read, it may be any.
{_K8S}/concepts/scheduling-eviction/kube-scheduler/
1 | info | | |

share-process-namespace: another container of the pod is entered by /proc
shareProcessNamespace, and both containers run as root or as the same user, or the first has SYS_PTRACE.
{_K8S}/tasks/configure-pod-container/share-process-namespace/
0.7 | medium | share-process-namespace | SHARE_PS_NAMESPACE | shareProcessNamespace

host-pid-neighbour: another container of the node is entered by /proc
hostPID without a user namespace, as root: processes of other pods with the same capabilities can be read and entered.
https://bishopfox.com/blog/kubernetes-pod-privilege-escalation
0.5 | high | host-pid | | hostPID

token-mounted: the pod's token is read
A token for the API server is mounted: automounted, or projected with the API server's audience.
{_K8S}/concepts/security/service-accounts/#assign-to-pod
0.9 | medium | automount-token | IDENTITY_ASSUME | automountServiceAccountToken

secret-mounted: a Secret is read from a volume
A volume of the container has the Secret.
{_K8S}/concepts/configuration/secret/#using-secrets-as-files-from-a-pod
0.9 | medium | | VOLUME_DISCOVER VOLUME_ACCESS | the mount

secret-in-env: a Secret is read from a variable
A variable of the container is filled from the Secret.
{_K8S}/concepts/configuration/secret/#using-secrets-as-environment-variables
0.9 | medium | secret-in-env | | the variable

secret-token: the Secret is a token of a service account
A Secret of type kubernetes.io/service-account-token.
{_K8S}/concepts/configuration/secret/#serviceaccount-token-secrets
1 | high | service-account-token-secret | TOKEN_LIST | the Secret

secret-bootstrap: the Secret is a bootstrap token
A Secret of type bootstrap.kubernetes.io/token in kube-system, where the API server takes bootstrap tokens.
{_K8S}/reference/access-authn-authz/bootstrap-tokens/
0.7 | high | bootstrap-token-secret | | the Secret

secret-registry: the Secret logs in to a registry
A Secret with a registry's login; images of that registry that it pulls may be written with it.
https://attack.mitre.org/techniques/T1525/
0.3 | high | | |

registry-write: the registry in the cluster is written to
The container reaches a registry's port in the cluster, from which images are pulled, without a login in their pods.
https://attack.mitre.org/techniques/T1525/
0.3 | high | | |

image-run: a changed image is run
A container of the image pulls it anew: by a tag that can move, not by digest.
{_K8S}/concepts/containers/images/#image-pull-policy
0.5 | high | | |

volume-mounted: a volume is used
The container mounts a volume of the node, or one that keeps data.
{_K8S}/concepts/storage/volumes/
1 | info | | VOLUME_DISCOVER VOLUME_ACCESS | the mount

volume-shared: another workload's volume is written to
Both mount the claim, the first may write.
{_K8S}/concepts/storage/persistent-volumes/#access-modes
0.3 | medium | | |

account-group: the identity is in the group
The API server adds the group, or the certificate has it.
{_K8S}/reference/access-authn-authz/authentication/
1 | info | | |

node-pods: root of the node controls every pod on it
The pod is bound to the node.
{_HOUND}/VOLUME_ACCESS/
1 | high | | TOKEN_STEAL VOLUME_ACCESS |

node-of-choice: the pod is put on that node
Who starts a pod names its node.
{_K8S}/concepts/scheduling-eviction/assign-pod-node/#nodename
1 | high | | |

kubelet-credential: root of the node reads the kubelet's credentials
The kubelet keeps its certificate on the node.
{_K8S}/reference/access-authn-authz/kubelet-tls-bootstrapping/
1 | high | | IDENTITY_ASSUME |

kubelet-token: the kubelet requests tokens of pods on its node
The Node authorizer allows it for pods that are bound to the node.
{_K8S}/reference/access-authn-authz/node/
0.9 | high | | TOKEN_STEAL |

kubelet-secret: the kubelet reads Secrets of pods on its node
The Node authorizer allows it for Secrets that pods bound to the node refer to.
{_K8S}/reference/access-authn-authz/node/
0.9 | high | | |

kubelet-unrestricted: the kubelet draws pods of its choice to its node
The API server runs without the admission plugin NodeRestriction: a kubelet may change labels and taints of any node.
{_K8S}/reference/access-authn-authz/admission-controllers/#noderestriction
0.5 | high | apiserver-node-restriction | | the setting

control-plane-keys: the keys of the control plane are read
The node has the role of the control plane: it keeps the cluster's CA, etcd, and administrators' credentials.
{_K8S}/setup/best-practices/certificates/
0.9 | critical | | |

cloud-role: the account stands for an identity of the cloud
An annotation or association maps it: IRSA, EKS Pod Identity, GKE or Azure Workload Identity.
https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html
0.9 | medium | | | the annotation

metadata-service: the node's cloud identity is read from the metadata service
A node of AWS, Google or Azure, whose metadata service the pod reaches: no policy forbids it.
https://attack.mitre.org/techniques/T1552/005/
0.5 | high | metadata-service-reachable | |

node-cloud-role: root of the node takes the node's cloud identity
The node is a machine of AWS, Google or Azure.
https://attack.mitre.org/techniques/T1552/005/
0.9 | high | | |

anonymous-api: the API server is asked without a login
A binding grants rights to system:anonymous or system:unauthenticated.
{_K8S}/reference/access-authn-authz/authentication/#anonymous-requests
0.9 | high | anonymous-binding | |

kubelet-open: the kubelet takes requests of anyone
The kubelet lets anonymous requests in and authorizes all of them, and the pod reaches its port 10250.
{_K8S}/reference/access-authn-authz/kubelet-authn-authz/
0.9 | critical | kubelet-anonymous-auth | | the setting

etcd-open: etcd takes requests of anyone
etcd runs without client certificates, and the pod reaches its port.
{_K8S}/tasks/administer-cluster/configure-upgrade-etcd/#securing-etcd-clusters
0.9 | critical | etcd-client-cert-auth | | the setting

database-open: the database takes requests of anyone
A database that is set to need no password, on a port that the container reaches.
https://attack.mitre.org/techniques/T1213/
0.7 | high | | | the setting
"""

#: From a container to the node.
ESCAPES = f"""
escape-mount: the node's disk is mounted
privileged, in the node's user namespace, not in a sandbox.
{_HOUND}/CE_PRIV_MOUNT/
0.9 | critical | privileged-container | CE_PRIV_MOUNT | privileged

escape-module: a kernel module is loaded
SYS_MODULE or privileged, as root, in the node's user namespace, not in a sandbox.
{_HOUND}/CE_MODULE_LOAD/
0.9 | critical | sys-module-capability | CE_MODULE_LOAD | the capability

escape-nsenter: the namespaces of the node's first process are entered
hostPID, with privileged or with SYS_ADMIN and SYS_PTRACE, as root.
{_HOUND}/CE_NSENTER/
0.9 | critical | host-pid | CE_NSENTER | hostPID

escape-ptrace: a process of the node is made to run code
hostPID and SYS_PTRACE, as root.
{_HOUND}/CE_SYS_PTRACE/
0.7 | critical | sys-ptrace-capability | CE_SYS_PTRACE | hostPID, the capability

escape-core-pattern: the kernel runs a program when one crashes
As root, core_pattern of the node can be written: privileged, or /proc of the node is mounted so.
{_HOUND}/CE_UMH_CORE_PATTERN/
0.9 | critical | sensitive-host-path | CE_UMH_CORE_PATTERN | the mount

escape-sys-admin: a control group or a mount runs a program on the node
SYS_ADMIN, as root, in the node's user namespace; AppArmor and cgroup v2 can stand in the way.
https://blog.trailofbits.com/2019/07/19/understanding-docker-container-escapes/
0.5 | critical | sys-admin-capability | | the capability

escape-open-by-handle: files of the node are opened by their number
DAC_READ_SEARCH, as root, in the node's user namespace, not in a sandbox.
https://github.com/gabrtv/shocker
0.7 | high | dac-read-search-capability | | the capability

escape-raw-io: the node's memory or disk is read through devices
SYS_RAWIO with a device of memory mounted, as root.
https://man7.org/linux/man-pages/man7/capabilities.7.html
0.5 | critical | sys-rawio-capability | | the capability

escape-bpf: programs are put into the node's kernel
BPF with PERFMON, as root, in the node's user namespace, not in a sandbox: other processes are read and changed.
https://www.usenix.org/conference/usenixsecurity23/presentation/he
0.7 | critical | bpf-capability | | the capability

escape-windows: a process of the Windows node is run
windowsOptions.hostProcess.
{_K8S}/tasks/configure-pod-container/create-hostprocess-pod/
1 | critical | windows-host-process | | hostProcess

runtime-socket-docker: Docker is told to start a container on the node
The socket of Docker is mounted, and the container runs as root.
{_HOUND}/EXPLOIT_CONTAINERD_SOCK/
0.9 | critical | runtime-socket-mounted | EXPLOIT_CONTAINERD_SOCK | the mount

runtime-socket-containerd: containerd is told to start a container on the node
The socket of containerd is mounted, and the container runs as root.
{_HOUND}/EXPLOIT_CONTAINERD_SOCK/
0.9 | critical | runtime-socket-mounted | EXPLOIT_CONTAINERD_SOCK | the mount

runtime-socket-crio: CRI-O is told to start a container on the node
The socket of CRI-O is mounted, and the container runs as root.
https://www.cyberark.com/resources/threat-research-blog/how-docker-made-me-more-capable-and-the-host-less-secure
0.9 | critical | runtime-socket-mounted | EXPLOIT_CONTAINERD_SOCK | the mount

host-write: a file of the node is written that the node runs
A mount, not read-only, of a path from which the node starts programs, as root.
{_HOUND}/EXPLOIT_HOST_WRITE/
0.9 | critical | sensitive-host-path | EXPLOIT_HOST_WRITE | the mount

host-read: credentials of the node are read
A mount of a path where the node keeps keys, as root.
{_HOUND}/EXPLOIT_HOST_READ/
0.9 | high | sensitive-host-path | EXPLOIT_HOST_READ | the mount

host-traverse: tokens of the node's pods are read
A mount of the kubelet's directory of pods or above it, as root.
{_HOUND}/EXPLOIT_HOST_TRAVERSE/
0.9 | high | sensitive-host-path | EXPLOIT_HOST_TRAVERSE TOKEN_STEAL | the mount

var-log-symlink: files of the node are read through its logs
A mount of /var/log, not read-only, as root, and a token that may read logs of pods or nodes.
{_HOUND}/CE_VAR_LOG_SYMLINK/
0.7 | high | sensitive-host-path | CE_VAR_LOG_SYMLINK | the mount, the grant

etcd-data: the cluster's data is read or written on the disk
A mount of etcd's directory, as root, on a node of the control plane.
https://attack.mitre.org/techniques/T1552/001/
0.9 | critical | sensitive-host-path | | the mount
"""

#: From an identity by what it may do.
PERMISSIONS = f"""
permission-held: the identity holds the permission
A binding names it, and a rule of the role allows it.
{_K8S}/reference/access-authn-authz/rbac/
1 | info | | PERMISSION_DISCOVER | the binding's subject, the rule

permission-reaches: the permission is for each of them
The grant is for the whole cluster, or for any object.
{_K8S}/reference/access-authn-authz/rbac/
1 | info | | |

secret-list: Secrets are listed with their values
list or watch of secrets: both give the values.
{_K8S}/concepts/security/rbac-good-practices/#listing-secrets
0.9 | high | rbac-secrets-read | TOKEN_LIST | the grant

secret-get: a Secret is read by its name
get of secrets; the name is known or guessed.
{_K8S}/concepts/security/rbac-good-practices/#listing-secrets
0.7 | high | rbac-secrets-read | TOKEN_BRUTEFORCE | the grant

pod-exec: commands are run in a pod
create (before 1.35 also get) of pods/exec.
{_HOUND}/POD_EXEC/
0.9 | high | rbac-pod-exec | POD_EXEC | the grant

pod-attach: a pod's program is typed at
create (before 1.35 also get) of pods/attach, and the container reads its standard input.
{_HOUND}/POD_ATTACH/
0.5 | high | rbac-pod-exec | POD_ATTACH CONTAINER_ATTACH | the grant

pod-debug: a container of the attacker's is added to a pod
update or patch of pods/ephemeralcontainers.
{_K8S}/tasks/debug/debug-application/debug-running-pod/#ephemeral-container
0.9 | high | rbac-ephemeral-containers | CONTAINER_ATTACH | the grant

pod-debug-privileged: a privileged container is added to a pod
update or patch of pods/ephemeralcontainers, where no Pod Security level forbids it.
{_K8S}/tasks/debug/debug-application/debug-running-pod/#ephemeral-container
0.9 | critical | rbac-ephemeral-containers | | the grant

pod-patch: a pod's image is changed
update or patch of pods.
{_HOUND}/POD_PATCH/
0.9 | high | rbac-pod-create | POD_PATCH | the grant

pod-create-account: a pod is started under an account
create of pods, or writing of what makes pods.
{_HOUND}/POD_CREATE/
0.9 | high | rbac-pod-create | POD_CREATE | the grant

pod-create-secret: a pod is started that mounts a Secret
create of pods, or writing of what makes pods: any Secret of the namespace can be mounted.
{_K8S}/concepts/security/rbac-good-practices/#workload-creation
0.9 | high | rbac-pod-create | | the grant

pod-create-privileged: a privileged pod is started
create of pods, or writing of what makes pods, where no Pod Security level forbids it.
{_HOUND}/POD_CREATE/
0.9 | critical | rbac-pod-create | POD_CREATE | the grant

namespace-unlabel: the Pod Security level is taken off, and a privileged pod started
create of pods, and update or patch of the namespace.
{_K8S}/concepts/security/rbac-good-practices/#namespace-modification
0.9 | critical | rbac-namespace-label | | the grant

volume-create: a pod mounts a volume of the node that is made for it
create of persistentvolumes, persistentvolumeclaims and pods: Pod Security does not look at what a volume is.
{_K8S}/concepts/security/rbac-good-practices/#persistent-volume-creation
0.9 | critical | rbac-volume-create | | the grant

account-impersonate: the account is impersonated
impersonate of serviceaccounts.
{_HOUND}/IDENTITY_IMPERSONATE/
1 | critical | rbac-impersonate | IDENTITY_IMPERSONATE | the grant

user-impersonate: the user is impersonated
impersonate of users.
{_HOUND}/IDENTITY_IMPERSONATE/
1 | critical | rbac-impersonate | IDENTITY_IMPERSONATE | the grant

group-impersonate: a member of the group is impersonated
impersonate of groups, and of some user or account.
{_HOUND}/IDENTITY_IMPERSONATE/
1 | critical | rbac-impersonate | IDENTITY_IMPERSONATE | the grant

role-bind: a role is bound that the identity does not have
bind of roles, and create of bindings.
{_HOUND}/ROLE_BIND/
1 | critical | rbac-bind | ROLE_BIND | the grant

role-escalate: any right is written into a role
escalate and update of roles that are held, or that can be bound.
{_K8S}/concepts/security/rbac-good-practices/#escalate-verb
1 | critical | rbac-escalate | | the grant

role-change: rights are changed by name
bind, escalate or update of certain roles.
{_K8S}/concepts/security/rbac-good-practices/#bind-verb
1 | critical | rbac-bind | ROLE_BIND | the grant

token-request: a token of the account is requested
create of serviceaccounts/token.
{_K8S}/concepts/security/rbac-good-practices/#token-request
1 | critical | rbac-token-create | | the grant

token-secret-make: a token Secret of the account is made and read
create and get of secrets.
{_K8S}/concepts/configuration/secret/#serviceaccount-token-secrets
0.9 | critical | rbac-secrets-write | | the grant

certificate-sign: a certificate of a user is signed
create of certificatesigningrequests, update of their approval, approve of the signer of clients.
{_K8S}/concepts/security/rbac-good-practices/#csrs-and-certificate-issuing
0.9 | critical | rbac-csr-approve | | the grant

node-certificate: a certificate of a kubelet is asked for
create of certificatesigningrequests and of its subresource nodeclient: it is approved by itself.
{_K8S}/reference/access-authn-authz/kubelet-tls-bootstrapping/
0.9 | high | | | the grant

bootstrap-token: a bootstrap token is made
create of secrets in kube-system, where the API server takes bootstrap tokens.
{_K8S}/reference/access-authn-authz/bootstrap-tokens/
0.7 | high | rbac-secrets-write | | the grant

nodes-proxy: commands are run in pods through the kubelet
get or create of nodes/proxy; the audit log does not see them.
{_K8S}/concepts/security/rbac-good-practices/#access-to-proxy-subresource-of-nodes
0.9 | critical | rbac-nodes-proxy | | the grant

webhook-write: pods are changed as they are created
Writing of mutatingwebhookconfigurations.
{_K8S}/concepts/security/rbac-good-practices/#control-admission-webhooks
0.9 | critical | rbac-webhooks-write | | the grant

policy-write: pods are changed as they are created, by a policy
Writing of mutatingadmissionpolicies and their bindings.
{_K8S}/reference/access-authn-authz/mutating-admission-policy/
0.9 | critical | rbac-admission-policies-write | | the grant

aws-auth-write: an identity of AWS is mapped to administrators
Writing of the ConfigMap aws-auth.
https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html
0.9 | critical | rbac-aws-auth-write | | the grant

admin-rights: the identity may do everything
A rule of all verbs on all resources of all groups, in the whole cluster.
{_K8S}/reference/access-authn-authz/rbac/#user-facing-roles
1 | critical | cluster-admin-binding | | the grant

namespace-admin: the identity may do everything in the namespace
A rule of all verbs on all resources of all groups, bound in a namespace.
{_K8S}/reference/access-authn-authz/rbac/#user-facing-roles
1 | critical | namespace-admin-binding | | the grant

masters: the API server lets members of system:masters do everything
The identity is in the group system:masters.
{_K8S}/concepts/security/rbac-good-practices/#least-privilege
1 | critical | masters-binding | |

controller-manager: the controllers' identity requests a token that may write any right
The identity is system:kube-controller-manager, whose roles the API server keeps.
{_K8S}/reference/access-authn-authz/rbac/#controller-roles
1 | critical | | |

admin-anything: cluster-admin holds it
Whoever may do everything.
{_K8S}/reference/access-authn-authz/rbac/#user-facing-roles
1 | critical | | |
"""
