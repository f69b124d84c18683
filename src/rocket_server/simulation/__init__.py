"""Tries changed rules on the events of the past, and gives what a new rule would have given; see
`run.simulate`, `apply` and `batches`."""
