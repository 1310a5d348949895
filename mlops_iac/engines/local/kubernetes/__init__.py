"""Kubernetes on the local target: server-side apply to an API server on this machine or one that the user named."""
