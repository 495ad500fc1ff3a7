"""Pure decisions: no clock, no chance, no input or output; time and random numbers are arguments."""
