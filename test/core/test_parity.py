"""Whole networks against numbers of our own, which agree with the original's."""

import json

import numpy as np
import pytest
from parity import OVERRIDE, PARITY_CONFIGS, PARITY_FILE, measure, network_from_names, overrides_in

TOLERANCE = {'scores': 5e-5, 'detected_scores': 5e-5, 'detected_boxes': 4e-3, 'detected_areas': 5}


@pytest.mark.parametrize('name', PARITY_CONFIGS)
def test_networks_and_detections_are_what_they_were_when_they_agreed(name):
    with np.load(PARITY_FILE) as file:
        numbers = {key: file[key] for key in file.files if key.startswith(f'{name}/')}
    multipliers = json.loads(str(numbers[f'{name}/multipliers']))
    overrides = overrides_in(numbers, f'{name}/{OVERRIDE}')
    for key, value in measure(network_from_names(name, multipliers, overrides)).items():
        expected, tolerance = numbers[f'{name}/{key}'], TOLERANCE.get(key, 1e-4)
        if key.startswith('detected'):  # near ties may swap neighbours
            value, expected = np.sort(value, axis=0), np.sort(expected, axis=0)
        np.testing.assert_allclose(value, expected, atol=tolerance, err_msg=key)
