"""Signatures of the Notary project (Notation): envelopes, its trust policy, and judging one by the other."""
