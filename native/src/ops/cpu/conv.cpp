// Convolutions as products: the pixels under the taps are gathered into rows, [pixels, taps · Cin], and multiplied by
// the packed weight in panels of fixed size, one thread each. Bound by multiplications.
//
// Measured, this beats oneDNN's direct convolution on one thread: gathering costs one copy of each value for up to
// kGroupWidth output channels, and the product runs at the speed of a dense one. It also asks nothing of the map's
// size.
//
// A task owns a block of pixels and a group of output channels. A pixel's sums depend on its own neighbourhood alone.
#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cstring>

#include "ops/cpu/kernels.h"
#include "ops/cpu/pack.h"
#include "ops/cpu/panel_product.h"

namespace blip3o::cpu {

namespace {

constexpr int64_t kTaps = 9;
constexpr int64_t kMaxDepth = 576;     // gathered pixels and a panel of weights stay near a core's second cache
constexpr int64_t kBlockPixels = 512;  // so many share one pass over the packed weights
constexpr int64_t kSmallBlockPixels = 128;
constexpr int64_t kCachedWeights = 320 << 10;  // f32 weights that a core's second cache holds between blocks
constexpr int64_t kManyBlocks = 8;
constexpr int64_t kGroupWidth = 256;
constexpr int64_t kPackedChannels = 16;  // input channels that a packing task takes at once

// Where a tap looks, relative to its pixel.
struct Tap {
  int64_t dy = 0, dx = 0;
};

// The taps of the convolution at hand, and which of the 3×3 weights are summed for each.
struct Kernel {
  std::array<Tap, kTaps> taps;
  std::array<std::array<bool, kTaps>, kTaps> uses{};  // [tap][3×3 position]
  int64_t side = 0;                                   // the taps are side × side, row by row
  int64_t count = 0;                                  // side²
};

Kernel Kernel3x3() {
  Kernel kernel;
  kernel.side = 3;
  kernel.count = kTaps;
  for (int64_t i = 0; i < kTaps; ++i) {
    kernel.taps[static_cast<size_t>(i)] = {i / 3 - 1, i % 3 - 1};
    kernel.uses[static_cast<size_t>(i)][static_cast<size_t>(i)] = true;
  }
  return kernel;
}

// Nearest ×2 then 3×3, at output pixels (2y + a, 2x + b): position i of the 3×3 lands in row y + floor((a + i − 1) /
// 2), so that two positions fall on one of the two rows, and likewise with columns.
Kernel Kernel2x2(int64_t a, int64_t b) {
  Kernel kernel;
  kernel.side = 2;
  kernel.count = 4;
  for (int64_t tap = 0; tap < 4; ++tap) kernel.taps[static_cast<size_t>(tap)] = {tap / 2 - 1 + a, tap % 2 - 1 + b};
  const auto side = [](int64_t parity, int64_t i) { return (parity + i + 1) / 2 - parity; };
  for (int64_t i = 0; i < kTaps; ++i) {
    kernel.uses[static_cast<size_t>(2 * side(a, i / 3) + side(b, i % 3))][static_cast<size_t>(i)] = true;
  }
  return kernel;
}

// How a convolution is cut; decided by its shape alone.
struct Cut {
  int64_t pieces = 1;
  int64_t depth = 0;  // of every piece but the last
  int64_t panels = 0;
  int64_t block = 0;  // pixels
  int64_t blocks = 0;
  int64_t group_panels = 0;
  int64_t groups = 0;
};

Cut CutOf(int64_t pixels, int64_t channels, int64_t k) {
  Cut cut;
  cut.pieces = CeilDiv(k, kMaxDepth);
  cut.depth = cut.pieces == 1 ? k : RoundUp(CeilDiv(k, cut.pieces), kDepthMultiple);
  cut.panels = CeilDiv(channels, kPanelWidth);
  const int64_t most = channels * k <= kCachedWeights ? kSmallBlockPixels : kBlockPixels;
  cut.block = std::clamp(pixels / kManyBlocks / kPanelRows * kPanelRows, kPanelRows, most);
  cut.blocks = CeilDiv(pixels, cut.block);
  // A small map is shared out by its output channels too, though its pixels are gathered once for each group then.
  cut.group_panels = cut.blocks >= kManyBlocks ? kGroupWidth / kPanelWidth : 1;
  cut.groups = CeilDiv(cut.panels, cut.group_panels);
  return cut;
}

constexpr int64_t kSumsOffset = kBlockPixels * kMaxDepth * 4;
constexpr int64_t kWorkerBytes = kSumsOffset + kBlockPixels * kGroupWidth * 4;
static_assert(kPackedChannels * kTaps * kPanelWidth * 4 <= kWorkerBytes);

class Convolution {
 public:
  // `write(row, tile)` gets the finished sums of pixels [row, …) of the output, which has every `stride`-th pixel of
  // the map in a row and every stride-th row.
  Convolution(Context& context, const Matrix& x, const Grid& map, int64_t stride, const View& weight,
              const Kernel& kernel)
      : context_(context),
        x_(x),
        map_(map),
        stride_(stride),
        out_{map.pictures, map.height / stride, map.width / stride},
        weight_(weight),
        kernel_(kernel),
        out_channels_(weight.shape[0]),
        depth_(kernel.count * x.cols),
        run_taps_(x.stride == x.cols ? kernel.side : 1),
        run_depth_(run_taps_ * x.cols),
        cut_(CutOf(out_.rows(), out_channels_, depth_)) {}

