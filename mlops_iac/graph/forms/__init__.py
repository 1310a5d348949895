"""The written forms of one layer's graph: JSON for other tools, a Pulumi YAML program, Kubernetes manifests."""
