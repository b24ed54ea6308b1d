"""Cloud: rules over managed clusters and their nodes, as the provider tells of them."""

#: The modules under ``rules`` that define rules, in the order in which they run.
RULE_MODULES = ("cluster_access", "cluster_care", "cluster_defences", "nodes")
