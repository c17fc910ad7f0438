"""The orders' part of the API: what is mirrored of them, what things cost, and agents' drafts."""
