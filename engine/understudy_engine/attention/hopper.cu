// Softmax attention on Hopper, head dim 128, over all keys: QK_BYTES 1 for int8 scores, 2 for bfloat16; PV_BYTES 1 for
// e4m3 weights and values, 2 for bfloat16.
//
// A block makes 128 rows of one head: a producer warp brings tiles of 128 keys and their values, and two warpgroups make
// 64 rows each. A tile's scores are multiplied while the values of the tile before are: softmax works beside the second.
// Where e4m3 is multiplied the tensor cores add with 14 bits, so every four tiles what they have is added to float32.
#include "hopper.cuh"

#ifndef STAGES
#define STAGES 4
#endif

constexpr int TILE = 128, DIM = 128, ROWS = 64, CONSUMER_WARPS = 8;
constexpr int QK_TILE = PANEL * QK_BYTES;
constexpr int SUMS = PV_BYTES == 1;                                   // eight rows of ones behind the values: their products are the weights' sums
constexpr int V_TILE = SUMS ? PANEL + 8 * 128 : 2 * PANEL;
constexpr int OUTS = SUMS ? 68 : 64, STEPS = PV_BYTES == 2 ? 8 : 4;   // registers of a result; products of one instruction's depth in a tile
constexpr int EARLY = SUMS ? 16 : 32;                                 // weights of a tile that are made before anything is waited for
constexpr float LAZY = PV_BYTES == 2 ? 8.0f : 0.5f;                   // log2: so much may scores lie above the maximum that is subtracted
constexpr float REACH = 100.0f;                                       // log2: weights so far above one are finite still, and sums of them
constexpr float LIFT = PV_BYTES == 2 ? 0.0f : 7.0f;                   // log2: weights are stored so much larger, to use e4m3's range

// Whether the products with tile j's values are added to those before them.
__device__ constexpr bool adds(u32 j) { return !SUMS || (j & 3) != 0; }

#if QK_BYTES == 1
typedef int Score;
constexpr float OFFSET = 12582912.0f;  // 1.5 · 2^23: an int added to its bits is added to its value, and no conversion is needed
__device__ __forceinline__ float value(Score s) { return __int_as_float(s + 0x4B400000); }
__device__ __forceinline__ void multiply_qk(Score (&s)[64], u64 q, u64 k, int add) {
  asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %66, 0;\nwgmma.mma_async.sync.aligned.m64n128k32.s32.s8.s8 {" NUMBERS_64 "}, %64, %65, p;\n}"
               : R64("+r", s) : "l"(q), "l"(k), "r"(add));
}
#else
typedef float Score;
constexpr float OFFSET = 0.0f;
__device__ __forceinline__ float value(Score s) { return s; }
__device__ __forceinline__ void multiply_qk(Score (&s)[64], u64 q, u64 k, int add) {
  asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %66, 0;\nwgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {" NUMBERS_64 "}, %64, %65, p, 1, 1, 0, 0;\n}"
               : R64("+f", s) : "l"(q), "l"(k), "r"(add));
}
#endif

__device__ __forceinline__ void multiply_pv(float (&o)[OUTS], const u32 (&p)[4], u64 v, int add) {
#if PV_BYTES == 2
  asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %69, 0;\nwgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {" NUMBERS_64 "}, {%64,%65,%66,%67}, %68, p, 1, 1, 0;\n}"
               : R64("+f", o) : "r"(p[0]), "r"(p[1]), "r"(p[2]), "r"(p[3]), "l"(v), "r"(add));
#else
  asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %73, 0;\nwgmma.mma_async.sync.aligned.m64n136k32.f32.e4m3.e4m3 {" NUMBERS_64 ",%64,%65,%66,%67}, {%68,%69,%70,%71}, %72, p, 1, 1;\n}"
               : R64("+f", o), "+f"(o[64]), "+f"(o[65]), "+f"(o[66]), "+f"(o[67])
               : "r"(p[0]), "r"(p[1]), "r"(p[2]), "r"(p[3]), "l"(v), "r"(add));
#endif
}

