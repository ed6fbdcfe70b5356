"""Plays a bag, a video or a folder of images through the node; ends when one of them ends.

``ros2 launch yolact replay.launch.py source:=my_bag model:=indoor``; the arguments of
``yolact.launch.py`` are arguments here too.
"""

from __future__ import annotations

from pathlib import Path

from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
    TimerAction,
)
from launch.event_handlers import OnProcessExit
from launch.events.process import ProcessExited
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity

NODE_LAUNCH = Path(__file__).absolute().parent / 'yolact.launch.py'
LONGEST_START = '120'  # seconds that the node has to load its model and subscribe
LAST_RESULT = 2.0  # seconds that the node has for the last image
ARGUMENTS = (  # name, default, choices where they are few, description
    ('source', None, None, 'a bag of ROS 2, a video, or a folder of images'),
    ('topic', '', None, 'which topic of images in a bag; empty: the only one'),
    ('rate', '', None, 'images per second; empty: as recorded'),
    ('speed', '', None, '2.0 plays twice as fast; empty: 1.0'),
    ('loop', 'false', ('true', 'false'), 'begin again at the end, until Ctrl-C'),
    (
        'stamps',
        '',
        ('', 'now', 'recorded'),
        'of the images; empty: now, with use_sim_time recorded',
    ),
    ('qos', '', ('', 'reliable', 'best-effort'), 'of the images; empty: reliable'),
    (
        'image_transport',
        'raw',
        ('raw', 'compressed'),
        'how images get from the player to the node',
    ),
)
# Arguments that are options of the player. Empty ones leave its defaults.
OPTIONS = ('rate', 'speed', 'stamps', 'qos')


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
            IncludeLaunchDescription(PythonLaunchDescriptionSource(str(NODE_LAUNCH))),
            OpaqueFunction(function=start_player),
        ]
    )


def start_player(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Start the player, and let the end of any process be the end of all."""
    values = context.launch_configurations
    options = [word for name in OPTIONS if values[name] for word in (f'--{name}', values[name])]
    if values['topic']:
        options += ['--topics', values['topic']]
    if values['loop'] == 'true':
        options.append('--loop')
    if values['use_sim_time'] == 'true':
        options.append('--clock')
    player = Node(
        package='yolact',
        executable='yolact_player',
        namespace=LaunchConfiguration('namespace'),
        remappings=[('image', LaunchConfiguration('image'))],
        arguments=[
            LaunchConfiguration('source'),
            '--as-camera',
            *('--wait', LONGEST_START),
            *('--transport', LaunchConfiguration('image_transport')),
            *options,
        ],
        output='screen',
    )
    return [player, RegisterEventHandler(OnProcessExit(on_exit=end_all))]


def end_all(_: ProcessExited, context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """End all processes after a moment, if that has not begun."""
    if context.is_shutdown:
        return []
    end = Shutdown(reason='one of the processes has ended')
    return [TimerAction(period=LAST_RESULT, actions=[end])]
