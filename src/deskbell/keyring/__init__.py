"""The keyring of an installation: its file, what the database knows of it, and its rotation while Deskbell serves."""
