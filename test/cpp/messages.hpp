// The fields of yolact/msg/InstanceMask and yolact/msg/InstanceArray without ROS.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

struct Roi
{
  std::uint32_t x_offset;
  std::uint32_t y_offset;
  std::uint32_t height;
  std::uint32_t width;
};

struct InstanceMask
{
  std::uint8_t encoding;
  Roi roi;
  std::vector<std::uint32_t> rle;
  std::vector<std::uint8_t> data;
};

struct Instance
{
  std::string class_name;
  InstanceMask mask;
};

struct InstanceArray
{
  std::uint32_t image_height;
  std::uint32_t image_width;
  std::vector<Instance> instances;
};
