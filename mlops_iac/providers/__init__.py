"""What the cloud providers know about each resource type, as data that needs no Pulumi SDK to read."""
