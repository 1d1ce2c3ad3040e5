// Matrix products of the sizes of these nets: tens to hundreds of rows, too small for a GPU's
// library to be quick about one by one. So one launch computes a *list* of products, each a batch
// over seeds and twins, with what stands around a product in a net folded in: bias and ReLU
// forward, the ReLU's mask backward, a bias's gradient beside its weight's.
//
// Arithmetic: float32 as it is, or on a GPU's matrix units, whose operands are TF32 (float32 with
// 10 bits of fraction): once, or thrice with what rounding to TF32 left over, which is float32
// again up to its last bits.
//
// A product is cut into tiles; a block of threads computes one tile as a ProductTile in rounds of
// Fetch (memory to registers), Store (registers to shared memory) and Compute, all threads in step.
// Sums run in one order whatever the machine, without atomics: the same numbers every time.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "learner/core/cuda/portable.h"
#include "learner/core/cuda/step_arguments.h"

namespace estuary::learner::cuda {

// c[m, n] = a[m, k] b[k, n] for each seed and twin; operands by strides in elements. c's columns
// are adjacent.
template <typename T>
struct Product {
  const T* a;
  const T* b;
  T* c;
  int m, n, k;
  int seeds, twins;
  int a_row, a_column, a_seed, a_twin;
  int b_row, b_column, b_seed, b_twin;
  int c_row, c_seed, c_twin;
  // May be null: added to every row of c. [n].
  const T* bias;
  // May be null: gets the sum of a's columns, [m].
  T* bias_gradient;
  int bias_seed, bias_twin;
  // max(c, 0).
  bool relu;
  // May be null: laid out as c; c is 0 where it is not positive.
  const T* mask;
};

inline constexpr int kMaxProducts = 8;

// The nearest TF32 number.
ESTUARY_DEVICE inline float RoundToTf32(float x) {
#ifdef __CUDA_ARCH__
  uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
  return __uint_as_float(bits);
#else
  // Half of the last bit that stays, away from zero; then the rest is cut off.
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  bits = (bits + 0x1000u) & 0xffffe000u;
  std::memcpy(&x, &bits, sizeof(bits));
  return x;
#endif
}

// What a number is in TF32, and what that leaves over.
struct Tf32 {
  float high;
  float low;

  ESTUARY_DEVICE explicit Tf32(float x) : high(RoundToTf32(x)), low(RoundToTf32(x - high)) {}
};

template <typename T>
struct ProductList {
  Product<T> items[kMaxProducts];
  int count = 0;

  void Add(const Product<T>& product) { items[count++] = product; }
};

// rows x columns of c a block, `depth` of k a round; each thread has thread_rows x thread_columns.
template <int rows_, int columns_, int depth_, int thread_rows_, int thread_columns_>
struct TileShape {
  static constexpr int rows = rows_, columns = columns_, depth = depth_;
  static constexpr int thread_rows = thread_rows_, thread_columns = thread_columns_;
  static constexpr int threads_across = columns / thread_columns;
  static constexpr int threads = rows / thread_rows * threads_across;
};
// For few tiles, so that every multiprocessor gets one; and for many, to load less a product.
using SmallTile = TileShape<32, 32, 32, 2, 4>;
using MediumTile = TileShape<64, 64, 16, 4, 4>;
using LargeTile = TileShape<128, 64, 16, 8, 4>;
// Of four warps, each 32 x 32 of it.
using TensorTile = TileShape<64, 64, 16, 8, 4>;

template <typename T>
ESTUARY_DEVICE inline int TilesOf(const Product<T>& p, int rows, int columns) {
  return ((p.m + rows - 1) / rows) * ((p.n + columns - 1) / columns) * p.seeds * p.twins;
}

template <typename T, typename Shape, Arithmetic arithmetic = Arithmetic::kPlain>
class ProductTile {
 public:
  static constexpr bool kTensor = arithmetic != Arithmetic::kPlain;
  static_assert(!kTensor || (std::is_same_v<T, float> && std::is_same_v<Shape, TensorTile>));
  // So that what a warp reads at once lies in different banks.
  static constexpr int kPad = kTensor ? 8 : 4;
  static constexpr int kLoadsA = Shape::rows * Shape::depth / Shape::threads;
  static constexpr int kLoadsB = Shape::columns * Shape::depth / Shape::threads;

  struct Registers {
    T sum[Shape::thread_rows][Shape::thread_columns] = {};
    T column_sum = 0;
    T a[kLoadsA];
    T b[kLoadsB];
  };
  struct alignas(16) Shared {
    T a[Shape::depth][Shape::rows + kPad];
    T b[Shape::depth][Shape::columns + kPad];
  };

