"""Kubernetes objects of the local target, on an API server of this machine or only recorded."""
