"""What runs a system's Pulumi projects by the Automation API, behind ``PulumiEngine``.

``site`` says where: CLI, projects, backend, emulators. ``states`` holds what is deployed; ``updates``, ``previews`` and
``imports`` are what is done with one layer; ``recovery`` settles what a run that died had begun.
"""