  // `tile` counts the tiles of `p`, those of one seed and twin together.
  ESTUARY_DEVICE ProductTile(const Product<T>& p, int tile) : p_(p) {
    const int across = (p.n + Shape::columns - 1) / Shape::columns;
    const int down = (p.m + Shape::rows - 1) / Shape::rows;
    column_ = tile % across * Shape::columns;
    row_ = tile / across % down * Shape::rows;
    const int batch = tile / (across * down);
    const int64_t seed = batch / p.twins, twin = batch % p.twins;
    a_ = p.a + seed * p.a_seed + twin * p.a_twin;
    b_ = p.b + seed * p.b_seed + twin * p.b_twin;
    c_ = seed * p.c_seed + twin * p.c_twin;
    bias_ = seed * p.bias_seed + twin * p.bias_twin;
  }

  ESTUARY_DEVICE int rounds() const { return (p_.k + Shape::depth - 1) / Shape::depth; }

  ESTUARY_DEVICE void Fetch(int thread, int round, Registers& r) const {
    const int first = round * Shape::depth;
    for (int i = 0; i < kLoadsA; ++i) {
      const Place at = PlaceOf<Shape::rows>(i * Shape::threads + thread, p_.a_column == 1);
      const int m = row_ + at.across, k = first + at.depth;
      r.a[i] = m < p_.m && k < p_.k ? a_[int64_t{m} * p_.a_row + int64_t{k} * p_.a_column] : T(0);
    }
    for (int i = 0; i < kLoadsB; ++i) {
      const Place at = PlaceOf<Shape::columns>(i * Shape::threads + thread, p_.b_row == 1);
      const int n = column_ + at.across, k = first + at.depth;
      r.b[i] = n < p_.n && k < p_.k ? b_[int64_t{k} * p_.b_row + int64_t{n} * p_.b_column] : T(0);
    }
  }

  ESTUARY_DEVICE void Store(int thread, const Registers& r, Shared& shared) const {
    for (int i = 0; i < kLoadsA; ++i) {
      const Place at = PlaceOf<Shape::rows>(i * Shape::threads + thread, p_.a_column == 1);
      shared.a[at.depth][at.across] = r.a[i];
    }
    for (int i = 0; i < kLoadsB; ++i) {
      const Place at = PlaceOf<Shape::columns>(i * Shape::threads + thread, p_.b_row == 1);
      shared.b[at.depth][at.across] = r.b[i];
    }
  }

  ESTUARY_DEVICE void Compute(int thread, const Shared& shared, Registers& r) const {
    if constexpr (kTensor) {
      Multiply(thread, shared, r);
    } else {
      const int m = thread / Shape::threads_across * Shape::thread_rows;
      const int n = thread % Shape::threads_across * Shape::thread_columns;
      using PackA = Pack<T, Shape::thread_rows>;
      using PackB = Pack<T, Shape::thread_columns>;
#ifdef __CUDA_ARCH__
#pragma unroll
#endif
      for (int k = 0; k < Shape::depth; ++k) {
        const PackA a = *reinterpret_cast<const PackA*>(&shared.a[k][m]);
        const PackB b = *reinterpret_cast<const PackB*>(&shared.b[k][n]);
        for (int i = 0; i < Shape::thread_rows; ++i) {
          for (int j = 0; j < Shape::thread_columns; ++j) {
            r.sum[i][j] = std::fma(a.values[i], b.values[j], r.sum[i][j]);
          }
        }
      }
    }
    if (p_.bias_gradient != nullptr && column_ == 0 && thread < Shape::rows) {
      for (int k = 0; k < Shape::depth; ++k) r.column_sum += shared.a[k][thread];
    }
  }

  ESTUARY_DEVICE void Finish(int thread, const Registers& r) const {
    for (int i = 0; i < Shape::thread_rows; ++i) {
      for (int j = 0; j < Shape::thread_columns; ++j) {
        const Element at_tile = ElementOf(thread, i, j);
        const int m = row_ + at_tile.row, n = column_ + at_tile.column;
        if (m >= p_.m || n >= p_.n) continue;
        const int64_t at = c_ + int64_t{m} * p_.c_row + n;
        T value = r.sum[i][j];
        if (p_.bias != nullptr) value += p_.bias[bias_ + n];
        if (p_.relu) value = Max(value, T(0));
        if (p_.mask != nullptr && !(p_.mask[at] > T(0))) value = 0;
        p_.c[at] = value;
      }
    }
    if (p_.bias_gradient != nullptr && column_ == 0 && thread < Shape::rows &&
        row_ + thread < p_.m) {
      p_.bias_gradient[bias_ + row_ + thread] = r.column_sum;
    }
  }

