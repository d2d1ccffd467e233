// Norms over the rows of a matrix. Bound by memory: a row is read once, and its later passes find it in cache.
#include <algorithm>
#include <cassert>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/norm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/cpu/kernels.h"
#include "ops/cpu/lanes-inl.h"
#include "ops/cpu/parallel.h"
#include "ops/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace blip3o::cpu {
namespace HWY_NAMESPACE {

float InverseRoot(double mean, double eps) { return static_cast<float>(1.0 / std::sqrt(mean + eps)); }

float RmsFactor(const float* x, int64_t n, double eps) {
  const float squares = SumLanes(n, [&](auto d, int64_t i) {
    const auto v = hn::LoadU(d, x + i);
    return hn::Mul(v, v);
  });
  return InverseRoot(static_cast<double>(squares) / static_cast<double>(n), eps);
}

void RmsNorm(Context& context, const Matrix& x, const View& weight, const View& bias, double eps, Activation activation,
             const Matrix& residual, const Matrix& out) {
  ForRowBlocks(context, x.rows, x.cols * 8, [&](int64_t first, int64_t count) {
    for (int64_t row = first; row < first + count; ++row) {
      const float* from = x.row(row);
      const float* addend = residual.empty() ? nullptr : residual.row(row);
      float* to = out.row(row);
      const float factor = RmsFactor(from, x.cols, eps);
      ForLanes(x.cols, [&](auto d, int64_t i) {
        auto v = hn::Mul(hn::Mul(hn::LoadU(d, from + i), hn::Set(d, factor)), LoadView(d, weight, i));
        if (!bias.empty()) v = hn::Add(v, LoadView(d, bias, i));
        v = ActivationOf(d, activation, v);
        if (addend != nullptr) v = hn::Add(v, hn::LoadU(d, addend + i));
        hn::StoreU(v, d, to + i);
      });
    }
  });
}

// out = affine(d, i, (x − mean) · rsqrt(variance + eps)) over each row.
template <class Affine>
void NormaliseRows(Context& context, const Matrix& x, double eps, const Matrix& out, const Affine& affine) {
  const double inverse_count = 1.0 / static_cast<double>(x.cols);
  ForRowBlocks(context, x.rows, x.cols * 8, [&](int64_t first, int64_t count) {
    for (int64_t row = first; row < first + count; ++row) {
      const float* from = x.row(row);
      float* to = out.row(row);
      const float sum = SumLanes(x.cols, [&](auto d, int64_t i) { return hn::LoadU(d, from + i); });
      const float mean = static_cast<float>(static_cast<double>(sum) * inverse_count);
      const float squares = SumLanes(x.cols, [&](auto d, int64_t i) {
        const auto v = hn::Sub(hn::LoadU(d, from + i), hn::Set(d, mean));
        return hn::Mul(v, v);
      });
      const float factor = InverseRoot(static_cast<double>(squares) * inverse_count, eps);
      ForLanes(x.cols, [&](auto d, int64_t i) {
        const auto v = hn::Mul(hn::Sub(hn::LoadU(d, from + i), hn::Set(d, mean)), hn::Set(d, factor));
        hn::StoreU(affine(d, i, v), d, to + i);
      });
    }
  });
}

void LayerNormModulate(Context& context, const Matrix& x, const Matrix& shift, const Matrix& scale, double eps,
                       const Matrix& out) {
  NormaliseRows(context, x, eps, out, [&](auto d, int64_t i, auto v) {
    const auto gain = hn::Add(hn::LoadU(d, scale.data + i), hn::Set(d, 1.0f));
    return hn::MulAdd(v, gain, hn::LoadU(d, shift.data + i));
  });
}

void LayerNorm(Context& context, const Matrix& x, const View& weight, const View& bias, double eps, const Matrix& out) {
  NormaliseRows(context, x, eps, out,
                [&](auto d, int64_t i, auto v) { return hn::MulAdd(v, LoadView(d, weight, i), LoadView(d, bias, i)); });
}

void L2Normalize(Context& context, const Matrix& x, const Matrix& out) {
  constexpr double kLeastLength = 1e-12;
  ForRowBlocks(context, x.rows, x.cols * 8, [&](int64_t first, int64_t count) {
    for (int64_t row = first; row < first + count; ++row) {
      const float* from = x.row(row);
      float* to = out.row(row);
      const float squares = SumLanes(x.cols, [&](auto d, int64_t i) {
        const auto v = hn::LoadU(d, from + i);
        return hn::Mul(v, v);
      });
      // NaN stays NaN: std::max yields its first argument then.
      const double length = std::max(std::sqrt(static_cast<double>(squares)), kLeastLength);
      const float factor = static_cast<float>(1.0 / length);
      ForLanes(x.cols,
               [&](auto d, int64_t i) { hn::StoreU(hn::Mul(hn::LoadU(d, from + i), hn::Set(d, factor)), d, to + i); });
    }
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace blip3o::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace blip3o::cpu {

HWY_EXPORT(RmsNorm);
void RmsNorm(Context& context, const Matrix& x, const View& weight, const View& bias, double eps, Activation activation,
             const Matrix& residual, const Matrix& out) {
  assert(weight.count() == x.cols && (bias.empty() || bias.count() == x.cols));
  assert(out.rows == x.rows && out.cols == x.cols);
  assert(residual.empty() || (residual.rows == x.rows && residual.cols == x.cols));
  HWY_DYNAMIC_DISPATCH(RmsNorm)(context, x, weight, bias, eps, activation, residual, out);
}

HWY_EXPORT(LayerNormModulate);
void LayerNormModulate(Context& context, const Matrix& x, const Matrix& shift, const Matrix& scale, double eps,
                       const Matrix& out) {
  assert(shift.rows == 1 && shift.cols == x.cols && scale.rows == 1 && scale.cols == x.cols);
  assert(out.rows == x.rows && out.cols == x.cols);
  HWY_DYNAMIC_DISPATCH(LayerNormModulate)(context, x, shift, scale, eps, out);
}

HWY_EXPORT(LayerNorm);
void LayerNorm(Context& context, const Matrix& x, const View& weight, const View& bias, double eps, const Matrix& out) {
  assert(weight.count() == x.cols && bias.count() == x.cols && out.rows == x.rows && out.cols == x.cols);
  HWY_DYNAMIC_DISPATCH(LayerNorm)(context, x, weight, bias, eps, out);
}

HWY_EXPORT(L2Normalize);
void L2Normalize(Context& context, const Matrix& x, const Matrix& out) {
  assert(out.rows == x.rows && out.cols == x.cols);
  HWY_DYNAMIC_DISPATCH(L2Normalize)(context, x, out);
}

}  // namespace blip3o::cpu
#endif
