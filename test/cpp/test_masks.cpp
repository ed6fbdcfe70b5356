// Decoders on masks small enough to draw.
#undef NDEBUG
#include "yolact/masks.hpp"

#include <cassert>
#include <stdexcept>
#include <string>
#include <vector>

#include "messages.hpp"

using Pixels = std::vector<std::uint8_t>;

// . # #     with its corner at column 1, row 2
// # . .
const Roi kRoi{1, 2, 2, 3};
const InstanceMask kRle{1, kRoi, {1, 3, 2}, {}};
const InstanceMask kBitmap{2, kRoi, {}, {0b01110000}};
const InstanceMask kMono8{3, kRoi, {}, {0, 255, 255, 255, 0, 0}};

template<class Action>
std::string refusal_of(Action && action)
{
  try {
    action();
  } catch (const std::invalid_argument & error) {
    return error.what();
  }
  return "";
}

void test_every_encoding_gives_the_same_runs()
{
  for (const auto & mask : {kRle, kBitmap, kMono8}) {
    std::vector<std::vector<std::size_t>> runs;
    yolact::for_each_run(
      mask, [&](std::size_t y, std::size_t begin, std::size_t end) {
        runs.push_back({y, begin, end});
      });
    assert((runs == std::vector<std::vector<std::size_t>>{{2, 2, 4}, {3, 1, 2}}));
  }
}

void test_paint_leaves_the_padding_of_rows_alone()
{
  Pixels pixels(4 * 6, 7);
  yolact::paint(kRle, yolact::ImageView<std::uint8_t>{pixels.data(), 4, 5, 6}, std::uint8_t{9});
  Pixels wanted(4 * 6, 7);
  wanted[2 * 6 + 2] = wanted[2 * 6 + 3] = wanted[3 * 6 + 1] = 9;
  assert(pixels == wanted);
}

void test_a_margin_grows_in_all_directions_and_ends_at_the_border()
{
  Pixels pixels(4 * 6, 7);  // rows of five pixels, and one of padding
  const InstanceMask corner{1, {4, 3, 1, 1}, {0, 1}, {}};
  const yolact::ImageView<std::uint8_t> view{pixels.data(), 4, 5, 6};
  yolact::paint(corner, view, std::uint8_t{9}, 1);
  yolact::paint(InstanceMask{1, {0, 0, 1, 1}, {0, 1}, {}}, view, std::uint8_t{8}, 1);
  assert((
      pixels == Pixels{
    8, 8, 7, 7, 7, 7,
    8, 8, 7, 7, 7, 7,
    7, 7, 7, 9, 9, 7,
    7, 7, 7, 9, 9, 7}));
  yolact::paint(corner, view, std::uint8_t{1}, 100);
  assert(std::count(pixels.begin(), pixels.end(), 1) == 20);
}

void test_unite_takes_the_wanted_instances()
{
  InstanceMask elsewhere{1, {0, 0, 1, 1}, {0, 1}, {}};
  const InstanceArray array{4, 5, {{"cup", kMono8}, {"person", elsewhere}}};
  const auto people = yolact::unite(
    array, [](const Instance & instance) {return instance.class_name == "person";});
  Pixels wanted(20, 0);
  wanted[0] = 255;
  assert(people == wanted);
  const auto all = yolact::unite(array, [](const Instance &) {return true;});
  assert(std::count(all.begin(), all.end(), 255) == 4);
}

void test_an_empty_mask_has_no_runs()
{
  for (const std::uint8_t encoding : Pixels{1, 2, 3}) {
    yolact::for_each_run(
      InstanceMask{encoding, {3, 3, 0, 0}, {}, {}},
      [](std::size_t, std::size_t, std::size_t) {assert(false);});
  }
}

void test_malformed_masks_are_refused()
{
  Pixels pixels(4 * 5, 0);
  const auto paint = [&](const InstanceMask & mask) {
      return refusal_of(
        [&] {
          yolact::paint(
            mask, yolact::ImageView<std::uint8_t>{pixels.data(), 4, 5, 5}, std::uint8_t{1});
        });
    };
  assert(paint({1, kRoi, {1, 3, 3}, {}}) == "runs of a mask must add up to 6, got 7");
  assert(paint({2, kRoi, {}, {0, 0}}) == "bytes of a bitmap must be 1, got 2");
  assert(paint({3, kRoi, {}, {0}}) == "bytes of a mono8 mask must be 6, got 1");
  assert(paint({0, kRoi, {}, {}}) == "encoding of a mask must be RLE, BITMAP or MONO8, got 0");
  assert(paint({1, {3, 2, 2, 3}, {6}, {}}) == "mask must end by column 5, got 6");
  assert(paint({1, {0, 3, 2, 3}, {6}, {}}) == "mask must end by row 4, got 5");
  assert(pixels == Pixels(4 * 5, 0));
}

void test_what_asks_for_billions_of_pixels_is_refused()
{
  const InstanceMask mask{1, {0, 0, 65536, 65536}, {4294967295u, 1}, {}};
  const auto nothing = [](std::size_t, std::size_t, std::size_t) {};
  assert(
    refusal_of([&] {yolact::for_each_run(mask, nothing);}) ==
    "mask must have at most 268435456 pixels, got 4294967296");
  const InstanceArray array{4294967295u, 4294967295u, {}};
  assert(
    refusal_of([&] {yolact::unite(array, [](const Instance &) {return true;});}) ==
    "image must have at most 268435456 pixels, got 18446744065119617025");
}

int main()
{
  test_every_encoding_gives_the_same_runs();
  test_paint_leaves_the_padding_of_rows_alone();
  test_a_margin_grows_in_all_directions_and_ends_at_the_border();
  test_unite_takes_the_wanted_instances();
  test_an_empty_mask_has_no_runs();
  test_malformed_masks_are_refused();
  test_what_asks_for_billions_of_pixels_is_refused();
}
