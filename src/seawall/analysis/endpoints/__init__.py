"""Endpoints: rules over what a cluster answers to people without credentials."""

#: The modules under ``rules`` that define rules, in the order in which they run.
RULE_MODULES = ("anonymous", "programs", "transport")