// From an operand's spot to that of its i-th step in depth, of 32 bytes, in panels of 128.
__device__ constexpr u32 step(int i) { return ((i / 4) * PANEL + (i % 4) * 32) / 16; }

// One tile's scores of 64 rows.
__device__ __forceinline__ void scores(Score (&s)[64], u32 q, u32 k) {
#pragma unroll
  for (int i = 0; i < 4 * QK_BYTES; ++i) multiply_qk(s, descriptor_of(q + step(i)), descriptor_of(k + step(i)), i > 0);
}
__device__ __forceinline__ void values(float (&o)[OUTS], const u32 (&p)[STEPS][4], u32 v, int add) {
#pragma unroll
  for (int i = 0; i < STEPS; ++i) multiply_pv(o, p[i], descriptor_of(v + step(i)), add || i > 0);
}

// 2^x, made where it stands: else the compiler moves all of them behind the wait for the products they are to run beside.
__device__ __forceinline__ float exp2_here(float x) {
  float y;
  asm volatile("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// The softmax of one tile, of a thread's two rows (row and row + 8 of its warp's sixteen).
struct Softmax {
  float most[2], sum[2], shrunk[2];  // log2 units; shrunk: what older results are worth since the maximum grew
  bool grown;

  // Scores to exponents of the weights. Where scores are bounded the maximum of the first tile is as good as any: weights
  // may be large, and are finite.
  template <bool BOUNDED, bool LAST>
  __device__ __forceinline__ void exponents(float (&x)[64], const Score (&s)[64], float c0, float c1, int valid, int lane) {
    grown = false;
    if (LAST || !BOUNDED) {
#pragma unroll
      for (int i = 0; i < 64; ++i) x[i] = LAST && (i / 4) * 8 + (lane & 3) * 2 + (i & 1) >= valid ? -INFINITY : value(s[i]);
    }
    if (!BOUNDED) find_maximum(x, c0, c1);
    const float b0 = LIFT - fmaf(OFFSET, c0, most[0]), b1 = LIFT - fmaf(OFFSET, c1, most[1]);
#pragma unroll
    for (int i = 0; i < 64; ++i) {
      const float score = LAST || !BOUNDED ? x[i] : value(s[i]);
      x[i] = i & 2 ? fmaf(score, c1, b1) : fmaf(score, c0, b0);
    }
  }

  template <int FROM, int TO> __device__ __forceinline__ void weights(float (&x)[64]) {
#pragma unroll
    for (int i = FROM; i < TO; i += 4) {
#pragma unroll
      for (int k = 0; k < 4; ++k) x[i + k] = exp2_here(x[i + k]);
      if (!SUMS) { sum[0] += x[i] + x[i + 1]; sum[1] += x[i + 2] + x[i + 3]; }
    }
  }

  // Of the sums: nothing, as the function below says.
  __device__ __forceinline__ u32 signs() const { return (__float_as_uint(sum[0]) | __float_as_uint(sum[1])) >> 31; }

  __device__ __forceinline__ void find_maximum(const float (&x)[64], float c0, float c1) {
    float h[8];
#pragma unroll
    for (int i = 0; i < 8; ++i) h[i] = fmaxf(x[i], x[8 + i]);
#pragma unroll
    for (int i = 16; i < 64; ++i) h[i % 8] = fmaxf(h[i % 8], x[i]);
    float t0 = fmaxf(fmaxf(h[0], h[1]), fmaxf(h[4], h[5])), t1 = fmaxf(fmaxf(h[2], h[3]), fmaxf(h[6], h[7]));
    t0 = fmaxf(t0, __shfl_xor_sync(~0u, t0, 1)); t0 = (fmaxf(t0, __shfl_xor_sync(~0u, t0, 2)) - OFFSET) * c0;
    t1 = fmaxf(t1, __shfl_xor_sync(~0u, t1, 1)); t1 = (fmaxf(t1, __shfl_xor_sync(~0u, t1, 2)) - OFFSET) * c1;
    grown = __any_sync(~0u, t0 > most[0] + LAZY || t1 > most[1] + LAZY);
    if (grown) {
      const float n0 = fmaxf(most[0], t0), n1 = fmaxf(most[1], t1);
      shrunk[0] = exp2_fast(most[0] - n0); shrunk[1] = exp2_fast(most[1] - n1);
      most[0] = n0; most[1] = n1; sum[0] *= shrunk[0]; sum[1] *= shrunk[1];
    }
  }

  // Whether weights are too large for e4m3, whose greatest number is 0x7e, or sums of them soon for float32.
  __device__ __forceinline__ bool is_over(const u32 (&p)[STEPS][4]) const {
    if (!SUMS) return sum[0] > 1e30f || sum[1] > 1e30f;
    u32 full = 0;
#pragma unroll
    for (int i = 0; i < STEPS; ++i) {
      full |= (p[i][0] + 0x02020202u) | (p[i][1] + 0x02020202u);
      full |= (p[i][2] + 0x02020202u) | (p[i][3] + 0x02020202u);
    }
    return full & 0x80808080u;
  }

  // Weights that are too large for their format, after all: as find_maximum, from the weights themselves.
  __device__ __forceinline__ void fit(float (&x)[64]) {
    float t0 = 0.0f, t1 = 0.0f;
#pragma unroll
    for (int i = 0; i < 64; i += 4) { t0 = fmaxf(t0, fmaxf(x[i], x[i + 1])); t1 = fmaxf(t1, fmaxf(x[i + 2], x[i + 3])); }
    t0 = fmaxf(t0, __shfl_xor_sync(~0u, t0, 1)); t0 = fmaxf(t0, __shfl_xor_sync(~0u, t0, 2));
    t1 = fmaxf(t1, __shfl_xor_sync(~0u, t1, 1)); t1 = fmaxf(t1, __shfl_xor_sync(~0u, t1, 2));
    const float up0 = fmaxf(0.0f, log2_fast(t0) - LIFT), up1 = fmaxf(0.0f, log2_fast(t1) - LIFT);
    grown = true;
    shrunk[0] = exp2_fast(-up0); shrunk[1] = exp2_fast(-up1); most[0] += up0; most[1] += up1; sum[0] *= shrunk[0]; sum[1] *= shrunk[1];
#pragma unroll
    for (int i = 0; i < 64; i += 4) { x[i] *= shrunk[0]; x[i + 1] *= shrunk[0]; x[i + 2] *= shrunk[1]; x[i + 3] *= shrunk[1]; }
  }

  __device__ __forceinline__ void shrink(float (&o)[OUTS]) const {
#pragma unroll
    for (int i = 0; i < OUTS; i += 4) { o[i] *= shrunk[0]; o[i + 1] *= shrunk[0]; o[i + 2] *= shrunk[1]; o[i + 3] *= shrunk[1]; }
  }
};

// Weights as the first operand of a product. For e4m3 a thread holds four neighbours in depth where it has two, so the
// values' keys are stored in the order that results: turn_values of ops/triton_kernels.py.
__device__ __forceinline__ void pack(u32 (&p)[STEPS][4], const float (&x)[64]) {
#if PV_BYTES == 2
#pragma unroll
  for (int i = 0; i < 16; ++i) {
    p[i / 2][(i & 1) * 2] = pack_bf16(x[4 * i], x[4 * i + 1]);
    p[i / 2][(i & 1) * 2 + 1] = pack_bf16(x[4 * i + 2], x[4 * i + 3]);
  }
#else
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    p[i / 2][(i & 1) * 2] = pack_e4m3(x[8 * i], x[8 * i + 1], x[8 * i + 4], x[8 * i + 5]);
    p[i / 2][(i & 1) * 2 + 1] = pack_e4m3(x[8 * i + 2], x[8 * i + 3], x[8 * i + 6], x[8 * i + 7]);
  }
#endif
}
// The square of a row's length, of the query rows in shared memory, in their own units; a quad's threads take a quarter each.
__device__ __forceinline__ float square(u32 at, int lane) {
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < 8 * QK_BYTES; ++i) {
    u32 word;
    asm volatile("ld.shared.u32 %0, [%1];" : "=r"(word) : "r"(at + (i / 8) * PANEL + (lane & 3) * 32 + (i % 8) * 4));
#if QK_BYTES == 1
    sum += (float)__dp4a((int)word, (int)word, 0);
#else
    const float low = __uint_as_float(word << 16), high = __uint_as_float(word & 0xffff0000u);
    sum = fmaf(low, low, fmaf(high, high, sum));
#endif
  }
  sum += __shfl_xor_sync(~0u, sum, 1);
  return sum + __shfl_xor_sync(~0u, sum, 2);
}
__device__ __forceinline__ void add(float (&to)[OUTS], const float (&part)[OUTS]) {
#pragma unroll
  for (int i = 0; i < OUTS; ++i) to[i] += part[i];
}
// The signs of weights that are made already: nothing, which the compiler does not know. What depends on it comes after them.
__device__ __forceinline__ u32 signs(const float (&x)[64]) {
  u32 bits = 0;
#pragma unroll
  for (int i = 0; i < EARLY; ++i) bits |= __float_as_uint(x[i]);
  return bits >> 31;
}

