// Decodes masks from standard input, so that another decoder can be compared with this one.
//
// Each mask is one line of numbers: height and width of the image, encoding, x, y, height and width
// of the roi, count of values, values. Each answer is one line: 0 and 1 for the whole image, or
// "refused: " and why.
#include <cstdint>
#include <iostream>
#include <stdexcept>
#include <string>

#include "messages.hpp"
#include "yolact/masks.hpp"

int main()
{
  std::size_t height, width, count;
  unsigned encoding;
  InstanceMask mask;
  while (std::cin >> height >> width >> encoding >> mask.roi.x_offset >> mask.roi.y_offset >>
    mask.roi.height >> mask.roi.width >> count)
  {
    mask.encoding = static_cast<std::uint8_t>(encoding);
    mask.rle.clear();
    mask.data.clear();
    for (std::uint32_t value; count > 0 && std::cin >> value; --count) {
      mask.rle.push_back(value);
      mask.data.push_back(static_cast<std::uint8_t>(value));
    }
    std::string pixels(height * width, '0');
    try {
      yolact::paint(mask, yolact::ImageView<char>{pixels.data(), height, width, width}, '1');
      yolact::for_each_run(mask, [](std::size_t, std::size_t, std::size_t) {});
      std::cout << pixels << std::endl;
    } catch (const std::invalid_argument & error) {
      std::cout << "refused: " << error.what() << std::endl;
    }
  }
}
