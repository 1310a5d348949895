"""One file a CI provider."""
