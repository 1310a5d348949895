"""State as data: what was deployed, in Pulumi's own checkpoint model. Reading and writing files is the
engines' part."""
