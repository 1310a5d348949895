"""What a CI system runs to deliver a system: jobs as data, and one file a provider that words them."""
