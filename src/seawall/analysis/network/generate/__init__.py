"""Writing the policies that should be: from manifests and observed flows to least-privilege NetworkPolicies."""