  template <typename Write>
  Status Run(const Write& write) {
    BLIP3O_RETURN_IF_ERROR(FindProducts());
    const int64_t packing_blocks = CeilDiv(x_.cols, kPackedChannels);
    context_.lane->ParallelFor(cut_.panels * packing_blocks, [&](int64_t task, int worker) {
      Pack(task / packing_blocks, task % packing_blocks * kPackedChannels, context_.Worker<float>(worker));
    });
    context_.lane->ParallelFor(cut_.blocks * cut_.groups, [&](int64_t task, int worker) {
      PanelProducts::EnterTask();
      RunTask(task / cut_.groups * cut_.block, task % cut_.groups, worker, write);
    });
    if (failed_) return InternalError("a panel of a convolution failed: please report it");
    return {};
  }

 private:
  int64_t DepthOf(int64_t piece) const { return std::min(cut_.depth, depth_ - piece * cut_.depth); }
  int64_t ColumnsOf(int64_t panel) const { return std::min(kPanelWidth, out_channels_ - panel * kPanelWidth); }
  int64_t WidthOf(int64_t panel) const { return RoundUp(ColumnsOf(panel), kNarrowWidth); }
  float* Panel(int64_t panel) const { return context_.Shared<float>() + panel * kPanelWidth * depth_; }

  // The products of whole and of the last panel, for the first, the inner and the last piece.
  Status FindProducts() {
    const std::array<int64_t, 2> widths = {WidthOf(0), WidthOf(cut_.panels - 1)};
    for (size_t i = 0; i < widths.size(); ++i) {
      for (size_t piece = 0; piece < products_[i].size(); ++piece) {
        const int64_t depth = piece == 2 ? DepthOf(cut_.pieces - 1) : DepthOf(0);
        BLIP3O_ASSIGN_OR_RETURN(products_[i][piece],
                                context_.products->Find({kPanelRows, widths[i], depth, depth, piece > 0, false}));
        if (cut_.pieces == 1) break;
      }
    }
    return {};
  }

  const PanelProduct& ProductOf(int64_t panel, int64_t piece) const {
    const size_t kind = piece == 0 ? 0 : (piece + 1 == cut_.pieces ? 2 : 1);
    return *products_[panel + 1 == cut_.panels ? 1 : 0][kind];
  }

  // Packs kPackedChannels input channels from `channel` on: the panel's row tap · Cin + channel is the sum of the 3×3
  // weights that the tap uses.
  void Pack(int64_t panel, int64_t channel, float* staged) const {
    const int64_t width = WidthOf(panel), channels = std::min(kPackedChannels, x_.cols - channel);
    PackPanel({weight_.data, weight_.dtype, x_.cols * kTaps, panel * kPanelWidth, ColumnsOf(panel), channel * kTaps,
               channels * kTaps},
              width, staged);
    for (int64_t tap = 0; tap < kernel_.count; ++tap) {
      for (int64_t c = 0; c < channels; ++c) {
        SumRows(kernel_.uses[static_cast<size_t>(tap)], staged + c * kTaps * width, width,
                Panel(panel) + (tap * x_.cols + channel + c) * width);
      }
    }
  }

