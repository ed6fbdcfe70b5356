// Costmap marking: the cells of the floor in which there is something of some classes.
//
// Takes ~/nav/class_mask and ~/nav/points of one stamp.
#pragma once

#include <cmath>
#include <cstdint>
#include <set>
#include <utility>

#include <sensor_msgs/msg/image.hpp>
#include <sensor_msgs/point_cloud2_iterator.hpp>

/// Return column and row of each cell to be marked.
///
/// The cloud must have been moved to the frame of the grid (tf2_sensor_msgs does); `values` are
/// those of the mask that are obstacles, `cell` is the length of a cell's edge in metres.
inline std::set<std::pair<int, int>> mark(
  const sensor_msgs::msg::Image & class_mask, const sensor_msgs::msg::PointCloud2 & cloud,
  const std::set<std::uint8_t> & values, float cell = 0.05F)
{
  std::set<std::pair<int, int>> cells;
  sensor_msgs::PointCloud2ConstIterator<float> point(cloud, "x");
  for (const std::uint8_t value : class_mask.data) {
    if (values.count(value) > 0 && std::isfinite(point[0]) && std::isfinite(point[1])) {
      const float column = std::floor(point[0] / cell);
      const float row = std::floor(point[1] / cell);
      cells.emplace(static_cast<int>(column), static_cast<int>(row));
    }
    ++point;
  }
  return cells;
}