struct Barriers { u64 q, k_full[STAGES], k_free[STAGES], v_full[STAGES], v_free[STAGES]; };

// Where tiles lie, and the barriers that say of each whether it has come and whether it may be written over.
struct Tiles {
  u32 k_at, v_at, k_full, k_free, v_full, v_free;

  __device__ __forceinline__ void await_k(u32 j, u32 nothing = 0) const { barrier_wait(k_full + 8 * (j % STAGES), (j / STAGES & 1) ^ nothing); }
  __device__ __forceinline__ void await_v(u32 j) const { barrier_wait(v_full + 8 * (j % STAGES), j / STAGES & 1); }
  __device__ __forceinline__ void leave_k(u32 j) const { barrier_arrive(k_free + 8 * (j % STAGES)); }
  __device__ __forceinline__ void leave_v(u32 j) const { barrier_arrive(v_free + 8 * (j % STAGES)); }
  __device__ __forceinline__ u32 k_spot(u32 j) const { return spot(k_at) + j % STAGES * (QK_TILE / 16); }
  __device__ __forceinline__ u32 v_spot(u32 j) const { return spot(v_at) + j % STAGES * (V_TILE / 16); }

  // Brings tile after tile; one thread's work.
  __device__ __forceinline__ void bring(const TensorMap& k, const TensorMap& v, u32 count, int head) const {
    for (u32 j = 0; j < count; ++j) {
      const u32 stage = j % STAGES, phase = (j / STAGES & 1) ^ 1, k_bar = k_full + 8 * stage, v_bar = v_full + 8 * stage;
      barrier_wait(k_free + 8 * stage, phase);
      barrier_expect(k_bar, QK_TILE);
      for (int i = 0; i < QK_BYTES; ++i) copy_box(k_at + stage * QK_TILE + i * PANEL, k, k_bar, i * (128 / QK_BYTES), head, j * TILE);
      barrier_wait(v_free + 8 * stage, phase);
      barrier_expect(v_bar, V_TILE);
      for (int i = 0; i < PV_BYTES; ++i) copy_box(v_at + stage * V_TILE + i * PANEL, v, v_bar, j * TILE + i * (128 / PV_BYTES), 0, head);
    }
  }
};

