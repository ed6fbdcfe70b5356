// Cut-out cloud for a grasp planner: the points of one object.
//
// Takes ~/objects and ~/objects/points of one stamp. The object's `pose` and `size` are its box.
#pragma once

#include <cstdint>
#include <vector>

#include <geometry_msgs/msg/point32.hpp>
#include <sensor_msgs/point_cloud2_iterator.hpp>
#include <yolact/msg/object_array.hpp>

/// Return the nearest object of a class, or nullptr where there is none.
inline const yolact::msg::Object * nearest(
  const yolact::msg::ObjectArray & objects, const std::string & class_name)
{
  const yolact::msg::Object * best = nullptr;
  for (const auto & one : objects.objects) {
    if (one.class_name == class_name && (best == nullptr || one.depth < best->depth)) {
      best = &one;
    }
  }
  return best;
}

/// Return the points of an object, metres.
inline std::vector<geometry_msgs::msg::Point32> cut_out(
  const yolact::msg::Object & object, const sensor_msgs::msg::PointCloud2 & cloud)
{
  std::vector<geometry_msgs::msg::Point32> points;
  sensor_msgs::PointCloud2ConstIterator<float> xyz(cloud, "x");
  sensor_msgs::PointCloud2ConstIterator<std::uint32_t> label(cloud, "label");
  for (; label != label.end(); ++label, ++xyz) {
    if (*label == object.label) {
      points.emplace_back().x = xyz[0];
      points.back().y = xyz[1];
      points.back().z = xyz[2];
    }
  }
  return points;
}
