#include "learner/core/cuda/host_backend.h"

#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "learner/core/cuda/step.h"

namespace estuary::learner::cuda {
namespace {

// A block of threads that is one thread.
class HostTeam {
 public:
  template <typename Function>
  void ForEach(int64_t count, Function function) {
    for (int64_t i = 0; i < count; ++i) function(i);
  }
  template <typename T, typename Function>
  T Sum(int64_t count, Function function) {
    T sum = 0;
    for (int64_t i = 0; i < count; ++i) sum += function(i);
    return sum;
  }
  template <typename T, typename Function>
  T Greatest(int64_t count, Function function) {
    T greatest = -std::numeric_limits<T>::infinity();
    for (int64_t i = 0; i < count; ++i) greatest = Max(greatest, static_cast<T>(function(i)));
    return greatest;
  }
  template <typename Function>
  void Once(Function function) {
    function();
  }
};

// The threads of a block in turn, round for round.
template <typename T, typename Shape, Arithmetic arithmetic = Arithmetic::kPlain>
void RunProducts(const ProductList<T>& list) {
  using Tile = ProductTile<T, Shape, arithmetic>;
  std::vector<typename Tile::Registers> registers(Shape::threads);
  const auto shared = std::make_unique<typename Tile::Shared>();
  for (int i = 0; i < list.count; ++i) {
    const Product<T>& product = list.items[i];
    const int tiles = TilesOf(product, Shape::rows, Shape::columns);
    for (int t = 0; t < tiles; ++t) {
      const Tile tile(product, t);
      registers.assign(Shape::threads, {});
      for (int round = 0; round < tile.rounds(); ++round) {
        for (int j = 0; j < Shape::threads; ++j) tile.Fetch(j, round, registers[j]);
        for (int j = 0; j < Shape::threads; ++j) tile.Store(j, registers[j], *shared);
        for (int j = 0; j < Shape::threads; ++j) tile.Compute(j, *shared, registers[j]);
      }
      for (int j = 0; j < Shape::threads; ++j) tile.Finish(j, registers[j]);
    }
  }
}

class HostExecutor {
 public:
  HostExecutor(HostTile tile, const StepSettings& settings)
      : tile_(tile), arithmetic_(settings.arithmetic), seeds_(settings.seeds) {}

  template <typename Functor>
  void Each(const Functor& functor) {
    const int64_t count = functor.count();
    for (int64_t i = 0; i < count; ++i) functor(i);
  }
  template <typename Functor>
  void Teams(const Functor& functor) {
    HostTeam team;
    for (int seed = 0; seed < seeds_; ++seed) functor(team, seed);
  }
  template <typename T>
  void Products(const ProductList<T>& list) {
    if constexpr (std::is_same_v<T, float>) {
      if (arithmetic_ == Arithmetic::kTensor1) {
        return RunProducts<T, TensorTile, Arithmetic::kTensor1>(list);
      }
      if (arithmetic_ == Arithmetic::kTensor3) {
        return RunProducts<T, TensorTile, Arithmetic::kTensor3>(list);
      }
    }
    switch (tile_) {
      case HostTile::kSmall:
        return RunProducts<T, SmallTile>(list);
      case HostTile::kMedium:
        return RunProducts<T, MediumTile>(list);
      case HostTile::kLarge:
        return RunProducts<T, LargeTile>(list);
    }
  }
  void On(int) {}
  void Meet(int) {}

 private:
  HostTile tile_;
  Arithmetic arithmetic_;
  int seeds_;
};

class HostBackend : public Backend {
 public:
  explicit HostBackend(HostTile tile) : tile_(tile) {}

  const char* name() const override { return "cpu"; }
  const char* error() const override { return "out of memory"; }

  void* Allocate(size_t bytes) override {
    memory_.emplace_back(new (std::nothrow) char[bytes]());
    return memory_.back().get();
  }
  void Free(void* memory) override {
    std::erase_if(memory_, [memory](const auto& held) { return held.get() == memory; });
  }
  bool Write(void* to, const void* from, size_t bytes) override {
    std::memcpy(to, from, bytes);
    return true;
  }
  bool Read(void* to, const void* from, size_t bytes) override { return Write(to, from, bytes); }

  bool Run(const StepArguments<float>& step) override { return RunOne(step); }
  bool Run(const StepArguments<double>& step) override { return RunOne(step); }
  int Record(const StepArguments<float>& step, int steps) override { return Keep(step, steps); }
  int Record(const StepArguments<double>& step, int steps) override { return Keep(step, steps); }
  bool Launch(int recorded) override {
    recorded_[static_cast<size_t>(recorded)]();
    return true;
  }

 private:
  template <typename T>
  bool RunOne(const StepArguments<T>& step) {
    HostExecutor executor(tile_, step.settings);
    RunStep(executor, step);
    return true;
  }
  template <typename T>
  int Keep(const StepArguments<T>& step, int steps) {
    recorded_.push_back([this, step, steps] {
      for (int i = 0; i < steps; ++i) RunOne(step);
    });
    return static_cast<int>(recorded_.size()) - 1;
  }

  HostTile tile_;
  std::vector<std::unique_ptr<char[]>> memory_;
  std::vector<std::function<void()>> recorded_;
};

}  // namespace

std::unique_ptr<Backend> MakeHostBackend(HostTile tile) {
  return std::make_unique<HostBackend>(tile);
}

}  // namespace estuary::learner::cuda