// What a warpgroup holds of its 64 rows.
struct Rows {
  float o[OUTS], part[OUTS], x[64];  // part: of up to four tiles, where e4m3 is multiplied
  Score s[64];
  u32 p[STEPS][4];
  Softmax softmax;

  // The first tile's scores and softmax.
  __device__ __forceinline__ void begin(const Tiles& tiles, u32 q_spot, float c0, float c1, int valid, int lane) {
#pragma unroll
    for (int i = 0; i < OUTS; ++i) o[i] = 0.0f;
    softmax = {{-INFINITY, -INFINITY}, {0.0f, 0.0f}, {1.0f, 1.0f}, false};
    tiles.await_k(0);
    wgmma_fence(); scores(s, q_spot, tiles.k_spot(0)); wgmma_commit();
    wgmma_wait<0>();
    if (lane == 0) tiles.leave_k(0);
    softmax.exponents<false, true>(x, s, c0, c1, valid, lane);
    softmax.weights<0, 64>(x);
    pack(p, x);
  }

  // The products with the values of tile j; with the scores of tile j + 1 and their softmax beside them. Tiles are waited for
  // ahead of their use, while there is other work; LAST: tile j + 1 is, and may not be whole.
  template <bool BOUNDED, bool LAST>
  __device__ __forceinline__ void advance(const Tiles& tiles, u32 j, u32 q_spot, float c0, float c1, int valid, int lane) {
    wgmma_fence();
    scores(s, q_spot, tiles.k_spot(j + 1));
    wgmma_commit();
    values(SUMS ? part : o, p, tiles.v_spot(j), adds(j));
    wgmma_commit();
    wgmma_wait<1>();
    if (lane == 0) tiles.leave_k(j + 1);
    softmax.exponents<BOUNDED, LAST>(x, s, c0, c1, valid, lane);
    softmax.weights<0, EARLY>(x);
    if (!LAST) tiles.await_k(j + 2, SUMS ? signs(x) : softmax.signs());
    wgmma_wait<0>();  // the other products have had time, and p may be written
    if (lane == 0) tiles.leave_v(j);
    softmax.weights<EARLY, 64>(x);
    pack(p, x);
    const bool over = BOUNDED && __any_sync(~0u, softmax.is_over(p));
    tiles.await_v(j + 1);
    if (over || softmax.grown || !adds(j + 1)) settle(over, adds(j + 1));
  }

