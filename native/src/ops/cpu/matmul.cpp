// Products of many rows, made of panels of fixed size, one thread each. Bound by multiplications.
//
// A task owns one panel of the weight, kPanelWidth rows of it, and a group of rows of x. It packs the panel once, piece
// by piece of the depth, and multiplies it by kPanelRows rows at a time with always the same panel product: a row's
// sums don't depend on what else is multiplied. The last rows are taken together with rows before them, or with zeros.
#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstring>

#include "ops/cpu/cpu_ops.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/pack.h"
#include "ops/cpu/panel_product.h"

namespace blip3o::cpu {

namespace {

constexpr int64_t kMaxDepth = 1152;  // a packed panel and the rows it meets stay in a core's second cache
constexpr int64_t kPairDepth = 32;   // panels of bf16 pairs are padded to it
constexpr int64_t kGroupRows = 1024;
constexpr int64_t kDeepGroupRows = 512;  // where the sums of a whole group are kept between the pieces
constexpr int64_t kManyPanels = 8;

enum class Mode { kF32, kRounded, kNative };  // kRounded: bf16 operands in f32 products

Mode ModeOf(Compute compute, DType weight) {
  if (compute == Compute::kF32 || weight != DType::kBF16) return Mode::kF32;
  return HasNativeBF16() ? Mode::kNative : Mode::kRounded;
}

// How a product is cut; decided by its shape alone.
struct Cut {
  int64_t pieces = 1;
  int64_t depth = 0;  // of every piece but the last
  int64_t panels = 0;
  int64_t group_rows = 0;
  int64_t groups = 0;
};

Cut CutOf(int64_t rows, int64_t n, int64_t k) {
  Cut cut;
  cut.pieces = CeilDiv(k, kMaxDepth);
  cut.depth = cut.pieces == 1 ? k : RoundUp(CeilDiv(k, cut.pieces), kDepthMultiple);
  cut.panels = CeilDiv(n, kPanelWidth);
  const int64_t most = cut.pieces == 1 ? kGroupRows : kDeepGroupRows;
  cut.group_rows = std::max(2 * kPanelRows, most * std::min(cut.panels, kManyPanels) / kManyPanels);
  cut.groups = CeilDiv(rows, cut.group_rows);
  return cut;
}

// The memory of one worker: packed weights, sums, and rounded rows.
struct WorkerLayout {
  int64_t sums_offset = 0, rounded_offset = 0, size_bytes = 0;
};

WorkerLayout LayoutOf(int64_t max_k, Compute compute) {
  const int64_t depth = RoundUp(std::min(max_k, kMaxDepth), kPairDepth);
  const int64_t sums_rows = max_k > kMaxDepth ? kDeepGroupRows : kPanelRows;
  WorkerLayout layout;
  layout.sums_offset = depth * kPanelWidth * 4;
  layout.rounded_offset = layout.sums_offset + sums_rows * kPanelWidth * 4;
  layout.size_bytes = layout.rounded_offset + (compute == Compute::kBF16 ? kPanelRows * depth * 4 : 0);
  return layout;
}

// The memory in which fewer rows than a panel's are completed.
int64_t PaddingBytes(int64_t stride) { return kPanelRows * stride * 4; }

class Product {
 public:
  Product(Context& context, const Matrix& x, const View& weight, const Epilogue& epilogue, const Matrix& out)
      : context_(context),
        x_(x),
        weight_(weight),
        epilogue_(epilogue),
        out_(out),
        mode_(ModeOf(context.compute, weight.dtype)),
        cut_(CutOf(x.rows, out.cols, x.cols)),
        layout_(LayoutOf(x.cols, context.compute)) {}

  Status Run() {
    BLIP3O_RETURN_IF_ERROR(FindProducts());
    PadRows();
    context_.lane->ParallelFor(cut_.panels * cut_.groups, [this](int64_t task, int worker) {
      PanelProducts::EnterTask();
      RunTask(task % cut_.panels, task / cut_.panels, worker);
    });
    if (failed_) return InternalError("a panel of a matrix product failed: please report it");
    return {};
  }

 private:
  int64_t LastDepth() const { return x_.cols - (cut_.pieces - 1) * cut_.depth; }
  int64_t DepthOf(int64_t piece) const { return piece + 1 == cut_.pieces ? LastDepth() : cut_.depth; }
  int64_t ColumnsOf(int64_t panel) const { return std::min(kPanelWidth, out_.cols - panel * kPanelWidth); }
  int64_t WidthOf(int64_t panel) const {
    return mode_ == Mode::kNative ? kPanelWidth : RoundUp(ColumnsOf(panel), kNarrowWidth);
  }

  ProductShape ShapeOf(int64_t width, int64_t depth, bool accumulate) const {
    const bool native = mode_ == Mode::kNative;
    const int64_t k = native ? RoundUp(depth, kPairDepth) : depth;
    return {kPanelRows, width, k, mode_ == Mode::kF32 ? x_.stride : k, accumulate, native};
  }

