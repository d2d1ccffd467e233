#include "engine/preview.h"

#include <algorithm>
#include <cmath>

#include "base/philox.h"

namespace blip3o {

namespace {

constexpr int64_t kGrid = 6;  // latents a side; those at the border see zeros beside them and don't count
constexpr uint64_t kSamples = 12;
constexpr double kRidge = 1e-2;  // of the number of equations
constexpr int64_t kColors = 3;

uint8_t ToByte(double value) {  // of [-1, 1]
  return static_cast<uint8_t>(std::lround(std::clamp(value * 0.5 + 0.5, 0.0, 1.0) * 255.0));
}

// Half of a latent's variance is its neighbours' too, as in pictures.
std::vector<float> RandomLatents(uint64_t sample, int64_t channels) {
  const int64_t cells = kGrid * kGrid;
  std::vector<float> values(static_cast<size_t>((cells + 1) * channels));
  FillNormal(sample, 0, static_cast<int64_t>(values.size()), values.data());
  const float* shared = values.data() + cells * channels;
  const float half = std::sqrt(0.5f);
  for (int64_t i = 0; i < cells * channels; ++i) {
    values[static_cast<size_t>(i)] = half * (values[static_cast<size_t>(i)] + shared[i % channels]);
  }
  values.resize(static_cast<size_t>(cells * channels));
  return values;
}

}  // namespace

Status PreviewMap::Fit(Ops& ops, Arena& arena, bool dry, Progress& progress) {
  const std::lock_guard lock(mutex_);
  if (fitted_) return {};
  const size_t unknowns = static_cast<size_t>(config_.autoencoder.latent_channels) + 1;
  normal_.assign(unknowns * unknowns, 0.0);
  products_.assign(unknowns, Color{});
  for (uint64_t sample = 0; sample < (dry ? 1 : kSamples); ++sample) {
    BLIP3O_RETURN_IF_ERROR(Observe(ops, arena, dry, sample, progress));
  }
  if (dry) return {};
  Solve();
  fitted_ = true;
  return {};
}

Status PreviewMap::Observe(Ops& ops, Arena& arena, bool dry, uint64_t sample, Progress& progress) {
  const Arena::Scope scope(arena);
  const int64_t channels = config_.autoencoder.latent_channels;
  const int64_t cell = config_.picture_side() / config_.latent_side(), side = kGrid * cell;
  const std::vector<float> host = RandomLatents(sample, channels);
  std::vector<float> scaled = host;
  for (float& value : scaled) value /= static_cast<float>(config_.autoencoder.scaling_factor);
  const Matrix latents = arena.TakeMatrix(kGrid * kGrid, channels);
  const Matrix image = arena.TakeMatrix(side * side, kColors);
  ops.CopyIn(scaled.data(), static_cast<int64_t>(scaled.size() * sizeof(float)), latents.data);
  BLIP3O_RETURN_IF_ERROR(decoder_.Decode(ops, arena, latents, kGrid, kGrid, progress, image));
  if (dry) return {};
  std::vector<float> pixels(static_cast<size_t>(image.rows * kColors));
  ops.CopyOut(image.data, static_cast<int64_t>(pixels.size() * sizeof(float)), pixels.data());
  BLIP3O_RETURN_IF_ERROR(ops.Finish());
  for (int64_t y = 1; y + 1 < kGrid; ++y) {
    for (int64_t x = 1; x + 1 < kGrid; ++x) {
      Color mean{};
      for (int64_t row = y * cell; row < (y + 1) * cell; ++row) {
        for (int64_t i = (row * side + x * cell) * kColors; i < (row * side + (x + 1) * cell) * kColors; ++i) {
          mean[static_cast<size_t>(i % kColors)] += std::clamp(pixels[static_cast<size_t>(i)], -1.0f, 1.0f);
        }
      }
      for (double& color : mean) color /= static_cast<double>(cell * cell);
      AddEquation(host.data() + (y * kGrid + x) * channels, mean);
    }
  }
  return {};
}

void PreviewMap::AddEquation(const float* latent, const Color& color) {
  const size_t unknowns = products_.size();
  const auto value = [&](size_t i) { return i + 1 == unknowns ? 1.0 : static_cast<double>(latent[i]); };
  for (size_t i = 0; i < unknowns; ++i) {
    for (size_t j = 0; j < unknowns; ++j) normal_[i * unknowns + j] += value(i) * value(j);
    for (size_t k = 0; k < color.size(); ++k) products_[i][k] += value(i) * color[k];
  }
}

// Gauss-Jordan on the normal equations, which the ridge keeps positive definite: no pivoting is needed.
void PreviewMap::Solve() {
  const size_t n = products_.size();
  const double equations = normal_[n * n - 1];
  for (size_t i = 0; i + 1 < n; ++i) normal_[i * n + i] += kRidge * equations;
  for (size_t p = 0; p < n; ++p) {
    const double pivot = normal_[p * n + p];
    for (size_t j = 0; j < n; ++j) normal_[p * n + j] /= pivot;
    for (double& value : products_[p]) value /= pivot;
    for (size_t i = 0; i < n; ++i) {
      if (i == p) continue;
      const double factor = normal_[i * n + p];
      for (size_t j = 0; j < n; ++j) normal_[i * n + j] -= factor * normal_[p * n + j];
      for (size_t k = 0; k < kColors; ++k) products_[i][k] -= factor * products_[p][k];
    }
  }
  coefficients_ = products_;
}

std::shared_ptr<const Preview> PreviewMap::Show(Ops& ops, const Matrix& latents, const Matrix& velocity, float sigma,
                                                int64_t side) const {
  const int64_t channels = latents.cols, count = latents.rows * channels;
  std::vector<float> x(static_cast<size_t>(count)), v(static_cast<size_t>(count));
  ops.CopyOut(latents.data, count * static_cast<int64_t>(sizeof(float)), x.data());
  ops.CopyOut(velocity.data, count * static_cast<int64_t>(sizeof(float)), v.data());
  auto preview = std::make_shared<Preview>();
  preview->height = preview->width = side;
  preview->pixels.reserve(static_cast<size_t>(latents.rows * kColors));
  const std::lock_guard lock(mutex_);
  for (int64_t t = 0; t < latents.rows; ++t) {
    Color color = coefficients_.back();
    for (int64_t c = 0; c < channels; ++c) {
      const size_t i = static_cast<size_t>(t * channels + c);
      const double latent = x[i] - sigma * v[i];
      for (size_t k = 0; k < color.size(); ++k) color[k] += latent * coefficients_[static_cast<size_t>(c)][k];
    }
    for (const double value : color) preview->pixels.push_back(ToByte(value));
  }
  return preview;
}

}  // namespace blip3o
