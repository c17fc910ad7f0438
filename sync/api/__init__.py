"""The API of the orchestrator: JSON over HTTP, in camelCase, for the order form and any other client."""
