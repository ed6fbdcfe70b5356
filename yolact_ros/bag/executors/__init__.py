"""Where jobs run: in this process, in several processes, or on a Ray cluster.

The result of a job depends on that job alone. So it does not matter where it runs, when, how
often, or how many run at the same time: merged results are the same to the last digit.
"""
