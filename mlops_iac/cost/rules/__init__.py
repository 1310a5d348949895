"""One file for each kind of resource that is billed; a file is registered by being here."""
