"""Starts the node, and RViz if asked for: ``ros2 launch yolact yolact.launch.py --show-args``."""

from __future__ import annotations

from pathlib import Path

from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.conditions import IfCondition
from launch.substitutions import EnvironmentVariable, LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import Parameter

from launch import LaunchContext, LaunchDescription
from yolact_ros.health.transport import find_profile_variable

CONFIG = Path(__file__).absolute().parent.parent / 'config'
NODE = 'yolact'
BOOLEANS = ('true', 'false')
SEVERITIES = ('debug', 'info', 'warn', 'error', 'fatal')
ARGUMENTS = (  # name, default, choices where they are few, description
    (
        'model',
        '',
        None,
        'shipped model, official name such as yolact_base, or a checkpoint; '
        'empty: as in params_file',
    ),
    ('device', '', None, 'auto, cpu, cuda or cuda:N; empty: as in params_file'),
    ('image', 'image', None, 'topic of the camera'),
    ('depth', 'depth', None, 'topic of depth that is registered to the images'),
    ('camera_info', 'camera_info', None, 'topic of the calibration of the images'),
    (
        'image_transport',
        '',
        ('', 'raw', 'compressed'),
        'compressed subscribes IMAGE/compressed; empty: as in params_file',
    ),
    ('namespace', '', None, 'of the node and relative topics'),
    ('params_file', str(CONFIG / 'yolact.yaml'), None, 'YAML file with parameters of the node'),
    (
        'use_sim_time',
        '',
        ('', *BOOLEANS),
        'time comes from /clock; empty: as in params_file',
    ),
    (
        'autostart',
        '',
        ('', *BOOLEANS),
        'the node configures and activates itself; empty: as in params_file',
    ),
    ('rviz', 'false', BOOLEANS, 'start RViz too'),
    ('log_level', 'info', SEVERITIES, 'least severity that is logged'),
)
# Arguments that are parameters of the node. Empty ones leave what the parameter file says.
PARAMETERS = {
    'model': ('model.name', str),
    'device': ('model.device', str),
    'image_transport': ('image_transport', str),
    'autostart': ('autostart', bool),
    'use_sim_time': ('use_sim_time', bool),
}
INPUTS = ('image', 'depth', 'camera_info')
SHOWN_TOPICS = (  # those of config/yolact.rviz
    'overlay',
    'label_image',
    'prototypes',
    'markers',
    'objects/points',
)
PROFILE_VARIABLE = find_profile_variable()


def generate_launch_description() -> LaunchDescription:
    """Return what is started."""
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(
                    name, default_value=default, choices=choices, description=description
                )
                for name, default, choices, description in ARGUMENTS
            ),
            SetEnvironmentVariable(  # unless it is set
                PROFILE_VARIABLE,
                EnvironmentVariable(PROFILE_VARIABLE, default_value=str(CONFIG / 'fastdds.xml')),
            ),
            OpaqueFunction(
                function=start_rviz, condition=IfCondition(LaunchConfiguration('rviz'))
            ),
            OpaqueFunction(function=start_node),
        ]
    )


def start_node(context: LaunchContext) -> list[Node]:
    """Start the node with the parameters that were given."""
    overrides = [
        Parameter(name, LaunchConfiguration(argument), value_type=value_type)
        for argument, (name, value_type) in PARAMETERS.items()
        if context.launch_configurations[argument]
    ]
    return [
        Node(
            package='yolact',
            executable='yolact_node',
            name=NODE,
            namespace=LaunchConfiguration('namespace'),
            parameters=[LaunchConfiguration('params_file'), *overrides],
            remappings=[(topic, LaunchConfiguration(topic)) for topic in INPUTS],
            ros_arguments=['--log-level', LaunchConfiguration('log_level')],
            output='screen',
        )
    ]


def start_rviz(context: LaunchContext) -> list[Node]:
    """Start RViz with the topics of the node, in whichever namespace that is."""
    namespace = '/' + context.launch_configurations['namespace'].strip('/')
    prefix = f'{namespace.rstrip("/")}/{NODE}'
    return [
        Node(
            package='rviz2',
            executable='rviz2',
            arguments=['-d', str(CONFIG / 'yolact.rviz')],
            remappings=[(f'/{NODE}/{topic}', f'{prefix}/{topic}') for topic in SHOWN_TOPICS],
            output='screen',
        )
    ]
