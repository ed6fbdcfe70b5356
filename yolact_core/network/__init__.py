"""The network: backbone, feature pyramid, prototypes, prediction head and mask rescoring."""

from yolact_core.network.yolact import Prediction, Yolact, build_network, resize_network

__all__ = ['Prediction', 'Yolact', 'build_network', 'resize_network']
