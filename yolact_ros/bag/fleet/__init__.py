"""Many bags, many processes, many machines: work is split into parts, and parts are merged.

What a part gives depends on that part alone. So it does not matter who does it, when, how often,
or how many do so at the same time: the merged result is the same to the last digit.
"""
