"""The first blocks of file systems, read by ourselves: who they are and what they use, without a reader in C."""