 private:
  struct Element {
    int row, column;
  };

  // Where a thread's sum[i][j] belongs in the tile. On the matrix units, sum[4 x + y] are a
  // thread's numbers of the product of 16 x 8 at (16 x, 8 y) of its warp's 32 x 32.
  ESTUARY_DEVICE static Element ElementOf(int thread, int i, int j) {
    if constexpr (kTensor) {
      const int warp = thread / 32, lane = thread % 32;
      return {warp / 2 * 32 + i / 4 * 16 + lane / 4 + j / 2 * 8,
              warp % 2 * 32 + i % 4 * 8 + lane % 4 * 2 + j % 2};
    } else {
      return {thread / Shape::threads_across * Shape::thread_rows + i,
              thread % Shape::threads_across * Shape::thread_columns + j};
    }
  }

#ifdef __CUDA_ARCH__
  // c[16, 8] += a[16, 8] b[8, 8], a warp together.
  __device__ static void Mma(float (&c)[4], const float (&a)[4], const float (&b)[2]) {
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(__float_as_uint(a[0])), "r"(__float_as_uint(a[1])), "r"(__float_as_uint(a[2])),
          "r"(__float_as_uint(a[3])), "r"(__float_as_uint(b[0])), "r"(__float_as_uint(b[1])));
  }

  __device__ void Multiply(int thread, const Shared& shared, Registers& r) const {
    const int warp = thread / 32, group = thread % 32 / 4, place = thread % 4;
    const int m = warp / 2 * 32 + group, n = warp % 2 * 32 + group;
#pragma unroll
    for (int k = 0; k < Shape::depth; k += 8) {
      float a[2][4], a_low[2][4], b[4][2], b_low[4][2];
#pragma unroll
      for (int x = 0; x < 2; ++x) {
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          const Tf32 split(shared.a[k + place + e / 2 * 4][m + 16 * x + e % 2 * 8]);
          a[x][e] = split.high;
          a_low[x][e] = split.low;
        }
      }
#pragma unroll
      for (int y = 0; y < 4; ++y) {
#pragma unroll
        for (int e = 0; e < 2; ++e) {
          const Tf32 split(shared.b[k + place + 4 * e][n + 8 * y]);
          b[y][e] = split.high;
          b_low[y][e] = split.low;
        }
      }
#pragma unroll
      for (int x = 0; x < 2; ++x) {
#pragma unroll
        for (int y = 0; y < 4; ++y) {
          if constexpr (arithmetic == Arithmetic::kTensor3) {
            Mma(r.sum[4 * x + y], a_low[x], b[y]);
            Mma(r.sum[4 * x + y], a[x], b_low[y]);
          }
          Mma(r.sum[4 * x + y], a[x], b[y]);
        }
      }
    }
  }
#else
  // The same sums, a thread's own one after the other.
  void Multiply(int thread, const Shared& shared, Registers& r) const {
    for (int i = 0; i < Shape::thread_rows; ++i) {
      for (int j = 0; j < Shape::thread_columns; ++j) {
        const Element at = ElementOf(thread, i, j);
        for (int k = 0; k < Shape::depth; ++k) {
          const Tf32 a(shared.a[k][at.row]), b(shared.b[k][at.column]);
          if (arithmetic == Arithmetic::kTensor3) r.sum[i][j] += a.low * b.high + a.high * b.low;
          r.sum[i][j] += a.high * b.high;
        }
      }
    }
  }
#endif

  struct Place {
    int across;
    int depth;
  };

  // Where element `e` of a tile goes. Neighbouring threads read neighbouring memory and write to
  // different banks of shared memory: along k in runs of 8 where k is what is adjacent.
  template <int width>
  ESTUARY_DEVICE static Place PlaceOf(int e, bool adjacent_depth) {
    if (!adjacent_depth) return {e % width, e / width};
    constexpr int kDepthRuns = Shape::depth / 8;
    return {e / 8 % 4 + e / (32 * kDepthRuns) * 4, e % 8 + e / 32 % kDepthRuns * 8};
  }

  const Product<T>& p_;
  int row_, column_;
  const T* a_;
  const T* b_;
  int64_t c_, bias_;
};

}  // namespace estuary::learner::cuda
