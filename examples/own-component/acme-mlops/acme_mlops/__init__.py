"""What Acme adds to mlops-iac: a component kind, a back end of one of its kinds, a policy and a pack."""
