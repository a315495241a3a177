"""The vendors' wire protocols: one module a service, each a `Wire` (see `imgmove.sandbox.http`) over the world."""
