"""Joins the parts: the operations of imgmove, for the command line and for scripts."""
