"""Whatever comes from outside, altered at random: nothing may crash, hang, or take all memory.

``python -m fuzz --help`` says how it is run. A target is a module in ``targets``.
"""
