"""Search of recipe values: many trainings of one recipe, compared on the same images."""
