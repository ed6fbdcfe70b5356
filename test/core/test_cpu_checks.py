"""Goals are told as met, missed, or not measured, and nothing else."""

from cpu_checks import check_busy, check_overhead, check_ratios, report_goals

from yolact_core.benchmark.report import Milliseconds, Report, Result, Spread


def result(name, ratio, precision='float32', busy=None, outside=10.0):
    spread = Spread(ratio, ratio - 0.1, ratio + 0.1)
    stages = {'preprocess': outside, 'network': 100.0, 'total': 100.0 + outside}
    return Result(
        name=name,
        model_id='model@0',
        backend=name.split()[-2] if ' ' in name else name,
        precision=precision,
        stages={stage: Milliseconds(time, time) for stage, time in stages.items()},
        processor=Milliseconds(200.0, 200.0),
        times_faster=dict.fromkeys(('plain', 'mask_rcnn', 'mask_rcnn_550'), spread),
        busy_slowdown=Spread(busy, busy, busy) if busy else None,
        host_mib=None,
        device_mib=None,
        instances=15.0,
    )


def report(*results, left_out=None):
    return Report({}, '640x480', 5, results, left_out or {})


def test_the_faster_backend_counts_and_what_is_missing_is_told():
    found = check_ratios(
        report(
            result('onnx float32', 1.2),
            result('openvino float32', 4.2),
            result('torch float32', 9.0),
            result('openvino int8', 4.4, 'int8'),
            left_out={'model openvino bfloat16': 'must be in hardware'},
        )
    )
    assert [goal.is_met for goal in found] == [True, None, False, True, True]
    assert '4.20 times (4.10 to 4.30), openvino float32' in found[0].found
    assert found[1].found == 'must be in hardware'


def test_time_outside_the_network_is_compared_with_the_goal():
    found = report(result('auto: onnx float32', 1.5, outside=15.0))
    assert not check_overhead(found, 12).is_met
    assert check_overhead(found, 20).is_met


def test_only_the_default_backend_has_to_bear_a_busy_process(capsys):
    goals = check_busy(
        report(result('plain', 1.0, busy=8.0), result('auto: onnx float32', 1.5, busy=2.1))
    )
    assert [goal.is_met for goal in goals] == [False, None]
    report_goals(goals)
    lines = capsys.readouterr().out.splitlines()
    assert 'MISSED' in lines[0]
    assert '8.00 times' in lines[1]