  static void SumRows(const std::array<bool, kTaps>& uses, const float* rows, int64_t width, float* to) {
    bool first = true;
    for (int64_t i = 0; i < kTaps; ++i) {
      if (!uses[static_cast<size_t>(i)]) continue;
      const float* row = rows + i * width;
      if (first) {
        std::copy_n(row, width, to);
      } else {
        for (int64_t n = 0; n < width; ++n) to[n] += row[n];
      }
      first = false;
    }
  }

  template <typename Write>
  void RunTask(int64_t first_pixel, int64_t group, int worker, const Write& write) {
    char* memory = context_.Worker<char>(worker);
    float* gathered = reinterpret_cast<float*>(memory);
    float* sums = reinterpret_cast<float*>(memory + kSumsOffset);
    const int64_t pixels = std::min(cut_.block, out_.rows() - first_pixel);
    const int64_t first_panel = group * cut_.group_panels;
    const int64_t end_panel = std::min(cut_.panels, first_panel + cut_.group_panels);
    for (int64_t piece = 0; piece < cut_.pieces; ++piece) {
      const int64_t depth = DepthOf(piece);
      Gather(first_pixel, pixels, piece * cut_.depth, depth, gathered);
      for (int64_t panel = first_panel; panel < end_panel; ++panel) {
        const int64_t width = WidthOf(panel);
        const float* packed = Panel(panel) + piece * cut_.depth * width;
        float* tile = sums + (panel - first_panel) * kPanelWidth * kBlockPixels;
        for (int64_t row = 0; row < pixels; row += kPanelRows) {
          if (!ProductOf(panel, piece).Run(worker, gathered + row * depth, packed, tile + row * width)) {
            failed_ = true;
            return;
          }
        }
        if (piece + 1 < cut_.pieces) continue;
        write(Tile{first_pixel, pixels, panel * kPanelWidth, ColumnsOf(panel), tile, width});
      }
    }
  }

  // Columns [first, first + depth) of the gathered rows of `pixels` pixels; rows of zeros complete the last panel.
  void Gather(int64_t first_pixel, int64_t pixels, int64_t first, int64_t depth, float* to) const {
    for (int64_t done = 0; done < pixels;) {
      const int64_t pixel = first_pixel + done, line = pixel / out_.width, column = pixel % out_.width;
      const int64_t count = std::min(pixels - done, out_.width - column);
      const PixelRow row = {line * stride_ * map_.width, line % out_.height * stride_, column, column + count};
      for (int64_t at = first; at < first + depth;) {
        const int64_t from = at % run_depth_, columns = std::min(run_depth_ - from, first + depth - at);
        GatherRun(row, at / run_depth_, from, columns, to + done * depth + at - first, depth);
        at += columns;
      }
      done += count;
    }
    std::fill(to + pixels * depth, to + RoundUp(pixels, kPanelRows) * depth, 0.0f);
  }

  // Output pixels [begin, end) of one row, whose taps lie around the map's row y; `start` is the first pixel of that.
  struct PixelRow {
    int64_t start = 0, y = 0, begin = 0, end = 0;
  };