  // What comes up now and then, behind one branch: weights that are too large, results that are worth less, a part that is
  // full (no more is added to it).
  __device__ __forceinline__ void settle(bool over, bool more) {
    if (over) { softmax.fit(x); pack(p, x); }
    if (SUMS && !more) add(o, part);
    if (!softmax.grown) return;
    if (SUMS && more) softmax.shrink(part);
    softmax.shrink(o);
  }

  // The products with the last tile's values.
  __device__ __forceinline__ void end(const Tiles& tiles, u32 j) {
    wgmma_fence(); values(SUMS ? part : o, p, tiles.v_spot(j), adds(j)); wgmma_commit();
    wgmma_wait<0>();
    if (SUMS) add(o, part);
  }

  // The sums of both rows' weights.
  __device__ __forceinline__ float2 sums(int lane) const {
    if (SUMS) return {__shfl_sync(~0u, o[OUTS - 4], lane & ~3), __shfl_sync(~0u, o[OUTS - 2], lane & ~3)};
    float l0 = softmax.sum[0], l1 = softmax.sum[1];
    l0 += __shfl_xor_sync(~0u, l0, 1); l0 += __shfl_xor_sync(~0u, l0, 2);
    l1 += __shfl_xor_sync(~0u, l1, 1); l1 += __shfl_xor_sync(~0u, l1, 2);
    return {l0, l1};
  }
};

