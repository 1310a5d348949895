"""AWS on the local target: one table row a resource type, served by boto3 against a moto server on loopback."""
