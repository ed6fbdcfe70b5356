"""How fast models are, side by side."""

CANDIDATES, INSTANCES = 300, 15  # what networks see, as a street or a kitchen has it
