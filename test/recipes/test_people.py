"""People: the body's files, its morphs, poses and clothes, on a body of few triangles."""

import gzip
import itertools
import json
import zipfile

import numpy as np
import pytest

pytest.importorskip('fast_simplification', reason='the indoor recipe needs fast-simplification')

from recipes.indoor.assets.body import DATA, Body, normals, parse_groups
from recipes.indoor.assets.build import write_people
from recipes.indoor.assets.models import load_model
from recipes.indoor.assets.people import make_person, random_pose, rotation, within

# where bones turn, in the axes of the files: x to the left, y up, z to the front, in dm
JOINTS = {
    'pelvis': ('', (0, 0, 0)),
    'spine_01': ('pelvis', (0, 1, 0)),
    'spine_03': ('spine_01', (0, 2, 0)),
    'neck_01': ('spine_03', (0, 5, 0)),
    'head': ('neck_01', (0, 6, 0)),
}
for side, sign in (('l', 1), ('r', -1)):
    JOINTS |= {
        f'upperarm_{side}': ('spine_03', (sign * 2, 4.5, 0)),
        f'lowerarm_{side}': (f'upperarm_{side}', (sign * 4, 2.5, 0)),
        f'hand_{side}': (f'lowerarm_{side}', (sign * 6, 0.5, 0)),
        f'thigh_{side}': ('pelvis', (sign, -0.5, 0)),
        f'calf_{side}': (f'thigh_{side}', (sign, -4, 0)),
        f'foot_{side}': (f'calf_{side}', (sign, -8, 0)),
    }
SQUARE = [(-0.5, -0.5, 0.2), (0.5, -0.5, 0.2), (0.5, 0.5, -0.2), (-0.5, 0.5, -0.2)]


def write_body(path):
    """Write a wheel whose body has a square of skin and of cloth at every joint."""
    lines, faces, weights = [], {}, {}
    for name, (_, joint) in JOINTS.items():
        first = len(lines)
        corners = [tuple(np.add(joint, corner)) for corner in (*SQUARE, *SQUARE, (0, 0, 0))]
        lines += [f'v {x} {y} {z}' for x, y, z in corners]
        quad = ' '.join(f'{first + number}/1' for number in range(1, 5))
        cloth = ' '.join(str(first + number) for number in range(5, 9))
        faces.setdefault('body', []).append(quad)
        faces.setdefault('helper-tights', []).append(cloth)
        faces[f'joint-{name}'] = [' '.join([str(first + 9)] * 3)]
        weights[name] = [[first + number, 1.0] for number in range(9)]
    for group in ('helper-skirt', 'helper-hair'):
        faces[group] = faces['helper-tights'][:1]
    for group, polygons in faces.items():
        lines += [f'g {group}', *(f'f {polygon}' for polygon in polygons)]
    bones = {
        name: {'parent': parent, 'head': {'cube_name': f'joint-{name}', 'strategy': 'CUBE'}}
        for name, (parent, _) in reversed(JOINTS.items())
    }
    with zipfile.ZipFile(path, 'w') as files:
        files.writestr(f'{DATA}/3dobjs/base.obj', '\n'.join(lines))
        files.writestr(f'{DATA}/rigs/standard/rig.game_engine.json', json.dumps(bones))
        text = json.dumps({'weights': weights})
        files.writestr(f'{DATA}/rigs/standard/weights.game_engine.json', text)
        for name in morphs():
            offsets = gzip.compress(b'# every body is 1 dm higher\n0 0 1 0\n')
            files.writestr(f'{DATA}/targets/macrodetails/{name}.target.gz', offsets)
    return path


def morphs():
    """Return the names of all morphs that a person may need."""
    ages, ends = ('young', 'old', 'child'), ('min', 'max')
    for sex, age in itertools.product(('female', 'male'), ages):
        yield from (f'{race}-{sex}-{age}' for race in ('african', 'asian', 'caucasian'))
        yield from (f'universal-{sex}-{age}-averagemuscle-{end}weight' for end in ends)
        yield from (f'height/{sex}-{age}-averagemuscle-averageweight-{end}height' for end in ends)


@pytest.fixture(scope='module')
def body(tmp_path_factory):
    return Body(write_body(tmp_path_factory.mktemp('wheel') / 'body.whl'))


def at_rest(body):
    """Return the vertices in our axes, without a morph, in metres."""
    return body.points[:, [0, 2, 1]] * (0.1, -0.1, 0.1)


def test_groups_of_a_file_are_fans_of_triangles_and_know_their_vertices():
    corners = 'v 0 0 0\nv 1 0 0\n\nv 1 1 0\nv 0 1 0\n'
    points, groups = parse_groups(f'{corners}g square\nf 1/7 2/8 3 4\ng nothing\n')
    assert points.shape == (4, 3)
    assert list(groups) == ['square']
    assert groups['square'].tolist() == [[0, 1, 2], [0, 2, 3]]