// q_scale (heads, q_rows) and k_scale (heads, tiles) for int8, v_scale (heads, 128) for e4m3, k_length (heads): of the longest key;
// out (queries, heads, 128) bfloat16.
// scale is log2(e)/√128.
extern "C" __global__ void __launch_bounds__(384, 1)
attend(const __grid_constant__ TensorMap q, const __grid_constant__ TensorMap k, const __grid_constant__ TensorMap v,
       const float* __restrict__ q_scale, const float* __restrict__ k_scale, const float* __restrict__ v_scale, const float* __restrict__ k_length,
       u32* __restrict__ out,
       int queries, int keys, int heads, int q_rows, float scale) {
  extern __shared__ __align__(1024) u8 shared[];
  __shared__ Barriers barriers;
  const int head = blockIdx.y;
  const u32 count = (keys + TILE - 1) / TILE, q_at = (shared_address(shared) + 1023) & ~1023u, k_at = q_at + QK_TILE;
  const u32 q_full = shared_address(&barriers.q);
  const Tiles tiles = {k_at, k_at + STAGES * QK_TILE, shared_address(barriers.k_full), shared_address(barriers.k_free),
                       shared_address(barriers.v_full), shared_address(barriers.v_free)};
  if (threadIdx.x == 0) {
    barrier_init(q_full, 1);
    for (int i = 0; i < STAGES; ++i) {
      barrier_init(tiles.k_full + 8 * i, 1); barrier_init(tiles.v_full + 8 * i, 1);
      barrier_init(tiles.k_free + 8 * i, CONSUMER_WARPS); barrier_init(tiles.v_free + 8 * i, CONSUMER_WARPS);
    }
    barriers_ready();
  }
  __syncthreads();
  const u32 group = __shfl_sync(~0u, threadIdx.x / 128, 0);  // so that the compiler knows it for one number of a warp
  if (group == 0) {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 24;");
    if (threadIdx.x == 0) {
      barrier_expect(q_full, QK_TILE);
      for (int i = 0; i < QK_BYTES; ++i) copy_box(q_at + i * PANEL, q, q_full, i * (128 / QK_BYTES), head, blockIdx.x * TILE);
      tiles.bring(k, v, count, head);
    }
    return;
  }
  asm volatile("setmaxnreg.inc.sync.aligned.u32 240;");
  const int lane = threadIdx.x & 31, warp = (threadIdx.x >> 5) & 3, own = warp * 16 + lane / 4;
  const int row = blockIdx.x * TILE + (group - 1) * ROWS + own;  // and row + 8
  const u32 q_mine = q_at + (group - 1) * ROWS * 128, q_spot = spot(q_mine);
  float scale0 = scale, scale1 = scale;
#if QK_BYTES == 1
  const float *of_rows = q_scale + (size_t)head * q_rows, *of_keys = k_scale + (size_t)head * count;
  scale0 *= of_rows[min(row, queries - 1)]; scale1 *= of_rows[min(row + 8, queries - 1)];
#define STEP_OF(j) of_keys[j]
#else
#define STEP_OF(j) 1.0f
#endif
  barrier_wait(q_full, 0);
  Rows rows;
  rows.begin(tiles, q_spot, scale0 * STEP_OF(0), scale1 * STEP_OF(0), keys, lane);
  // no score is above both lengths' product
  const float length = k_length[head], over0 = scale0 * length * sqrtf(square(q_mine + own * 128, lane)) - rows.softmax.most[0],
              over1 = scale1 * length * sqrtf(square(q_mine + (own + 8) * 128, lane)) - rows.softmax.most[1];
  const bool bounded = __all_sync(~0u, over0 < REACH && over1 < REACH);
  if (count > 1) tiles.await_k(1);
  tiles.await_v(0);
  u32 j = 0;
// A macro: NVRTC takes no generic lambdas in kernels.
#define ADVANCE(BOUNDED, LAST) { const float c = STEP_OF(j + 1); \
    rows.advance<BOUNDED, LAST>(tiles, j, q_spot, scale0 * c, scale1 * c, keys - (int)(j + 1) * TILE, lane); ++j; }
  if (bounded) {
    while (j + 2 < count) ADVANCE(true, false)
    if (count > 1) ADVANCE(true, true)
  } else {
    while (j + 2 < count) ADVANCE(false, false)
    if (count > 1) ADVANCE(false, true)
  }
  rows.end(tiles, j);
  const float2 sums = rows.sums(lane);
  float (&o)[OUTS] = rows.o;
#if PV_BYTES == 1
#pragma unroll
  for (int i = 0; i < 64; ++i) o[i] *= v_scale[head * DIM + (i / 4) * 8 + (lane & 3) * 2 + (i & 1)];
#endif
  const float r0 = 1.0f / sums.x, r1 = 1.0f / sums.y;
  u32* to = out + ((size_t)row * heads + head) * (DIM / 2) + (lane & 3);
  const size_t eight = (size_t)8 * heads * (DIM / 2);
#pragma unroll
  for (int i = 0; i < 16; ++i) {
    if (row < queries) to[i * 4] = pack_bf16(o[4 * i] * r0, o[4 * i + 1] * r0);
    if (row + 8 < queries) to[eight + i * 4] = pack_bf16(o[4 * i + 2] * r1, o[4 * i + 3] * r1);
  }
}
