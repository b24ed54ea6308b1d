"""Typed views of Kubernetes objects: the fields that matter to security, as frozen structs."""
