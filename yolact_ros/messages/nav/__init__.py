"""What costmap layers of Nav2 take."""
