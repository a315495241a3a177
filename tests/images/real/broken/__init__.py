"""Disks on which rules are broken, and what each destination has to say of them."""
