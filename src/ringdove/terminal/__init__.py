"""What a person sees in a terminal: calls as bars over time, lists as tables. Only draws; knows the model, no more."""
