"""Generated programs and edits, run by the local engine and by the real Pulumi engine over the same provider."""
