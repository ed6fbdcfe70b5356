"""All but the network where the network is: what a GPU does to images and predictions.

The arithmetic is that of the modules of the same names one level up. The difference is that
every array has a size known beforehand, so that all can be launched without waiting for anything.
"""