  // The products of whole and of the last panel, for the first, the inner and the last piece.
  Status FindProducts() {
    const std::array<int64_t, 2> widths = {WidthOf(0), WidthOf(cut_.panels - 1)};
    for (size_t i = 0; i < widths.size(); ++i) {
      const int64_t first = DepthOf(0);
      BLIP3O_ASSIGN_OR_RETURN(products_[i].first, context_.products->Find(ShapeOf(widths[i], first, false)));
      if (cut_.pieces == 1) continue;
      BLIP3O_ASSIGN_OR_RETURN(products_[i].inner, context_.products->Find(ShapeOf(widths[i], first, true)));
      BLIP3O_ASSIGN_OR_RETURN(products_[i].last, context_.products->Find(ShapeOf(widths[i], LastDepth(), true)));
    }
    return {};
  }

  // Fewer rows than a panel has: zeros complete them, in rows of the same stride.
  void PadRows() {
    if (x_.rows >= kPanelRows || mode_ != Mode::kF32) return;
    assert(PaddingBytes(x_.stride) <= context_.shared.size_bytes());
    float* const rows = context_.Shared<float>();
    for (int64_t row = 0; row < kPanelRows; ++row) {
      float* to = rows + row * x_.stride;
      if (row < x_.rows) {
        std::copy_n(x_.row(row), x_.cols, to);
      } else {
        std::fill_n(to, x_.cols, 0.0f);
      }
    }
    padded_ = rows;
  }

  const PanelProduct& ProductOf(int64_t panel, int64_t piece) const {
    const Pieces& set = products_[panel + 1 == cut_.panels ? 1 : 0];
    if (piece == 0) return *set.first;
    return piece + 1 == cut_.pieces ? *set.last : *set.inner;
  }

  void RunTask(int64_t panel, int64_t group, int worker) {
    const int64_t first_row = group * cut_.group_rows, end_row = std::min(x_.rows, first_row + cut_.group_rows);
    char* memory = context_.Worker<char>(worker);
    float* sums = reinterpret_cast<float*>(memory + layout_.sums_offset);
    const int64_t width = WidthOf(panel);
    for (int64_t piece = 0; piece < cut_.pieces; ++piece) {
      Pack(panel, piece, memory);
      for (int64_t row = first_row; row < end_row; row += kPanelRows) {
        // In one piece, the sums of one panel of rows are written out before the next ones are made.
        float* tile = cut_.pieces == 1 ? sums : sums + (row - first_row) * width;
        // The last rows come with some of the rows before them.
        const int64_t start = std::max<int64_t>(0, std::min(row, x_.rows - kPanelRows));
        const void* source = SourceOf(start, piece, memory + layout_.rounded_offset);
        if (!ProductOf(panel, piece).Run(worker, source, memory, tile)) {
          failed_ = true;
          return;
        }
        if (piece + 1 < cut_.pieces) continue;
        WriteTile(epilogue_,
                  {row, std::min(kPanelRows, end_row - row), panel * kPanelWidth, ColumnsOf(panel),
                   tile + (row - start) * width, width},
                  out_);
      }
    }
  }

  void Pack(int64_t panel, int64_t piece, void* memory) const {
    const WeightBlock block = {weight_.data,     weight_.dtype,      x_.cols,        panel * kPanelWidth,
                               ColumnsOf(panel), piece * cut_.depth, DepthOf(piece), weight_.shape[0]};
    if (mode_ == Mode::kNative) {
      PackPairs(block, RoundUp(block.depth, kPairDepth), kPanelWidth, static_cast<uint16_t*>(memory));
    } else {
      PackPanel(block, WidthOf(panel), static_cast<float*>(memory));
    }
  }

  // kPanelRows rows from `start` on, columns of the piece, as the product takes them.
  const void* SourceOf(int64_t start, int64_t piece, void* rounded) const {
    const int64_t column = piece * cut_.depth, depth = DepthOf(piece);
    if (mode_ == Mode::kF32) return (padded_ != nullptr ? padded_ : x_.row(start)) + column;
    const Matrix rows = x_.Rows(start, std::min(kPanelRows, x_.rows - start)).Cols(column, depth);
    if (mode_ == Mode::kNative) {
      RoundPanel(rows, kPanelRows, RoundUp(depth, kPairDepth), static_cast<uint16_t*>(rounded));
    } else {
      RoundPanel(rows, kPanelRows, static_cast<float*>(rounded));
    }
    return rounded;
  }

  struct Pieces {
    const PanelProduct* first = nullptr;
    const PanelProduct* inner = nullptr;
    const PanelProduct* last = nullptr;
  };

  Context& context_;
  const Matrix& x_;
  const View& weight_;
  const Epilogue& epilogue_;
  const Matrix& out_;
  const Mode mode_;
  const Cut cut_;
  const WorkerLayout layout_;
  std::array<Pieces, 2> products_;  // of whole panels, of the last one
  const float* padded_ = nullptr;
  std::atomic<bool> failed_{false};
};

}  // namespace

ScratchBytes MatmulScratch(const Capacity& capacity, Compute compute, int /*threads*/) {
  const int64_t stride = std::max(capacity.product_depth, capacity.product_stride);
  return {PaddingBytes(stride), LayoutOf(capacity.product_depth, compute).size_bytes};
}

Status Matmul(Context& context, const Matrix& x, const View& weight, const Epilogue& epilogue, const Matrix& out) {
  assert(weight.count() == x.cols * out.cols && x.rows == out.rows);
  assert(LayoutOf(x.cols, context.compute).size_bytes <= context.worker_bytes);
  if (x.rows == 0 || out.cols == 0) return {};
  return Product(context, x, weight, epilogue, out).Run();
}

}  // namespace blip3o::cpu