def test_parents_come_before_their_children(body):
    names = ['', *(bone.name for bone in body.bones)]
    assert sorted(names[1:]) == sorted(JOINTS)
    assert all(names.index(bone.parent) < names.index(bone.name) for bone in body.bones)


def test_a_body_at_rest_stays_as_it_is_and_stands_upright(body):
    rest = at_rest(body)
    np.testing.assert_allclose(body.posed(rest, {}), rest)
    assert body.joint(rest, 'head')[2] > body.joint(rest, 'foot_l')[2]


def test_a_bent_knee_moves_the_foot_backwards_and_the_rest_not_at_all(body):
    rest = at_rest(body)
    posed = body.posed(rest, {'calf_l': rotation(0, 90)})
    knee, foot = body.joint(posed, 'calf_l'), body.joint(posed, 'foot_l')
    np.testing.assert_allclose(foot - knee, (0, 0.4, 0), atol=1e-9)
    np.testing.assert_allclose(knee, body.joint(rest, 'calf_l'))
    np.testing.assert_allclose(body.joint(posed, 'foot_r'), body.joint(rest, 'foot_r'))


def test_a_turned_arm_takes_hand_and_elbow_along(body):
    rest = at_rest(body)
    posed = body.posed(rest, {'upperarm_l': rotation(1, 45), 'lowerarm_l': rotation(0, -90)})
    shoulder, elbow, hand = (
        body.joint(posed, f'{name}_l') for name in ('upperarm', 'lowerarm', 'hand')
    )
    np.testing.assert_allclose(elbow - shoulder, (0, 0, -0.2 * np.sqrt(2)), atol=1e-9)
    assert np.linalg.norm(hand - elbow) == pytest.approx(0.2 * np.sqrt(2))
    assert hand[1] < elbow[1] - 0.1  # to the front


def test_limbs_are_measured_from_shoulder_and_hip_to_their_ends(body):
    arm, leg = (body.along(at_rest(body), limb) for limb in ('arm', 'leg'))
    (hand,) = (bone.joint for bone in body.bones if bone.name == 'hand_r')
    (calf,) = (bone.joint for bone in body.bones if bone.name == 'calf_r')
    (head,) = (bone.joint for bone in body.bones if bone.name == 'head')
    assert arm[hand] == 2.0
    assert leg[calf] == 1.0
    assert (arm[head], leg[head], leg[hand]) == (-1.0, -1.0, -1.0)


def test_a_morph_moves_the_vertices_that_it_names(body):
    for seed in range(5):
        moved = body.morphed('asian', np.random.default_rng(seed)) - at_rest(body)
        assert 0.1 <= moved[0, 2] < 0.1 * (1 + 0.8 + 0.5)
        assert np.abs(np.delete(moved, 0, axis=0)).max() == pytest.approx(0)


def test_normals_are_of_unit_length_where_there_are_triangles():
    points = np.array([(0, 0, 0), (1, 0, 0), (0, 2, 0), (5, 5, 5)], float)
    found = normals(points, np.array([(0, 1, 2)]))
    np.testing.assert_allclose(found, [(0, 0, 1)] * 3 + [(0, 0, 0)])


def test_a_triangle_with_two_corners_inside_is_inside():
    inside = np.array([True, True, False, False])
    assert within(np.array([(0, 1, 2), (1, 2, 3)]), inside).tolist() == [[0, 1, 2]]


def test_poses_turn_bones_that_the_body_has_and_differ(body):
    poses = [random_pose(np.random.default_rng(seed)) for seed in range(9)]
    assert all(set(pose) <= set(JOINTS) for pose in poses)
    assert len({round(float(pose['thigh_l'][1, 1]), 3) for pose in poses}) > 5
    for turn in poses[0].values():
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)


@pytest.mark.parametrize('seed', range(6))
def test_a_person_stands_on_the_floor_and_is_dressed(body, seed):
    parts = make_person(body, np.random.default_rng(seed))
    points = np.concatenate([part.vertices for part in parts])
    assert points[:, 2].min() == pytest.approx(0, abs=1e-6)
    assert 0.3 < np.ptp(points, axis=0).max() < 3
    assert len({part.rgba for part in parts}) >= 2


def test_people_are_for_training_only_and_credited(body, tmp_path):
    infos = write_people(tmp_path, body, 2)
    assert {(info.label, info.split, info.licence) for info in infos} == {
        ('person', 'train', 'CC0-1.0')
    }
    for info in infos:
        points = np.concatenate(
            [p.vertices for p in load_model(tmp_path / f'{info.key}.npz').parts]
        )
        np.testing.assert_allclose(np.ptp(points, axis=0), info.size, atol=1e-3)
