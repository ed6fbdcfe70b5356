// SLAM input: depth without people, who move and are no part of a map.
//
// Takes `depth` and ~/instances of one stamp. At the camera's rate, under the newest mask there is,
// the node itself publishes this as ~/removed/depth.
#pragma once

#include <cstddef>

#include <sensor_msgs/msg/image.hpp>
#include <yolact/masks.hpp>
#include <yolact/msg/instance_array.hpp>

/// Set the depth to 0, which SLAM takes for not measured, where people are.
///
/// Pixel is float for 32FC1 and std::uint16_t for 16UC1. The depth must be registered to the image
/// of the instances; people are taken to be `margin` pixels wider than their masks.
template<class Pixel>
void remove_people(
  sensor_msgs::msg::Image & depth, const yolact::msg::InstanceArray & instances,
  std::size_t margin = 8)
{
  const yolact::ImageView<Pixel> view{
    reinterpret_cast<Pixel *>(depth.data.data()), depth.height, depth.width,
    depth.step / sizeof(Pixel)};
  for (const auto & instance : instances.instances) {
    if (instance.class_name == "person") {
      yolact::paint(instance.mask, view, Pixel{0}, margin);
    }
  }
}
