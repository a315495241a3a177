"""Words and rules of the field. No I/O, no clock, no environment; standard library only."""