  // Columns [from, from + count) of a run of taps that lie side by side, whose values lie one behind the other.
  void GatherRun(const PixelRow& row, int64_t run, int64_t from, int64_t count, float* to, int64_t to_stride) const {
    const auto [dy, dx] = kernel_.taps[static_cast<size_t>(run * run_taps_)];
    if (row.y + dy < 0 || row.y + dy >= map_.height) {
      for (int64_t i = 0; i < row.end - row.begin; ++i) std::fill_n(to + i * to_stride, count, 0.0f);
      return;
    }
    // Every tap of the run lies in the map for pixels in [inside, outside).
    const int64_t inside = std::clamp(CeilDiv(std::max<int64_t>(0, -dx), stride_), row.begin, row.end);
    const int64_t room = map_.width - run_taps_ - dx;  // the last place in the map where the run fits
    const int64_t outside = std::clamp(room < 0 ? 0 : room / stride_ + 1, inside, row.end);
    const int64_t source = row.start + dy * map_.width + dx;
    CopyRows(x_.data + (source + inside * stride_) * x_.stride + from, stride_ * x_.stride, outside - inside, count,
             to + (inside - row.begin) * to_stride, to_stride);
    for (int64_t x = row.begin; x < row.end; ++x) {
      if (x == inside) x = outside;
      if (x >= row.end) break;
      const int64_t at_map = x * stride_ + dx;  // may lie outside
      const int64_t first_valid = std::max<int64_t>(0, -at_map) * x_.cols;
      const int64_t end_valid = std::min(run_taps_, map_.width - at_map) * x_.cols;
      const int64_t begin = std::clamp(first_valid, from, from + count),
                    end = std::clamp(end_valid, begin, from + count);
      float* at = to + (x - row.begin) * to_stride;
      std::fill_n(at, begin - from, 0.0f);
      std::copy_n(x_.data + (source + x * stride_) * x_.stride + begin, end - begin, at + begin - from);
      std::fill_n(at + end - from, from + count - end, 0.0f);
    }
  }

  Context& context_;
  const Matrix& x_;
  const Grid& map_;
  const int64_t stride_;
  const Grid out_;
  const View& weight_;
  const Kernel& kernel_;
  const int64_t out_channels_;
  const int64_t depth_;
  const int64_t run_taps_;  // taps whose values lie one behind the other
  const int64_t run_depth_;
  const Cut cut_;
  std::array<std::array<const PanelProduct*, 3>, 2> products_{};  // [whole panels, the last one][piece]
  std::atomic<bool> failed_{false};
};

}  // namespace

ScratchBytes ConvScratch(const Capacity& capacity, Compute /*compute*/, int /*threads*/) {
  if (capacity.convolution_weights == 0) return {};
  return {(capacity.convolution_weights + (kNarrowWidth - 1) * capacity.convolution_depth) * 4, kWorkerBytes};
}

Status Conv3x3(Context& context, const Matrix& x, const Grid& grid, const View& weight, const Epilogue& epilogue,
               const Matrix& out) {
  assert(x.rows == grid.rows() && out.rows == x.rows && weight.count() == out.cols * x.cols * kTaps);
  const Kernel kernel = Kernel3x3();
  return Convolution(context, x, grid, 1, weight, kernel).Run([&](const Tile& tile) {
    WriteTile(epilogue, tile, out);
  });
}

Status DownsampleConv3x3(Context& context, const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                         const Matrix& out) {
  assert(x.rows == grid.rows() && grid.height % 2 == 0 && grid.width % 2 == 0);
  assert(4 * out.rows == x.rows && weight.count() == out.cols * x.cols * kTaps);
  const Kernel kernel = Kernel3x3();
  const Epilogue epilogue = {.bias = bias};
  return Convolution(context, x, grid, 2, weight, kernel).Run([&](const Tile& tile) {
    WriteTile(epilogue, tile, out);
  });
}

Status UpsampleConv3x3(Context& context, const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                       const Matrix& out) {
  assert(x.rows == grid.rows() && out.rows == 4 * x.rows && weight.count() == out.cols * x.cols * kTaps);
  const Epilogue epilogue = {.bias = bias};
  for (int64_t parity = 0; parity < 4; ++parity) {
    const Kernel kernel = Kernel2x2(parity / 2, parity % 2);
    // Pixels of one row of the small map go to every second pixel of a row of the large one.
    const auto write = [&](const Tile& tile) {
      for (int64_t done = 0; done < tile.rows;) {
        const int64_t pixel = tile.row + done, column = pixel % grid.width, row = pixel / grid.width;
        const int64_t count = std::min(tile.rows - done, grid.width - column);
        const int64_t first = (2 * row + parity / 2) * 2 * grid.width + 2 * column + parity % 2;
        WriteTile(epilogue, {0, count, tile.column, tile.cols, tile.sums + done * tile.sums_stride, tile.sums_stride},
                  {out.row(first), count, out.cols, 2 * out.stride});
        done += count;
      }
    };
    BLIP3O_RETURN_IF_ERROR(Convolution(context, x, grid, 1, weight, kernel).Run(write));
  }
  return {};
}

}  // namespace blip3o::cpu
