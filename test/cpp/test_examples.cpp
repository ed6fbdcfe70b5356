// The examples in C++, on scenes small enough to draw.
#undef NDEBUG
#include "costmap_marking.hpp"
#include "grasp_cloud.hpp"
#include "slam_depth.hpp"

#include <cassert>
#include <limits>
#include <string>

#include <sensor_msgs/point_cloud2_iterator.hpp>

void test_marking_takes_the_wanted_classes_where_something_was_measured()
{
  sensor_msgs::msg::Image mask;
  mask.height = 1;
  mask.width = 4;
  mask.data = {56, 56, 255, 56};
  sensor_msgs::msg::PointCloud2 cloud;
  sensor_msgs::PointCloud2Modifier(cloud).setPointCloud2FieldsByString(1, "xyz");
  sensor_msgs::PointCloud2Modifier(cloud).resize(4);
  sensor_msgs::PointCloud2Iterator<float> point(cloud, "x");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float x : {1.02F, -0.01F, 3.0F, nan}) {
    point[0] = point[1] = point[2] = x;
    ++point;
  }
  assert((mark(mask, cloud, {56}) == std::set<std::pair<int, int>>{{-1, -1}, {20, 20}}));
  assert(mark(mask, cloud, {1}).empty());
}

void test_the_nearest_object_of_a_class_is_cut_out()
{
  yolact::msg::ObjectArray objects;
  for (const auto & [name, depth] : {std::pair{"cup", 2.0F}, {"cup", 1.0F}, {"bowl", 0.5F}}) {
    auto & object = objects.objects.emplace_back();
    object.label = static_cast<std::uint16_t>(objects.objects.size());
    object.class_name = name;
    object.depth = depth;
  }
  sensor_msgs::msg::PointCloud2 cloud;
  sensor_msgs::PointCloud2Modifier modifier(cloud);
  const auto real = sensor_msgs::msg::PointField::FLOAT32;
  modifier.setPointCloud2Fields(
    4, "x", 1, real, "y", 1, real, "z", 1, real, "label", 1, sensor_msgs::msg::PointField::UINT32);
  modifier.resize(3);
  sensor_msgs::PointCloud2Iterator<float> xyz(cloud, "x");
  sensor_msgs::PointCloud2Iterator<std::uint32_t> label(cloud, "label");
  for (const std::uint8_t of : {1, 2, 3}) {
    xyz[0] = 0.5F;
    xyz[1] = -0.5F;
    xyz[2] = of;
    *label = of;
    ++xyz;
    ++label;
  }
  const auto points = cut_out(*nearest(objects, "cup"), cloud);
  assert(points.size() == 1);
  assert(points[0].x == 0.5F && points[0].y == -0.5F && points[0].z == 2.0F);
  assert(nearest(objects, "dog") == nullptr);
}

template<class Pixel>
void test_people_are_removed(const std::string & encoding)
{
  yolact::msg::InstanceArray instances;
  instances.image_height = instances.image_width = 4;
  for (const std::string name : {"person", "chair"}) {
    auto & instance = instances.instances.emplace_back();
    instance.class_name = name;
    instance.mask.encoding = instance.mask.RLE;
    instance.mask.roi.height = instance.mask.roi.width = 1;
    instance.mask.roi.x_offset = name == "person" ? 0 : 3;
    instance.mask.rle = {0, 1};
  }
  sensor_msgs::msg::Image depth;
  depth.encoding = encoding;
  depth.height = depth.width = 4;
  depth.step = 4 * sizeof(Pixel);
  depth.data.resize(4 * depth.step, 1);
  remove_people<Pixel>(depth, instances, 1);
  const auto * pixels = reinterpret_cast<const Pixel *>(depth.data.data());
  for (std::size_t i = 0; i < 16; ++i) {
    assert((pixels[i] == Pixel{0}) == (i / 4 < 2 && i % 4 < 2));
  }
}

int main()
{
  test_marking_takes_the_wanted_classes_where_something_was_measured();
  test_the_nearest_object_of_a_class_is_cut_out();
  test_people_are_removed<float>("32FC1");
  test_people_are_removed<std::uint16_t>("16UC1");
}
