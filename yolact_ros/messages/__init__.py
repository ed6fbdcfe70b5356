"""Messages for ROS and for bags: one builder, and one table of what is published."""
