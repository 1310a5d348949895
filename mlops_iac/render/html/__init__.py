"""Pages: one self-contained HTML file each, which works from a disk, without a network, script or not."""
