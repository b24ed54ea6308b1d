"""Network: what can reach what, by which rule, and what of it should not."""

#: The modules under ``rules`` that define rules, in the order in which they run.
RULE_MODULES = ("reachability", "policies")
