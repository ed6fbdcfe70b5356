// Decoders for those who read yolact/msg/InstanceArray.
//
// They need C++17 alone: a mask is anything that has the fields of yolact/msg/InstanceMask, such as
// yolact::msg::InstanceMask of rclcpp. What is malformed is refused with std::invalid_argument.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace yolact
{

/// The constants of yolact/msg/InstanceMask.
enum class MaskEncoding : std::uint8_t { kNone = 0, kRle = 1, kBitmap = 2, kMono8 = 3 };

/// Pixels that a mask or image may have: a message of a few bytes may ask for billions.
constexpr std::uint64_t kLargest = std::uint64_t{1} << 28;

/// An image in memory. Rows lie `stride` pixels apart, of which the first `width` are the image's.
template<class Pixel>
struct ImageView
{
  Pixel * data;
  std::size_t height;
  std::size_t width;
  std::size_t stride;
};

namespace detail
{

inline void require(bool holds, const std::string & rule, std::uint64_t found)
{
  if (!holds) {
    throw std::invalid_argument(rule + ", got " + std::to_string(found));
  }
}

inline void require_size(const std::string & subject, std::uint64_t pixels)
{
  require(
    pixels <= kLargest, subject + " must have at most " + std::to_string(kLargest) + " pixels",
    pixels);
}

/// Call visit(begin, end) for each run of foreground, counted row by row from the roi's corner.
template<class Mask, class Visit>
void visit_run_lengths(const Mask & mask, std::size_t size, Visit && visit)
{
  std::uint64_t total = 0;
  for (const std::size_t run : mask.rle) {
    total += run;
  }
  require(total == size, "runs of a mask must add up to " + std::to_string(size), total);
  std::size_t begin = 0;
  bool is_foreground = false;
  for (const std::size_t run : mask.rle) {
    if (is_foreground && run > 0) {
      visit(begin, begin + run);
    }
    begin += run;
    is_foreground = !is_foreground;
  }
}

/// The same for pixels that are stored one by one.
template<class IsForeground, class Visit>
void visit_pixels(std::size_t size, IsForeground && is_foreground, Visit && visit)
{
  for (std::size_t begin = 0; begin < size; ++begin) {
    if (is_foreground(begin)) {
      std::size_t end = begin + 1;
      while (end < size && is_foreground(end)) {
        ++end;
      }
      visit(begin, end);
      begin = end;  // which is background
    }
  }
}

template<class Mask, class Visit>
void visit_runs(const Mask & mask, std::size_t size, Visit && visit)
{
  const auto & data = mask.data;
  switch (static_cast<MaskEncoding>(mask.encoding)) {
    case MaskEncoding::kRle:
      return visit_run_lengths(mask, size, visit);
    case MaskEncoding::kBitmap:
      require(
        data.size() == (size + 7) / 8,
        "bytes of a bitmap must be " + std::to_string((size + 7) / 8), data.size());
      return visit_pixels(
        size, [&data](std::size_t i) {return (data[i / 8] >> (7 - i % 8)) & 1;}, visit);
    case MaskEncoding::kMono8:
      require(
        data.size() == size, "bytes of a mono8 mask must be " + std::to_string(size), data.size());
      return visit_pixels(size, [&data](std::size_t i) {return data[i] != 0;}, visit);
    default:
      require(false, "encoding of a mask must be RLE, BITMAP or MONO8", mask.encoding);
  }
}

}  // namespace detail

/// Call visit(y, x_begin, x_end) for each horizontal run of a mask's pixels, from top to bottom and
/// from left to right, in pixels of the whole image. x_end is the first column behind the run.
template<class Mask, class Visit>
void for_each_run(const Mask & mask, Visit && visit)
{
  const std::size_t width = mask.roi.width;
  const std::size_t left = mask.roi.x_offset;
  const std::size_t top = mask.roi.y_offset;
  detail::require_size("mask", std::uint64_t{mask.roi.width} * mask.roi.height);
  detail::visit_runs(
    mask, width * mask.roi.height, [&](std::size_t begin, std::size_t end) {
      while (begin < end) {  // runs go on in the next row
        const std::size_t row = begin / width;
        const std::size_t stop = std::min(end, (row + 1) * width);
        visit(top + row, left + begin - row * width, left + stop - row * width);
        begin = stop;
      }
    });
}

/// Set the pixels of a mask in an image of the size that the InstanceArray tells, and those that are
/// at most `margin` rows and columns away.
template<class Mask, class Pixel>
void paint(
  const Mask & mask, const ImageView<Pixel> & image, const Pixel & value, std::size_t margin = 0)
{
  const std::size_t right = std::size_t{mask.roi.x_offset} + mask.roi.width;
  const std::size_t bottom = std::size_t{mask.roi.y_offset} + mask.roi.height;
  detail::require(
    right <= image.width, "mask must end by column " + std::to_string(image.width), right);
  detail::require(
    bottom <= image.height, "mask must end by row " + std::to_string(image.height), bottom);
  for_each_run(
    mask, [&](std::size_t y, std::size_t x_begin, std::size_t x_end) {
      const std::size_t begin = x_begin - std::min(x_begin, margin);
      const std::size_t end = x_end + std::min(image.width - x_end, margin);
      const std::size_t last = y + std::min(image.height - 1 - y, margin);
      for (std::size_t row = y - std::min(y, margin); row <= last; ++row) {
        Pixel * pixels = image.data + row * image.stride;
        std::fill(pixels + begin, pixels + end, value);
      }
    });
}

/// Return where any wanted instance of an InstanceArray is: 255, elsewhere 0, row by row.
template<class InstanceArray, class IsWanted>
std::vector<std::uint8_t> unite(const InstanceArray & array, IsWanted && is_wanted)
{
  const std::size_t height = array.image_height;
  const std::size_t width = array.image_width;
  detail::require_size("image", std::uint64_t{array.image_height} * array.image_width);
  std::vector<std::uint8_t> pixels(height * width, 0);
  for (const auto & instance : array.instances) {
    if (is_wanted(instance)) {
      paint(
        instance.mask, ImageView<std::uint8_t>{pixels.data(), height, width, width},
        std::uint8_t{255});
    }
  }
  return pixels;
}

}  // namespace yolact
