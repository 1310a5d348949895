"""The report of a plan: what it says first, and the page that shows all of it."""
